"""Which sessions run now: each has a file that is locked while its process lives.

The kernel lets go of the lock when the process ends, however it ends. So a
session without an end in the ledger and without a lock was interrupted.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Presence:
    """The sessions of this process, for others to see."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._held: dict[int, int] = {}  # session: file descriptor

    def enter(self, session: int) -> None:
        """Show that a session runs. Where files cannot be locked, it is not shown."""
        self._sweep()
        with suppress(OSError):
            self._held[session] = _locked(_path(self._ledger, session))

    def leave(self, session: int) -> None:
        """Show that it is over."""
        handle = self._held.pop(session, None)
        if handle is not None:
            _path(self._ledger, session).unlink(missing_ok=True)
            os.close(handle)

    def close(self) -> None:
        """Leave all."""
        for session in list(self._held):
            self.leave(session)

    def _sweep(self) -> None:
        """Remove the files of sessions whose process is no more."""
        for path in self._ledger.parent.glob(f"{self._ledger.name}.session-*"):
            with suppress(OSError):
                handle = _locked(path)
                path.unlink(missing_ok=True)
                os.close(handle)


def is_running(ledger: Path, session: int) -> bool:
    """Tell whether the process of a session lives."""
    try:
        handle = os.open(_path(ledger, session), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _path(ledger: Path, session: int) -> Path:
    return ledger.with_name(f"{ledger.name}.session-{session}")


def _locked(path: Path) -> int:
    """Create and lock a file; OSError if another has it locked, or is just taking it away."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(handle).st_nlink:
            raise FileNotFoundError(path)
    except OSError:
        os.close(handle)
        raise
    return handle
