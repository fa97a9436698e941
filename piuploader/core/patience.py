"""What to do about a failure: one table decides.

A failure is about one file, about the server as a whole, or about the run:

    try again    this file, after a pause that doubles, with jitter
    give up      on this file, with a reason; the others go on
    stop         the run: nothing that follows could go better

Before a file is tried again after the server failed it, the caller asks
whether the server is there at all (`is_about_server`). If not, everything
waits, and the time away is not held against any file.
"""

from dataclasses import dataclass
from enum import Enum

from piuploader import errors
from piuploader.core.tally import Reason


class Action(Enum):
    """The three ways to go on after a failure."""

    RETRY = "try again"
    GIVE_UP = "give up on this file"
    STOP = "stop the run"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of failure is met."""

    tries: int  # in all; 1: no second one
    then: Action  # once they are used up
    reason: Reason  # what the file is told


# The first class that fits decides, so the special ones stand first.
RULES: tuple[tuple[type[errors.PiUploaderError], Rule], ...] = (
    (errors.DriveRemoved, Rule(1, Action.STOP, Reason.DRIVE_REMOVED)),
    # A USB stick that hiccups answers the second time; a bad block does not.
    (errors.FileUnreadable, Rule(2, Action.GIVE_UP, Reason.UNREADABLE)),
    (errors.FileChanged, Rule(3, Action.GIVE_UP, Reason.CHANGED)),
    (errors.DriveError, Rule(1, Action.STOP, Reason.UNREADABLE)),
    (errors.FileTooLarge, Rule(1, Action.GIVE_UP, Reason.TOO_LARGE)),
    (errors.FileRefused, Rule(1, Action.GIVE_UP, Reason.REFUSED)),
    (errors.ServerRefusedKey, Rule(1, Action.STOP, Reason.STOPPED)),
    (errors.ServerFull, Rule(1, Action.STOP, Reason.SERVER_FULL)),
    (errors.ServerTooOld, Rule(1, Action.STOP, Reason.STOPPED)),
    # 503 beyond what a server takes at a time is normal: be patient.
    (errors.ServerBusy, Rule(8, Action.GIVE_UP, Reason.GAVE_UP)),
    (errors.ServerUnreachable, Rule(8, Action.GIVE_UP, Reason.GAVE_UP)),
    (errors.ServerError, Rule(3, Action.GIVE_UP, Reason.GAVE_UP)),
)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
# So many files in a row given up, none sent in between: the server fails them all.
HOPELESS = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about one failure of one file."""

    action: Action
    reason: Reason
    pause_s: float = 0.0


def judge(error: errors.PiUploaderError, *, tried: int, luck: float) -> Verdict:
    """Decide what follows a failure of a file that was tried `tried` times, this one included.

    `luck` in [0, 1) spreads the pauses, so that many uploads do not come back at once.
    """
    rule = next((rule for kind, rule in RULES if isinstance(error, kind)), None)
    if rule is None:
        return Verdict(Action.STOP, Reason.STOPPED)
    if tried >= rule.tries:
        return Verdict(rule.then, rule.reason)
    asked = error.retry_after_s if isinstance(error, errors.ServerBusy) else None
    return Verdict(Action.RETRY, rule.reason, pause_s(tried, luck=luck, asked=asked))


def pause_s(tried: int, *, luck: float, asked: float | None = None) -> float:
    """Return how long to wait before the next try: doubling, half of it by chance.

    A server that names a time (Retry-After) gets it, up to the longest pause.
    """
    doubled = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(tried - 1, 16))
    spread = doubled * (0.5 + luck / 2)
    return min(LONGEST_PAUSE_S, max(spread, asked or 0.0))


def is_about_server(error: errors.PiUploaderError) -> bool:
    """Tell whether a failure may mean that the server is away altogether."""
    return isinstance(error, errors.ServerUnreachable | errors.ServerBusy)
