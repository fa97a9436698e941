"""The ledger as one file: open it, judge it, set it aside."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from piuploader.adapters.ledger import schema
from piuploader.errors import LedgerError

log = logging.getLogger(__name__)

CACHE_KIB = 512  # of each connection; rows are read and written in order, more gains nothing
BUSY_S = 30.0  # a checkpoint to a slow card may hold the others up for seconds
OLDEST = (3, 37, 0)  # with STRICT tables; Debian 12 has 3.40
DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # no such table or column: not the file that we wrote
}
REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: make room there",
    sqlite3.SQLITE_READONLY: "it may not be written: check its owner, and that the disk is not "
    "mounted read-only",
    sqlite3.SQLITE_PERM: "it may not be used: check its owner",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that it is a file, and its owner",
    sqlite3.SQLITE_BUSY: "another piuploader holds it: let that one finish, or end it",
    sqlite3.SQLITE_IOERR: "the disk that holds it reports errors: check that disk",
}


class Damaged(Exception):
    """The file is there, but it is not, or no longer, a ledger."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for one thread at a time.

    WAL, so that readers and the writer do not wait for each other. With it,
    synchronous=NORMAL loses nothing when we are killed, and after a power cut
    at most the last moments, never the file: what is forgotten is read and
    asked for again. FULL would sync at every commit, which wears cards out.
    """
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.text_factory = _text
    try:
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:
        db.close()
        raise
    return db


def examine(path: Path, *, thorough: bool) -> None:
    """Look at the file and bring its tables up to date; make it if there is none.

    Raises Damaged, or LedgerError where a person is needed.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old, {needed} is needed")
    with explained(path), closing(connect(path)) as db:
        if schema.version(db) > len(schema.MIGRATIONS):
            raise LedgerError(
                f"the ledger {path} was written by a newer piuploader: "
                "update this one, or move that file away"
            )
        if thorough:
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise Damaged(" ".join(verdict.split()))
        schema.migrate(db)
        if lacking := schema.lacks(db):
            raise Damaged(f"{min(lacking)} is missing")


def set_aside(path: Path, damage: Damaged, *, now_s: float) -> None:
    """Move the file and its log out of the way. Nobody may have it open."""
    day = datetime.fromtimestamp(now_s).astimezone().strftime("%Y-%m-%d")
    kept, number = beside(path, f".damaged-{day}"), 1
    while kept.exists():
        number += 1
        kept = beside(path, f".damaged-{day}-{number}")
    try:
        path.rename(kept)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                beside(path, suffix).rename(beside(kept, suffix))
    except OSError as error:
        raise LedgerError(
            f"the ledger {path} is damaged and cannot be set aside: {error.strerror}"
        ) from error
    log.warning(
        "The ledger was damaged and begins anew: nothing is lost, but drives are read once "
        "more: reason=%s kept=%s",
        damage,
        kept,
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into what they mean for us: damage, a person's job, or a bug."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF  # the primary one
        if code in DAMAGE:
            raise Damaged(str(error)) from error
        if code in REMEDIES:
            raise LedgerError(f"the ledger {path}: {REMEDIES[code]} ({error})") from error
        raise
    except UnicodeDecodeError as error:  # SQLite quotes what it could not make sense of
        raise Damaged(str(error)) from error


@contextmanager
def understood() -> Iterator[None]:
    """Take it for damage when a row does not hold what we wrote there."""
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        raise Damaged(f"a row makes no sense: {error}") from error


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to this one."""
    return path.with_name(path.name + suffix)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
