"""The appliance's tables of the configuration: lights, button, buzzer, daemon.

Every key has a default, so that a box without any wiring needs none of
them. `config.load(path, rooms=ROOMS)` reads them beside the others, and adds
the place to what a ValueError here says. GPIO numbers count as the Pi's
documents do (BCM).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from piuploader.core.lamps import NEEDED_PINS, LampKind

LOWEST_GPIO, HIGHEST_GPIO = 2, 27  # on the 40-pin header; 0 and 1 are for the HATs' own memory
DIMMEST = 0.05
SHORTEST_HOLD_S, LONGEST_HOLD_S = 1.0, 10.0
SHORTEST_STALL_S = 60.0


@dataclass(frozen=True, slots=True)
class LightsConfig:
    """The table [lights]: which lamps show the signals."""

    kind: str = "none"  # none, led, pwm, rgb, traffic, statuszero, traffichat
    pins: tuple[int, ...] = ()  # rgb: red, green, blue; traffic: red first
    active_high: bool = True  # false: lit when the pin is low (common anode)
    dimmable: bool = True  # rgb: mix colours by PWM
    brightness: float = 1.0  # pwm and rgb
    bar: tuple[int, ...] = ()  # an LED bar for the progress of a session
    board: str = "auto"  # the Pi's own LED: auto, none, or a name in /sys/class/leds
    board_inverted: bool = False  # for a board whose LED is lit when it should be dark

    def __post_init__(self) -> None:
        kinds = [kind.value for kind in LampKind]
        if self.kind not in kinds:
            raise ValueError(f"kind {self.kind!r} is not one of: {', '.join(kinds)}")
        needed = NEEDED_PINS[LampKind(self.kind)]
        if len(self.pins) != needed:
            raise ValueError(f"kind {self.kind!r} needs {needed} pins, not {len(self.pins)}")
        pins = (*self.pins, *self.bar)
        for pin in pins:
            _check_pin(pin)
        if twice := {pin for pin in pins if pins.count(pin) > 1}:
            raise ValueError(f"GPIO {min(twice)} is used twice")
        if not DIMMEST <= self.brightness <= 1.0:
            raise ValueError(f"brightness must be between {DIMMEST} and 1")
        if "/" in self.board or self.board.startswith("."):
            raise ValueError("board must be the name of an LED in /sys/class/leds, not a path")


@dataclass(frozen=True, slots=True)
class ButtonConfig:
    """The table [button]: press to import again or to cancel, hold to let go of the drives."""

    pin: int = 0  # 0: no button
    pull_up: bool = True  # false: the button connects to 3.3 V instead of ground
    hold_s: float = 3.0

    def __post_init__(self) -> None:
        if self.pin:
            _check_pin(self.pin)
        if not SHORTEST_HOLD_S <= self.hold_s <= LONGEST_HOLD_S:
            raise ValueError("hold_s must be between 1 and 10 seconds")


@dataclass(frozen=True, slots=True)
class BuzzerConfig:
    """The table [buzzer]: an active buzzer; one beep complete, two look, three act."""

    pin: int = 0  # 0: no buzzer
    active_high: bool = True

    def __post_init__(self) -> None:
        if self.pin:
            _check_pin(self.pin)


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """The table [daemon]: how the service waits for drives, and what it may do to them."""

    drives: str = "/run/piuploader-drives"  # each folder below is a mounted drive
    plain_folders: bool = False  # take folders there that are no mounts (tests, PCs)
    delete_confirmed: bool = False  # delete from a drive what the server surely holds
    clock_wait_s: float = 120.0  # for the time to be synchronised, before going on without
    stall_s: float = 900.0  # an import that moves nothing for so long is stuck
    server_look_s: float = 60.0  # between two looks at the server while nothing is imported

    def __post_init__(self) -> None:
        if not Path(self.drives).is_absolute():
            raise ValueError("drives must be an absolute path")
        if self.clock_wait_s < 0:
            raise ValueError("clock_wait_s must not be negative")
        if self.stall_s < SHORTEST_STALL_S:
            raise ValueError(f"stall_s must be {SHORTEST_STALL_S:.0f} seconds or more")
        if self.server_look_s < 1:
            raise ValueError("server_look_s must be 1 second or more")


ROOMS: Final[dict[str, type[Any]]] = {
    "lights": LightsConfig,
    "button": ButtonConfig,
    "buzzer": BuzzerConfig,
    "daemon": DaemonConfig,
}


def _check_pin(pin: int) -> None:
    if not LOWEST_GPIO <= pin <= HIGHEST_GPIO:
        raise ValueError(f"GPIO {pin} cannot be used: choose {LOWEST_GPIO} to {HIGHEST_GPIO}")
