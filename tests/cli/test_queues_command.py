"""`piuploader queues`, as a person or a script calls it, against real HTTP."""

import json
import signal
import subprocess
import sys

import pytest

from piuploader.adapters.holdings import Holdings
from piuploader.cli.main import run
from piuploader.core.policy import Holding
from tests.queue_fakes import FakeQueueServer, HttpImmich, serving


@pytest.fixture
def immich(tmp_path, monkeypatch):
    with serving(HttpImmich(FakeQueueServer())) as server:
        monkeypatch.setenv("PIUPLOADER_SERVER", server.url)
        monkeypatch.setenv("PIUPLOADER_API_KEY", "key")
        monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        yield server


def hold(immich, tmp_path, *names):
    """Pause queues as a piuploader that is no more."""
    journal = Holdings(tmp_path / "state" / "queues", immich.url)
    journal.write(Holding(paused=frozenset(names)))
    immich.queues.paused |= set(names)
    return journal


def test_every_queue_is_shown_with_its_counts_and_a_sentence(immich, capsys):
    immich.queues.jobs = {"ocr": 1234}
    assert run(["queues", "--seconds", "0"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("ocr"))
    assert row.split() == ["ocr", "2", "1,232", "·", "·", "1,232"]
    assert "aNewOne" in out
    assert "this program may be closed" in out


def test_json_is_one_document_with_both_layers(immich, capsys):
    immich.queues.jobs = {"ocr": 10, "smartSearch": 5}
    immich.queues.paused = {"smartSearch"}
    assert run(["queues", "--json", "--seconds", "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["active"], told["waiting"]) == (2, 13)
    assert told["server_settled"] is False
    queue = next(q for q in told["queues"] if q["name"] == "smartSearch")
    assert (queue["is_paused"], queue["waiting"], queue["paused"]) == (True, 0, 5)
    assert queue["backlog"] == 5


def test_waiting_ends_when_the_server_has_finished(immich, capsys):
    assert run(["queues", "wait", "--every", "0.01"]) == 0
    assert "has finished" in capsys.readouterr().out


def test_waiting_ends_when_the_time_is_up(immich):
    immich.queues.jobs = {"ocr": 10}
    assert run(["queues", "wait", "--every", "0.01", "--timeout", "0.05"]) == 75


def test_waiting_for_a_paused_queue_would_not_end(immich, capsys):
    immich.queues.jobs = {"ocr": 10}
    immich.queues.paused = {"ocr"}
    assert run(["queues", "wait", "--every", "0.01"]) == 69
    assert "Paused until somebody resumes: ocr" in capsys.readouterr().out


def test_waiting_can_end_in_json(immich, capsys):
    assert run(["queues", "wait", "--every", "0.01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["server_settled"] is True


def test_any_command_gives_back_what_a_dead_run_left_paused(immich, tmp_path, capsys):
    hold(immich, tmp_path, "ocr", "smartSearch").close()
    assert run(["queues", "--seconds", "0"]) == 0
    assert immich.queues.paused == set()
    assert "Resumed what an earlier run had paused" in capsys.readouterr().out


def test_what_a_living_run_holds_is_given_back_by_hand_only(immich, tmp_path, capsys):
    journal = hold(immich, tmp_path, "ocr")
    assert run(["queues", "--seconds", "0"]) == 0
    assert immich.queues.paused == {"ocr"}
    assert "paused by us" in capsys.readouterr().out

    assert run(["queues", "resume"]) == 0
    assert immich.queues.paused == set()
    journal.close()


def test_a_key_that_may_not_look_does_not_hide_that_there_is_nothing_to_give_back(immich, capsys):
    immich.permissions = frozenset({"asset.upload"})
    assert run(["queues", "resume"]) == 0
    assert capsys.readouterr().out.startswith("Nothing to give back")


def test_what_cannot_be_given_back_ends_with_another_code(immich, tmp_path, capsys):
    journal = hold(immich, tmp_path, "ocr")
    immich.permissions = frozenset({"queue.read"})
    assert run(["queues", "resume"]) == 75
    assert "may not do it any more: ocr" in capsys.readouterr().out
    assert immich.queues.paused == {"ocr"}
    journal.close()


def test_by_hand_any_queue_can_be_resumed(immich, capsys):
    immich.queues.paused = {"ocr", "editor", "library"}
    assert run(["queues", "resume", "ocr"]) == 0
    assert immich.queues.paused == {"editor", "library"}
    assert run(["queues", "resume", "--all"]) == 0
    assert immich.queues.paused == set()


def test_a_queue_that_is_not_there_is_named(immich, capsys):
    assert run(["queues", "resume", "teleport"]) == 2
    assert "no queue 'teleport'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("permissions", "is_admin", "says"),
    [({"asset.upload"}, True, "queue.read"), ({"all"}, False, "administrator")],
)
def test_a_key_that_may_not_look_is_told_what_is_missing(
    immich, capsys, permissions, is_admin, says
):
    immich.permissions, immich.is_admin = frozenset(permissions), is_admin
    assert run(["queues"]) == 77
    assert says in capsys.readouterr().err


def test_watching_goes_on_until_it_is_interrupted(immich):
    """One JSON document a look; Ctrl-C ends it, exit code 130."""
    command = [sys.executable, "-m", "piuploader", "queues", "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert first["server_settled"] is False
    assert len(first["queues"]) == 20
