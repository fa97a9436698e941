"""The ledger's tables, as a list of migrations.

`user_version` in the file counts how many of them it has seen. Each runs in one
transaction together with its count. A migration that was released is never
changed; a new need is a new one at the end.

    drives ──< folders ──< files            what was read, and what the server confirmed
       └────< sessions ──< session_files    how each visit went, file by file where there is news
    servers                                 by address
    facts                                   small things learnt, as JSON

Names and paths are the bytes of the file system (`os.fsencode`), so that any
name survives. Times are seconds since 1970 UTC, sizes are bytes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

MIGRATIONS = (
    """
    CREATE TABLE drives (
        id INTEGER PRIMARY KEY,
        identity BLOB NOT NULL UNIQUE,
        label TEXT NOT NULL,
        first_seen REAL NOT NULL,
        last_seen REAL NOT NULL
    ) STRICT;

    CREATE TABLE servers (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE folders (
        id INTEGER PRIMARY KEY,
        drive INTEGER NOT NULL REFERENCES drives,
        path BLOB NOT NULL,
        UNIQUE (drive, path)
    ) STRICT;

    -- confirmed_at, asset_id, server: when, as what and where the file was last seen
    -- on a server; NULL while it was only read.
    CREATE TABLE files (
        folder INTEGER NOT NULL REFERENCES folders,
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        checksum BLOB NOT NULL CHECK (length(checksum) = 20),
        confirmed_at REAL,
        asset_id TEXT,
        server INTEGER REFERENCES servers,
        PRIMARY KEY (folder, name)
    ) STRICT, WITHOUT ROWID;

    -- AUTOINCREMENT: a number is never used twice. ended, outcome, found: NULL until the end.
    -- unlisted: files that would be in session_files, if there were not so many.
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        drive INTEGER NOT NULL REFERENCES drives,
        server INTEGER NOT NULL REFERENCES servers,
        started REAL NOT NULL,
        ended REAL,
        outcome TEXT,
        found INTEGER,
        confirmed INTEGER NOT NULL DEFAULT 0,
        duplicate INTEGER NOT NULL DEFAULT 0,
        skipped INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        confirmed_bytes INTEGER NOT NULL DEFAULT 0,
        duplicate_bytes INTEGER NOT NULL DEFAULT 0,
        skipped_bytes INTEGER NOT NULL DEFAULT 0,
        failed_bytes INTEGER NOT NULL DEFAULT 0,
        unlisted INTEGER NOT NULL DEFAULT 0,
        reasons TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(reasons)),
        problems TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(problems))
    ) STRICT;

    -- ending is the value of core.tally.Ending, reason the name of core.tally.Reason.
    CREATE TABLE session_files (
        session INTEGER NOT NULL REFERENCES sessions,
        folder INTEGER NOT NULL REFERENCES folders,
        name BLOB NOT NULL,
        size INTEGER NOT NULL,
        ending TEXT NOT NULL CHECK (ending IN ('confirmed', 'duplicate', 'skipped', 'failed')),
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (session, folder, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE facts (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL CHECK (json_valid(value))
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- The time that a file was sent with, if that is a guess from its name; ISO 8601.
    ALTER TABLE session_files ADD COLUMN named_at TEXT;
    """,
)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing. The write lock is taken at once, so that no one comes between."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def version(db: sqlite3.Connection) -> int:
    """Return how many migrations the file has seen."""
    count: int = db.execute("PRAGMA user_version").fetchone()[0]
    return count


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables up to date, one migration a transaction."""
    while version(db) < len(MIGRATIONS):
        with transaction(db):
            done = version(db)  # another process may have been quicker
            if done < len(MIGRATIONS):
                for statement in _statements(MIGRATIONS[done]):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {done + 1}")


def lacks(db: sqlite3.Connection) -> set[str]:
    """Return the columns that should be there and are not, as `table.column`."""
    pattern = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(pattern)
        return _columns(pattern) - _columns(db)
    finally:
        pattern.close()


def _columns(db: sqlite3.Connection) -> set[str]:
    rows = db.execute(
        "SELECT tables.name || '.' || columns.name"
        " FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns"
        " WHERE tables.type = 'table'"
    )
    return {name for (name,) in rows}


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
