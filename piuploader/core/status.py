"""The one snapshot that every display shows: terminal, JSON, light, page.

The importer makes it, whoever shows it only reads. What it cannot know is None.
"""

from dataclasses import dataclass, field

from piuploader.core.session import Phase
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
    pause_reason: str = ""  # why the phase is PAUSED
    transfers: tuple[Transfer, ...] = ()
    server: ServerWork | None = None  # None: the key may not read it
    problems: tuple[str, ...] = field(default=())  # what a person should know, newest last
