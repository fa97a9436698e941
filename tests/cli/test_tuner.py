"""`piuploader tuner`: logs are drawn and played again."""

import csv
import sys

import pytest
from typer.testing import CliRunner

from benchmarks.tuner.scenarios import SCENARIOS
from benchmarks.tuner.simulation import Simulation
from piuploader.cli.tuner import MissingPlot, read_log, tuner
from piuploader.core.tuner import Tuner
from piuploader.core.tuner.record import COLUMNS, as_row, beginning
from piuploader.errors import UsageError

HOT = next(scenario for scenario in SCENARIOS if scenario.name == "hot")


@pytest.fixture
def log(tmp_path):
    """Two minutes in a closed box."""
    world, chooser = Simulation(HOT, 1), Tuner()
    decision = chooser.first()
    path = tmp_path / "session.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerow(beginning(0.0, decision))
        for _ in range(120):
            sample = world.second(decision.uploads, decision.pace_bytes_per_s, drop=False)
            decision = chooser.decide(sample)
            rows.writerow(as_row(sample, decision))
    return path


def run(*arguments):
    return CliRunner().invoke(tuner, [str(one) for one in arguments])


def test_a_log_is_played_again_to_the_same_decisions(log):
    result = run("replay", log)
    assert result.output == "121 decisions, 0 differ\n"


def test_what_would_be_decided_otherwise_is_shown(log):
    text = log.read_text(encoding="utf-8")
    log.write_text(text.replace(",10,,searching,", ",11,,searching,", 1), encoding="utf-8")
    result = run("replay", log)
    assert "1 differ" in result.output
    assert "11 uploads (searching) then, 10 (searching) now" in result.output


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_log_is_drawn(log, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"picture.{suffix}"
    result = run("plot", log, "-o", picture)
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 5_000


def test_the_picture_lands_beside_its_log(log):
    pytest.importorskip("matplotlib")
    assert run("plot", log).exit_code == 0
    assert "<svg" in log.with_suffix(".svg").read_text(encoding="utf-8")


def test_without_the_library_it_says_what_to_install(log, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "piuploader.cli.tuner_plot", raising=False)
    result = run("plot", log)
    assert isinstance(result.exception, MissingPlot)
    assert "piuploader[plot]" in result.exception.hint


def test_an_empty_log_and_a_foreign_file_are_said_to_be_so(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    assert isinstance(run("plot", empty).exception, UsageError)
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no row of a tuner log"):
        list(read_log(foreign))
    with pytest.raises(UsageError, match="cannot read"):
        list(read_log(tmp_path / "none.csv"))
