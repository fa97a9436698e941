"""`setup` and `doctor` as real processes against the sandbox."""

import json
import stat
import subprocess
import sys
import tomllib

import pytest

from piuploader.sandbox import Sandbox
from tests.cli.running import at_terminal, piuploader


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def key_file(folder, key):
    path = folder / "key"
    path.write_text(key + "\n")
    path.chmod(0o600)
    return path


def configuration(home):
    return home / ".config" / "piuploader" / "config.toml"


def own(sandbox):
    return sandbox.url.removeprefix("http://")


def test_setup_without_questions_checks_and_remembers(sandbox, tmp_path):
    key = key_file(tmp_path, sandbox.upload_key)
    shown = piuploader(
        "setup", "--yes", "--server", own(sandbox), "--api-key-file", key, home=tmp_path
    )
    assert shown.returncode == 0, shown.stderr
    assert f"answers at {sandbox.url}" in shown.stdout
    assert "album.create is missing: cannot make the album" in shown.stdout
    path = configuration(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = tomllib.loads(path.read_text())
    assert document == {"server": {"url": sandbox.url, "api_key_file": str(key)}}
    assert sandbox.upload_key not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ([], 2, "name the server with --server"),
        (["--server", "127.0.0.1:9"], 75, "nothing listens there"),
        (["--server", "{url}"], 2, "name the key's file"),
        (["--server", "{url}", "--api-key-file", "{wrong}"], 78, "Invalid API key"),
    ],
)
def test_setup_that_cannot_work_changes_nothing(sandbox, tmp_path, more, code, says):
    wrong = key_file(tmp_path, "x" * 43)
    options = [option.format(url=sandbox.url, wrong=wrong) for option in more]
    shown = piuploader("setup", "--yes", *options, home=tmp_path)
    assert shown.returncode == code
    assert says in shown.stdout + shown.stderr
    assert not configuration(tmp_path).exists()


def test_setup_keeps_what_else_is_in_the_file(sandbox, tmp_path):
    path = configuration(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text('[server]\nurl = "http://old"\n[upload]\njobs = 3\n[lights]\nkind = "led"\n')
    key = key_file(tmp_path, sandbox.admin_key)
    options = ["--yes", "--server", sandbox.url, "--api-key-file", key]
    assert piuploader("setup", *options, home=tmp_path).returncode == 0
    document = tomllib.loads(path.read_text())
    assert document["server"]["url"] == sandbox.url
    assert (document["upload"], document["lights"]) == ({"jobs": 3}, {"kind": "led"})


def test_setup_sets_a_broken_file_aside(sandbox, tmp_path):
    path = configuration(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("[upload\n")
    key = key_file(tmp_path, sandbox.admin_key)
    options = ["--yes", "--server", sandbox.url, "--api-key-file", key]
    shown = piuploader("setup", *options, home=tmp_path)
    assert (shown.returncode, "set aside" in shown.stderr) == (0, True)
    assert path.with_name("config.toml.old").read_text() == "[upload\n"


def test_setup_asks_and_never_shows_the_key(sandbox, tmp_path):
    answers = [
        ("address", "127.0.0.1:9"),
        ("address", own(sandbox) + "/api/"),
        # The blank is shown once the terminal does not echo any more.
        ("The API key: ", "no-such-key"),
        ("The API key: ", sandbox.admin_key),
        ("album", "Cards"),
        ("Time zone", "Mars"),
        ("Time zone", "Europe/Berlin"),
    ]
    code, shown = at_terminal(tmp_path, answers, "setup")
    assert code == 0, shown
    assert "nothing listens there" in shown
    assert "Invalid API key" in shown
    assert "every permission" in shown
    assert "no-such-key" not in shown
    assert sandbox.admin_key not in shown
    document = tomllib.loads(configuration(tmp_path).read_text())
    assert document["server"] == {"url": sandbox.url, "api_key": sandbox.admin_key}
    assert document["upload"] == {"album": "Cards", "timezone": "Europe/Berlin"}


# -- doctor -----------------------------------------------------------------------------


def settings(sandbox, key):
    return {"PIUPLOADER_SERVER": sandbox.url, "PIUPLOADER_API_KEY": key}


def test_doctor_finds_a_healthy_set_up_healthy(sandbox, tmp_path):
    shown = piuploader("doctor", home=tmp_path, environ=settings(sandbox, sandbox.admin_key))
    assert shown.returncode == 0, shown.stdout
    assert "fail" not in shown.stdout
    for topic in ("version", "clocks", "media types", "permission", "storage", "state"):
        assert topic in shown.stdout
    assert sandbox.admin_key not in shown.stdout + shown.stderr


def test_doctor_speaks_json(sandbox, tmp_path):
    environ = settings(sandbox, sandbox.upload_key)
    shown = piuploader("doctor", "--json", home=tmp_path, environ=environ)
    document = json.loads(shown.stdout)
    assert (shown.returncode, document["exit_code"]) == (0, 0)
    lacking = [found for found in document["findings"] if found["level"] == "warn"]
    assert all(found["remedy"] for found in lacking)
    assert any("albumAsset.create" in found["says"] for found in lacking)


@pytest.mark.parametrize(
    ("environ", "code", "says"),
    [
        ({}, 78, "no server is configured"),
        ({"PIUPLOADER_CONFIG": "/nonexistent"}, 78, "is not there"),
        ({"PIUPLOADER_SERVER": "127.0.0.1:9", "PIUPLOADER_API_KEY": "k"}, 75, "nothing listens"),
        ({"PIUPLOADER_SERVER": "{url}", "PIUPLOADER_API_KEY": "k"}, 77, "Invalid API key"),
        ({"PIUPLOADER_SERVER": "a b", "PIUPLOADER_API_KEY": "k"}, 78, "is not valid"),
        ({"PIUPLOADER_STATE": "/proc/nothing"}, 73, "/proc/nothing cannot be written"),
    ],
)
def test_doctor_names_the_first_fault(sandbox, tmp_path, environ, code, says):
    environ = {name: value.format(url=sandbox.url) for name, value in environ.items()}
    shown = piuploader("doctor", home=tmp_path, environ=environ)
    assert shown.returncode == code
    assert says in shown.stdout
    assert "→" in shown.stdout


# -- logging ----------------------------------------------------------------------------


def test_the_key_is_starred_out_of_every_log():
    code = (
        "import logging; from piuploader.cli.logs import start_logging;"
        "start_logging(logging.INFO, secrets=('geheimnis-123', 'x'));"
        "log = logging.getLogger('t'); log.debug('hidden'); log.info('x key=%s', 'geheimnis-123')\n"
        "try: raise ValueError('geheimnis-123')\n"
        "except ValueError: log.exception('oh')"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == ""
    assert "INFO t: x key=***" in shown.stderr
    assert "geheimnis" not in shown.stderr.replace("'geheimnis-123'", "")
    assert "hidden" not in shown.stderr
