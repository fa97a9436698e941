"""The window: how far reading may run ahead of sending.

What was just hashed is still in the page cache when it is sent, so the
drive is read once. That holds only for a window that fits in memory. What
was sent needs no cache any more, but the file is under way until it is
confirmed: so files are counted beside the bytes, and both are bounded.
"""

from threading import Condition

WINDOW_BYTES = 64 * 1024 * 1024
WINDOW_FILES = 2_000  # each takes about 1 kB until it has ended


class Window:
    """Bytes between identify and upload, and files between identify and ending."""

    def __init__(self, max_bytes: int = WINDOW_BYTES, max_files: int = WINDOW_FILES) -> None:
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._bytes = 0
        self._files = 0
        self._open = True
        self._waits = False
        self._changed = Condition()
        self.was_full = False  # at least once: reading is not what takes time

    def fits(self, size: int) -> bool:
        """Tell whether a file of this size may enter now. Alone, any file fits."""
        return self._files < self._max_files and (
            not self._bytes or self._bytes + size <= self._max_bytes
        )

    def enter(self, size: int, *, files: int = 1) -> None:
        """Wait until a file of this size fits, or the window is closed, and enter.

        `files`: so many enter together; they may be a few more than fit.
        """
        with self._changed:
            while self._open and not self.fits(size):
                self.was_full = True
                self._waits = True
                self._changed.wait()
            self._bytes += size
            self._files += files

    def leave(self, *, files: int = 0, size: int = 0) -> None:
        """Make room again: so many files have ended, so many bytes need not be kept."""
        with self._changed:
            self._bytes -= size
            self._files -= files
            if self._waits and self._has_room():
                self._waits = False
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Tell whether it is worth waking who waits: for each file in turn it costs too much."""
        return self._bytes <= self._max_bytes * 7 / 8 and self._files <= self._max_files * 7 / 8

    def close(self) -> None:
        """Let everyone through, for the run stops."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
