"""`piuploader recommend`, as a person or a script calls it, against real HTTP."""

import json
import threading
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from piuploader.cli.main import run
from piuploader.cli.recommend import _interview
from tests.queue_fakes import FakeQueueServer, HttpImmich, serving

THUMBS = "job.thumbnailGeneration.concurrency"


@pytest.fixture
def immich(tmp_path, monkeypatch):
    with serving(HttpImmich(FakeQueueServer())) as server:
        monkeypatch.setenv("PIUPLOADER_SERVER", server.url)
        monkeypatch.setenv("PIUPLOADER_API_KEY", "key")
        monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        yield server


def thumbnails(immich):
    return immich.config["job"]["thumbnailGeneration"]["concurrency"]


def test_the_table_says_now_recommended_why_source_and_effect(immich, capsys):
    assert run(["recommend", "--server-class", "B"]) == 0
    out = capsys.readouterr().out
    for heading in ("setting", "now", "recommended", "why", "source", "expected effect"):
        assert heading in out
    assert THUMBS in out
    assert "What no API can set" in out
    assert thumbnails(immich) == 3, "nothing is changed without --apply"


def test_on_a_small_terminal_no_word_is_broken(immich, capsys, monkeypatch):
    monkeypatch.setattr("piuploader.cli.advice_text.PIPE_WIDTH", 80)
    assert run(["recommend", "--server-class", "B"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "3 → 1" in out
    words = " ".join(out.replace("│", " ").split())
    assert "image.colorspace" in words
    assert "quicker thumbnails;" in words
    assert "…" not in out


def test_json_and_toml_say_the_same(immich, capsys):
    assert run(["recommend", "--server-class", "B", "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert run(["recommend", "--server-class", "B", "--toml"]) == 0
    as_toml = tomllib.loads(capsys.readouterr().out)
    assert as_json == as_toml
    assert as_json["classes"] == ["B"]
    entry = next(e for e in as_json["recommendations"] if e["setting"] == THUMBS)
    assert (entry["now"], entry["recommended"]) == (3, 1)


def test_on_the_same_host_the_machine_is_read(immich, capsys):
    assert run(["recommend", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["known_by"] == "read here"
    assert told["classes"]


def test_asked_about_ten_it_explains(immich, capsys):
    assert run(["recommend", "--server-class", "C", "--about", f"{THUMBS}=10"]) == 0
    out = capsys.readouterr().out
    assert f"{THUMBS} = 10 is more than we recommend" in out
    assert "It is 3 now" in out
    assert "libuv" in out


def test_apply_changes_the_named_keys_and_undo_restores_them(immich, capsys):
    before = json.loads(json.dumps(immich.config))

    assert run(["recommend", "--server-class", "B", "--apply", "--yes"]) == 0
    assert thumbnails(immich) == 1
    assert immich.config["notifications"] == before["notifications"]
    assert f"{THUMBS}: 3 → 1" in capsys.readouterr().err

    assert run(["recommend", "--undo"]) == 0
    assert immich.config == before
    assert run(["recommend", "--undo"]) == 0
    assert "Nothing to undo" in capsys.readouterr().out


def test_only_named_settings_are_applied(immich):
    assert run(["recommend", "--server-class", "B", "--apply", "--yes", "--only", THUMBS]) == 0
    assert thumbnails(immich) == 1
    assert immich.config["machineLearning"]["enabled"] is True


def test_apply_asks_first(immich, capsys):
    assert run(["recommend", "--server-class", "B", "--apply"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert thumbnails(immich) == 3


def test_a_server_with_a_configuration_file_gets_its_new_text(immich, tmp_path, capsys):
    immich.config_file = True
    out = tmp_path / "immich.json"
    arguments = ["recommend", "--server-class", "B", "--apply", "--yes", "--output", str(out)]
    assert run(arguments) == 0
    assert json.loads(out.read_text())["job"]["thumbnailGeneration"]["concurrency"] == 1
    assert out.stat().st_mode & 0o077 == 0
    assert "IMMICH_CONFIG_FILE" in capsys.readouterr().err
    assert thumbnails(immich) == 3


def test_a_class_that_is_none_is_refused(immich, capsys):
    assert run(["recommend", "--server-class", "Z"]) == 2
    assert "is no class" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "needs"), [((3, 1, 0), "systemConfig.read"), ((3, 2, 2), "adminConfig.read")]
)
def test_a_key_that_may_not_read_the_settings_is_told_which_permission(
    immich, capsys, version, needs
):
    immich.version, immich.permissions = version, frozenset({"asset.upload"})
    assert run(["recommend", "--server-class", "B"]) == 77
    assert needs in capsys.readouterr().err


def test_a_key_that_may_read_only_cannot_apply(immich, capsys):
    immich.permissions = frozenset({"adminConfig.read"})
    assert run(["recommend", "--server-class", "B", "--apply", "--yes"]) == 77
    assert "adminConfig.update" in capsys.readouterr().err
    assert thumbnails(immich) == 3


def test_three_questions_tell_what_a_server_elsewhere_is():
    app = typer.Typer()

    @app.command()
    def ask():
        host = _interview()
        typer.echo(f"{sorted(host.classes)} {host.board} {host.known_by}")

    told = CliRunner().invoke(app, input="8\n4\nhdd\n5\n").output
    assert "['C', 'F'] Raspberry Pi 5 as you say" in told


@pytest.fixture
def machine(immich):
    """Thumbnails that take as long as the setting says."""
    immich.queues.jobs["thumbnailGeneration"] = 100_000
    over = threading.Event()

    def work():
        while not over.wait(0.01):
            with immich.lock:
                immich.queues.work("thumbnailGeneration", {3: 1, 1: 4}.get(thumbnails(immich), 2))

    thread = threading.Thread(target=work)
    thread.start()
    yield immich
    over.set()
    thread.join()


@pytest.mark.slow
def test_measuring_keeps_the_best_shows_a_plot_and_can_be_undone(machine, capsys):
    arguments = ["recommend", "--measure", "--values", "1", "--minutes", "0.01", "--yes"]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert thumbnails(machine) == 1
    assert "█" in out
    assert "1 takes over: " in out
    assert run(["recommend", "--undo"]) == 0
    assert thumbnails(machine) == 3


@pytest.mark.slow
def test_measuring_can_be_read_by_a_machine(machine, capsys):
    arguments = ["recommend", "--measure", "--values", "1,2", "--minutes", "0.005", "--yes"]
    assert run([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [result["value"] for result in told["results"]] == [1, 2, 3]
    assert len(told["trials"]) == 6


@pytest.mark.parametrize("values", ["a", "0,1", ""])
def test_values_that_are_no_numbers_are_refused(immich, values):
    assert run(["recommend", "--measure", "--yes", "--values", values]) == 2
