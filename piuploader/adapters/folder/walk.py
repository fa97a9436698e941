"""Walk a drive folder by folder: every file found is listed once, as media or with a reason.

Nothing is opened but folders, no link is followed, no other file system is
entered. One stat a file, and nothing else: a drive of 100,000 files is walked
in little more time than `find` needs.
"""

import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from piuploader.core import pairing
from piuploader.core.dates import Stamps
from piuploader.core.media import Kind, MediaFile, MediaTypes
from piuploader.core.selection import JUNK_FIRST, Selection, is_junk_file, is_junk_folder
from piuploader.core.tally import Reason
from piuploader.errors import DriveRemoved
from piuploader.ports import Listing, Skipped

# A folder of more files is listed in parts, so that memory does not grow with it.
PART = 2000
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FORMAT = 0o170000  # stat.S_IFMT as a number: this is asked for every file
REGULAR = stat.S_IFREG

# As MediaFile(...) does, three times as fast.
_media_file: Callable[[tuple[str, int, int, Kind, str | None]], MediaFile]
_media_file = partial(tuple.__new__, MediaFile)


@dataclass(slots=True)
class _Part:
    """What was found in one part of one folder."""

    media: list[MediaFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    sidecars: list[Skipped] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # names of media that the filters left out
    folders: list[str] = field(default_factory=list)  # names
    has_films: bool = False


class Walk:
    """One walk over one drive."""

    def __init__(
        self,
        root: str,
        types: MediaTypes,
        *,
        start: str,
        selection: Selection | None,
        stamps: Stamps,
        barred: frozenset[str],
        one_device: bool,
        is_present: Callable[[], bool],
        only: str | None = None,
    ) -> None:
        """Prepare to walk from `start` on, a folder below the root.

        `selection`: None takes all. `barred`: folders not to enter, absolute.
        `one_device`: what has another device number is another file system.
        `only`: the one name in `start` that is looked at.
        """
        self._root = root
        self._types = types
        self._start = start
        self._below_start = len(start) + 1 if start else 0
        self._selection = selection
        self._stamps = stamps
        self._barred = barred
        self._one_device = one_device
        self._is_present = is_present
        self._only = only
        self._device = 0
        self._kinds = _Kinds(types)

    def listings(self) -> Iterator[Listing]:
        """Yield folder by folder what is there; raise DriveRemoved if it goes."""
        waiting = [(self._start, False)]  # (folder, is junk), the next one last
        while waiting:
            folder, junk = waiting.pop()
            try:
                handle = os.open(self._absolute(folder), FOLDER_FLAGS)
            except OSError as error:
                yield from self._unreadable(folder, error, junk=junk)
                continue
            try:
                below = yield from self._folder(folder, handle, junk=junk)
            finally:
                os.close(handle)
            below.sort(reverse=True)
            waiting += below
        self._require_drive(None)

    def _folder(
        self, folder: str, handle: int, *, junk: bool
    ) -> Generator[Listing, None, list[tuple[str, bool]]]:
        """List one folder, and return its sub-folders."""
        below: list[tuple[str, bool]] = []
        try:
            names = os.listdir(handle) if self._only is None else [self._only]
        except OSError as error:
            yield from self._unreadable(folder, error, junk=junk)
            return below
        if folder == self._start:
            self._device = os.fstat(handle).st_dev
        if not names:
            self._require_drive(None)
        prefix = folder + "/" if folder else ""
        parts: Iterator[Sequence[str]] = iter([names])
        names.sort()
        if len(names) > PART:
            # As a rule the case makes no difference, and then a second copy of all names is saved.
            if any(before > name for before, name in pairwise(map(str.lower, names))):
                names.sort(key=str.lower)
            parts = pairing.batches(names, PART)
        for part in parts:
            found = _Part()
            if junk:
                self._look_at_junk(part, prefix, handle, found)
            else:
                self._look_at(part, prefix, handle, found)
            below += [
                (prefix + name, junk or is_junk_folder(name, folder or self._root))
                for name in found.folders
            ]
            if found.media or found.skipped or found.sidecars:
                listing = self._listing(folder, prefix, found)
                yield listing._replace(is_part=True) if len(names) > PART else listing
        return below

    def _look_at(self, names: Sequence[str], prefix: str, handle: int, found: _Part) -> None:
        """Sort names by what they are. This is where the time of a walk goes."""
        # All names are local: looking up a global one costs a tenth of what a file may cost.
        kinds, add, filtered, look = self._kinds, found.media.append, self._selection, os.stat
        media_file, video, junk_first = _media_file, Kind.VIDEO, JUNK_FIRST
        for name in names:
            try:
                state = look(name, dir_fd=handle, follow_symlinks=False)
            except OSError as error:
                self._lost(prefix + name, error, found)
                continue
            size = state.st_size
            kind = kinds[name[name.rfind(".") :]]
            if (
                kind is None
                or not size
                or filtered
                or state.st_mode & FORMAT != REGULAR
                or name[0] in junk_first
            ):
                self._maybe(name, prefix, state, kind, found)
                continue
            if kind is video:
                found.has_films = True
            add(media_file((prefix + name, size, state.st_mtime_ns, kind, None)))

    def _maybe(
        self, name: str, prefix: str, state: os.stat_result, kind: Kind | None, found: _Part
    ) -> None:
        """Take a file that is perhaps not wanted, or say why not."""
        if not stat.S_ISREG(state.st_mode):
            self._odd(name, prefix, state, found)
            return
        path, size, mtime_ns = prefix + name, state.st_size, state.st_mtime_ns
        ending = pairing.extension(name)
        if not ending:
            kind = None  # the whole name is an extension, or there is none
        if is_junk_file(name):
            found.skipped.append(Skipped(path, size, mtime_ns, Reason.JUNK))
        elif kind is None and ending in self._types.sidecar:
            found.sidecars.append(Skipped(path, size, mtime_ns, Reason.LONE_SIDECAR))
        elif kind is None:
            found.skipped.append(Skipped(path, size, mtime_ns, Reason.NOT_MEDIA))
        elif self._selection and not self._wants(self._selection, path, state):
            found.left_out.append(name)
            found.skipped.append(Skipped(path, size, mtime_ns, Reason.FILTERED))
        elif not size:
            found.skipped.append(Skipped(path, size, mtime_ns, Reason.EMPTY))
        else:
            found.has_films |= kind is Kind.VIDEO
            found.media.append(MediaFile(path, size, mtime_ns, kind))

    def _wants(self, selection: Selection, path: str, state: os.stat_result) -> bool:
        return selection.takes(
            path[self._below_start :],
            extension=pairing.extension(path),
            size=state.st_size,
            day=lambda: self._stamps.day(state.st_mtime_ns),
        )

    def _odd(self, name: str, prefix: str, state: os.stat_result, found: _Part) -> None:
        """Take note of what is no regular file."""
        path = prefix + name
        if stat.S_ISLNK(state.st_mode):
            found.skipped.append(Skipped(path, 0, state.st_mtime_ns, Reason.LINK))
        elif (
            not stat.S_ISDIR(state.st_mode)
            or self._absolute(path) in self._barred
            or (self._one_device and state.st_dev != self._device)
        ):
            found.skipped.append(Skipped(path, 0, state.st_mtime_ns, Reason.SPECIAL))
        else:
            found.folders.append(name)

    def _look_at_junk(self, names: Sequence[str], prefix: str, handle: int, found: _Part) -> None:
        for name in names:
            try:
                state = os.stat(name, dir_fd=handle, follow_symlinks=False)
            except OSError:
                found.skipped.append(Skipped(prefix + name, 0, 0, Reason.JUNK))
                continue
            if stat.S_ISREG(state.st_mode):
                size, mtime_ns = state.st_size, state.st_mtime_ns
                found.skipped.append(Skipped(prefix + name, size, mtime_ns, Reason.JUNK))
            else:
                self._odd(name, prefix, state, found)

    def _listing(self, folder: str, prefix: str, found: _Part) -> Listing:
        """Put together what belongs together."""
        media, skipped = found.media, found.skipped
        pairs: list[tuple[MediaFile, MediaFile]] = []
        if found.sidecars or found.has_films:
            start = len(prefix)
            by_name = {file.path[start:]: file for file in media}
            names = [*by_name, *found.left_out]
            said = pairing.pair(names, [each.path[start:] for each in found.sidecars])
            for name, sidecar in said.sidecars.items():
                if name in by_name:
                    by_name[name] = by_name[name]._replace(sidecar=prefix + sidecar)
            media = list(by_name.values())
            pairs = [
                (by_name[still], by_name[film])
                for still, film in said.live
                if still in by_name and film in by_name
            ]
            used = {said.sidecars[name] for name in by_name if name in said.sidecars}
            for each in found.sidecars:
                name = each.path[start:]
                reason = each.reason
                if name in used:
                    reason = Reason.SIDECAR
                elif name in said.sidecars.values():
                    reason = Reason.FILTERED
                skipped.append(each._replace(reason=reason))
        return Listing(folder, media, skipped, pairs)

    def _lost(self, path: str, error: OSError, found: _Part) -> None:
        """Take note of a file that cannot be looked at."""
        self._require_drive(error)
        if isinstance(error, FileNotFoundError):
            return  # taken away since its folder was read: nothing was found
        found.skipped.append(Skipped(path, 0, 0, Reason.UNREADABLE))

    def _unreadable(self, folder: str, error: OSError, *, junk: bool) -> Iterator[Listing]:
        """Take note of a folder that cannot be looked into: who knows what it holds."""
        self._require_drive(error)
        if not isinstance(error, FileNotFoundError):
            reason = Reason.JUNK if junk else Reason.UNREADABLE
            yield Listing(folder, [], [Skipped(folder or ".", 0, 0, reason)], [])

    def _require_drive(self, error: OSError | None) -> None:
        """Raise DriveRemoved if the drive is gone.

        An empty folder and the end of a walk are reason to ask: where Linux cannot read a
        block of a FAT folder, it leaves out what is in it and reports no error
        (fs/fat/dir.c, fat__get_entry).
        """
        if not self._is_present():
            raise DriveRemoved("the drive was removed") from error

    def _absolute(self, folder: str) -> str:
        return f"{self._root}/{folder}"


class _Kinds(dict[str, Kind | None]):
    """Kinds by the end of a name, as it is written: lower-casing each would cost a tenth."""

    def __init__(self, types: MediaTypes) -> None:
        self._types = types

    def __missing__(self, ending: str) -> Kind | None:
        kind = self._types.kind(ending.lower())
        if len(self) < 1000:  # noqa: PLR2004  a drive full of odd names must not fill the memory
            self[ending] = kind
        return kind
