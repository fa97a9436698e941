"""The whole appliance on mock pins: what the light plays is what the table says."""

from threading import Thread
from time import monotonic

import gpiozero
import pytest
import tomli_w
from gpiozero.pins.mock import MockFactory, MockPWMPin

from piuploader.config import settings
from piuploader.config.appliance import ROOMS
from piuploader.core.signals import SIGNALS, Light
from piuploader.wiring.appliance import Appliance
from tests.appliance.machine import photos
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

RED, GREEN, BLUE, BUTTON, BUZZER = 17, 27, 22, 23, 12


@pytest.fixture
def pins():
    before = gpiozero.Device.pin_factory
    factory = MockFactory(pin_class=MockPWMPin)
    gpiozero.Device.pin_factory = factory
    yield factory
    factory.close()
    gpiozero.Device.pin_factory = before


@pytest.fixture
def box(pins, server, tmp_path, monkeypatch):
    """The appliance in this process, so that its pins can be watched."""
    drives = tmp_path / "drives"
    drives.mkdir()
    monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
    config = tmp_path / "config.toml"
    config.write_text(
        tomli_w.dumps(
            {
                "server": {"url": server.url, "api_key": server.admin_key},
                "lights": {"kind": "rgb", "pins": [RED, GREEN, BLUE], "board": "none"},
                "button": {"pin": BUTTON, "hold_s": 1.0},
                "buzzer": {"pin": BUZZER},
                "daemon": {"drives": str(drives), "plain_folders": True, "clock_wait_s": 0.0},
            }
        )
    )
    config.chmod(0o600)
    appliance = Appliance(
        lambda: settings(config=config, rooms=ROOMS, environ={}),
        status_file=tmp_path / "status.json",
    )
    thread = Thread(target=appliance.daemon.run)
    thread.start()
    yield drives
    appliance.daemon.ask_to_end()
    thread.join(30)
    assert not thread.is_alive()
    appliance.close()


def levels(pins):
    return tuple(float(pins.pin(pin).state) for pin in (RED, GREEN, BLUE))


def watch(pins, pin, *, stretches):
    """Return how long each of so many stretches of one level lasted, the first one left out."""
    found = []
    level, since = pins.pin(pin).state, monotonic()
    while len(found) <= stretches:
        wait_until(lambda level=level: pins.pin(pin).state != level, within_s=20)
        found.append((float(level), monotonic() - since))
        level, since = pins.pin(pin).state, monotonic()
    return found[1:]


def lengths(signal, found):
    """Line the beats of the table up with what was seen."""
    beats = list(signal.beats) * 3
    if found[0][0] == 0.0:  # seen from a dark stretch on
        beats = beats[1:]
    return [length for _, length in found], beats[: len(found)]


def test_the_story_of_a_drive_in_light(box, pins, server, tmp_path):
    """Ready, uploading, complete: rhythm and colour as in the table, and one beep."""
    wait_until(lambda: levels(pins) == SIGNALS[Light.READY].colour.value, within_s=20)
    server.fault("slow", where="upload", bytes_per_s=60_000)
    buzzer = pins.pin(BUZZER)
    buzzer.clear_states()
    photos(box / "CARD", 4, size=200_000)
    wait_until(lambda: levels(pins) == SIGNALS[Light.UPLOADING].colour.value, within_s=20)
    wait_until(lambda: pins.pin(BLUE).state == 0)
    seen, beats = lengths(SIGNALS[Light.UPLOADING], watch(pins, BLUE, stretches=6))
    assert seen == pytest.approx(beats, abs=0.15)
    server.request("DELETE", "/sandbox/faults")
    green = SIGNALS[Light.COMPLETE].colour.value
    wait_until(lambda: levels(pins) == green, within_s=60)
    wait_until(lambda: [each.state for each in buzzer.states].count(True) == 1)


def test_the_button_cancels_and_imports_again(box, pins, server):
    wait_until(lambda: levels(pins) == SIGNALS[Light.READY].colour.value, within_s=20)
    server.fault("slow", where="upload", bytes_per_s=30_000)
    photos(box / "CARD", 4, size=200_000)
    blue = SIGNALS[Light.UPLOADING].colour.value
    wait_until(lambda: levels(pins) == blue, within_s=20)
    pins.pin(BUTTON).drive_low()
    pins.pin(BUTTON).drive_high()
    amber = SIGNALS[Light.INCOMPLETE].colour.value
    wait_until(lambda: levels(pins) == pytest.approx(amber), within_s=30)
    server.request("DELETE", "/sandbox/faults")
    pins.pin(BUTTON).drive_low()
    pins.pin(BUTTON).drive_high()
    wait_until(lambda: levels(pins) == SIGNALS[Light.COMPLETE].colour.value, within_s=60)
