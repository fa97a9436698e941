"""The drives that are in, in the order of their arrival: who is next, and how a visit ends.

    arrives ──> waits for its turn ──> is imported ──> at rest ──> is pulled: forgotten
                     ^                      │
                     └── the server was ────┘
                         away: later

A drive that is pulled before it is at rest stays on the list, with a light,
until any drive arrives or a person presses the button: somebody should know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from piuploader.core.appliance import DriveState, account_sentence
from piuploader.core.drives import FoundDrive
from piuploader.core.patience import pause_s
from piuploader.core.session import AT_REST, Phase
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending
from piuploader.errors import DriveRemoved, PiUploaderError, ServerBusy, ServerUnreachable

LONGEST_RETRY_S = 60.0
PULLED = "pulled out before it was done: plug it in again, the rest will follow"
FLAPS = 3  # so often in a row a drive may go away by itself
WOBBLE_S = 3.0  # until it is there again, if it comes
IN_LINE = "waits for its turn"


@dataclass(frozen=True, slots=True)
class Visit:
    """One drive, from plugged in to pulled out."""

    drive: FoundDrive
    phase: Phase = Phase.MOUNTING  # waits for its turn
    sentence: str = IN_LINE
    present: bool = True
    status: ImportStatus | None = None
    tries: int = 0  # in vain, one after the other
    due_s: float = 0.0  # not before this moment of the daemon's clock

    @property
    def label(self) -> str:
        """What a person calls the drive."""
        return self.status.drive if self.status else self.drive.name

    @property
    def is_waiting(self) -> bool:
        """Tell whether it is still to be imported."""
        return self.present and self.phase in {Phase.MOUNTING, Phase.PAUSED}


def arrive_and_leave(
    visits: Iterable[Visit], found: Sequence[FoundDrive], *, running: str
) -> tuple[Visit, ...]:
    """Return the list after another look. `running` is the key of the drive being imported."""
    there = {drive.key for drive in found}
    known: list[Visit] = []
    for visit in visits:
        if visit.drive.key in there or not visit.present:
            known.append(visit)
        elif visit.drive.key == running:
            known.append(replace(visit, present=False))  # until its import has ended
        elif visit.phase not in AT_REST:
            known.append(pulled(visit))
    keys = {visit.drive.key for visit in known if visit.present}
    new = tuple(_arrival(drive) for drive in found if drive.key not in keys)
    if new:
        known = [visit for visit in known if visit.present or visit.drive.key == running]
    return (*known, *new)


def next_due(visits: Iterable[Visit], *, now_s: float) -> Visit | None:
    """Return the visit whose turn it is: who came first, unless it is to wait."""
    return next((each for each in visits if each.is_waiting and each.due_s <= now_s), None)


def seconds_to_due(visits: Iterable[Visit], *, now_s: float) -> float | None:
    """Return how long until the next turn, None if nobody waits."""
    waits = [max(0.0, each.due_s - now_s) for each in visits if each.is_waiting]
    return min(waits, default=None)


def ended(visit: Visit, status: ImportStatus) -> Visit:
    """Return the visit after its import came to an end in order."""
    return replace(
        visit,
        phase=status.phase,
        status=status,
        sentence=account_sentence(status),
        tries=0,
    )


def failed(visit: Visit, error: PiUploaderError, *, now_s: float, luck: float) -> Visit:
    """Return the visit after its import ended with an error; `luck` in [0, 1) spreads retries."""
    if isinstance(error, DriveRemoved) and visit.tries < FLAPS:
        # Pulled, and the next look will tell; or its plug only wobbled, and it is there again.
        tries = visit.tries + 1
        return paused(visit, f"went away: {error}", tries=tries, due_s=now_s + WOBBLE_S)
    if isinstance(error, ServerUnreachable | ServerBusy):
        tries = visit.tries + 1
        later_s = min(LONGEST_RETRY_S, pause_s(tries, luck=luck))
        return paused(visit, f"waits for the server: {error}", tries=tries, due_s=now_s + later_s)
    said = f"{error}. {error.hint}".rstrip(". ") + "."
    return replace(visit, phase=Phase.FAILED, sentence=said, status=_rested(visit.status))


def pulled(visit: Visit) -> Visit:
    """Return the visit of a drive that was pulled out before it was done."""
    return replace(
        visit,
        present=False,
        phase=Phase.FAILED,
        sentence=PULLED,
        status=_rested(visit.status),
    )


def paused(visit: Visit, sentence: str, *, tries: int, due_s: float) -> Visit:
    """Return the visit that has to wait, and why."""
    status = visit.status and replace(
        visit.status, phase=Phase.PAUSED, pause_reason=sentence, transfers=(), uploads_active=0
    )
    return replace(
        visit, phase=Phase.PAUSED, sentence=sentence, tries=tries, due_s=due_s, status=status
    )


def let_go(visit: Visit, sentence: str) -> Visit:
    """Return the visit that a person ended: at rest, but not all is done."""
    return replace(visit, phase=Phase.INCOMPLETE, sentence=sentence, status=_rested(visit.status))


def again(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    """Let all drives that are in be imported again, now; forget those that are gone."""
    return tuple(
        visit if visit.drive.problem else Visit(visit.drive) for visit in visits if visit.present
    )


def state_of(visit: Visit) -> DriveState:
    """Draw what is shown of a visit."""
    return DriveState(
        name=visit.label,
        phase=visit.phase,
        sentence=visit.sentence,
        present=visit.present,
        status=visit.status,
    )


def account_lines(visit: Visit) -> list[str]:
    """Tell a session's end in a few lines for the journal: what a person would ask first."""
    lines = [f"Session over: drive={visit.label} phase={visit.phase.value}", visit.sentence]
    status = visit.status
    if status:
        counts = " ".join(f"{each.value}={status.tally.endings[each]}" for each in Ending)
        lines.append(f"Files: found={status.tally.found} {counts}")
        rate = status.sent_bytes / status.seconds if status.seconds else 0.0
        lines.append(
            f"Bytes: read={status.read_bytes} sent={status.sent_bytes} "
            f"seconds={status.seconds:.0f} per_second={rate:.0f}"
        )
        reasons = [
            f"Failed: {reason.value}: {count}"
            for (ending, reason), count in status.tally.reasons.most_common()
            if ending is Ending.FAILED
        ]
        lines += reasons[:3]
        lines += [f"Note: {problem}" for problem in status.problems[-2:]]
    return lines


def _arrival(drive: FoundDrive) -> Visit:
    if drive.problem:
        return Visit(drive, phase=Phase.FAILED, sentence=drive.problem)
    return Visit(drive)


def _rested(status: ImportStatus | None) -> ImportStatus | None:
    return status and replace(status, phase=Phase.FAILED, transfers=(), uploads_active=0)
