"""The ledger remembers what was read and confirmed, and how each visit went."""

import hashlib
import json
import os
import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piuploader import errors
from piuploader.adapters.ledger import SqliteLedger
from piuploader.core.tally import Ending, Fate, Reason, Tally
from piuploader.ports import Known

MTIME = 1_700_000_000_000_000_000
SERVER = "http://immich.local"
IDENTITY = "uuid:1234-ABCD"


class Clock:
    """A clock that goes on by a second at each look."""

    def __init__(self, at=1_700_000_000.0):
        self.at = at

    def __call__(self):
        self.at += 1
        return self.at


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path):
    found = SqliteLedger(path, now=Clock())
    yield found
    found.close()


def sha1(text):
    return hashlib.sha1(text.encode("utf-8", "surrogateescape")).hexdigest()


def fate(path, ending=Ending.CONFIRMED, reason=Reason.NONE, **more):
    values = {"size": 10, "mtime_ns": MTIME, "checksum": sha1(path), "asset_id": f"asset {path!a}"}
    return Fate(path=path, ending=ending, reason=reason, **(values | more))


def begin(ledger, *, identity=IDENTITY, label="CARD", server=SERVER):
    return ledger.begin(identity=identity, label=label, server=server)


def rows(path, query, *values):
    """Read the file as it is on disk."""
    db = sqlite3.connect(path)
    try:
        return db.execute(query, values).fetchall()
    finally:
        db.close()


def test_what_was_confirmed_is_known_by_drive_folder_and_name(ledger):
    ledger.record(begin(ledger), [fate("DCIM/1.jpg"), fate("DCIM/100/2.jpg"), fate("3.jpg")])
    assert ledger.known(IDENTITY, "DCIM") == {"1.jpg": Known(10, MTIME, sha1("DCIM/1.jpg"))}
    assert ledger.known(IDENTITY, "DCIM/100").keys() == {"2.jpg"}
    assert ledger.known(IDENTITY, "").keys() == {"3.jpg"}
    assert ledger.known(IDENTITY, "DCI") == {}
    assert ledger.known("uuid:other", "DCIM") == {}


def test_a_part_of_a_folder_can_be_asked_for_by_name(ledger):
    ledger.record(begin(ledger), [fate(f"a/{n}") for n in ("1", "2\udcff", "3", "Z", "z")])
    assert "2\udcff" in ledger.known(IDENTITY, "a", ["2\udcff", "4"])
    assert "1" not in ledger.known(IDENTITY, "a", ["2\udcff", "4"])
    assert ledger.known(IDENTITY, "a", []) == {}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.text("aAbB", min_size=1, max_size=4)), st.sets(st.text("aAbB", max_size=4)))
def test_a_part_has_what_was_asked_for_and_little_else(ledger, files, names):
    session = begin(ledger)
    ledger.record(session, [fate(f"{session}/{name}") for name in files])
    found = ledger.known(IDENTITY, str(session), sorted(names, key=str.lower)).keys()
    assert found & names == files & names
    assert found <= files
    assert len(found) <= 2 * len(names)


def test_it_is_known_after_a_restart_too(path):
    ledger = SqliteLedger(path)
    ledger.record(begin(ledger), [fate("1.jpg")])
    ledger.close()
    ledger.close()
    again = SqliteLedger(path)
    assert again.known(IDENTITY, "").keys() == {"1.jpg"}
    again.close()


def test_a_file_that_changed_is_known_as_it_is_now(ledger):
    session = begin(ledger)
    ledger.record(session, [fate("1.jpg")])
    ledger.record(session, [fate("1.jpg", size=11, mtime_ns=MTIME + 1, checksum=sha1("new"))])
    assert ledger.known(IDENTITY, "") == {"1.jpg": Known(11, MTIME + 1, sha1("new"))}


def test_a_file_that_failed_after_it_was_read_need_not_be_read_again(ledger, path):
    failed = fate("1.jpg", Ending.FAILED, Reason.GAVE_UP, asset_id=None)
    unread = fate("2.jpg", Ending.FAILED, Reason.UNREADABLE, checksum=None, asset_id=None)
    ledger.record(begin(ledger), [failed, unread])
    assert ledger.known(IDENTITY, "").keys() == {"1.jpg"}
    assert rows(path, "SELECT confirmed_at, asset_id, server FROM files") == [(None, None, None)]


def test_a_file_that_was_only_read_counts_as_confirmed_once_the_server_has_it(ledger, path):
    session = begin(ledger)
    ledger.record(session, [fate("1.jpg", Ending.FAILED, Reason.STOPPED, asset_id=None)])
    ledger.record(session, [fate("1.jpg", Ending.DUPLICATE, known=True, asset_id="a")])
    ((confirmed_at, asset),) = rows(path, "SELECT confirmed_at, asset_id FROM files")
    assert confirmed_at is not None
    assert asset == "a"


def test_a_known_file_that_is_in_the_trash_now_is_not_confirmed_any_more(ledger, path):
    session = begin(ledger)
    ledger.record(session, [fate("1.jpg")])
    ledger.record(session, [fate("1.jpg", Ending.FAILED, Reason.TRASHED, known=True)])
    assert rows(path, "SELECT confirmed_at, asset_id FROM files") == [(None, None)]


