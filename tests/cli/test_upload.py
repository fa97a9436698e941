"""`upload` as a real process against the sandbox: what a person and a program get to see."""

import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from piuploader.sandbox import Sandbox
from tests.cli.running import at_terminal, piuploader, surroundings
from tests.cli.test_lines_and_json import events

JPEG = b"\xff\xd8\xff\xe0" + b"photo"


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def drive(tmp_path):
    """Three photos, one of them twice, an empty one, a note and some junk."""
    folder = tmp_path / "drive"
    photos = folder / "DCIM" / "100CANON"
    photos.mkdir(parents=True)
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (photos / name).write_bytes(JPEG + name.encode() * 1000)
    (photos / "again.jpg").write_bytes((photos / "1.jpg").read_bytes())
    (photos / "empty.jpg").touch()
    (folder / "note.txt").write_text("hello")
    (photos / "._1.jpg").write_bytes(b"junk")
    return folder


def upload(sandbox, drive, *options, key=None, **more):
    home = drive.parent
    environ = {
        "PIUPLOADER_SERVER": sandbox.url,
        "PIUPLOADER_API_KEY": key or sandbox.upload_key,
    }
    return piuploader("upload", drive, *options, home=home, environ=environ | more)


def told(shown):
    return events(io.StringIO(shown.stdout))


def test_a_program_gets_json_lines_that_balance(sandbox, drive):
    shown = upload(sandbox, drive, "--json")
    found = told(shown)
    assert found[0]["event"] == "begin"
    files = {event["path"]: event for event in found if event["event"] == "file"}
    assert len(files) == 7
    last = found[-1]
    assert last["event"] == "summary"
    assert last["found"] == sum(last["endings"].values()) == 7
    assert last["endings"]["confirmed"] + last["endings"]["duplicate"] == 4
    assert files["DCIM/100CANON/empty.jpg"]["reason"] == "empty"
    assert files["note.txt"]["reason"] == "not_media"
    assert (last["exit_code"], shown.returncode) == (65, 65)
    assert (last["safe_to_unplug"], last["all_on_server"]) == (True, False)
    held = {asset["checksum"] for asset in sandbox.assets()}
    assert {file["checksum"] for file in files.values() if file["asset_id"]} == held
    assert sandbox.upload_key not in shown.stdout + shown.stderr


def test_the_second_time_nothing_is_sent(sandbox, drive):
    (drive / "DCIM/100CANON/empty.jpg").unlink()
    assert upload(sandbox, drive, "-q").returncode == 0
    shown = upload(sandbox, drive, "--json")
    last = told(shown)[-1]
    assert (shown.returncode, last["endings"]["duplicate"], last["sent_bytes"]) == (0, 4, 0)
    assert last["all_on_server"]
    assert all(event["known"] for event in told(shown) if event.get("ending") == "duplicate")


def test_a_dry_run_sends_nothing_and_promises_nothing(sandbox, drive):
    shown = upload(sandbox, drive, "--dry-run", "--json")
    last = told(shown)[-1]
    assert last["reasons"]["skipped"]["dry_run"] >= 3
    assert not last["all_on_server"]
    assert sandbox.assets() == []


def test_a_log_gets_plain_lines_and_the_account(sandbox, drive):
    shown = upload(sandbox, drive)
    assert shown.returncode == 65
    assert "7 files found" in shown.stdout
    assert "DCIM/100CANON/empty.jpg: the file is empty" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("The drive may go, but keep it: 1 file")
    assert "\x1b" not in shown.stdout


def test_quiet_is_failures_and_one_sentence(sandbox, drive):
    shown = upload(sandbox, drive, "-q")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["failed", "The"]


def test_verbose_names_each_file(sandbox, drive):
    shown = upload(sandbox, drive, "-v")
    endings = "confirmed|duplicate|skipped|failed"
    assert len(re.findall(rf"^(?:{endings}) +\S", shown.stdout, re.MULTILINE)) == 7


