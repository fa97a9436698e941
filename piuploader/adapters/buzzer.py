"""An active buzzer, through gpiozero: so many beeps when a session ends."""

import warnings
from typing import Any

from piuploader.config.appliance import BuzzerConfig

BEEP_S = 0.15
PAUSE_S = 0.25


class Beeper:
    """Beeps in the background."""

    def __init__(self, config: BuzzerConfig, *, pin_factory: Any = None) -> None:
        try:
            import gpiozero  # noqa: PLC0415 - only who has a buzzer needs it

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pin factories tried in vain
                self._buzzer = gpiozero.Buzzer(
                    config.pin, active_high=config.active_high, pin_factory=pin_factory
                )
        except OSError:
            raise
        except Exception as error:  # gpiozero and lgpio have errors of their own
            raise OSError(f"GPIO {config.pin} for the buzzer: {error}") from error

    def beep(self, times: int) -> None:
        """Beep so many times and return at once."""
        self._buzzer.beep(on_time=BEEP_S, off_time=PAUSE_S, n=times, background=True)

    def close(self) -> None:
        """Fall silent and give the pin back."""
        self._buzzer.close()
