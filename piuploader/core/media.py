"""What a photo is called here: plain values that every stage passes on.

They are tuples, not dataclasses, for a re-plugged drive makes 100,000 of
them in a second.
"""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """The two kinds of file that Immich keeps."""

    IMAGE = "image"
    VIDEO = "video"


class MediaTypes(NamedTuple):
    """The file name extensions that a server takes: lower case, with the dot."""

    image: frozenset[str]
    video: frozenset[str]
    sidecar: frozenset[str]

    def kind(self, extension: str) -> Kind | None:
        """Return the kind of a file by its lower-case extension, None if the server refuses it."""
        if extension in self.image:
            return Kind.IMAGE
        return Kind.VIDEO if extension in self.video else None


class MediaFile(NamedTuple):
    """A file on a drive that the server would take.

    Paths are relative to the drive's root, "/"-separated, and decoded as
    the operating system does (`os.fsdecode`): any bytes survive.
    """

    path: str
    size: int  # bytes
    mtime_ns: int  # as the file system reports it, nanoseconds since 1970 UTC
    kind: Kind
    sidecar: str | None = None  # path of its .xmp


class Holding(NamedTuple):
    """What the server said when asked for a checksum that it holds."""

    asset_id: str
    trashed: bool


class Sidecar(NamedTuple):
    """An .xmp file, read whole: it is small, and it travels inside its photo's upload."""

    name: str
    data: bytes


class Upload(NamedTuple):
    """One file to send, with all that travels with it."""

    path: str  # absolute, to be opened
    name: str  # the file's name, as the server shall keep it
    size: int  # bytes; the file must still have it when it is opened
    mtime_ns: int  # as the file system reports it; the file must still have it
    created_at: str  # ISO 8601 with offset: the true time of the last change, or a better one
    checksum: str | None  # SHA-1 in hex; None: not known yet, hash while sending
    sidecar: Sidecar | None = None
    hidden: bool = False  # the film of a live photo
    live_photo_video_id: str | None = None  # the still of a live photo: its film's asset
    modified_at: str | None = None  # of the last change; None: that is `created_at`


class Receipt(NamedTuple):
    """The server's answer to an upload. It proves nothing: ask again by checksum."""

    asset_id: str
    duplicate: bool
    checksum: str  # SHA-1 in hex of the bytes that were read
