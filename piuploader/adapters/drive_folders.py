"""Watch the drives come and go: the kernel's list of mounts, and root's notes on failures.

The kernel wakes whoever polls /proc/self/mountinfo for POLLPRI when a mount
comes or goes, so nothing runs while nothing happens. Root's notes (below
`.problems`) and plain folders have no such bell; they are looked at now and
then.
"""

import os
import select
from collections.abc import Iterator
from pathlib import Path

from piuploader.core.drives import FoundDrive, mounted_drives, parse_mountinfo, with_problems

MOUNTINFO = Path("/proc/self/mountinfo")
PROBLEMS = ".problems"
LONGEST_NOTE = 500  # characters


class DriveFolders:
    """Looks at one place whose sub-folders are drives."""

    def __init__(
        self, place: Path, *, plain_folders: bool = False, mountinfo: Path = MOUNTINFO
    ) -> None:
        self._place = place
        self._plain_folders = plain_folders
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._mountinfo = mountinfo.open("rb", buffering=0)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        # Of a plain file, as in tests, poll would say at once that it can be read: ask only
        # for what the kernel's list alone does.
        self._poll.register(self._mountinfo, select.POLLPRI)
        self._closed = False

    def look(self) -> list[FoundDrive]:
        """Return the drives that are there now."""
        self._mountinfo.seek(0)
        text = self._mountinfo.read().decode("utf-8", "surrogateescape")
        found = mounted_drives(str(self._place), parse_mountinfo(text))
        if self._plain_folders:
            mounted = {drive.name for drive in found}
            found += [drive for drive in self._folders() if drive.name not in mounted]
        return with_problems(found, dict(self._notes()))

    def wait(self, timeout_s: float) -> None:
        """Return when a mount came or went, when woken, or after the time."""
        for handle, _event in self._poll.poll(max(0.0, timeout_s) * 1000):
            if handle == self._bell:
                os.eventfd_read(self._bell)

    def wake(self) -> None:
        """End the wait; may be called from any thread and from a signal handler."""
        if not self._closed:
            os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Stop watching."""
        if not self._closed:
            self._closed = True
            self._mountinfo.close()
            os.close(self._bell)

    def _folders(self) -> Iterator[FoundDrive]:
        try:
            with os.scandir(self._place) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                        number = entry.stat(follow_symlinks=False).st_ino
                        yield FoundDrive(f"folder@{entry.name}@{number}", entry.name, entry.path)
        except OSError:
            return

    def _notes(self) -> Iterator[tuple[str, str]]:
        try:
            notes = sorted((self._place / PROBLEMS).iterdir())
        except OSError:
            return
        for note in notes:
            try:
                with note.open(encoding="utf-8", errors="replace") as file:
                    sentence = " ".join(file.read(LONGEST_NOTE).split())
            except OSError:
                continue  # taken away just now
            yield note.name, sentence or "this drive cannot be read"
