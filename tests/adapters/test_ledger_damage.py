"""A damaged ledger costs time and nothing else; what only a person can mend is said."""

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest

from piuploader import errors
from piuploader.adapters.ledger import SqliteLedger, file
from piuploader.adapters.ledger.history import History
from piuploader.adapters.ledger.schema import MIGRATIONS
from piuploader.core.tally import Ending, Fate, Tally

IDENTITY = "uuid:1"
NOW = 1_700_000_000.0  # 2023-11-14 in every time zone but the easternmost
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@contextmanager
def opened(path):
    ledger = SqliteLedger(path, now=lambda: NOW)
    try:
        yield ledger
    finally:
        ledger.close()


def begin(ledger):
    return ledger.begin(identity=IDENTITY, label="CARD", server="http://x")


def fates(count, *, first=0):
    return [
        Fate(f"DCIM/{n:06d}.jpg", n, n, Ending.CONFIRMED, checksum=SHA1, asset_id=f"a{n}")
        for n in range(first, first + count)
    ]


def filled(path, count=5000):
    with opened(path) as ledger:
        session = begin(ledger)
        ledger.record(session, fates(count))
        ledger.end(session, outcome="complete", tally=Tally(), problems=[])


def works(path):
    """Use a ledger as an import does; return how many files it knew."""
    with opened(path) as ledger:
        known = len(ledger.known(IDENTITY, "DCIM"))
        session = begin(ledger)
        ledger.record(session, fates(3))
        assert len(ledger.known(IDENTITY, "DCIM")) >= 3
        ledger.end(session, outcome="complete", tally=Tally(), problems=[])
    return known


def set_aside(path):
    return sorted(each.name for each in path.parent.glob("*.damaged-*"))


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"\0" * 8192])
def test_what_is_no_database_is_set_aside_and_begun_anew(path, caplog, content):
    path.write_bytes(content)
    assert works(path) == 0
    (kept,) = set_aside(path)
    assert kept.startswith("ledger.db.damaged-2023-11-1")
    assert (path.parent / kept).read_bytes() == content
    assert "damaged" in caplog.text
    assert works(path) == 3
    assert set_aside(path) == [kept]


def test_the_log_goes_with_the_file(path):
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).touch()
    file.set_aside(path, file.Damaged("for a test"), now_s=NOW)
    kept, *more = set_aside(path)
    assert more == [f"{kept}-shm", f"{kept}-wal"]


def test_an_empty_file_is_a_new_ledger(path):
    path.touch()
    assert works(path) == 0
    assert not set_aside(path)


def test_a_second_damage_on_one_day_replaces_nothing(path):
    for content in (b"1" * 4096, b"2" * 4096):
        for each in path.parent.glob("ledger.db*"):
            if ".damaged" not in each.name:
                each.unlink()
        path.write_bytes(content)
        works(path)
    assert len(set_aside(path)) == 2