def test_a_person_gets_a_view_and_the_account_stays(sandbox, drive):
    environ = {"PIUPLOADER_SERVER": sandbox.url, "PIUPLOADER_API_KEY": sandbox.upload_key}
    code, shown = at_terminal(drive.parent, [], "upload", str(drive), **environ)
    assert code == 65
    assert "Leave the drive in." in shown
    assert "uploaded and confirmed" in shown
    assert "First failures" in shown
    assert sandbox.upload_key not in shown


@pytest.mark.parametrize("options", [["--json"], ["-v"], []])
def test_a_reader_who_goes_away_changes_nothing_about_the_end(sandbox, drive, options):
    environ = {"PIUPLOADER_SERVER": sandbox.url, "PIUPLOADER_API_KEY": sandbox.upload_key}
    with subprocess.Popen(
        [sys.executable, "-m", "piuploader", "upload", str(drive), *options],
        env=surroundings(drive.parent, **environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, len(sandbox.assets())) == (65, 3), err
    assert "Traceback" not in err


def test_an_import_needs_no_standard_output_at_all(sandbox, drive):
    environ = {"PIUPLOADER_SERVER": sandbox.url, "PIUPLOADER_API_KEY": sandbox.upload_key}
    shown = subprocess.run(
        f"exec {sys.executable} -m piuploader upload {drive} >&- 2>&- <&-",
        shell=True,
        env=surroundings(drive.parent, **environ),
        check=False,
        timeout=60,
    )
    assert (shown.returncode, len(sandbox.assets())) == (65, 3)


def test_a_program_learns_in_which_folder_a_file_is(sandbox, drive, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.jpg").write_bytes(JPEG + b"other")
    files = [each for each in told(upload(sandbox, drive, other, "--json")) if "path" in each]
    assert all((Path(each["root"]) / each["path"]).is_file() for each in files)
    assert len(files) == 8


def test_filters_leave_files_out_by_rule(sandbox, drive):
    shown = upload(sandbox, drive, "--include", "**/2.jpg", "--json")
    last = told(shown)[-1]
    assert last["endings"]["confirmed"] == 1
    assert last["reasons"]["skipped"]["filtered"] >= 3


def test_names_that_are_not_utf8_reach_the_program(sandbox, drive):
    name = os.fsencode(drive) + b"/caf\xe9.jpg"
    with open(name, "wb") as file:  # noqa: PTH123  a name in bytes
        file.write(JPEG + b"cafe")
    files = [event for event in told(upload(sandbox, drive, "--json")) if event["event"] == "file"]
    (cafe,) = [file for file in files if file["path"].startswith("caf")]
    assert (cafe["path"], cafe["ending"]) == ("caf\ufffd.jpg", "confirmed")


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        ({"key": "x" * 43}, 77, "ServerRefusedKey"),
        ({"PIUPLOADER_SERVER": "http://127.0.0.1:9"}, 75, "ServerUnreachable"),
        ({"PIUPLOADER_STATE": "/proc/nothing"}, 73, "LedgerError"),
    ],
)
def test_what_ends_a_run_is_told_to_a_program_too(sandbox, drive, change, code, kind):
    shown = upload(sandbox, drive, "--json", "--wait", "0", **change)
    assert shown.returncode == code, shown.stderr
    last = json.loads(shown.stdout.splitlines()[-1])
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", kind, code)
    assert last["message"] in shown.stderr


def test_a_key_file_that_others_may_read_gets_a_warning(sandbox, drive, tmp_path):
    key = tmp_path / "key"
    key.write_text(sandbox.upload_key)
    key.chmod(0o644)
    environ = {"PIUPLOADER_SERVER": sandbox.url}
    shown = piuploader("upload", drive, "-q", "--api-key-file", key, home=tmp_path, environ=environ)
    assert shown.returncode == 65
    assert f"chmod 600 {key}" in shown.stderr
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
