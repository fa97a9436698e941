"""One push button, through gpiozero.

A short press counts when the button comes up again: only then is it sure
that it is not being held.
"""

import warnings
from collections.abc import Callable
from typing import Any

from piuploader.config.appliance import ButtonConfig

BOUNCE_S = 0.05  # contacts of cheap buttons chatter for some 20 ms


class PushButton:
    """Calls `pressed` for a short press and `held` once for a long one, from gpiozero's thread."""

    def __init__(
        self,
        config: ButtonConfig,
        *,
        pressed: Callable[[], object],
        held: Callable[[], object],
        pin_factory: Any = None,
    ) -> None:
        self._pressed = pressed
        self._held = held
        self._was_held = False
        try:
            import gpiozero  # noqa: PLC0415 - only who has a button needs it

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pin factories tried in vain
                self._button = gpiozero.Button(
                    config.pin,
                    pull_up=config.pull_up,
                    bounce_time=BOUNCE_S if pin_factory is None else None,
                    hold_time=config.hold_s,
                    pin_factory=pin_factory,
                )
        except OSError:
            raise
        except Exception as error:  # gpiozero and lgpio have errors of their own
            raise OSError(f"GPIO {config.pin} for the button: {error}") from error
        self._button.when_held = self._on_held
        self._button.when_released = self._on_released

    def close(self) -> None:
        """Give the pin back."""
        self._button.close()

    def _on_held(self) -> None:
        self._was_held = True
        self._held()

    def _on_released(self) -> None:
        if not self._was_held:
            self._pressed()
        self._was_held = False
