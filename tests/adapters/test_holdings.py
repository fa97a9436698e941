"""What is paused is on disk before, and comes back whoever died when."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from piuploader.adapters.holdings import Holdings
from piuploader.core.policy import Change, Holding
from piuploader.errors import LedgerError

URL = "http://immich.local:2283"
SOME = Holding(
    paused=frozenset({"ocr", "smartSearch"}),
    changed=(Change("job.ocr.concurrency", 3, (1,)),),
    theirs=frozenset({"faceDetection"}),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_entry_says_who_holds_what_of_which_server(folder):
    mine = Holdings(folder, URL)
    mine.write(SOME)

    (path,) = folder.glob("*.json")
    entry = json.loads(path.read_text())

    assert entry["server"] == URL
    assert entry["pid"] == os.getpid()
    assert entry["paused"] == ["ocr", "smartSearch"]
    assert datetime.fromisoformat(entry["until"]) > datetime.now(UTC)
    mine.close()


def test_an_empty_holding_leaves_nothing_behind(folder):
    mine = Holdings(folder, URL)
    mine.write(SOME)
    mine.write(Holding())
    assert entries(folder) == []


def test_nothing_held_writes_nothing(folder):
    mine = Holdings(folder, URL)
    mine.write(Holding())
    mine.close()
    assert not folder.exists()


def test_what_a_living_process_holds_is_seen_but_not_given_away(folder):
    mine, other = Holdings(folder, URL), Holdings(folder, URL)
    mine.write(SOME)

    assert other.others() == SOME
    assert list(other.abandoned()) == []
    mine.close()


def test_one_server_knows_nothing_of_another(folder):
    mine, other = Holdings(folder, URL), Holdings(folder, "http://other")
    mine.write(SOME)
    mine.close()

    assert not other.others()
    assert list(other.abandoned()) == []


def test_a_server_is_known_by_the_id_of_our_key_whatever_its_address(folder):
    mine = Holdings(folder, URL, key_id="a1")
    mine.write(SOME)
    mine.close()
    moved = "http://192.168.1.5:2283"
    for other in (Holdings(folder, moved), Holdings(folder, moved, key_id="b2")):
        assert not other.others()
        assert list(other.abandoned()) == []
    same = Holdings(folder, moved, key_id="a1")
    assert same.others() == SOME
    for entry in same.abandoned():
        assert entry.holding == SOME
        entry.settle(Holding())
    assert entries(folder) == []


def test_a_key_whose_id_is_not_known_proves_nothing(folder):
    mine = Holdings(folder, URL)
    mine.write(SOME)
    mine.close()
    assert list(Holdings(folder, "http://elsewhere").abandoned()) == []
    assert len(list(Holdings(folder, URL, key_id="a1").abandoned())) == 1


def test_what_a_process_could_not_give_back_is_given_away_when_it_lets_go(folder):
    mine, next_one = Holdings(folder, URL), Holdings(folder, URL)
    mine.write(SOME)
    mine.close()

    for entry in next_one.abandoned():
        assert entry.holding == SOME
        entry.settle(Holding())

    assert entries(folder) == []


def test_what_cannot_be_given_back_yet_stays(folder):
    mine, next_one = Holdings(folder, URL), Holdings(folder, URL)
    mine.write(SOME)
    mine.close()
    left = Holding(paused=frozenset({"ocr"}))

    for entry in next_one.abandoned():
        entry.settle(left)

    assert [entry.holding for entry in next_one.abandoned()] == [left]


def test_a_killed_process_leaves_its_entry_to_the_next(folder):
    """SIGKILL, as the kernel out of memory or a pulled plug would."""
    code = f"""
import signal, sys
from pathlib import Path
from piuploader.adapters.holdings import Holdings
from piuploader.core.policy import Holding
mine = Holdings(Path({str(folder)!r}), {URL!r})
mine.write(Holding(paused=frozenset(["ocr"])))
print("written", flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        next_one = Holdings(folder, URL)
        assert list(next_one.abandoned()) == []
        process.send_signal(signal.SIGKILL)
        process.wait()

    found = [entry.holding for entry in next_one.abandoned()]
    assert found == [Holding(paused=frozenset({"ocr"}))]


def test_an_entry_of_another_computer_is_left_until_its_limit(folder):
    """Locks may not reach across a shared folder: only time tells."""
    there = Holdings(folder, URL, host="elsewhere", machine_id="2", lease_s=3600.0)
    there.write(SOME)
    there.close()

    soon = datetime.now(UTC) + timedelta(minutes=30)
    late = datetime.now(UTC) + timedelta(hours=3)

    assert list(Holdings(folder, URL, now=lambda: soon).abandoned()) == []
    assert [e.holding for e in Holdings(folder, URL, now=lambda: late).abandoned()] == [SOME]


def test_a_computer_that_got_another_name_meanwhile_knows_its_own_entries(folder):
    before = Holdings(folder, URL, host="raspberrypi", machine_id="1")
    before.write(SOME)
    before.close()

    after = Holdings(folder, URL, host="photos", machine_id="1")
    assert [entry.holding for entry in after.abandoned()] == [SOME]


def test_a_damaged_entry_harms_nobody(folder):
    mine = Holdings(folder, URL)
    mine.write(SOME)
    (path,) = folder.glob("*.json")
    mine.close()
    path.write_text("{")

    next_one = Holdings(folder, URL)
    assert not next_one.others()
    assert list(next_one.abandoned()) == []


def test_a_lock_without_an_entry_is_swept_away(folder):
    mine = Holdings(folder, URL)
    mine.write(SOME)
    (path,) = folder.glob("*.json")
    mine.close()
    path.unlink()

    list(Holdings(folder, URL).abandoned())
    assert entries(folder) == []


def test_a_folder_that_cannot_be_written_is_a_clear_no(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(LedgerError, match="cannot write down what is paused"):
        Holdings(blocked / "state", URL).write(SOME)
