"""One button with two meanings, and a buzzer that counts."""

import pytest
from gpiozero.pins.mock import MockFactory

from piuploader.adapters.buttons import PushButton
from piuploader.adapters.buzzer import Beeper
from piuploader.config.appliance import ButtonConfig, BuzzerConfig
from tests.waiting import wait_until


@pytest.fixture
def pins():
    factory = MockFactory()
    yield factory
    factory.close()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def button(pins, heard):
    made = PushButton(
        ButtonConfig(pin=23, hold_s=1.0),
        pressed=lambda: heard.append("pressed"),
        held=lambda: heard.append("held"),
        pin_factory=pins,
    )
    yield made
    made.close()


def test_a_short_press_counts_when_the_button_comes_up(pins, button, heard):
    pins.pin(23).drive_low()
    assert heard == []
    pins.pin(23).drive_high()
    assert heard == ["pressed"]


def test_a_long_press_is_heard_once_and_is_no_short_one(pins, button, heard):
    pins.pin(23).drive_low()
    wait_until(lambda: heard)
    pins.pin(23).drive_high()
    assert heard == ["held"]
    pins.pin(23).drive_low()
    pins.pin(23).drive_high()
    assert heard == ["held", "pressed"]


def test_the_buzzer_beeps_as_often_as_asked(pins):
    buzzer = Beeper(BuzzerConfig(pin=12), pin_factory=pins)
    pin = pins.pin(12)
    pin.clear_states()
    buzzer.beep(2)
    wait_until(lambda: [state.state for state in pin.states].count(True) == 2 and not pin.state)
    buzzer.close()


def test_without_gpio_both_say_which_pin_they_wanted(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    with pytest.raises(OSError, match="GPIO 23 for the button"):
        PushButton(ButtonConfig(pin=23), pressed=list, held=list)
    with pytest.raises(OSError, match="GPIO 12 for the buzzer"):
        Beeper(BuzzerConfig(pin=12))
