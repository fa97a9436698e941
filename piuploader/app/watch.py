"""Follow the server's queues, for a while or until they settle."""

from collections.abc import Callable, Collection, Iterator
from enum import Enum

from piuploader.core.flow import Flow, View
from piuploader.core.outlook import never_settles
from piuploader.errors import ServerBusy, ServerUnreachable
from piuploader.ports import QueueServer

HOPELESS_LOOKS = 3  # looks in a row that show nothing but paused or stuck queues
LOST_LOOKS = 10  # looks in a row without an answer


class Outcome(Enum):
    """How waiting for the server ended."""

    SETTLED = "settled"
    TIMEOUT = "timeout"
    HALTED = "halted"  # all that is left is paused or stuck: it would never end


def follow(
    server: QueueServer,
    *,
    clock: Callable[[], float],
    wait: Callable[[float], object],
    every_s: float,
) -> Iterator[View]:
    """Look every few seconds, for ever; a server that is away is asked again.

    Raises the error of the first look, and that of a server that stays away.
    """
    flow = Flow()
    lost, seen = 0, False
    while True:
        try:
            view = flow.look(clock(), server.queues())
            lost, seen = 0, True
        except (ServerUnreachable, ServerBusy):
            lost += 1
            if not seen or lost >= LOST_LOOKS:
                raise
        else:
            yield view
        wait(every_s)


def measure(views: Iterator[View], *, clock: Callable[[], float], seconds: float) -> View:
    """Look until the pace is known or the server is seen to be settled, and return the last look.

    Takes `seconds` at most, and no longer than is needed.
    """
    until_s = clock() + seconds
    for view in views:
        known = view.settled or (view.pace is not None and not _changing(view))
        if known or clock() >= until_s:
            return view
    raise AssertionError  # views do not end


def wait_until_settled(
    views: Iterator[View],
    *,
    clock: Callable[[], float],
    timeout_s: float | None,
    show: Callable[[View], object],
    held: Callable[[], Collection[str]] = tuple,
) -> Outcome:
    """Look until the server is settled, or cannot become so, or the time is up.

    `held`: queues that a piuploader of this device holds, and will give back.
    """
    until_s = None if timeout_s is None else clock() + timeout_s
    hopeless = 0
    for view in views:
        show(view)
        if view.settled:
            return Outcome.SETTLED
        hopeless = hopeless + 1 if never_settles(view, held()) else 0
        if hopeless >= HOPELESS_LOOKS:
            return Outcome.HALTED
        if until_s is not None and clock() >= until_s:
            return Outcome.TIMEOUT
    raise AssertionError  # views do not end


def _changing(view: View) -> bool:
    """Tell whether the queues are just being seen empty: then the next looks prove it."""
    return not view.busy and not view.settled
