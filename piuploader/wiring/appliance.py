"""Put the appliance together: the daemon, and all that it shows itself by."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from piuploader.adapters.drive_folders import DriveFolders
from piuploader.adapters.sensors import Sensors
from piuploader.adapters.statusfile import StatusFile
from piuploader.adapters.systemd import Systemd
from piuploader.adapters.time_sync import TimeSync
from piuploader.app.daemon import Daemon, Setup, World
from piuploader.app.daemon_ports import Show
from piuploader.config import Settings
from piuploader.config.appliance import ButtonConfig, BuzzerConfig, DaemonConfig, LightsConfig
from piuploader.core.appliance import Vitals
from piuploader.wiring.drives import Door
from piuploader.wiring.lamps import light_show, or_nothing, prepare_pins

if TYPE_CHECKING:
    from piuploader.adapters.buttons import PushButton  # only who has one
    from piuploader.adapters.buzzer import Beeper  # only who has one

BOOT_PROBLEM = Path("/run/piuploader-boot-problem")  # left by `piuploader boot-config`
VITALS_EVERY_S = 5.0
MIB = 1024 * 1024


class Appliance:
    """The daemon, with everything that it uses. `read` gives the settings, anew at a reload."""

    def __init__(self, read: Callable[[], Settings], *, status_file: Path) -> None:
        """Open everything; raise ConfigError if the settings cannot be used."""
        self._read = read
        found = read()
        rooms = found.config.rooms
        self._doors: list[Door] = []
        door = self._open_door(found)
        self._drives = _open_drives(rooms["daemon"])
        self._board = StatusFile(status_file, now=time.time)
        self._lights: LightsConfig = rooms["lights"]
        self._buzzer = _open_buzzer(rooms["buzzer"])
        self.daemon = Daemon(
            _setup(door, found, light_show(self._lights)),
            World(
                drives=self._drives,
                supervisor=Systemd(),
                board=self._board,
                clock=TimeSync(),
                vitals=VitalSigns(Sensors(), now=time.monotonic).read,
                now=time.monotonic,
                buzzer=self._buzzer,
                problem=_boot_problem(BOOT_PROBLEM),
            ),
            reload=self._reload,
        )
        self._button = _open_button(rooms["button"], self.daemon)

    def close(self) -> None:
        """Give everything back."""
        for each in (self._button, self._buzzer, self._board, *self._doors, self._drives):
            if each:
                each.close()

    def _reload(self, before: Setup) -> Setup:
        """Return what follows from the configuration as it is now. The button keeps its pin."""
        found = self._read()
        rooms = found.config.rooms
        door = self._open_door(found)
        show = before.show
        if rooms["lights"] != self._lights:
            show.close()  # first, for its pins may be needed
            self._lights = rooms["lights"]
            show = light_show(self._lights)
        return _setup(door, found, show)

    def _open_door(self, found: Settings) -> Door:
        door = Door(found, delete_confirmed=found.config.rooms["daemon"].delete_confirmed)
        for old in [each for each in self._doors if not each.is_importing]:
            old.close()
            self._doors.remove(old)
        self._doors.append(door)
        return door


class VitalSigns:
    """How the box is, read now and then: it is shown every second, but changes slowly."""

    def __init__(self, sensors: Sensors, *, now: Callable[[], float]) -> None:
        self._sensors = sensors
        self._now = now
        self._read_at_s = float("-inf")
        self._last = Vitals()

    def read(self) -> Vitals:
        """Return the last reading, or a new one when that is old."""
        now_s = self._now()
        if now_s - self._read_at_s >= VITALS_EVERY_S:
            machine = self._sensors.read(now_s)
            available = machine.memory_available_bytes
            self._read_at_s = now_s
            self._last = Vitals(
                temperature_c=machine.temperature_c,
                throttled=machine.throttled,
                under_voltage=machine.under_voltage,
                memory_available_mib=None if available is None else round(available / MIB),
            )
        return self._last


def _setup(door: Door, found: Settings, show: Show) -> Setup:
    config: DaemonConfig = found.config.rooms["daemon"]
    return Setup(
        begin=door.begin,
        look_at_server=door.look,
        show=show,
        clock_wait_s=config.clock_wait_s,
        stall_s=config.stall_s,
        longest_pause_s=found.config.upload.wait_s,
        server_look_s=config.server_look_s,
    )


def _open_drives(config: DaemonConfig) -> DriveFolders:
    return DriveFolders(Path(config.drives), plain_folders=config.plain_folders)


def _open_button(config: ButtonConfig, daemon: Daemon) -> "PushButton | None":
    if not config.pin:
        return None
    from piuploader.adapters.buttons import PushButton

    prepare_pins()
    return or_nothing(
        lambda: PushButton(config, pressed=daemon.ask_by_press, held=daemon.ask_by_hold)
    )


def _open_buzzer(config: BuzzerConfig) -> "Beeper | None":
    if not config.pin:
        return None
    from piuploader.adapters.buzzer import Beeper

    prepare_pins()
    return or_nothing(lambda: Beeper(config))


def _boot_problem(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8").split())
    except OSError:
        return ""
