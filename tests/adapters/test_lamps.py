"""Every lamp plays the table: checked on gpiozero's mock pins, beat by beat."""

import logging

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from piuploader.adapters.led_bar import BarLamp
from piuploader.adapters.leds import open_lamp
from piuploader.app.light_show import LightShow
from piuploader.config.appliance import LightsConfig
from piuploader.core import rhythm
from piuploader.core.signals import SIGNALS, Colour, Light
from tests.waiting import wait_until

RGB_PINS = (17, 27, 22)


@pytest.fixture
def pins():
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.close()


class Clock:
    """A clock that only moves when told."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def played(show, clock, pin, *, seconds):
    """Let the show play so long; return (seconds, level) of each stretch that the pin held."""
    stretches = []
    ends = clock.now_s + seconds
    while clock.now_s < ends - 1e-9:
        left_s = show.step()
        until_end = ends - clock.now_s
        length = until_end if left_s is None else min(left_s, until_end)
        level = float(pin.state)
        if stretches and stretches[-1][1] == level:
            stretches[-1] = (stretches[-1][0] + length, level)
        else:
            stretches.append((length, level))
        clock.now_s += length
    return stretches


@pytest.mark.parametrize("light", list(Light))
def test_an_led_keeps_the_rhythm_of_the_table(pins, light):
    """Each stretch of light and dark on the pin is as long as its beat."""
    clock, signal = Clock(), SIGNALS[light]
    show = LightShow(
        [open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins)], clock=clock
    )
    show.show(signal)
    twice = 2 * rhythm.period_s(signal.beats)
    stretches = played(show, clock, pins.pin(17), seconds=twice)
    show.close()
    if rhythm.is_steady(signal.beats):
        assert stretches == [(pytest.approx(twice), 1.0)]
    else:
        assert [level for _, level in stretches] == [1.0, 0.0] * len(signal.beats)
        assert [length for length, _ in stretches] == pytest.approx(list(signal.beats) * 2)


@pytest.mark.parametrize("light", list(Light))
@pytest.mark.parametrize("common_anode", [False, True])
def test_an_rgb_led_shows_the_colour_of_the_table(pins, light, common_anode):
    """With a common anode a channel is lit when its pin is low."""
    config = LightsConfig(kind="rgb", pins=RGB_PINS, active_high=not common_anode)
    show = LightShow([open_lamp(config, pin_factory=pins)], clock=Clock())
    signal = SIGNALS[light]
    show.show(signal)
    show.step()
    levels = [float(pins.pin(pin).state) for pin in RGB_PINS]
    lit = [1 - level for level in levels] if common_anode else levels
    assert lit == pytest.approx(list(signal.colour.value))
    show.close()


def test_a_dimmed_led_is_lit_only_so_far(pins):
    lamp = open_lamp(LightsConfig(kind="pwm", pins=(18,), brightness=0.25), pin_factory=pins)
    lamp.light(Colour.RED)
    assert pins.pin(18).state == pytest.approx(0.25)
    lamp.light(None)
    assert pins.pin(18).state == 0
    lamp.close()


def test_an_rgb_led_without_pwm_shows_amber_as_yellow(pins):
    config = LightsConfig(kind="rgb", pins=RGB_PINS, dimmable=False)
    lamp = open_lamp(config, pin_factory=pins)
    lamp.light(Colour.AMBER)
    assert [pins.pin(pin).state for pin in RGB_PINS] == [1, 1, 0]
    lamp.close()


@pytest.mark.parametrize(
    ("config", "colour", "lit"),
    [
        (LightsConfig(kind="traffic", pins=(9, 10, 11)), Colour.RED, {9}),
        (LightsConfig(kind="traffic", pins=(9, 10, 11)), Colour.BLUE, {10}),
        (LightsConfig(kind="traffichat"), Colour.GREEN, {22}),
        (LightsConfig(kind="statuszero"), Colour.RED, {17, 22, 9}),
        (LightsConfig(kind="statuszero"), Colour.GREEN, {4, 27, 10}),
    ],
)
def test_boards_light_the_right_leds(pins, config, colour, lit):
    lamp = open_lamp(config, pin_factory=pins)
    lamp.light(colour)
    assert {number for number in range(4, 28) if pins.pin(number).state} == lit
    lamp.light(None)
    assert not any(pins.pin(number).state for number in range(4, 28))
    lamp.close()


def test_the_bar_fills_with_the_session_and_plays_the_rhythm(pins):
    bar_pins = (5, 6, 13, 19, 26)
    clock = Clock()
    show = LightShow([BarLamp(bar_pins, pin_factory=pins)], clock=clock)
    show.show(SIGNALS[Light.UPLOADING], 0.0)
    show.step()
    assert [pins.pin(pin).state for pin in bar_pins] == [1, 0, 0, 0, 0]
    show.show(SIGNALS[Light.UPLOADING], 0.6)
    show.step()
    assert [pins.pin(pin).state for pin in bar_pins] == [1, 1, 1, 0, 0]
    clock.now_s += 0.4  # the dark half of the beat: progress does not change the rhythm
    show.step()
    assert not any(pins.pin(pin).state for pin in bar_pins)
    show.show(SIGNALS[Light.COMPLETE], None)
    show.step()
    assert all(pins.pin(pin).state for pin in bar_pins)
    show.close()


def test_progress_does_not_make_the_rhythm_stumble(pins):
    """The same signal with another share goes on where it was."""
    clock = Clock()
    show = LightShow(
        [open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins)], clock=clock
    )
    show.show(SIGNALS[Light.READING], 0.1)
    clock.now_s += 0.9
    show.show(SIGNALS[Light.READING], 0.2)
    assert show.step() == pytest.approx(0.1)
    show.close()


def test_the_thread_plays_in_real_time(pins):
    """The pin's own record of its changes shows the quick, even rhythm."""
    lamp = open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins)
    from time import monotonic

    show = LightShow([lamp], clock=monotonic)
    show.start()
    pin = pins.pin(17)
    pin.clear_states()
    show.show(SIGNALS[Light.UPLOADING])
    wait_until(lambda: len(pin.states) >= 6)
    show.close()
    changes = pin.states[2:6]
    # A record holds how long the state before it lasted.
    assert [state.timestamp for state in changes] == pytest.approx([0.3] * 4, abs=0.15)


def test_closing_goes_dark_gives_the_pins_back_and_may_be_done_twice(pins):
    show = LightShow(
        [open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins)], clock=Clock()
    )
    show.show(SIGNALS[Light.COMPLETE])
    show.step()
    show.close()
    show.close()
    assert pins.pin(17).function == "input"
    open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins).close()


def test_without_gpio_there_is_an_oserror_that_names_the_pin_factory(monkeypatch):
    """On a PC the caller logs this one line and goes on without."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    with pytest.raises(OSError, match="pin factory: lgpio"):
        open_lamp(LightsConfig(kind="led", pins=(17,)))


class BrokenLamp:
    def light(self, colour):
        raise OSError("gone")

    def play(self, signal):
        return False

    def fill(self, share):
        pass

    def close(self):
        pass


def test_a_lamp_that_breaks_is_left_out_and_said_so_once(pins, caplog):
    led = open_lamp(LightsConfig(kind="led", pins=(17,)), pin_factory=pins)
    clock = Clock()
    show = LightShow([BrokenLamp(), led], clock=clock)
    show.show(SIGNALS[Light.UPLOADING])
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            clock.now_s += show.step()
    assert len(caplog.records) == 1
    assert pins.pin(17).states
    show.close()
