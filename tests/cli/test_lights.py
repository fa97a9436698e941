"""The card and the command agree with the table."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from piuploader.core.light_card import svg_card, text_card
from piuploader.core.signals import SIGNALS, Light

DOCS = Path(__file__).parents[2] / "docs"


def lights(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "piuploader", "lights", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def test_the_picture_in_the_handbook_is_current():
    """Drawn anew by: piuploader lights --svg docs/lights.svg."""
    assert (DOCS / "lights.svg").read_text(encoding="utf-8") == svg_card()


@pytest.mark.parametrize("light", list(Light))
def test_the_table_in_the_handbook_is_current(light):
    signal = SIGNALS[light]
    rows = (DOCS / "appliance.md").read_text(encoding="utf-8").splitlines()
    (row,) = [row for row in rows if row.startswith(f"| {light.value} |")]
    assert row.startswith(f"| {light.value} | {signal.colour.name.lower()} |")
    assert row.endswith(f"| {signal.says} |")


def test_say_prints_the_card(tmp_path):
    done = lights("--say", cwd=tmp_path)
    assert done.stdout == text_card() + "\n"


def test_svg_draws_the_picture(tmp_path):
    assert lights("--svg", str(tmp_path / "card.svg")).returncode == 0
    assert (tmp_path / "card.svg").read_text(encoding="utf-8") == svg_card()


def test_without_lamps_every_signal_is_told_with_its_meaning(tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[lights]\nboard = "none"\n')
    done = lights("--config", str(config))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(Light)
    assert all(signal.says in done.stdout for signal in SIGNALS.values())


def test_in_a_terminal_a_lamp_is_drawn(tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[lights]\nboard = "none"\n')
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "piuploader", "lights", "--seconds", "0.1"]
    with subprocess.Popen([*command, "--config", config], stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        assert process.wait(30) == 0
    os.close(ours)
    assert "●" in shown.decode()


def test_a_signal_that_is_none_is_refused_with_those_that_are():
    done = lights("--show", "done")
    assert done.returncode == 2
    assert "no signal 'done'; there are: starting, ready" in done.stderr


def test_on_mock_pins_the_lamps_are_lit_in_turn(tmp_path):
    """The hardware's way through the command: as on a Pi, but for the pins."""
    config = tmp_path / "c.toml"
    config.write_text('[lights]\nkind = "led"\npins = [17]\nboard = "none"\n')
    done = lights(
        "--config",
        str(config),
        "--seconds",
        "0.05",
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "starting     starting: wait"


def test_a_wrong_configuration_still_shows_its_signal(tmp_path):
    """The service that has given up for it must be able to say so."""
    config = tmp_path / "c.toml"
    config.write_text('[lights]\nkind = "lamp"\n')
    done = lights("--config", str(config), "--show", "failed")
    assert done.returncode == 0
    assert "kind 'lamp' is not one of" in done.stderr
