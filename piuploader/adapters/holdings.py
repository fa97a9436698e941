"""What we hold of a server, on disk before we take it, so that it is given back.

One file for each process and server, in one folder:

    queues-SERVER-PROCESS.json   what is paused or lowered, by whom, until when
    queues-SERVER-PROCESS.lock   locked while that process lives

The kernel lets go of the lock when its process ends, however it ends, also
when the power does. So who finds a file whose lock is free, may give back what is in it,
and no process number that was used again can deceive him. A state folder
that several computers share may have locks that do not reach across: an
entry of another computer counts as abandoned only after its limit.

A server is known by its address, and by the id of our key, which only one
server knows: the address may be written differently, or have changed.

Every write is whole or not at all: a new file is filled, synced and renamed over the
old one, and the folder is synced, all before the server is asked.
"""

import fcntl
import hashlib
import json
import os
import platform
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from piuploader.core.policy import Change, Holding, Setting
from piuploader.errors import LedgerError

FORMAT = 1
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MACHINE_ID = Path("/etc/machine-id")
GRACE = timedelta(hours=1)  # past the limit, for clocks that differ and a server that is away


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Holdings:
    """The entry of this process for one server, and a look at those of others."""

    def __init__(
        self,
        folder: Path,
        server: str,
        *,
        key_id: str = "",
        lease_s: float = 12 * 3600.0,
        now: Callable[[], datetime] = _utc_now,
        host: str | None = None,
        machine_id: str | None = None,
    ) -> None:
        """Prepare; nothing is written yet. `server` is its base URL.

        `key_id` is the server's own name for our key; "": not known.
        """
        self._folder = folder
        self._server = server
        self._key_id = key_id
        self._lease = timedelta(seconds=lease_s)
        self._now = now
        self._host = host or platform.node()
        self._machine_id = _text_of(MACHINE_ID) if machine_id is None else machine_id
        stem = f"queues-{hashlib.sha256(server.encode()).hexdigest()[:12]}"
        self._mine = folder / f"{stem}-{secrets.token_hex(6)}.json"
        self._lock: int | None = None

    def write(self, holding: Holding) -> None:
        """Write down what is held; an empty one ends the entry. Raises LedgerError."""
        try:
            if holding:
                if self._lock is None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                    self._lock = _locked(self._mine.with_suffix(".lock"))
                _write(self._mine, self._entry(holding))
            elif self._lock is not None:
                self._mine.unlink(missing_ok=True)
                _sync_folder(self._folder)
                self.close()
        except OSError as error:
            raise LedgerError(f"{self._mine}: cannot write down what is paused: {error}") from error

    def others(self) -> Holding:
        """Return what other processes hold of this server, those that are no more included."""
        tables = [table for path in self._paths() if (table := self._read(path)) is not None]
        entries = [_from_json(table) for table in tables]
        return Holding(
            paused=frozenset().union(*(entry.paused for entry in entries)),
            changed=tuple(change for entry in entries for change in entry.changed),
            theirs=frozenset().union(*(entry.theirs for entry in entries)),
        )

    def abandoned(self) -> Iterator["AbandonedEntry"]:
        """Yield the entries whose process is no more; each is ours alone until the next."""
        self._sweep()
        for path in self._paths():
            lock = path.with_suffix(".lock")
            try:
                held = _locked(lock)
            except OSError:
                continue  # it lives, or another process gives it back just now
            try:
                table = self._read(path)
                if table is not None and self._is_ours_to_end(table):
                    yield AbandonedEntry(path, table)
                if not path.exists():
                    path.with_suffix(".new").unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)
            finally:
                os.close(held)

    def close(self) -> None:
        """Let go of the lock. What is still written there can then be given back by others."""
        if self._lock is None:
            return
        if not self._mine.exists():
            self._mine.with_suffix(".lock").unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def _paths(self) -> list[Path]:
        """Return the entries of others, of this server and, unread yet, of any."""
        return sorted(p for p in self._folder.glob("queues-*.json") if p != self._mine)

    def _read(self, path: Path) -> dict[str, Any] | None:
        """Read an entry; None if it is gone, is none, or belongs to another server."""
        table = _read(path)
        if table is None:
            return None
        same_key = bool(self._key_id) and table.get("key_id") == self._key_id
        return table if same_key or table.get("server") == self._server else None

    def _sweep(self) -> None:
        """Remove locks whose process died before it wrote anything."""
        for lock in self._folder.glob("queues-*.lock"):
            if lock.with_suffix(".json").exists() or lock == self._mine.with_suffix(".lock"):
                continue
            with suppress(OSError):
                held = _locked(lock)
                lock.with_suffix(".new").unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
                os.close(held)

    def _entry(self, holding: Holding) -> dict[str, Any]:
        now = self._now()
        return {
            "format": FORMAT,
            "server": self._server,
            "key_id": self._key_id,
            "host": self._host,
            "machine_id": self._machine_id,
            "boot_id": _text_of(BOOT_ID),
            "pid": os.getpid(),
            "written": now.isoformat(timespec="seconds"),
            "until": (now + self._lease).isoformat(timespec="seconds"),
            **_to_json(holding),
        }

    def _is_ours_to_end(self, table: dict[str, Any]) -> bool:
        """Tell whether a free lock proves the end of that process: on this computer it does.

        A computer may get another name, and a system that forgets at every boot another id.
        """
        if table["host"] == self._host:
            return True
        if self._machine_id and table.get("machine_id") == self._machine_id:
            return True
        return self._now() > datetime.fromisoformat(table["until"]) + GRACE


class AbandonedEntry:
    """What a process that is no more still holds."""

    def __init__(self, path: Path, table: dict[str, Any]) -> None:
        self._path = path
        self._table = table
        self.holding = _from_json(table)

    def settle(self, left: Holding) -> None:
        """Write down what is left to give back; nothing left ends the entry."""
        try:
            if left:
                _write(self._path, {**self._table, **_to_json(left)})
            else:
                self._path.unlink(missing_ok=True)
                _sync_folder(self._path.parent)
        except OSError as error:
            raise LedgerError(f"{self._path}: {error}") from error


def _read(path: Path) -> dict[str, Any] | None:
    """Read an entry; None if it is gone, or is none."""
    try:
        table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _from_json(table)
        datetime.fromisoformat(table["until"])
        str(table["host"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return table


def _to_json(holding: Holding) -> dict[str, Any]:
    return {
        "paused": sorted(holding.paused),
        "changed": [
            {"key": change.key, "was": change.was, "ours": list(change.ours)}
            for change in holding.changed
        ],
        "theirs": sorted(holding.theirs),
    }


def _from_json(table: dict[str, Any]) -> Holding:
    return Holding(
        paused=frozenset(map(str, table["paused"])),
        changed=tuple(
            Change(str(c["key"]), _setting(c["was"]), tuple(map(_setting, c["ours"])))
            for c in table["changed"]
        ),
        theirs=frozenset(map(str, table.get("theirs", ()))),
    )


def _setting(value: Any) -> Setting:
    return tuple(map(_setting, value)) if isinstance(value, list) else value


def _write(path: Path, entry: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(entry, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    """Open and lock a file, or raise OSError when somebody has it locked or just removed it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(path)
    except OSError:
        os.close(handle)
        raise
    return handle


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
