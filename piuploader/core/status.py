"""The one snapshot that every display shows: terminal, JSON, light, page.

The importer makes it, whoever shows it only reads. What it cannot know is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from piuploader.core.limit import Reason
from piuploader.core.session import AT_REST, Phase
from piuploader.core.tally import Tally


@dataclass(frozen=True, slots=True)
class ServerWork:
    """The server's two layers, summed over its queues."""

    active: int  # jobs that run now
    waiting: int  # waiting, delayed and paused
    paused_queues: int = 0
    settled: bool = False  # empty over several looks: the server has finished
    eta_s: float | None = None  # until it has, None while it cannot be told


@dataclass(frozen=True, slots=True)
class Transfer:
    """One upload that runs now."""

    name: str
    size: int  # bytes
    sent: int  # bytes
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ImportStatus:
    """Where one import stands."""

    phase: Phase
    drive: str  # what a person calls it: label or folder
    tally: Tally  # a copy, not changed any more
    scanned: bool  # the scan is over: `tally.found` is final
    seconds: float  # since the import began
    media_found: int = 0  # files that the server would take, so far
    media_bytes: int = 0  # their bytes
    settled_bytes: int = 0  # bytes of media files that have an ending, or were sent so far
    sent_bytes: int = 0  # bytes sent over the wire
    read_bytes: int = 0  # bytes read from the drive
    bytes_per_s: float = 0.0  # uploaded, lately
    eta_s: float | None = None  # seconds left, None while it cannot be told
    uploads_active: int = 0
    uploads_queued: int = 0  # known to be missing on the server, waiting for a connection
    uploads_target: int = 0  # how many may run at a time
    limits: str = ""  # what limits now, in words
    limit_reason: Reason | None = None  # the strongest of these, for lights and programs
    pause_reason: str = ""  # why the phase is PAUSED
    transfers: tuple[Transfer, ...] = ()
    server: ServerWork | None = None  # None: the key may not read it
    notes: tuple[str, ...] = ()  # about the server's queues: good to know, nothing to mend
    problems: tuple[str, ...] = field(default=())  # what a person should know, newest last


def combined(several: Sequence[ImportStatus]) -> ImportStatus:
    """Return one snapshot of imports that run one after the other: what is under way now leads."""
    if len(several) == 1:
        return several[0]
    now = next((each for each in several if each.phase not in AT_REST), several[-1])
    tally = Tally()
    for each in several:
        tally.found += each.tally.found
        tally.endings.update(each.tally.endings)
        tally.reasons.update(each.tally.reasons)
        tally.bytes_by_ending.update(each.tally.bytes_by_ending)
    return replace(
        now,
        tally=tally,
        phase=_phase([each.phase for each in several]),
        scanned=all(each.scanned for each in several),
        drive=", ".join(each.drive for each in several),
        seconds=max(each.seconds for each in several),
        media_found=sum(each.media_found for each in several),
        media_bytes=sum(each.media_bytes for each in several),
        settled_bytes=sum(each.settled_bytes for each in several),
        sent_bytes=sum(each.sent_bytes for each in several),
        read_bytes=sum(each.read_bytes for each in several),
        eta_s=now.eta_s if all(each.scanned for each in several) else None,
        notes=now.notes,
        problems=tuple(problem for each in several for problem in each.problems),
    )


def _phase(phases: Sequence[Phase]) -> Phase:
    """Return the phase that a person must know of: work first, then the worst end."""
    for phase in phases:
        if phase not in AT_REST:
            return phase
    return next((bad for bad in (Phase.FAILED, Phase.INCOMPLETE) if bad in phases), phases[-1])
