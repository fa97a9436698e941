"""`piuploader status` and `piuploader history`, as a person or a script calls them."""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from piuploader.adapters.ledger import SqliteLedger
from piuploader.cli.main import run
from piuploader.core.tally import Ending, Fate, Reason, Tally

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
NASTY = os.fsdecode(b"\x1b[2J\xff.jpg")


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path):
    times = iter(range(1_700_000_000, 1_800_000_000, 90))
    with closing(SqliteLedger(path, now=lambda: float(next(times)))) as found:
        yield found


@pytest.fixture
def shown(capsys):
    def call(*arguments, code=0):
        assert run(arguments) == code
        out = capsys.readouterr()
        return out.err if code else out.out

    return call


def fate(path, ending=Ending.CONFIRMED, reason=Reason.NONE, **more):
    return Fate(path, 2_000_000, 20, ending, reason, **({"checksum": SHA1} | more))


def visit(ledger, fates, *, label="CARD", outcome="complete", problems=()):
    session = ledger.begin(identity=f"uuid:{label}", label=label, server="http://x")
    tally = Tally()
    for each in fates:
        tally.found += 1
        tally.add(each)
    ledger.record(session, fates)
    ledger.end(session, outcome=outcome, tally=tally, problems=problems)
    return session


def test_what_was_dated_by_its_name_is_listed(ledger, shown):
    at = "2024-01-01T10:10:10.000+01:00"
    visit(ledger, [fate("IMG_20240101_101010.jpg", named_at=at), fate("2.jpg")])
    lines = shown("history", "--files", "1").splitlines()
    assert [f"dated by its name: {at}" in line for line in lines] == [False, True]
    files = json.loads(shown("history", "--files", "1", "--json"))["files"]
    assert [(file["dates_from"], file["date"]) for file in files] == [(None, None), ("name", at)]


def incomplete(ledger):
    fates = [
        fate("DCIM/1.jpg"),
        fate("DCIM/2.jpg", Ending.DUPLICATE),
        fate(NASTY, Ending.FAILED, Reason.TOO_LARGE, detail="HTTP 413"),
        fate("notes.txt", Ending.SKIPPED, Reason.NOT_MEDIA, checksum=None),
    ]
    return visit(ledger, fates, outcome="incomplete", problems=["The key may not \x1b[2J"])


def service(tmp_path, *, age_s=0.0, **more):
    written = datetime.fromtimestamp(time.time() - age_s, UTC).isoformat()
    document = {"version": 1, "written_at": written, "summary": "CARD: uploading, 3 of 9 files"}
    (tmp_path / "run" / "status.json").write_text(json.dumps(document | more))


@pytest.mark.parametrize("command", ["status", "history"])
def test_without_a_ledger_it_says_how_to_begin_and_makes_none(path, shown, command):
    assert "piuploader upload" in shown(command)
    assert not path.parent.exists()


def test_without_a_ledger_the_json_is_empty(path, shown):
    assert json.loads(shown("history", "--json")) == {"sessions": []}
    assert json.loads(shown("status", "--json")) == {
        "running": [],
        "last": None,
        "drives": [],
        "service": None,
    }


def test_history_is_a_table_newest_first(ledger, shown):
    incomplete(ledger)
    visit(ledger, [], label="Holidays \u202e")
    head, newest, oldest = shown("history").splitlines()
    assert head.split()[:4] == ["no.", "began", "drive", "ended"]
    assert newest.split()[0] == "2"
    assert "Holidays \\u202e" in newest
    words = "CARD incomplete 3 min 1 1 1 1 2.0 MB"
    assert oldest.split()[3:] == words.split()
    assert len(shown("history", "--last", "1").splitlines()) == 2


def test_history_as_json_speaks_as_upload_does(ledger, shown):
    incomplete(ledger)
    (session,) = json.loads(shown("history", "--json"))["sessions"]
    assert session["drive"] == "CARD"
    assert session["state"] == "incomplete"
    assert session["started_at"] == "2023-11-14T22:13:20+00:00"
    assert session["endings"] == {"confirmed": 1, "duplicate": 1, "skipped": 1, "failed": 1}
    assert session["reasons"] == {"failed": {"too_large": 1}, "skipped": {"not_media": 1}}
    assert session["found"] == 4


