"""What a log and a program get to read."""

import io
import json

import jsonschema
import pytest

from piuploader.cli.jsonl import JsonLines, write_error
from piuploader.cli.lines import Lines, line
from piuploader.core.session import Phase
from piuploader.errors import ServerUnreachable
from tests.cli.statuses import EMPTY, JUNK, NASTY, SENT, THERE, running, status
from tests.waiting import wait_until

OVER = status(SENT, THERE, JUNK, EMPTY, phase=Phase.INCOMPLETE, problems=("it rained",))


def written(**options):
    out = io.StringIO()
    lines = Lines(out, look_every_s=0.01, **options)
    return out, lines


def test_a_line_at_each_phase_then_the_account():
    out, lines = written()
    now = [running(seconds=0.0)]
    lines.begin(lambda: now[0])
    now[0] = running(seconds=1.0, phase=Phase.CONFIRMING)
    wait_until(lambda: "confirming" in out.getvalue())
    lines.fate(EMPTY)
    lines.end(OVER, 65)
    text = out.getvalue()
    assert text.splitlines()[-1].startswith("The drive may go, but keep it")
    assert text.count("uploading ") == 1
    assert text.count("problem: it rained") == 1
    assert "4 files found, in 3 min 20 s" in text
    assert "DCIM/empty.jpg: the file is empty" in text
    assert "\x1b" not in text


def test_a_line_every_ten_seconds_of_the_import():
    out, lines = written()
    now = [running(seconds=0.0)]
    looks = []
    lines.begin(lambda: looks.append(1) or now[0])
    for second in (9.9, 10.0, 11.0):
        now[0] = running(seconds=second)
        done = len(looks)
        wait_until(lambda done=done: len(looks) > done + 1)
    lines.end(OVER, 65)
    assert out.getvalue().count("1,950 media files found") == 2


def test_a_line_says_it_all():
    assert line(running()) == (
        "uploading  1,950 media files found, 1 confirmed, 1 duplicate, 1 failed, "
        "4 uploading, 128 queued, 12.3 MB/s, about 5 min 17 s left"
    )


def test_quiet_leaves_failures_and_the_last_sentence():
    out, lines = written(quiet=True)
    lines.begin(running)
    for fate in (SENT, JUNK, EMPTY):
        lines.fate(fate)
    lines.end(OVER, 65)
    assert out.getvalue().splitlines() == [
        "problem: the server was away for 12 s",
        "failed    DCIM/empty.jpg: the file is empty",
        "problem: it rained",
        "The drive may go, but keep it: 1 file is not safe on the server.",
    ]


def test_verbose_tells_of_each_file():
    out, lines = written(verbose=True)
    for fate in (SENT, JUNK, NASTY):
        lines.fate(fate)
    lines.end(OVER, 65)
    assert out.getvalue().splitlines()[:3] == [
        "confirmed DCIM/1.jpg",
        "skipped   DCIM/._1.jpg: made by a system or program, not by a camera",
        r"failed    DCIM/\x1b[31m\u202egpj.exe: the server refuses this file (says [bold]no)",
    ]


class Gone(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, _text):
        raise BrokenPipeError


@pytest.mark.parametrize(
    "observer", [Lines(Gone(), verbose=True), JsonLines(Gone(), server="x", folders=[])]
)
def test_a_reader_who_went_away_does_not_stop_the_import(observer):
    observer.begin(running)
    observer.fate(SENT)
    observer.end(OVER, 65)


# -- JSON -------------------------------------------------------------------------------

