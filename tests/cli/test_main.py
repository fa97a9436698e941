"""The command as a person and a script meet it: a real process."""

import json
import signal
import socket
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

from piuploader import __version__
from piuploader.cli.main import COMMANDS, run
from tests.cli.running import piuploader, surroundings


def test_help_names_the_commands():
    shown = piuploader("--help")
    assert shown.returncode == 0
    for name in ("setup", "upload", "doctor"):
        assert f"  {name}  " in shown.stdout
    assert "78 configuration" in shown.stdout
    assert shown.stderr == ""


def test_the_version_is_told():
    assert piuploader("--version").stdout == f"piuploader {__version__}\n"


@pytest.mark.parametrize("arguments", [["uplaod"], ["upload"], ["upload", "--jbos", "3", "/"], []])
def test_a_wrong_command_line_exits_with_2_and_leads_on(arguments):
    shown = piuploader(*arguments)
    assert shown.returncode == 2
    assert "--help" in shown.stderr or "Usage" in shown.stderr + shown.stdout
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["upload", "/nonexistent/drive"], 2, "is the drive mounted?"),
        (["upload", __file__], 2, "is a file"),
        (["upload", "/", "--jobs", "0"], 2, '--jobs must be "auto" or a number'),
        (["upload", "/", "--date", "2024", "--since", "2023"], 2, "--date says both ends"),
        (["upload", "/", "--since", "2025", "--until", "2024"], 2, "--since must not be after"),
        (["upload", "/", "--include", ""], 2, "--include must not be empty"),
        (["upload", "/", "--policy", "fast"], 2, "--policy must be one of"),
        (["upload", "/", "--album", "a", "--album-from-folder"], 2, "--album"),
        (["upload", "/"], 78, "piuploader setup"),
        (["upload", "/", "--config", "/nonexistent.toml"], 78, "is not there"),
        (["upload", "/", "--server", "x", "--api-key-file", "/nonexistent"], 78, "/nonexistent"),
    ],
)
def test_a_mistake_is_a_message_and_a_code(arguments, code, says):
    shown = piuploader(*arguments)
    assert (shown.returncode, shown.stdout) == (code, "")
    assert says in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["/nonexistent/drive"], 2, "UsageError"),
        (["/", "--jbos", "3"], 2, "UsageError"),
        ([], 2, "UsageError"),
        (["/"], 78, "ConfigError"),
        (["/", "--config", "/nonexistent.toml"], 78, "ConfigError"),
    ],
)
def test_a_program_is_told_of_every_mistake_in_one_line(arguments, code, kind):
    shown = piuploader("upload", "--json", *arguments)
    (line,) = shown.stdout.splitlines()
    told = json.loads(line)
    assert (told["event"], told["kind"], told["exit_code"]) == ("error", kind, code)
    assert shown.returncode == code
    assert told["message"]


@pytest.mark.parametrize(("kind", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupt_before_the_start_is_told_to_a_program(kind, code, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the question, gives no answer
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        environ = {"PIUPLOADER_SERVER": url, "PIUPLOADER_API_KEY": "k" * 43}
        with subprocess.Popen(
            [sys.executable, "-m", "piuploader", "upload", "--json", str(tmp_path)],
            env=surroundings(tmp_path, **environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = mute.accept()
            process.send_signal(getattr(signal, kind))
            out, err = process.communicate(timeout=30)
            connection.close()
    assert process.returncode == code
    assert json.loads(out)["exit_code"] == code
    assert "Traceback" not in err


def test_output_that_cannot_be_written_is_said_and_is_no_success():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        shown = subprocess.run(
            [sys.executable, "-m", "piuploader", "history"],
            env=surroundings("/nonexistent"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert shown.returncode == 1
    assert "cannot write the output: No space left on device" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_bug_has_a_code_of_its_own(monkeypatch, tmp_path, capsys):
    (tmp_path / "faulty.py").write_text("def command():\n    raise RuntimeError('oh no')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(
        COMMANDS, "setup", COMMANDS["setup"]._replace(module="faulty", attribute="command")
    )
    assert run(["setup"]) == 70
    assert "please report it" in capsys.readouterr().err


def test_a_reader_who_has_seen_enough_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "piuploader", "upload", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_an_interrupt_is_130(monkeypatch, tmp_path, capsys):
    (tmp_path / "interrupted.py").write_text("def command():\n    raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(
        COMMANDS, "setup", COMMANDS["setup"]._replace(module="interrupted", attribute="command")
    )
    assert run(["setup"]) == 130


def test_a_command_that_is_not_installed_is_not_listed(monkeypatch, capsys):
    monkeypatch.setitem(
        COMMANDS, "setup", COMMANDS["setup"]._replace(module="piuploader.cli.nowhere")
    )
    assert run(["--help"]) == 0
    assert "  setup " not in capsys.readouterr().out
    assert run(["setup"]) == 2


@pytest.mark.parametrize(
    "name", [name for name, lazy in COMMANDS.items() if find_spec(lazy.module)]
)
def test_every_command_loads_and_has_help(name, capsys):
    assert callable(getattr(import_module(COMMANDS[name].module), COMMANDS[name].attribute))
    assert run([name, "--help"]) == 0
    assert "Usage: piuploader " + name in capsys.readouterr().out


HEAVY = (
    "requests",
    "rich",
    "aiohttp",
    "psutil",
    "urllib3",
    "gpiozero",
    "sqlite3",
    "asyncio",
    "pydantic",
)


def test_help_loads_nothing_heavy():
    """--help must answer at once on a small Pi. Old Typers load rich themselves."""
    code = (
        "import sys, typer; typers = set(sys.modules); "
        "from piuploader.cli.main import run; run(['--help']); "
        f"print([name for name in {HEAVY} if name in set(sys.modules) - typers], file=sys.stderr)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stderr.strip() == "[]"
