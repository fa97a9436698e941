"""One file's journey through an import."""

from enum import Enum

from piuploader.core.media import MediaFile
from piuploader.core.tally import Ending, Fate, Reason

NOT_ENTERED = -1  # bytes


class Stage(Enum):
    """Where a file stands between scan and ending."""

    FOUND = "found"
    IDENTIFIED = "identified"
    TO_SEND = "to send"
    SENT = "sent"
    GIVEN_UP = "given up"
    ENDED = "ended"


class Bundle:
    """The files of one stack, in whatever parcels they travel."""

    __slots__ = ("held", "paths")

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths  # the cover first
        self.held: dict[str, str] = {}  # path -> asset, of those that are safe


class Item:
    """One media file under way. Whoever holds it may change it; one stage holds it at a time."""

    __slots__ = (
        "asset_id",
        "bundle",
        "checksum",
        "file",
        "film",
        "flight",
        "known",
        "named_at",
        "refusal",
        "restored",
        "sent_duplicate",
        "stage",
        "tried",
        "twins",
        "unheld",
        "weight",
    )

    def __init__(
        self, file: MediaFile, checksum: str | None = None, *, known: bool = False
    ) -> None:
        self.file = file
        self.checksum = checksum  # SHA-1 in hex
        self.known = known  # by the ledger: not read in this session
        self.stage = Stage.IDENTIFIED if checksum else Stage.FOUND
        self.film: Item | None = (
            None  # of a live photo, if this is its still: taken along, then let go
        )
        self.bundle: Bundle | None = None  # what it is to be stacked with
        self.named_at: str | None = None  # the time that its name tells, where that is wanted
        self.asset_id: str | None = None
        self.sent_duplicate = False  # the server said that it had it when it was sent
        self.restored = False  # taken out of the trash, to be asked for again
        self.flight: str | None = None  # the checksum under which the clerk knows it is sent
        self.tried = 0
        self.refusal = (Reason.NONE, "")  # why it was given up
        self.unheld = 0  # how often it was sent and then not found on the server
        self.twins: list[Item] = []  # same bytes, found later on the same drive
        self.weight = NOT_ENTERED  # bytes that it holds of the window

    def fate(self, ending: Ending, reason: Reason = Reason.NONE, detail: str = "") -> Fate:
        """Return the ending of this file."""
        file = self.file
        is_dated = ending is Ending.CONFIRMED or reason is Reason.DRY_RUN
        self.stage = Stage.ENDED
        return Fate(
            file.path,
            file.size,
            file.mtime_ns,
            ending,
            reason,
            detail,
            self.checksum,
            self.asset_id,
            self.known,
            self.named_at if is_dated else None,
            self.bundle.paths[0] if self.bundle else None,
        )
