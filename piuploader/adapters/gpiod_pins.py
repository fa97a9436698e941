"""Pins for gpiozero through libgpiod, where there is no lgpio: on Debian.

gpiozero brings factories for lgpio, which Raspberry Pi OS has, and for
libraries that today's kernels no longer serve. Debian has libgpiod (version
2), so this is a factory for that: switching, reading, and being told of
edges. It knows no PWM: gpiozero says so to who asks for it.

`gpiod` and `dev` are parameters so that tests can fake them.
"""

import contextlib
import os
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

from gpiozero import Device
from gpiozero.exc import (
    PinFixedPull,
    PinInvalidFunction,
    PinPWMUnsupported,
    PinSetInput,
    PinUnknownPi,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

# The chip with the pins of the 40-pin header: Zero to 3, 4, 5.
HEADER_CHIPS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
USUAL_BOARD = 0xC03115  # a Pi 4: a board that nobody knows is taken to have its header
LOOK_EVERY = timedelta(seconds=0.2)  # how soon a pin that is closed stops listening
PULLS = {"up": "PULL_UP", "down": "PULL_DOWN", "floating": "DISABLED"}


def use_where_needed() -> None:
    """Give gpiozero these pins where lgpio is missing and nobody chose others."""
    if Device.pin_factory or "GPIOZERO_PIN_FACTORY" in os.environ or find_spec("lgpio"):
        return
    with contextlib.suppress(OSError, ImportError):
        Device.pin_factory = GpiodFactory()


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]  # gpiozero has no types
    """Pins of the chip that the header hangs on."""

    def __init__(self, *, gpiod: Any = None, dev: Path = Path("/dev")) -> None:
        """Find the chip; raise OSError if there is none, ImportError without libgpiod."""
        super().__init__()
        self.gpiod = gpiod or import_module("gpiod")
        self.chip = self._find_chip(dev)
        self.pin_class = GpiodPin

    def request(self, number: int, **settings: Any) -> Any:
        """Take one line of the chip, with libgpiod's settings."""
        config = {number: self.gpiod.LineSettings(**settings)}
        return self.gpiod.request_lines(self.chip, consumer="piuploader", config=config)

    def _find_chip(self, dev: Path) -> str:
        for path in sorted(dev.glob("gpiochip*")):
            with self.gpiod.Chip(str(path)) as chip:
                if chip.get_info().label in HEADER_CHIPS:
                    return str(path)
        raise OSError(f"no GPIO chip of a Pi's header in {dev}")

    def _get_revision(self) -> int:
        try:
            revision: int = super()._get_revision()
        except PinUnknownPi:
            return USUAL_BOARD
        return revision


class GpiodPin(LocalPiPin):  # type: ignore[misc]  # gpiozero has no types
    """One pin. It holds its line from the first use until it is closed."""

    def __init__(self, factory: GpiodFactory, about: Any) -> None:
        super().__init__(factory, about)
        self._line = factory.gpiod.line
        self._function = "input"
        self._pull = "floating"
        self._edges = "both"
        self._request: Any = None
        self._listener: Thread | None = None
        self._closing = Event()

    def close(self) -> None:
        """Let go of the line; it may be closed twice."""
        self._disable_event_detect()
        if self._request:
            self._request.release()
            self._request = None

    def output_with_state(self, state: Any) -> None:
        """Become an output that has this state from the first moment on."""
        self._function = "output"
        self._take(direction=self._line.Direction.OUTPUT, output_value=self._value(state))

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value == "output":
            self.output_with_state(0)
        elif value == "input":
            self._function = value
            self._take_input()
        else:
            raise PinInvalidFunction(f"invalid function {value!r} for pin {self!r}")

    def _get_state(self) -> int:
        if not self._request:
            self._take_input()
        return int(self._request.get_value(self._number) == self._line.Value.ACTIVE)

    def _set_state(self, value: Any) -> None:
        if self._function != "output":
            raise PinSetInput(f"cannot set state of pin {self!r}")
        self._request.set_value(self._number, self._value(value))

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self._pull = value
        self._take_input()

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: float | None) -> None:
        if value:
            raise PinPWMUnsupported(f"there is no PWM on pin {self!r}")

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: float | None) -> None:
        """Heed no bouncing: who presses a button is asked to hold it for a moment anyway."""

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value

    def _enable_event_detect(self) -> None:
        edges: Any = self._line.Edge
        self._take_input(edge_detection=getattr(edges, self._edges.upper()))
        self._closing.clear()
        self._listener = Thread(target=self._listen, name=f"pin {self._number}", daemon=True)
        self._listener.start()

    def _disable_event_detect(self) -> None:
        if self._listener:
            self._closing.set()
            if self._listener is not current_thread():
                self._listener.join()
            self._listener = None

    def _listen(self) -> None:
        while not self._closing.is_set():
            if not self._request.wait_edge_events(LOOK_EVERY):
                continue
            for event in self._request.read_edge_events():
                rising = event.event_type == event.Type.RISING_EDGE
                self._call_when_changed(event.timestamp_ns / 1e9, int(rising))

    def _take_input(self, **more: Any) -> None:
        bias = getattr(self._line.Bias, PULLS[self._pull])
        self._take(direction=self._line.Direction.INPUT, bias=bias, **more)

    def _take(self, **settings: Any) -> None:
        """Hold the line with other settings. An edge that is waited for is waited for again."""
        listened = self._listener is not None
        self._disable_event_detect()
        if self._request:
            self._request.release()
            self._request = None
        self._request = self.factory.request(self._number, **settings)
        if listened and self._function == "input":
            self._enable_event_detect()

    def _value(self, state: Any) -> Any:
        return self._line.Value.ACTIVE if state else self._line.Value.INACTIVE