def test_files_are_shown_with_their_reason_and_harmless_names(ledger, shown):
    out = shown("history", "--files", str(incomplete(ledger)))
    failed, sent, there = sorted(out.splitlines(), key=lambda line: "DCIM" in line)
    assert failed.startswith("failed")
    assert "\\x1b[2J\\xff.jpg: too large for the server or its proxy (HTTP 413)" in failed
    assert sent.split() == ["confirmed", "2.0", "MB", "DCIM/1.jpg"]
    assert there.split() == ["duplicate", "2.0", "MB", "DCIM/2.jpg"]
    assert "notes.txt" not in out


def test_files_of_one_ending(ledger, shown):
    number = str(incomplete(ledger))
    told = json.loads(shown("history", "--files", number, "--ending", "failed", "--json"))
    (failed,) = told["files"]
    assert failed["path"] == "\x1b[2J\ufffd.jpg"
    assert failed["path_base64"] == "G1sySv8uanBn"
    assert (failed["ending"], failed["reason"]) == ("failed", "too_large")
    assert told["session"]["number"] == int(number)


def test_a_session_without_such_files_says_so(ledger, shown):
    number = str(visit(ledger, []))
    assert "no such files" in shown("history", "--files", number)


def test_a_session_that_is_not_there_is_an_error(ledger, shown):
    assert "no session 7" in shown("history", "--files", "7", code=2)


def test_a_wrong_ending_is_an_error(ledger, shown):
    number = str(visit(ledger, []))
    assert "none of confirmed" in shown("history", "--files", number, "--ending", "bad", code=2)
    assert "goes with --files" in shown("history", "--ending", "failed", code=2)


def test_status_gives_the_last_account_and_the_drives(ledger, shown):
    visit(ledger, [], label="Old")
    number = incomplete(ledger)
    out = shown("status")
    assert out.startswith(f"Last import (no. {number}): CARD, ")
    assert "incomplete after" in out
    assert "1  uploaded and confirmed  2.0 MB" in out
    assert "problem: The key may not \\x1b[2J" in out
    assert f"history --files {number} --ending failed" in out
    *_, newest, oldest = out.splitlines()
    assert newest.split()[0] == "CARD"
    assert newest.split()[-4:] == ["3", "2", "6.0", "MB"]
    assert oldest.split()[0] == "Old"


def test_status_tells_of_an_import_that_runs(ledger, shown):
    visit(ledger, [], label="Old")
    session = ledger.begin(identity="uuid:2", label="CARD", server="http://x")
    ledger.record(session, [fate("1.jpg")])
    out = shown("status")
    assert out.startswith(f"An import runs now (no. {session}): CARD, ")
    assert "Last import" not in out
    told = json.loads(shown("status", "--json"))
    assert [each["state"] for each in told["running"]] == ["running"]
    assert told["running"][0]["found"] is None
    assert told["running"][0]["endings"]["confirmed"] == 1


def test_status_tells_of_an_import_that_was_killed(ledger, shown):
    ledger.begin(identity="uuid:2", label="CARD", server="http://x")
    ledger.close()
    out = shown("status")
    assert ": interrupted." in out
    assert "run it again" in out
    assert "interrupted" in shown("history")


def test_status_tells_what_the_service_says(path, tmp_path, shown):
    service(tmp_path, problem="No server is set.")
    assert shown("status").splitlines() == [
        "Service: CARD: uploading, 3 of 9 files",
        "  No server is set.",
    ]
    told = json.loads(shown("status", "--json"))["service"]
    assert told["fresh"] is True
    assert told["status"]["version"] == 1


def test_status_does_not_take_old_news_for_new(path, tmp_path, shown):
    service(tmp_path, age_s=3600)
    assert shown("status").startswith("The service was last heard 1 h ago; it said: CARD")
    (tmp_path / "run" / "status.json").write_text("{}")
    assert "Nothing was imported yet" in shown("status")


def test_a_damaged_ledger_is_said_and_left_for_the_next_import(path, shown):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    assert "next import sets it aside" in shown("status", code=73)
    assert path.read_bytes() == b"no database" * 1000


def test_status_loads_nothing_heavy(ledger):
    incomplete(ledger)
    ledger.close()
    code = (  # old Typers load rich themselves
        "import sys, typer; typers = set(sys.modules);"
        "from piuploader.cli.main import run; run(['status']); run(['history']);"
        "heavy = ('requests', 'rich', 'psutil', 'urllib3', 'aiohttp', 'gpiozero', 'asyncio');"
        "print([name for name in heavy if name in set(sys.modules) - typers], file=sys.stderr)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stderr.strip() == "[]"
