"""Open the lamps that the configuration names. What cannot be had is said in one line."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from piuploader.adapters.led_bar import BarLamp
from piuploader.adapters.leds import open_lamp
from piuploader.adapters.sysfs_led import SysfsLamp, find_board_led
from piuploader.app.daemon_ports import Lamp
from piuploader.app.light_show import LightShow
from piuploader.config.appliance import LightsConfig
from piuploader.core.lamps import LampKind

T = TypeVar("T")

log = logging.getLogger(__name__)


def light_show(config: LightsConfig) -> LightShow:
    """Open all lamps and let a thread play on them; without any, play to nobody."""
    show = LightShow(open_lamps(config), clock=time.monotonic)
    show.start()
    return show


def open_lamps(config: LightsConfig) -> list[Lamp]:
    """Open all lamps; those that cannot be opened are left out, and said so."""
    if config.pins or config.bar or config.kind != LampKind.NONE.value:
        prepare_pins()
    lamps = [
        or_nothing(lambda: open_lamp(config)),
        or_nothing(lambda: _open_bar(config)),
        or_nothing(lambda: _open_board(config)),
    ]
    found: list[Lamp] = [lamp for lamp in lamps if lamp is not None]
    if not found:
        log.info("No lamp: the status file and this log tell where the box stands.")
    return found


def prepare_pins() -> None:
    """Choose the library for pins, where gpiozero finds none by itself."""
    from piuploader.adapters.gpiod_pins import use_where_needed

    use_where_needed()


def or_nothing(open_it: Callable[[], T]) -> T | None:
    """Open a device; say in one line why not, and go on without."""
    try:
        return open_it()
    except OSError as error:
        log.warning("Goes on without: %s", error)
        return None


def _open_bar(config: LightsConfig) -> BarLamp | None:
    return BarLamp(config.bar, active_high=config.active_high) if config.bar else None


def _open_board(config: LightsConfig) -> SysfsLamp | None:
    folder = find_board_led(config.board)
    if folder is None:
        return None
    try:
        return SysfsLamp(folder, inverted=config.board_inverted)
    except OSError as error:
        raise OSError(f"the board's LED {folder.name}: {error}") from error
