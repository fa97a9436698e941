"""What this device remembers across drives and restarts: the port `Ledger`, in SQLite."""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from piuploader.adapters.ledger.database import Database
from piuploader.adapters.ledger.file import understood
from piuploader.adapters.ledger.presence import Presence
from piuploader.adapters.ledger.rows import MAX_LISTED, Batch, text
from piuploader.adapters.ledger.schema import transaction
from piuploader.core.tally import Ending, Fate, Tally
from piuploader.ports import Known

KEPT_SESSIONS = 50  # whose files are remembered one by one
MOST_BETWEEN = 2  # rows that may be read for each that is asked for
MOST_NAMED = 30_000  # SQLite takes 32,766 values in one question, unless built for more
MAX_FOLDERS = 4096  # whose numbers are kept in memory

# As os.fsdecode does, without its cost for each of 100,000 names.
ENCODING, ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()

# As Known(...) does, three times as fast.
_as_known: Callable[[tuple[int, int, str]], Known] = partial(tuple.__new__, Known)

KNOWN = """
SELECT name, size, mtime_ns, checksum FROM files WHERE folder =
    (SELECT folders.id FROM folders JOIN drives ON drives.id = folders.drive
     WHERE drives.identity = ? AND folders.path = ?)
"""
# Of what was known already nothing changed as a rule, and then nothing is written.
READ = """
INSERT INTO files (folder, name, size, mtime_ns, checksum, confirmed_at, asset_id, server)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
    checksum = excluded.checksum, confirmed_at = excluded.confirmed_at,
    asset_id = excluded.asset_id, server = excluded.server
WHERE asset_id IS NOT excluded.asset_id OR server IS NOT excluded.server
    OR mtime_ns <> excluded.mtime_ns OR size <> excluded.size OR checksum <> excluded.checksum
"""
LIST = """
INSERT OR REPLACE INTO session_files (session, folder, name, size, ending, reason, detail, named_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
DRIVE = """
INSERT INTO drives (identity, label, first_seen, last_seen) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET label = excluded.label, last_seen = excluded.last_seen RETURNING id
"""
SERVER = """
INSERT INTO servers (address) VALUES (?)
ON CONFLICT DO UPDATE SET address = excluded.address RETURNING id
"""
BEGIN = "INSERT INTO sessions (id, drive, server, started) VALUES (?, ?, ?, ?) RETURNING id"
PRUNE = """
DELETE FROM session_files WHERE session <=
    (SELECT id FROM sessions ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
COUNT = """
UPDATE sessions SET confirmed = confirmed + ?, duplicate = duplicate + ?, skipped = skipped + ?,
    failed = failed + ?, confirmed_bytes = confirmed_bytes + ?,
    duplicate_bytes = duplicate_bytes + ?, skipped_bytes = skipped_bytes + ?,
    failed_bytes = failed_bytes + ?, unlisted = unlisted + ? WHERE id = ?
"""
END = """
UPDATE sessions SET ended = ?, outcome = ?, found = ?, reasons = ?, problems = ?,
    confirmed = ?, duplicate = ?, skipped = ?, failed = ?, confirmed_bytes = ?,
    duplicate_bytes = ?, skipped_bytes = ?, failed_bytes = ? WHERE id = ?
"""
REMEMBER = """
INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value
"""


@dataclass(slots=True)
class Visit:
    """A session that this process began: what is needed to go on with it, in a new file too."""

    identity: bytes
    label: str
    server: str
    started: float  # seconds since 1970
    server_id: int
    drive_id: int
    folders: dict[str, int] = field(default_factory=dict)
    room: int = MAX_LISTED


class SqliteLedger:
    """The ledger of this device. Any thread may call any method.

    Every method raises LedgerError when a person is needed: no room, no right
    to write. A damaged file is set aside and begun anew, also in use.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """Open the ledger, or make it. `now` returns seconds since 1970."""
        self._now = now
        self._visits: dict[int, Visit] = {}
        self._writing = Lock()
        self._db = Database(path, now=now, rebuilt=self._begin_anew)
        self._presence = Presence(path)

    def close(self) -> None:
        """Close all connections. Sessions that have no end count as interrupted."""
        self._presence.close()
        self._db.close()

    def known(
        self, identity: str, folder: str, names: Sequence[str] | None = None
    ) -> Mapping[str, Known]:
        """Return the files of one folder by name that were read before.

        `names`: at least these, for a part of a folder that is too large to be held at once.
        """
        where = (os.fsencode(identity), os.fsencode(folder))
        wanted = None if names is None else [os.fsencode(name) for name in names]

        def read(db: sqlite3.Connection) -> dict[str, Known]:
            rows = _known(db, where, wanted)
            encoding, errors = ENCODING, ERRORS
            with understood():
                return {
                    name.decode(encoding, errors): _as_known((size, mtime_ns, checksum.hex()))
                    for name, size, mtime_ns, checksum in rows
                }

        return self._db.run(read)

    def begin(self, *, identity: str, label: str, server: str) -> int:
        """Open a session and return its number; forget the files of sessions long ago."""
        visit = Visit(os.fsencode(identity), text(label), text(server), self._now(), 0, 0)

        def write(db: sqlite3.Connection) -> int:
            with transaction(db):
                db.execute(PRUNE, (KEPT_SESSIONS - 1,))
                session = _begin(db, None, visit)
                self._presence.enter(session)  # before others can see the session without it
                return session

        with self._writing:
            session = self._db.run(write)
            self._visits[session] = visit
        return session

    def record(self, session: int, fates: Iterable[Fate]) -> None:
        """Write down how files ended, in one transaction.

        A file that failed or was not sent, but was read, need not be read again.
        """
        fates = list(fates)
        if not fates:
            return
        visit = self._visits[session]

        def write(db: sqlite3.Connection) -> int:
            batch = Batch()
            room = batch.add(fates, now_s=self._now(), server=visit.server_id, room=visit.room)
            with transaction(db):
                _write(db, session, visit, batch)
            return room

        with self._writing:
            try:
                visit.room = self._db.run(write)
            except BaseException:
                visit.folders.clear()  # numbers given in a transaction that was undone
                raise

    def end(self, session: int, *, outcome: str, tally: Tally, problems: Sequence[str]) -> None:
        """Close a session with its account."""
        reasons: dict[str, dict[str, int]] = {}
        for (ending, reason), count in tally.reasons.items():
            reasons.setdefault(ending.value, {})[reason.name] = count
        row = (
            self._now(),
            text(outcome),
            tally.found,
            json.dumps(reasons),
            json.dumps([text(sentence) for sentence in problems], ensure_ascii=False),
            *(tally.endings[ending] for ending in Ending),
            *(tally.bytes_by_ending[ending] for ending in Ending),
            session,
        )
        with self._writing:
            self._db.run(lambda db: db.execute(END, row))
            self._presence.leave(session)
            self._visits.pop(session, None)

    def remember(self, key: str, value: Any) -> None:
        """Keep a small thing that was learnt, as JSON."""
        row = (key, json.dumps(value))
        with self._writing:
            self._db.run(lambda db: db.execute(REMEMBER, row))

    def recall(self, key: str) -> Any:
        """Return what was kept under a key, None if there is nothing."""

        def read(db: sqlite3.Connection) -> Any:
            row = db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
            with understood():
                return None if row is None else json.loads(row[0])

        return self._db.run(read)

    def _begin_anew(self, db: sqlite3.Connection) -> None:
        """Write the sessions that run now into a file that is new."""
        with transaction(db):
            for session, visit in list(self._visits.items()):
                visit.folders.clear()
                if not db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone():
                    _begin(db, session, visit)


def _known(
    db: sqlite3.Connection, where: tuple[bytes, bytes], names: list[bytes] | None
) -> list[tuple[bytes, int, int, bytes]]:
    if names is None or len(names) > MOST_NAMED:
        return db.execute(KNOWN, where).fetchall()
    if not names:
        return []
    # A range of the key is read three times as fast as name by name. But names that follow
    # each other in a listing need not do so here, where upper case stands apart: then the
    # range may be most of the folder.
    most = MOST_BETWEEN * len(names)
    ends = (min(names), max(names), most)
    rows = db.execute(f"{KNOWN} AND name BETWEEN ? AND ? LIMIT ?", (*where, *ends)).fetchall()
    if len(rows) == most:
        places = ",".join("?" * len(names))
        rows = db.execute(f"{KNOWN} AND name IN ({places})", (*where, *names)).fetchall()
    return rows


def _begin(db: sqlite3.Connection, session: int | None, visit: Visit) -> int:
    (visit.drive_id,) = db.execute(
        DRIVE, (visit.identity, visit.label, visit.started, visit.started)
    ).fetchone()
    (visit.server_id,) = db.execute(SERVER, (visit.server,)).fetchone()
    row = (session, visit.drive_id, visit.server_id, visit.started)
    number: int
    (number,) = db.execute(BEGIN, row).fetchone()
    return number


def _write(db: sqlite3.Connection, session: int, visit: Visit, batch: Batch) -> None:
    ids = _folder_ids(db, visit, batch.folders())
    db.executemany(READ, ((ids[folder], *row) for folder, row in batch.read))
    db.executemany(LIST, ((session, ids[folder], *row) for folder, row in batch.listed))
    db.execute(
        COUNT,
        (
            *(batch.counts[ending] for ending in Ending),
            *(batch.sizes[ending] for ending in Ending),
            batch.unlisted,
            session,
        ),
    )


def _folder_ids(db: sqlite3.Connection, visit: Visit, folders: set[str]) -> dict[str, int]:
    """Return the numbers of folders, and give numbers to new ones."""
    if len(visit.folders) > MAX_FOLDERS:
        visit.folders.clear()
    ids = visit.folders
    for folder in folders - ids.keys():
        where = (visit.drive_id, os.fsencode(folder))
        db.execute("INSERT INTO folders (drive, path) VALUES (?, ?) ON CONFLICT DO NOTHING", where)
        (ids[folder],) = db.execute(
            "SELECT id FROM folders WHERE drive = ? AND path = ?", where
        ).fetchone()
    return ids
