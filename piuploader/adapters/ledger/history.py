"""What the ledger tells a person: sessions, their files, and the drives that it knows."""

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from piuploader.adapters.ledger.database import Database
from piuploader.adapters.ledger.file import understood
from piuploader.adapters.ledger.presence import is_running
from piuploader.core.tally import Ending, Reason, Tally

RUNNING = "running"
INTERRUPTED = "interrupted"
MANY = 1000

SESSIONS = """
SELECT sessions.id, drives.label, drives.identity, servers.address, started, ended, outcome, found,
    confirmed, duplicate, skipped, failed, confirmed_bytes, duplicate_bytes, skipped_bytes,
    failed_bytes, unlisted, reasons, problems
FROM sessions JOIN drives ON drives.id = sessions.drive JOIN servers ON servers.id = sessions.server
"""
FILES = """
SELECT folders.path, name, size, ending, reason, detail, named_at
FROM session_files JOIN folders ON folders.id = session_files.folder
WHERE session = ? AND ending LIKE ? ORDER BY folders.path, name
"""
DRIVES = """
SELECT drives.identity, drives.label, drives.first_seen, drives.last_seen, COUNT(files.name),
    COUNT(files.confirmed_at), COALESCE(SUM(files.size), 0)
FROM drives LEFT JOIN folders ON folders.drive = drives.id
    LEFT JOIN files ON files.folder = folders.id
GROUP BY drives.id ORDER BY drives.last_seen DESC, drives.id DESC
"""


@dataclass(frozen=True, slots=True)
class PastSession:
    """One visit of a drive. Times are seconds since 1970 UTC."""

    number: int
    label: str
    identity: str
    server: str
    started_s: float
    ended_s: float | None  # None: it runs, or was interrupted
    state: str  # how it ended: the value of a Phase; RUNNING or INTERRUPTED if it did not
    tally: Tally  # without an end: what was written down so far; `found` counts no more then
    unlisted: int  # files with news that were too many to be listed
    problems: tuple[str, ...]


class PastFile(NamedTuple):
    """How one file ended in a session."""

    path: str
    size: int  # bytes
    ending: Ending
    reason: Reason
    detail: str
    named_at: str | None  # the time that it was sent with, if that is a guess from its name


class KnownDrive(NamedTuple):
    """What the ledger knows of one drive. Times are seconds since 1970 UTC."""

    identity: str
    label: str
    first_seen_s: float
    last_seen_s: float
    files: int  # read, and not to be read again
    confirmed: int  # of these, last seen on a server
    size: int  # bytes of `files`


class History:
    """Reads a ledger that is there. Raises LedgerError if it cannot be read."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._db = Database(path, now=now, may_set_aside=False)

    def close(self) -> None:
        """Close the file; the second time there is nothing to do."""
        self._db.close()

    def sessions(self, newest: int) -> list[PastSession]:
        """Return so many sessions, the newest first."""
        return self._sessions("ORDER BY sessions.id DESC LIMIT ?", newest)

    def session(self, number: int) -> PastSession | None:
        """Return one session, None if there is none of this number."""
        found = self._sessions("WHERE sessions.id = ?", number)
        return found[0] if found else None

    def running(self) -> list[PastSession]:
        """Return the sessions that run now, in any process of this device."""
        found = self._sessions("WHERE ended IS NULL ORDER BY sessions.id DESC LIMIT ?", MANY)
        return [each for each in found if each.state == RUNNING]

    def files(self, number: int, ending: Ending | None = None) -> list[PastFile]:
        """Return the files of a session that were news, by path; only those of one ending."""
        which = (number, ending.value if ending else "%")

        def read(db: sqlite3.Connection) -> list[PastFile]:
            rows = db.execute(FILES, which).fetchall()
            with understood():
                return [_file(row) for row in rows]

        return self._db.run(read)

    def drives(self) -> list[KnownDrive]:
        """Return the drives, the last seen first."""

        def read(db: sqlite3.Connection) -> list[KnownDrive]:
            rows = db.execute(DRIVES).fetchall()
            with understood():
                return [KnownDrive(os.fsdecode(row[0]), *row[1:]) for row in rows]

        return self._db.run(read)

    def _sessions(self, which: str, value: int) -> list[PastSession]:
        def read(db: sqlite3.Connection) -> list[PastSession]:
            rows = db.execute(f"{SESSIONS} {which}", (value,)).fetchall()
            with understood():
                return [self._session(row) for row in rows]

        # A session may have ended between the look at its row and the look at its lock:
        # what seems interrupted is looked at twice.
        found = self._db.run(read)
        if any(each.state == INTERRUPTED for each in found):
            found = self._db.run(read)
        return found

    def _session(self, row: tuple[Any, ...]) -> PastSession:
        number, label, identity, server, started, ended, outcome, found = row[:8]
        counts, sizes, (unlisted, reasons, problems) = row[8:12], row[12:16], row[16:]
        if ended is None:
            outcome = RUNNING if is_running(self._path, number) else INTERRUPTED
        tally = Tally(
            found if found is not None else sum(counts),
            Counter(dict(zip(Ending, counts, strict=True))),
            Counter(
                {
                    (Ending(ending), _reason(reason)): count
                    for ending, table in json.loads(reasons).items()
                    for reason, count in table.items()
                }
            ),
            Counter(dict(zip(Ending, sizes, strict=True))),
        )
        return PastSession(
            number,
            label,
            os.fsdecode(identity),
            server,
            started,
            ended,
            outcome,
            tally,
            unlisted,
            tuple(json.loads(problems)),
        )


def _file(row: tuple[Any, ...]) -> PastFile:
    folder, name, size, ending, reason, detail, named_at = row
    path = os.fsdecode(folder + b"/" + name if folder else name)
    return PastFile(path, size, Ending(ending), _reason(reason), detail, named_at)


def _reason(name: str) -> Reason:
    """Return a reason by its name; one that a later piuploader no longer has says nothing."""
    return Reason.__members__.get(name, Reason.NONE)
