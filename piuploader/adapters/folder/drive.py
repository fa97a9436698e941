"""FolderDrive: a mounted drive, or any folder, read only."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from piuploader.adapters.folder import reading
from piuploader.adapters.folder.mounts import Place
from piuploader.adapters.folder.quicktime import facts_of
from piuploader.adapters.folder.walk import Walk
from piuploader.core import dates, live_photo, name_dates
from piuploader.core.dates import Stamps
from piuploader.core.media import MediaFile, MediaTypes
from piuploader.core.selection import Filter, Selection
from piuploader.errors import DriveError, FileUnreadable
from piuploader.ports import Listing

SYS = Path("/sys")


class FolderDrive:
    """Fills the port `Drive`. Use `open_drive` to make one."""

    def __init__(
        self,
        place: Place,
        *,
        stamps: Stamps,
        wanted: Filter,
        only: str | None = None,
        sys: Path = SYS,
    ) -> None:
        """Raise DriveError if there is no such place.

        `only`: the name of the one file that is looked at.
        """
        self.identity = place.identity
        self.label = place.label
        self._place = place
        self._root = place.root.rstrip("/")
        self._stamps = stamps
        self._selection = None if wanted.takes_all else Selection(wanted)
        self._only = only
        self._types: MediaTypes | None = None
        try:
            self._device = Path(place.root).stat().st_dev
        except OSError as error:
            raise DriveError(f"{place.root}: {error.strerror or error}") from error
        node = sys / f"dev/block/{os.major(self._device)}:{os.minor(self._device)}"
        source = Path(place.source)
        # What is there now and is gone later was pulled out, though its mount may linger.
        self._traces = [
            path for path in (node, source) if path.is_absolute() and os.path.lexists(path)
        ]

    def listings(self, types: MediaTypes) -> Iterator[Listing]:
        """Yield folder by folder what is there; a very large folder comes in several parts.

        Raise DriveRemoved if the drive goes meanwhile.
        """
        self._types = types
        return self._walk(types).listings()

    def survey(self) -> Iterator[tuple[int, int]]:
        """Walk ahead of the listings and yield (files, bytes) of media, to tell what is to come."""
        if self._types is None:
            return
        for listing in self._walk(self._types).listings():
            yield len(listing.media), sum(file.size for file in listing.media)

    def absolute(self, path: str) -> str:
        """Return the path by which a file can be opened."""
        return f"{self._root}/{path}"

    def checksum(self, file: MediaFile, moved: Callable[[int], object]) -> str:
        """Read a file once and return its SHA-1 in hex. `moved(n)` hears of each n bytes read.

        Raise FileUnreadable, FileChanged or DriveRemoved.
        """
        return reading.checksum(self.absolute(file.path), file, moved, self.is_present)

    def is_live_photo(self, still: MediaFile, film: MediaFile) -> bool:
        """Tell whether two files of one name are surely one live photo; no if one is unreadable."""
        try:
            with self._opened(film.path) as handle:
                facts = facts_of(handle)
            head = b""
            if facts.identifier is not None:
                with self._opened(still.path) as handle:
                    head = os.pread(handle, live_photo.HEAD_BYTES, 0)
        except DriveError:
            return False
        return live_photo.is_sure(
            facts,
            still_head=head,
            film_bytes=film.size,
            seconds_apart=(still.mtime_ns - film.mtime_ns) / 1e9,
        )

    def read(self, path: str, limit: int) -> bytes:
        """Read a small file whole; FileUnreadable if it is larger than `limit` bytes."""
        return reading.whole(self.absolute(path), path, limit, self.is_present)

    def refreshed(self, file: MediaFile) -> MediaFile:
        """Return the file as it is now, after it changed; FileUnreadable if it is gone."""
        with self._opened(file.path) as handle:
            now = os.fstat(handle)
        if not now.st_size:
            raise FileUnreadable(f"{file.path}: is empty now")
        return file._replace(size=now.st_size, mtime_ns=now.st_mtime_ns)

    def created_at(self, file: MediaFile) -> str:
        """Return the true time of the last change, ISO 8601 with offset."""
        return self._stamps.iso(file.mtime_ns)

    def named_at(self, file: MediaFile) -> str | None:
        """Return the time that a file's name tells, ISO 8601 with offset; None if it tells none."""
        zone, changed = self._stamps.zone, self._stamps.time(file.mtime_ns)
        time = name_dates.told(file.path.rpartition("/")[2], zone=zone, changed=changed)
        return dates.iso(time) if time else None

    def is_present(self) -> bool:
        """Tell whether the drive is still there."""
        try:
            if Path(self._place.root).stat().st_dev != self._device:
                return False
            with os.scandir(self._place.root):
                pass
        except OSError:
            return False
        return all(os.path.lexists(path) for path in self._traces)

    def _walk(self, types: MediaTypes) -> Walk:
        return Walk(
            self._root,
            types,
            start=self._place.start,
            selection=self._selection,
            stamps=self._stamps,
            barred=self._place.mounted_below,
            # The parts of one btrfs have numbers of their own.
            one_device=self._place.kind != "btrfs",
            is_present=self.is_present,
            only=self._only,
        )

    def _opened(self, path: str) -> reading.Opened:
        return reading.opened(self.absolute(path), path, self.is_present)
