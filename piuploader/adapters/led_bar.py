"""An LED bar that fills while a drive is imported, through gpiozero.

It plays the same rhythm as every lamp; while something is imported, only as
many LEDs as are done take part, at least one.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from piuploader.core.signals import Colour, Signal


class BarLamp:
    """An LEDBarGraph on these pins, the first LED nearest to zero."""

    def __init__(
        self, pins: Sequence[int], *, active_high: bool = True, pin_factory: Any = None
    ) -> None:
        try:
            import gpiozero  # noqa: PLC0415 - only who has a bar needs it

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pin factories tried in vain
                self._bar = gpiozero.LEDBarGraph(
                    *pins, active_high=active_high, pin_factory=pin_factory
                )
        except OSError:
            raise
        except Exception as error:  # gpiozero and lgpio have errors of their own
            raise OSError(f"GPIO for the bar: {error}") from error
        self._count = len(pins)
        self._lit = 1.0

    def light(self, colour: Colour | None) -> None:
        """Be lit as far as is done, or dark."""
        self._bar.value = 0.0 if colour is None else self._lit

    def play(self, _signal: Signal) -> bool:
        """Leave the rhythm to the light show."""
        return False

    def fill(self, share: float | None) -> None:
        """Light this share of the LEDs from the next beat on; None: all."""
        self._lit = 1.0 if share is None else max(1.0 / self._count, min(1.0, share))

    def close(self) -> None:
        """Go dark and give the pins back."""
        self._bar.close()