def test_a_run_that_was_cut_short_forgets_nothing(ledger, path):
    session = begin(ledger)
    ledger.record(session, [fate("1.jpg")])
    before = rows(path, "SELECT * FROM files")
    stopped = fate("1.jpg", Ending.FAILED, Reason.STOPPED, known=True, asset_id=None)
    ledger.record(session, [stopped])
    assert rows(path, "SELECT * FROM files") == before


def test_a_replugged_drive_leaves_its_files_untouched(ledger, path):
    ledger.record(begin(ledger), [fate("1.jpg"), fate("2.jpg")])
    before = rows(path, "SELECT * FROM files")
    again = [fate(name, Ending.DUPLICATE, known=True) for name in ("1.jpg", "2.jpg")]
    ledger.record(begin(ledger), again)
    assert rows(path, "SELECT * FROM files") == before


@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b"caf\xe9/\xe9.jpg", "ü/\u202e.jpg".encode()])
def test_names_in_any_encoding_come_back_as_they_were(ledger, name):
    path = os.fsdecode(name)
    folder, _, last = path.rpartition("/")
    ledger.record(begin(ledger, identity=f"folder:/x/{path}", label=path), [fate(path)])
    assert ledger.known(f"folder:/x/{path}", folder).keys() == {last}


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=30).filter(lambda name: b"/" not in name),
        st.tuples(st.integers(0, 2**50), st.integers(-(2**63) + 1, 2**63 - 1)),
        max_size=20,
    )
)
def test_a_folder_comes_back_name_by_name_whatever_is_in_it(ledger, files):
    wanted = {os.fsdecode(name): values for name, values in files.items()}
    session = begin(ledger)
    folder = f"folder {session}"
    ledger.record(
        session, [fate(f"{folder}/{n}", size=s, mtime_ns=m) for n, (s, m) in wanted.items()]
    )
    found = ledger.known(IDENTITY, folder)
    assert {name: (k.size, k.mtime_ns) for name, k in found.items()} == wanted
    assert all(k.checksum == sha1(f"{folder}/{name}") for name, k in found.items())


def test_a_time_too_far_away_to_be_written_is_no_error(ledger):
    ledger.record(begin(ledger), [fate("1.jpg", mtime_ns=2**70)])
    assert ledger.known(IDENTITY, "")["1.jpg"].mtime_ns != 2**70  # it is read again, no more


def test_threads_work_side_by_side_and_leave_nothing_open(ledger):
    session = begin(ledger)
    seen = []

    def read(number):
        ledger.record(session, [fate(f"{number}/{n}.jpg") for n in range(50)])
        seen.append(len(ledger.known(IDENTITY, str(number))))

    for _ in range(2):
        threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [50] * 16
    assert len(ledger._db._seats) <= 9  # those of threads that are no more are cleared away


def test_a_closed_ledger_says_so(ledger):
    ledger.close()
    with pytest.raises(errors.LedgerError, match="closed"):
        ledger.known(IDENTITY, "")


def test_facts_are_kept(ledger, path):
    assert ledger.recall("types") is None
    ledger.remember("types", {"image": [".jpg"]})
    ledger.remember("types", {"image": [".jpg", ".heic"]})
    assert ledger.recall("types") == {"image": [".jpg", ".heic"]}
    assert rows(path, "SELECT key FROM facts") == [("types",)]


def test_a_drive_may_have_any_number_of_folders(ledger, monkeypatch):
    monkeypatch.setattr("piuploader.adapters.ledger.ledger.MAX_FOLDERS", 10)
    session = begin(ledger)
    for n in range(50):
        ledger.record(session, [fate(f"{n}/1.jpg"), fate(f"{n // 2}/2.jpg")])
    assert all("1.jpg" in ledger.known(IDENTITY, str(n)) for n in range(50))
    assert [len(ledger.known(IDENTITY, str(n))) for n in (0, 24, 25)] == [2, 2, 1]


def test_a_server_s_words_may_be_no_unicode_at_all(ledger, path):
    failed = fate("1.jpg", Ending.FAILED, Reason.REFUSED, detail="bad \ud800 word")
    ledger.record(begin(ledger), [failed])
    assert rows(path, "SELECT detail FROM session_files") == [("bad \\ud800 word",)]


def test_the_state_folder_is_private(ledger, path):
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_session_is_closed_with_its_account(ledger, path):
    session = begin(ledger)
    tally = Tally()
    tally.found = 2
    for each in (fate("1.jpg"), fate("2.jpg", Ending.FAILED, Reason.GAVE_UP)):
        tally.add(each)
    ledger.end(session, outcome="incomplete", tally=tally, problems=["bad \udcff", "ü"])
    ((*counts, reasons, problems),) = rows(
        path, "SELECT found, confirmed, failed, failed_bytes, reasons, problems FROM sessions"
    )
    assert counts == [2, 1, 1, 10]
    assert json.loads(reasons) == {"failed": {"GAVE_UP": 1}}
    assert json.loads(problems) == ["bad \\xff", "ü"]
