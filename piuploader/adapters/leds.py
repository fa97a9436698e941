"""Lamps on GPIO pins, through gpiozero.

gpiozero's pin factory is its own seam for tests and for boards: lgpio on
a Pi, mock pins here. lgpio writes a named pipe into its working directory,
which the service's unit sets by LG_WD. What goes wrong with a pin, whatever
library says so, leaves here as an OSError.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from piuploader.config.appliance import LightsConfig
from piuploader.core.lamps import GREEN_RED, TRAFFIC, TRAFFIC_HAT_PINS, LampKind, rgb
from piuploader.core.signals import Colour, Signal

Value = Any  # what a gpiozero device takes: a number, or nested tuples of numbers


class GpioLamp:
    """A gpiozero device, and the value that it takes for each colour."""

    def __init__(self, device: Any, value_of: Callable[[Colour], Value], dark: Value) -> None:
        self._device = device
        self._value_of = value_of
        self._dark = dark

    def light(self, colour: Colour | None) -> None:
        """Be lit in this colour, or dark."""
        with _as_os_errors():
            self._device.value = self._dark if colour is None else self._value_of(colour)

    def play(self, _signal: Signal) -> bool:
        """Leave the rhythm to the light show: all lamps keep in step that way."""
        return False

    def fill(self, _share: float | None) -> None:
        """Show no progress: there is no room for it."""

    def close(self) -> None:
        """Go dark and give the pins back."""
        with _as_os_errors():
            self._device.close()


def open_lamp(lights: LightsConfig, *, pin_factory: Any = None) -> GpioLamp | None:
    """Open what the configuration describes, None for no lamp; raise OSError if it cannot."""
    kind = LampKind(lights.kind)
    if kind is LampKind.NONE:
        return None
    with _as_os_errors():
        return _open(kind, lights, pin_factory)


def _open(kind: LampKind, lights: LightsConfig, pin_factory: Any) -> GpioLamp:
    import gpiozero  # noqa: PLC0415 - only who has lamps needs it

    options = {"active_high": lights.active_high, "pin_factory": pin_factory}
    match kind:
        case LampKind.PWM:
            dimmed = gpiozero.PWMLED(*lights.pins, **options)
            return GpioLamp(dimmed, lambda _colour: lights.brightness, 0)
        case LampKind.RGB:
            mixed = gpiozero.RGBLED(*lights.pins, pwm=lights.dimmable, **options)
            return GpioLamp(
                mixed,
                lambda colour: rgb(colour, brightness=lights.brightness, dimmable=lights.dimmable),
                (0, 0, 0),
            )
        case LampKind.TRAFFIC:
            board = gpiozero.LEDBoard(*lights.pins, **options)
            return GpioLamp(board, TRAFFIC.__getitem__, (0, 0, 0))
        case LampKind.TRAFFICHAT:
            # gpiozero's TrafficHat would also claim the pins of its button and buzzer.
            hat = gpiozero.LEDBoard(*TRAFFIC_HAT_PINS, pin_factory=pin_factory)
            return GpioLamp(hat, TRAFFIC.__getitem__, (0, 0, 0))
        case LampKind.STATUSZERO:
            status = gpiozero.StatusZero(pin_factory=pin_factory)
            return GpioLamp(status, lambda colour: (GREEN_RED[colour],) * 3, ((0, 0),) * 3)
        case _:
            led = gpiozero.LED(*lights.pins, **options)
            return GpioLamp(led, lambda _colour: 1, 0)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    # gpiozero warns of each pin factory that it tries in vain; the last word is an error.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except OSError:
        raise
    except Exception as error:
        factory = os.environ.get("GPIOZERO_PIN_FACTORY", "any")
        raise OSError(f"GPIO (pin factory: {factory}): {error}") from error
