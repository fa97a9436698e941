"""gpiozero's devices on pins of libgpiod, as Debian has it."""

from collections import deque
from enum import Enum
from threading import Condition
from types import SimpleNamespace

import gpiozero
import pytest
from gpiozero.exc import PinPWMUnsupported

from piuploader.adapters.gpiod_pins import GpiodFactory


class Value(Enum):
    INACTIVE = 0
    ACTIVE = 1


class Direction(Enum):
    INPUT = 0
    OUTPUT = 1


class Bias(Enum):
    PULL_UP = 0
    PULL_DOWN = 1
    DISABLED = 2


class Edge(Enum):
    BOTH = 0
    RISING = 1
    FALLING = 2


class Chips:
    """A libgpiod with chips in memory: lines are held by one user at a time."""

    line = SimpleNamespace(Value=Value, Direction=Direction, Bias=Bias, Edge=Edge)

    def __init__(self, labels):
        self.labels = labels
        self.levels = {}
        self.held = {}

    def Chip(self, path):  # noqa: N802 - as libgpiod calls it
        return OneChip(self.labels[path.rpartition("/")[2]])

    def LineSettings(self, **settings):  # noqa: N802 - as libgpiod calls it
        return settings

    def request_lines(self, path, *, consumer, config):
        assert consumer == "piuploader"
        ((number, settings),) = config.items()
        if number in self.held:
            raise OSError(16, "Device or resource busy")
        return Request(self, number, settings)

    def press(self, number, *, level):
        """Somebody outside changes the level of an input."""
        self.levels[number] = Value(level)
        self.held[number].tell(level)


class OneChip:
    def __init__(self, label):
        self._label = label

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def get_info(self):
        return SimpleNamespace(label=self._label)


class Request:
    Type = Enum("Type", ["RISING_EDGE", "FALLING_EDGE"])

    def __init__(self, chips, number, settings):
        self._chips, self._number, self.settings = chips, number, settings
        self._events = deque()
        self._changed = Condition()
        chips.held[number] = self
        if settings["direction"] is Direction.OUTPUT:
            chips.levels[number] = settings["output_value"]
        else:
            up = settings["bias"] is Bias.PULL_UP
            chips.levels[number] = Value.ACTIVE if up else Value.INACTIVE

    def get_value(self, number):
        return self._chips.levels[number]

    def set_value(self, number, value):
        assert self.settings["direction"] is Direction.OUTPUT
        self._chips.levels[number] = value

    def release(self):
        del self._chips.held[self._number]

    def tell(self, level):
        kind = self.Type.RISING_EDGE if level else self.Type.FALLING_EDGE
        event = SimpleNamespace(event_type=kind, Type=self.Type, timestamp_ns=1)
        with self._changed:
            self._events.append(event)
            self._changed.notify()

    def wait_edge_events(self, timeout):
        with self._changed:
            return self._changed.wait_for(lambda: self._events, timeout.total_seconds())

    def read_edge_events(self):
        with self._changed:
            found = list(self._events)
            self._events.clear()
            return found


@pytest.fixture
def dev(tmp_path):
    for name in ("gpiochip0", "gpiochip1"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def chips():
    return Chips({"gpiochip0": "raspberrypi-exp-gpio", "gpiochip1": "pinctrl-bcm2711"})


@pytest.fixture
def pins(chips, dev):
    factory = GpiodFactory(gpiod=chips, dev=dev)
    yield factory
    factory.close()
    factory.pins.clear()
    assert not chips.held


def test_finds_the_chip_of_the_header_among_others(pins, dev):
    """A Pi has more than one chip, and their numbers differ between kernels."""
    assert pins.chip == str(dev / "gpiochip1")


def test_says_so_where_there_is_no_header(dev):
    """A PC has chips, too."""
    chips = Chips({"gpiochip0": "INTC1055:00", "gpiochip1": "cp2102n"})

    with pytest.raises(OSError, match="no GPIO chip"):
        GpiodFactory(gpiod=chips, dev=dev)


def test_an_led_is_switched(pins, chips):
    """The one thing that must work."""
    with gpiozero.LED(17, pin_factory=pins) as led:
        led.on()
        assert chips.levels[17] is Value.ACTIVE
        led.off()
        assert chips.levels[17] is Value.INACTIVE


def test_a_common_anode_is_lit_when_low(pins, chips):
    """The LED must not flash while its pin is taken."""
    with gpiozero.LED(17, active_high=False, pin_factory=pins) as led:
        assert chips.levels[17] is Value.ACTIVE
        led.on()
        assert chips.levels[17] is Value.INACTIVE


def test_a_board_of_leds_is_switched_together(pins, chips):
    """A traffic light."""
    with gpiozero.LEDBoard(9, 10, 11, pin_factory=pins) as board:
        board.value = (1, 0, 1)
        assert [chips.levels[pin].value for pin in (9, 10, 11)] == [1, 0, 1]


def test_a_button_is_heard(pins, chips):
    """Pressed against ground, with the chip's own pull-up."""
    heard = []
    happened = Condition()

    def note(what):
        with happened:
            heard.append(what)
            happened.notify()

    with gpiozero.Button(25, pin_factory=pins) as button:
        button.when_pressed = lambda: note("pressed")
        button.when_released = lambda: note("released")
        chips.press(25, level=0)
        chips.press(25, level=1)
        with happened:
            assert happened.wait_for(lambda: len(heard) == 2, 10)

    assert heard == ["pressed", "released"]


def test_there_is_no_pwm_and_it_says_so(pins):
    """Whoever dims an LED needs Raspberry Pi OS."""
    with pytest.raises(PinPWMUnsupported):
        gpiozero.PWMLED(17, pin_factory=pins)
