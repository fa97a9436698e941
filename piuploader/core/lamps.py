"""The kinds of lamp, and how each shows a colour.

A lamp has one LED per channel. Which channels are lit for a colour is
decided here, so that every driver of every board agrees.
"""

from enum import Enum

from piuploader.core.signals import Colour


class LampKind(Enum):
    """What is wired to the pins."""

    NONE = "none"
    LED = "led"  # one LED, on or off
    PWM = "pwm"  # one LED that can be dimmed
    RGB = "rgb"  # red, green, blue
    TRAFFIC = "traffic"  # red, amber, green
    STATUSZERO = "statuszero"  # The Pi Hut's STATUS Zero: three pairs of red and green
    TRAFFICHAT = "traffichat"  # Ryanteck's Traffic HAT, with its button and buzzer


NEEDED_PINS: dict[LampKind, int] = {
    LampKind.NONE: 0,
    LampKind.LED: 1,
    LampKind.PWM: 1,
    LampKind.RGB: 3,
    LampKind.TRAFFIC: 3,
    LampKind.STATUSZERO: 0,  # the board knows its own
    LampKind.TRAFFICHAT: 0,
}

TRAFFIC_HAT_PINS = (24, 23, 22)  # red, amber, green; its button is on 25, its buzzer on 5

# A traffic light has no blue: at work it blinks amber, "wait".
TRAFFIC: dict[Colour, tuple[int, int, int]] = {
    Colour.RED: (1, 0, 0),
    Colour.AMBER: (0, 1, 0),
    Colour.BLUE: (0, 1, 0),
    Colour.GREEN: (0, 0, 1),
}

# A pair of LEDs, green first as gpiozero sorts them: both together are amber.
GREEN_RED: dict[Colour, tuple[int, int]] = {
    Colour.RED: (0, 1),
    Colour.AMBER: (1, 1),
    Colour.BLUE: (1, 1),
    Colour.GREEN: (1, 0),
}


def rgb(colour: Colour, *, brightness: float, dimmable: bool) -> tuple[float, float, float]:
    """Return the levels, 0 to 1, of the red, green and blue channel.

    Without PWM a channel is on or off, and amber turns out yellow.
    """
    if dimmable:
        red, green, blue = (level * brightness for level in colour.value)
    else:
        red, green, blue = (float(level > 0) for level in colour.value)
    return red, green, blue