def test_another_programs_database_is_set_aside(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE drives (something)")
    db.close()
    assert works(path) == 0
    assert len(set_aside(path)) == 1


def test_a_ledger_that_lacks_a_column_is_set_aside(path, caplog):
    filled(path, 3)
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE session_files DROP COLUMN detail")
    db.close()
    assert works(path) == 0
    assert "session_files.detail is missing" in caplog.text


def test_a_ledger_of_a_newer_version_is_left_alone(path):
    filled(path, 3)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(errors.LedgerError, match="newer piuploader"):
        SqliteLedger(path)
    assert path.read_bytes() == before
    assert not set_aside(path)


def test_an_sqlite_that_is_too_old_is_said(path, monkeypatch):
    monkeypatch.setattr(file, "OLDEST", (99, 0, 0))
    with pytest.raises(errors.LedgerError, match=r"too old.*99\.0\.0"):
        SqliteLedger(path)


def test_pages_that_broke_under_a_kill_are_found_at_the_start(path, caplog):
    """Something of the last use is left (a log), so the whole file is looked at."""
    filled(path)
    _break_pages(path)
    path.with_name("ledger.db-wal").touch()
    assert works(path) == 0
    assert "damaged" in caplog.text


def test_pages_that_broke_unseen_are_found_in_use_and_the_session_goes_on(path, caplog):
    filled(path)
    _break_pages(path)
    caplog.set_level(logging.WARNING)
    with opened(path) as ledger:
        session = begin(ledger)
        assert ledger.known(IDENTITY, "DCIM") == {}
        ledger.record(session, fates(10))
        assert len(ledger.known(IDENTITY, "DCIM")) == 10
        ledger.end(session, outcome="complete", tally=Tally(), problems=[])
    assert len(set_aside(path)) >= 1
    history = History(path)
    (past,) = history.sessions(10)
    history.close()
    assert (past.number, past.state) == (session, "complete")


def test_pages_that_break_while_a_session_runs_do_not_end_it(path, caplog):
    filled(path)
    with opened(path) as ledger:
        begin(ledger)
        session = begin(ledger)
        ledger.record(session, [Fate("a.jpg", 1, 1, Ending.CONFIRMED, checksum=SHA1)])
        ledger._db._seat().connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _break_pages(path)
        known = []
        reader = threading.Thread(target=lambda: known.append(ledger.known(IDENTITY, "DCIM")))
        reader.start()
        reader.join()
        assert known == [{}]
        assert "damaged" in caplog.text
        again = [fate._replace(ending=Ending.DUPLICATE, known=True) for fate in fates(10)]
        ledger.record(session, again)  # the new file did not know them
        assert len(ledger.known(IDENTITY, "DCIM")) == 10
        with closing(History(path)) as history:
            assert [each.number for each in history.running()] == [session, session - 1]
        ledger.end(session, outcome="complete", tally=Tally(), problems=[])
        assert begin(ledger) == session + 1


def test_all_threads_go_on_with_the_new_file(path):
    filled(path)
    _break_pages(path)
    with opened(path) as ledger:
        session = begin(ledger)
        problems = []

        def work(number):
            try:
                for n in range(20):
                    ledger.known(IDENTITY, "DCIM")
                    ledger.record(session, fates(5, first=(number * 20 + n) * 5))
            except Exception as error:  # noqa: BLE001
                problems.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert 500 <= len(ledger.known(IDENTITY, "DCIM")) <= 600
    assert len([name for name in set_aside(path) if not name.endswith(("-wal", "-shm"))]) == 1


@pytest.mark.parametrize("seed", range(24))
def test_whatever_bytes_go_bad_an_import_goes_through(path, seed):
    """Either it was seen and set aside, or it hit nothing that is used; never an error."""
    filled(path, 2000)
    luck = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(luck.choice([1, 20, 400])):
        # not the header, where the version is: that is a newer ledger's, as far as one can tell
        data[luck.randrange(100, len(data))] = luck.randrange(256)
    path.write_bytes(data[: luck.randrange(len(data))] if seed % 3 == 0 else data)
    if seed % 2:
        path.with_name("ledger.db-wal").touch()
    works(path)
    try:
        look(path)
    except errors.LedgerError:  # an import need not meet every page, but now it looks
        works(path)
        look(path)


def look(path):
    """Read all that there is to read."""
    history = History(path)
    try:
        assert history.sessions(5)
        assert history.drives()
        history.files(1)
    finally:
        history.close()


def test_who_only_looks_sets_nothing_aside(path):
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(errors.LedgerError, match="the next import sets it aside"):
        History(path)
    assert not set_aside(path)


def test_a_damaged_ledger_that_another_process_uses_is_not_moved(path):
    """SQLite there would go on with the old file, and remove the new one's log."""
    with opened(path) as ledger:
        ledger.record(begin(ledger), fates(3))
        code = (
            "import sys, pathlib; import piuploader.adapters.ledger.database as d; d.BUSY_S = 0.2;"
            "from piuploader.adapters.ledger import SqliteLedger;"
            f"SqliteLedger(pathlib.Path({str(path)!r}))"
        )
        keep = path.read_bytes(), path.with_name("ledger.db-wal").read_bytes()
        path.write_bytes(b"no database" * 1000)
        path.with_name("ledger.db-wal").write_bytes(b"")
        other = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        assert "another piuploader uses it" in other.stderr
        assert not set_aside(path)
        path.write_bytes(keep[0])
        path.with_name("ledger.db-wal").write_bytes(keep[1])


def test_a_full_disk_is_said_and_the_ledger_is_right_when_there_is_room_again(path):
    with opened(path) as ledger:
        session = begin(ledger)
        ledger.record(session, fates(10))
        seat = ledger._db._seat()
        seat.connection.execute("PRAGMA max_page_count = 20")
        with pytest.raises(errors.LedgerError, match="make room"):
            ledger.record(session, fates(5000))
        assert len(ledger.known(IDENTITY, "DCIM")) == 10  # all of a batch or nothing
        seat.connection.execute("PRAGMA max_page_count = 1000000")
        ledger.record(session, fates(5000))
        assert len(ledger.known(IDENTITY, "DCIM")) == 5000
    assert not set_aside(path)


def test_a_folder_that_was_new_in_what_was_undone_is_new_again(path):
    with opened(path) as ledger:
        session = begin(ledger)
        seat = ledger._db._seat()
        seat.connection.execute("PRAGMA max_page_count = 20")
        with pytest.raises(errors.LedgerError):
            ledger.record(session, fates(5000))  # the first of their folder
        seat.connection.execute("PRAGMA max_page_count = 1000000")
        ledger.record(session, [Fate("other/1.jpg", 1, 1, Ending.CONFIRMED, checksum=SHA1)])
        ledger.record(session, fates(5))
        assert len(ledger.known(IDENTITY, "DCIM")) == 5
        assert ledger.known(IDENTITY, "other").keys() == {"1.jpg"}


@contextmanager
def as_somebody_else(folder):
    """Lose the right to write, as root and as anybody."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def shared(tmp_path):
    """A folder that another user can reach."""
    for each in (tmp_path, *tmp_path.parents):
        if each.owner() != "root" or each.stat().st_mode & 0o005 == 0:
            each.chmod(each.stat().st_mode | 0o055)
    return tmp_path


def test_a_folder_that_may_not_be_written_is_said(shared):
    with (
        as_somebody_else(shared),
        pytest.raises(errors.LedgerError, match=f"{shared}.*Permission denied"),
    ):
        SqliteLedger(shared / "ledger.db")


def test_a_file_that_may_not_be_written_is_said(shared):
    path = shared / "ledger.db"
    filled(path, 3)
    path.chmod(0o444)
    path.with_name("ledger.db.lock").chmod(0o666)
    with as_somebody_else(shared), pytest.raises(errors.LedgerError, match="owner"):
        works(path)
    path.chmod(0o644)
    assert works(path) == 3


def test_a_place_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.LedgerError, match="state folder"):
        SqliteLedger(tmp_path / "file" / "ledger.db")
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(errors.LedgerError, match="cannot be opened"):
        SqliteLedger(tmp_path / "ledger.db")


def test_a_log_that_was_cut_off_anywhere_holds_whole_batches(path, tmp_path):
    """What a power cut leaves: the log's end is missing."""
    with opened(path) as ledger:
        session = begin(ledger)
        for n in range(12):
            ledger.record(session, fates(20, first=n * 20))
        database, log = path.read_bytes(), path.with_name("ledger.db-wal").read_bytes()
    luck = random.Random(1)
    counts = set()
    for n in range(25):
        copy = tmp_path / str(n) / "ledger.db"
        copy.parent.mkdir()
        copy.write_bytes(database)
        copy.with_name("ledger.db-wal").write_bytes(log[: luck.randrange(len(log) + 1)])
        with opened(copy) as ledger:
            counts.add(len(ledger.known(IDENTITY, "DCIM")))
        assert not set_aside(copy)
        shutil.rmtree(copy.parent)
    assert all(count % 20 == 0 for count in counts)
    assert len(counts) > 4


def _break_pages(path):
    """Overwrite all pages but the first few, where the schema is."""
    size = path.stat().st_size
    assert size > 20 * 4096
    with path.open("r+b") as file:
        file.seek(12 * 4096)
        file.write(os.urandom(size - 13 * 4096))
