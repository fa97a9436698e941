"""Delete files from a drive, with the help of root's part.

The service itself can write nowhere on a drive. It asks, over a socket that
only it may use, for the file system to be shown writable at another place
(`data/systemd/writable.sh`), deletes there, and gives it back.
"""

import contextlib
import os
import socket
from pathlib import Path, PurePosixPath
from typing import Self

from piuploader.errors import DriveError, FileUnreadable

HELPER = Path("/run/piuploader-writable.sock")
BESIDE = Path("/run/piuploader-writable")
PATIENCE_S = 60.0  # a slow drive writes back what it holds


class WritableDrive:
    """One drive, made writable for as long as this is open."""

    def __init__(self, name: str, *, helper: Path = HELPER, beside: Path = BESIDE) -> None:
        self._name = name
        self._helper = helper
        self._root = beside / name
        self._open = False

    def __enter__(self) -> Self:
        self._ask("writable")
        self._open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Have the drive read-only again. May be called twice."""
        if self._open:
            self._open = False
            with contextlib.suppress(DriveError):  # it may be gone
                self._ask("readonly")

    def delete(self, path: str) -> None:
        """Delete a file, by its path relative to the root; raise DriveError if that fails."""
        parts = PurePosixPath(path).parts
        if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
            raise FileUnreadable(f"{path!r} is no file of this drive")
        # Step by step, so that no link on the drive leads out of it.
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            os.unlink(parts[-1], dir_fd=folder)
        except OSError as error:
            raise FileUnreadable(f"{path!r} cannot be deleted: {error.strerror}") from error
        finally:
            os.close(folder)

    def _ask(self, verb: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as helper:
                helper.settimeout(PATIENCE_S)
                helper.connect(str(self._helper))
                helper.sendall(f"{verb} {self._name}\n".encode())
                helper.shutdown(socket.SHUT_WR)
                with helper.makefile(encoding="utf-8", errors="replace") as answers:
                    answer = answers.readline().strip()
        except OSError as error:
            raise DriveError(
                f"nobody makes the drive writable: {error}. Is piuploader-writable.socket enabled?"
            ) from error
        if answer != "ok":
            raise DriveError(answer or "the drive was not made writable")
