"""The board's own LED, through /sys/class/leds: a bare Pi can tell, too.

An LED there has a trigger, by which the kernel lights it (on a Pi: SD card
traffic). It is taken over with the trigger "none", and given back at the
end. Where the kernel has the triggers `pattern` or `timer`, it plays rhythms
alone. Their attributes appear with the trigger and may belong to root: then,
or where they are missing, the light show switches the LED itself.

`sys` is a parameter so that tests can fake it.
"""

import os
import re
from pathlib import Path

from piuploader.core.rhythm import Beats, is_steady
from piuploader.core.signals import Colour, Signal

LEDS = Path("/sys/class/leds")
# What the activity LED is called: by Raspberry Pi's kernels, older ones, and Debian's.
KNOWN_NAMES = ("ACT", "led0", "green:activity", "green:status", "act")


class SysfsLamp:
    """One LED of the board; its colour is what it is."""

    def __init__(self, folder: Path, *, inverted: bool = False) -> None:
        self._folder = folder
        self._inverted = inverted
        triggers = self._read("trigger")
        current = re.search(r"\[(.+?)\]", triggers)
        self._before = current[1] if current else "none"
        self._triggers = frozenset(triggers.replace("[", "").replace("]", "").split())
        self._brightness_before = self._read("brightness")
        self._full = int(self._read("max_brightness") or 1)
        self._write("trigger", "none")
        self._alone = False
        self._closed = False
        self.light(None)

    def light(self, colour: Colour | None) -> None:
        """Be lit, or dark."""
        lit = (colour is not None) != self._inverted
        self._write("brightness", str(self._full if lit else 0))

    def play(self, signal: Signal) -> bool:
        """Let the kernel play the rhythm, if it can."""
        if self._alone:
            self._write("trigger", "none")  # also sets the brightness to 0
            self._alone = False
        if is_steady(signal.beats):
            self.light(signal.colour)
            return True
        self._alone = self._pattern(signal.beats) or self._timer(signal.beats)
        return self._alone

    def fill(self, _share: float | None) -> None:
        """Show no progress: there is no room for it."""

    def close(self) -> None:
        """Give the LED back to whatever lit it before."""
        if self._closed:
            return
        self._closed = True
        self._write("trigger", self._before)
        if self._before == "none":
            self._write("brightness", self._brightness_before)

    def _pattern(self, beats: Beats) -> bool:
        """Write steps as the kernel's ledtrig-pattern wants them.

        It fades from one level to the next over the time of the first. A step of no
        time at the same level in between makes the edge sharp.
        """
        levels = (0, self._full) if self._inverted else (self._full, 0)
        steps: list[str] = []
        for index, beat_s in enumerate(beats):
            level = levels[index % 2]
            steps += [f"{level} {round(beat_s * 1000)}", f"{level} 0"]
        return self._try("pattern", {"repeat": "-1", "pattern": " ".join(steps)})

    def _timer(self, beats: Beats) -> bool:
        if len(beats) != 2 or self._inverted:  # noqa: PLR2004 - lit and dark
            return False
        lit, dark = (str(round(beat_s * 1000)) for beat_s in beats)
        return self._try("timer", {"delay_on": lit, "delay_off": dark})

    def _try(self, trigger: str, attributes: dict[str, str]) -> bool:
        if trigger not in self._triggers:
            return False
        try:
            self._write("trigger", trigger)
            for name, value in attributes.items():
                self._write(name, value)
        except OSError:
            self._write("trigger", "none")
            return False
        return True

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="ascii").strip()

    def _write(self, name: str, value: str) -> None:
        # Not created: a missing attribute is an error, not a new file.
        attribute = os.open(self._folder / name, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(attribute, value.encode("ascii"))
        finally:
            os.close(attribute)


def find_board_led(name: str, leds: Path = LEDS) -> Path | None:
    """Return the folder of the LED of this name, of the usual one for "auto", None for "none".

    Raise OSError when an LED that was asked for by name is not there.
    """
    if name == "none":
        return None
    if name == "auto":
        known = (leds / each for each in KNOWN_NAMES)
        return next((each for each in known if (each / "trigger").exists()), None)
    if not (leds / name / "trigger").exists():
        raise OSError(f"there is no LED {name!r} in {leds}")
    return leds / name
