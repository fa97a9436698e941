"""The sockets that the outside world plugs into.

`app` talks to these, `adapters` fill them, and the tests' fakes fill them
again in memory. A port speaks the core's words only: no status codes, no
rows, no pins. What fails raises one of `piuploader.errors`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from piuploader.core.media import Holding, MediaFile, MediaTypes, Receipt, Upload
from piuploader.core.policy import Change, Setting
from piuploader.core.policy import Holding as Held
from piuploader.core.queues import Queue
from piuploader.core.tally import Fate, Reason, Tally


class Skipped(NamedTuple):
    """A file on the drive that is not sent, and why."""

    path: str
    size: int
    mtime_ns: int
    reason: Reason


class Listing(NamedTuple):
    """What one folder holds, or a part of a very large one. Pairs are never parted."""

    folder: str  # relative to the drive's root, "" for the root itself
    media: list[MediaFile]
    skipped: list[Skipped]
    live_pairs: list[tuple[MediaFile, MediaFile]]  # (still, film): candidates by name
    is_part: bool = False


class Drive(Protocol):
    """A mounted drive or a folder, read only."""

    identity: str  # the same whenever this drive comes back
    label: str  # what a person calls it

    def listings(self, types: MediaTypes) -> Iterator[Listing]:
        """Yield folder by folder what is there."""

    def absolute(self, path: str) -> str:
        """Return the path by which a file can be opened."""

    def checksum(self, file: MediaFile, moved: Callable[[int], object]) -> str:
        """Read a file once and return its SHA-1 in hex. `moved(n)` hears of each n bytes read."""

    def is_live_photo(self, still: MediaFile, film: MediaFile) -> bool:
        """Tell whether two files of one name are surely one live photo."""

    def read(self, path: str, limit: int) -> bytes:
        """Read a small file whole; FileUnreadable if it is larger than `limit` bytes."""

    def refreshed(self, file: MediaFile) -> MediaFile:
        """Return the file as it is now, after it changed; FileUnreadable if it is gone."""

    def survey(self) -> Iterator[tuple[int, int]]:
        """Walk ahead of the listings and yield (files, bytes) of media, to tell what is to come."""

    def created_at(self, file: MediaFile) -> str:
        """Return the true time of the last change, ISO 8601 with offset."""

    def named_at(self, file: MediaFile) -> str | None:
        """Return the time that a file's name tells, ISO 8601 with offset; None if it tells none."""

    def is_present(self) -> bool:
        """Tell whether the drive is still there."""


class Server(Protocol):
    """The Immich server, asked by one thread at a time."""

    def ping(self) -> None:
        """Return if the server answers as an Immich server does, raise ServerUnreachable if not."""

    def media_types(self) -> MediaTypes:
        """Return the extensions that the server takes."""

    def check(self, checksums: Sequence[str]) -> Mapping[str, Holding]:
        """Return what the server holds of these; what it lacks is not in the answer."""

    def restore(self, asset_ids: Sequence[str]) -> None:
        """Take assets out of the trash."""


class Wire(Protocol):
    """One connection that carries uploads, one after the other."""

    def send(self, upload: Upload, moved: Callable[[int], object]) -> Receipt:
        """Send one file. `moved(n)` is called before each n bytes and may hold them back."""

    def close(self) -> None:
        """Hang up."""

    def abort(self) -> None:
        """Break off what is under way, from another thread: `send` fails there."""


class Memory(Protocol):
    """A place for small things that were learnt."""

    def remember(self, key: str, value: object) -> None:
        """Keep a small thing that was learnt."""

    def recall(self, key: str) -> object:
        """Return what was kept under a key, None if there is nothing."""


class Known(NamedTuple):
    """What the ledger remembers of one file."""

    size: int
    mtime_ns: int
    checksum: str  # SHA-1 in hex


class Ledger(Protocol):
    """What this device remembers across drives and restarts."""

    def known(
        self, identity: str, folder: str, names: Sequence[str] | None = None
    ) -> Mapping[str, Known]:
        """Return the files of one folder by name that were read before.

        `names`: at least these, for a part of a folder that is too large to be held at once.
        """

    def begin(self, *, identity: str, label: str, server: str) -> int:
        """Open a session and return its number."""

    def record(self, session: int, fates: Iterable[Fate]) -> None:
        """Write down how files ended, in one transaction."""

    def end(self, session: int, *, outcome: str, tally: Tally, problems: Sequence[str]) -> None:
        """Close a session with its account."""


class QueueServer(Protocol):
    """The server's own work and settings, asked by one thread at a time.

    A key without the rights gets PermissionMissing or ServerRefusedKey.
    """

    def queues(self) -> tuple[Queue, ...]:
        """Return all queues."""

    def pause(self, name: str) -> None:
        """Let a queue start no more jobs."""

    def resume(self, name: str) -> None:
        """Let a queue start jobs again."""

    def settings(self) -> Mapping[str, Setting]:
        """Return all settings by dotted key."""

    def change(self, wanted: Mapping[str, Setting]) -> Mapping[str, Setting]:
        """Change these settings and no other; return all as they are then."""


class Abandoned(Protocol):
    """An entry whose process is no more. It stays until `settle` is called."""

    holding: Held

    def settle(self, left: Held) -> None:
        """Write down what is left to give back; nothing left ends the entry."""


class Journal(Protocol):
    """What this process holds of the server, on disk before it is done, so that it is given back.

    Raises LedgerError when it cannot be written: then nothing may be paused.
    """

    def write(self, holding: Held) -> None:
        """Write down what is about to be, or still is, held; an empty one ends the entry."""

    def others(self) -> Held:
        """Return what other piuploaders of this device hold of the same server."""

    def abandoned(self) -> Iterator[Abandoned]:
        """Yield what processes that are no more still hold, each to be given back."""

    def close(self) -> None:
        """Let go. What is still written down may then be given back by others."""


class ConfigServer(Protocol):
    """The server's configuration, as a whole and key by key."""

    def document(self) -> str:
        """Return the whole as text, to be kept. It holds secrets."""

    def settings(self) -> Mapping[str, Setting]:
        """Return all settings by dotted key."""

    def change(self, wanted: Mapping[str, Setting]) -> Mapping[str, Setting]:
        """Change these settings and no other; return all as they are then."""


class ConfigBook(Protocol):
    """What this device changed in one server's configuration. Raises LedgerError."""

    def keep(self, document: str) -> Path:
        """Save a whole configuration, and return where it is."""

    def note(self, changes: Sequence[Change]) -> None:
        """Write down changes that are about to be made."""

    def last(self) -> tuple[Change, ...]:
        """Return the newest changes, none if there are none."""

    def forget(self) -> None:
        """Strike out the newest changes: they were undone."""
