"""The ledger's file: opened, shared by threads and processes, set aside when it is damaged.

Every thread has a connection of its own, so that the reader of a drive never
waits for what the clerk writes. Every process that uses the file holds a
shared lock beside it (`LEDGER.lock`); only who has the lock alone may move
the file, for SQLite in another process would go on with the old one, and
remove the new one's log when it closes.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from piuploader.adapters.ledger.file import (
    BUSY_S,
    REMEDIES,
    Damaged,
    beside,
    connect,
    examine,
    explained,
    set_aside,
)
from piuploader.errors import LedgerError

Result = TypeVar("Result")

POLL_S = 0.02
SUSPECT = ".suspect"


class _Seat:
    """One thread's connection. Its lock is held while it is used."""

    __slots__ = ("connection", "lock", "thread")

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None

    def close(self) -> None:
        with self.lock:
            if self.connection is not None:
                self.connection.close()
                self.connection = None


class Database:
    """One SQLite file for all threads. Every method may be called from any of them."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float],
        rebuilt: Callable[[sqlite3.Connection], object] = lambda _: None,
        may_set_aside: bool = True,
    ) -> None:
        """Open the file, make it if needed, set it aside if it is damaged.

        `rebuilt` may fill a file that replaces one that was found damaged in use.
        Raises LedgerError where a person is needed.
        """
        self.path = path
        self._now = now
        self._rebuilt = rebuilt
        self._may_set_aside = may_set_aside
        self._lock = threading.Lock()
        self._local = threading.local()
        self._seats: list[_Seat] = []
        self._round = 0  # how often the file was examined again
        self._closed = False
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._use = _lock_file(path)
        except OSError as error:
            raise LedgerError(
                f"the state folder {path.parent} cannot be used: {error.strerror}"
            ) from error
        try:
            self._prepare(thorough=False)
        except BaseException:
            os.close(self._use)
            raise

    def run(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        """Call `action` with this thread's connection, and again if the file had to be replaced."""
        turn = self._round
        try:
            return self._attempt(action)
        except Damaged:
            self._repair(turn)
        try:
            return self._attempt(action)
        except Damaged as damage:
            raise LedgerError(f"the ledger {self.path} cannot be used: {damage}") from damage

    def close(self) -> None:
        """Close all connections; the second time there is nothing to do."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._empty_seats()
            os.close(self._use)

    def _attempt(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        with explained(self.path):
            while True:
                seat = self._seat()
                with seat.lock:
                    if seat.connection is not None:
                        return action(seat.connection)

    def _seat(self) -> _Seat:
        """Return this thread's seat with its connection open."""
        seat: _Seat | None = getattr(self._local, "seat", None)
        if seat is not None and seat.connection is not None:
            return seat
        with self._lock:
            if self._closed:
                raise LedgerError("the ledger is closed")
            if seat is None:
                seat = self._local.seat = _Seat()
                for gone in [each for each in self._seats if not each.thread.is_alive()]:
                    gone.close()
                    self._seats.remove(gone)
                self._seats.append(seat)
            seat.connection = connect(self.path)
        return seat

    def _empty_seats(self) -> None:
        for seat in self._seats:
            seat.close()

    def _repair(self, turn: int) -> None:
        """Look closely at a file that gave an error, and set it aside if it is damaged."""
        with self._lock:
            if self._round != turn or self._closed:
                return  # another thread has done it
            self._empty_seats()
            self._prepare(thorough=True)
            self._round += 1
            with explained(self.path), closing(connect(self.path)) as db:
                self._rebuilt(db)

    def _prepare(self, *, thorough: bool) -> None:
        """Return when the file is sound and up to date, and we share it with others.

        Alone with it, we may set it aside. With others, we wait until they have done so.
        """
        ends = time.monotonic() + BUSY_S
        trouble = REMEDIES[sqlite3.SQLITE_BUSY]
        is_new = False
        while True:
            alone = self._take(fcntl.LOCK_EX)
            if alone or self._take(fcntl.LOCK_SH):
                try:
                    self._examine(thorough=thorough or (alone and self._is_suspicious()))
                    if self._take(fcntl.LOCK_SH):
                        return
                except Damaged as damage:
                    trouble = f"it is damaged ({damage}), and another piuploader uses it: let "
                    trouble += "that one finish, then run again"
                    if not self._may_set_aside or is_new:
                        self._leave_word()
                        raise LedgerError(
                            f"the ledger {self.path} is damaged ({damage}): "
                            "the next import sets it aside and begins a new one"
                        ) from damage
                    if alone:
                        set_aside(self.path, damage, now_s=self._now())
                        is_new = True
                        continue
            if time.monotonic() > ends:
                raise LedgerError(f"the ledger {self.path}: {trouble}")
            time.sleep(POLL_S)

    def _examine(self, *, thorough: bool) -> None:
        examine(self.path, thorough=thorough)
        if thorough:
            beside(self.path, SUSPECT).unlink(missing_ok=True)

    def _is_suspicious(self) -> bool:
        """Tell whether a kill or a power cut ended the last use, or somebody met damage.

        A kill does not harm SQLite, but a disk that lost power may have lied about what it wrote.
        """
        return beside(self.path, "-wal").exists() or beside(self.path, SUSPECT).exists()

    def _leave_word(self) -> None:
        """Have the next import look closely: it might not meet what we met."""
        with suppress(OSError):
            beside(self.path, SUSPECT).touch()

    def _take(self, kind: int) -> bool:
        """Take the lock, or change it; False if others hold it."""
        try:
            fcntl.flock(self._use, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks: there the folder is not shared
        return True


def _lock_file(path: Path) -> int:
    """Open the file whose lock tells who uses the ledger."""
    handle = os.open(beside(path, ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    if os.geteuid() == 0:  # root looks into a service's ledger: leave the file to its owner
        folder = path.parent.stat()
        os.fchown(handle, folder.st_uid, folder.st_gid)
    return handle