COUNT = {"type": "integer", "minimum": 0}
MAYBE_TEXT = {"type": ["string", "null"]}
ENDINGS = {
    "type": "object",
    "required": ["confirmed", "duplicate", "skipped", "failed"],
    "additionalProperties": COUNT,
}
# What docs/cli.md promises.
SCHEMAS = {
    "begin": {
        "schema": {"const": 1},
        "piuploader": {"type": "string"},
        "server": {"type": "string"},
        "folders": {"type": "array", "items": {"type": "string"}},
        "dry_run": {"type": "boolean"},
    },
    "file": {
        "root": {"type": "string"},
        "path": {"type": "string"},
        "size": COUNT,
        "mtime_ns": {"type": "integer"},
        "ending": {"enum": ["confirmed", "duplicate", "skipped", "failed"]},
        "reason": MAYBE_TEXT,
        "why": MAYBE_TEXT,
        "detail": MAYBE_TEXT,
        "checksum": {"type": ["string", "null"], "pattern": "^[0-9a-f]{40}$"},
        "asset_id": MAYBE_TEXT,
        "known": {"type": "boolean"},
        "dates_from": {"enum": ["name", None]},
        "date": MAYBE_TEXT,
        "stack_cover": MAYBE_TEXT,
    },
    "progress": {
        "phase": {"type": "string"},
        "drive": {"type": "string"},
        "seconds": {"type": "number"},
        "scanned": {"type": "boolean"},
        "found": COUNT,
        "endings": ENDINGS,
        "media_found": COUNT,
        "media_bytes": COUNT,
        "settled_bytes": COUNT,
        "sent_bytes": COUNT,
        "read_bytes": COUNT,
        "bytes_per_s": {"type": "number"},
        "eta_s": {"type": ["number", "null"]},
        "uploads": {"type": "object", "required": ["active", "queued", "allowed"]},
        "limits": MAYBE_TEXT,
        "limit_reason": MAYBE_TEXT,
        "pause_reason": MAYBE_TEXT,
        "server": {"type": ["object", "null"], "required": ["active", "waiting", "paused_queues"]},
    },
    "summary": {
        "phase": {"enum": ["complete", "incomplete", "failed"]},
        "drive": {"type": "string"},
        "seconds": {"type": "number"},
        "found": COUNT,
        "endings": ENDINGS,
        "bytes": ENDINGS,
        "reasons": {"type": "object"},
        "open": COUNT,
        "balanced": {"type": "boolean"},
        "sent_bytes": COUNT,
        "read_bytes": COUNT,
        "problems": {"type": "array"},
        "safe_to_unplug": {"type": "boolean"},
        "all_on_server": {"type": "boolean"},
        "verdict": {"type": "string"},
        "exit_code": COUNT,
    },
    "error": {
        "kind": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "exit_code": COUNT,
    },
}


def events(out):
    found = [json.loads(text) for text in out.getvalue().splitlines()]
    for event in found:
        promised = SCHEMAS[event["event"]]
        jsonschema.validate(event, {"properties": promised, "required": list(promised)})
    return found


def test_json_lines_keep_their_promise():
    out = io.StringIO()
    lines = JsonLines(out, server="http://x", folders=["/media/a"], every_s=0.01)
    lines.begin(running)
    wait_until(lambda: "progress" in out.getvalue())
    for fate in (SENT, THERE, JUNK, EMPTY):
        lines.fate(fate)
    lines.end(OVER, 65)
    found = events(out)
    assert found[0]["event"] == "begin"
    files = [event for event in found if event["event"] == "file"]
    assert [file["ending"] for file in files] == ["confirmed", "duplicate", "skipped", "failed"]
    assert files[0]["asset_id"] == "asset-1"
    assert files[2]["reason"] == "junk"
    last = found[-1]
    assert last["event"] == "summary"
    assert last["found"] == sum(last["endings"].values()) == 4
    assert last["reasons"] == {"skipped": {"junk": 1}, "failed": {"empty": 1}}
    assert (last["balanced"], last["safe_to_unplug"], last["all_on_server"]) == (True, True, False)
    assert last["exit_code"] == 65


def test_a_name_that_is_not_utf8_is_valid_json_and_not_lost():
    out = io.StringIO()
    lines = JsonLines(out, server="x", folders=["/\udcff"])
    lines.fate(SENT._replace(path="a\udcff.jpg"))
    lines.end(OVER, 65)
    file = events(out)[0]
    assert file["path"] == "a\ufffd.jpg"
    assert file["path_base64"] == "Yf8uanBn"


def test_an_error_is_the_last_line():
    out = io.StringIO()
    lines = JsonLines(out, server="x", folders=[])
    lines.begin(running)
    lines.close()
    write_error(out, ServerUnreachable("gone"))
    last = events(out)[-1]
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", "ServerUnreachable", 75)
