"""Count the files of a session so that none can get lost.

Every file found ends in exactly one of four ways. The tally balances
when the four add up to what was found; only then is a session over.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Ending(Enum):
    """The four ways a file's journey can end."""

    CONFIRMED = "confirmed"  # sent now, and seen on the server
    DUPLICATE = "duplicate"  # the server had it already
    SKIPPED = "skipped"  # not wanted, by rule
    FAILED = "failed"  # wanted, but not there


class Reason(Enum):
    """Why a file was skipped or failed, in words for a person."""

    NONE = ""
    # skipped
    NOT_MEDIA = "not a photo or film that the server takes"
    SIDECAR = "sidecar, travels with its photo"
    LONE_SIDECAR = "sidecar without a photo"
    JUNK = "made by a system or program, not by a camera"
    LINK = "a link, not a file"
    SPECIAL = "not a regular file"
    FILTERED = "left out by your filters"
    DRY_RUN = "would be uploaded (dry run)"
    # failed
    EMPTY = "the file is empty"
    UNREADABLE = "the file cannot be read"
    CHANGED = "the file changed while it was read"
    REFUSED = "the server refuses this file"
    TOO_LARGE = "too large for the server or its proxy"
    TRASHED = "in the server's trash: not safe there"
    NOT_HELD = "uploaded, but the server does not hold it"
    GAVE_UP = "upload failed too often"
    SERVER_FULL = "the server is full"
    SERVER_AWAY = "the server did not answer"
    STOPPED = "not done: the run was stopped"
    DRIVE_REMOVED = "not done: the drive was removed"


class Fate(NamedTuple):
    """How one file ended. Exactly one for each file found."""

    path: str  # relative to the drive's root
    size: int  # bytes
    mtime_ns: int
    ending: Ending
    reason: Reason = Reason.NONE
    detail: str = ""  # the server's or the system's own words
    checksum: str | None = None  # SHA-1 in hex, where it was read
    asset_id: str | None = None  # where the server holds it
    known: bool = False  # the ledger knew the checksum: the file was not read
    named_at: str | None = None  # the time that it was sent with, if that is from its name
    cover: str | None = None  # path of the photo that lies on top of the stack that it is for


@dataclass(slots=True)
class Tally:
    """What was found, and how each file ended."""

    found: int = 0
    endings: Counter[Ending] = field(default_factory=Counter)
    reasons: Counter[tuple[Ending, Reason]] = field(default_factory=Counter)
    bytes_by_ending: Counter[Ending] = field(default_factory=Counter)

    def add(self, fate: Fate) -> None:
        """Count the ending of one file."""
        self.endings[fate.ending] += 1
        self.bytes_by_ending[fate.ending] += fate.size
        if fate.reason is not Reason.NONE:
            self.reasons[fate.ending, fate.reason] += 1

    @property
    def open(self) -> int:
        """How many files have no ending yet."""
        return self.found - self.endings.total()

    @property
    def safe(self) -> int:
        """How many files the server was seen to hold."""
        return self.endings[Ending.CONFIRMED] + self.endings[Ending.DUPLICATE]

    def __str__(self) -> str:
        parts = [f"{self.endings[ending]} {ending.value}" for ending in Ending]
        return f"{self.found} found: " + ", ".join(parts)
