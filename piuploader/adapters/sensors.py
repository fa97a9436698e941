"""The vital signs of this machine, from /proc and /sys.

Read straight from the files, for psutil can look at another /proc only
for the whole process, and a reading a second on a Zero must cost next
to nothing. Whatever a machine lacks, or refuses, is `None`.

    /proc/stat, /proc/self/stat         busy cores, ours among them
    /proc/meminfo, /proc/self/statm     memory
    /proc/pressure/*                    waiting (needs psi=1 on a Raspberry Pi)
    /sys/class/thermal/*                the CPU's temperature
    /sys/class/hwmon/* (rpi_volt)       under-voltage
    vcgencmd get_throttled              throttling; asked only when there is cause
    /sys/dev/block/*/stat               how busy the drive is
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from piuploader.core.tuner import Machine

KIB = 1024
FREQUENCY_CAPPED = 1 << 1  # bits of get_throttled, from the firmware's documentation
THROTTLED = 1 << 2  # bit 3 is the soft limit of a 3 B+, harmless; 16 and up remember the past
UNDER_VOLTAGE = 1 << 0
LIVE_BITS = 0xF
THERMAL_TYPES = ("cpu", "soc")  # other zones are batteries, radios, PC chipsets
ASK_FIRMWARE_ABOVE_C = 75.0
ASK_FIRMWARE_EVERY_S = 5.0
ASK_FIRMWARE_AT_REST_S = 30.0  # where nothing else tells of under-voltage
VCGENCMD_TIMEOUT_S = 2.0


class Sensors:
    """Reads vital signs; keeps what counters said last, to tell what they say a second.

    `drive` is any path on the drive whose business is asked for.
    `firmware` returns the throttle bits, or None; it is asked only
    when the Pi is warm or the supply alarm changes, for it starts a process.
    """

    def __init__(
        self,
        *,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
        drive: Path | None = None,
        firmware: Callable[[], int | None] | None = None,
    ) -> None:
        self._proc = proc
        self._sys = sys
        self._thermal = _find_thermal(sys)
        self._volt_alarm = _find_volt_alarm(sys)
        self._drive_stat = _find_drive_stat(sys, drive)
        self._firmware = vcgencmd if firmware is None else firmware
        self._bits: int | None = None
        self._asked_at_s: float | None = None
        self._alarm_before: bool | None = None
        self._before: dict[str, float] = {}
        self._before_s: float | None = None

    def read(self, now_s: float) -> Machine:
        """Take one reading; rates are over the time since the last one."""
        passed = None if self._before_s is None else now_s - self._before_s
        self._before_s = now_s
        temperature = _scaled(_number(self._thermal), 1e-3)
        memory = self._memory()
        statm = _words(self._proc / "self/statm")
        stat = self._cpu_ticks()
        per_tick = 1.0 / os.sysconf("SC_CLK_TCK")
        bits, alarm = self._throttle_bits(now_s, temperature)
        return Machine(
            cores=stat[1],
            cpu_cores=self._rate("cpu", _scaled(stat[0], per_tick), passed),
            cpu_own_cores=self._rate("own", _scaled(self._own_ticks(), per_tick), passed),
            clock_hz=_scaled(
                _number(self._sys / "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"), 1e3
            ),
            temperature_c=temperature,
            throttled=None if bits is None else bool(bits & (FREQUENCY_CAPPED | THROTTLED)),
            under_voltage=alarm,
            memory_total_bytes=memory.get("MemTotal"),
            memory_available_bytes=memory.get("MemAvailable"),
            own_memory_bytes=_scaled(_int(statm, 1), os.sysconf("SC_PAGE_SIZE")),
            psi_memory=self._pressure("memory", passed),
            psi_io=self._pressure("io", passed),
            psi_cpu=self._pressure("cpu", passed),
            drive_busy=_share(
                self._rate("drive", _scaled(_int(_words(self._drive_stat), 9), 1e-3), passed)
            ),
        )

    def _rate(self, name: str, total: float | None, passed: float | None) -> float | None:
        """Return by how much a counter grew a second since the last reading."""
        if total is None:
            self._before.pop(name, None)
            return None
        before = self._before.get(name)
        self._before[name] = total
        if before is None or passed is None or passed <= 0.0 or total < before:
            return None
        return (total - before) / passed

    def _cpu_ticks(self) -> tuple[float | None, int | None]:
        """Return the busy ticks of all cores, and how many cores there are."""
        lines = _text(self._proc / "stat").splitlines()
        cores = sum(line.startswith("cpu") and line[3:4].isdigit() for line in lines)
        try:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(
                int, lines[0].split()[1:9]
            )
        except (IndexError, ValueError):
            return None, cores or None
        return float(user + nice + system + irq + softirq + steal), cores or None

    def _own_ticks(self) -> float | None:
        # The name in brackets may itself hold spaces and brackets.
        words = _text(self._proc / "self/stat").rpartition(")")[2].split()
        user, system = _int(words, 11), _int(words, 12)
        return None if user is None or system is None else float(user + system)

    def _memory(self) -> dict[str, float]:
        found = {}
        for line in _text(self._proc / "meminfo").splitlines()[:4]:
            name, _, rest = line.partition(":")
            size = _int(rest.split(), 0)
            if size is not None:
                found[name] = float(size * KIB)
        return found

    def _pressure(self, kind: str, passed: float | None) -> float | None:
        """Return the share of the time in which some task waited, from the total in µs."""
        some = _text(self._proc / "pressure" / kind).partition("\n")[0]
        try:
            total = int(some.rpartition("total=")[2])
        except ValueError:
            return None
        return _share(self._rate(f"psi {kind}", total * 1e-6, passed))

    def _throttle_bits(
        self, now_s: float, temperature_c: float | None
    ) -> tuple[int | None, bool | None]:
        """Return the firmware's bits, as fresh as there is cause, and the supply alarm."""
        reading = _number(self._volt_alarm)
        alarm = None if reading is None else reading > 0
        warm = temperature_c is not None and temperature_c >= ASK_FIRMWARE_ABOVE_C
        hurry = warm or bool((self._bits or 0) & LIVE_BITS)
        pause_s = ASK_FIRMWARE_EVERY_S if hurry else ASK_FIRMWARE_AT_REST_S
        worth = hurry or (alarm is None and self._bits is not None)
        due = self._asked_at_s is None or (worth and now_s - self._asked_at_s >= pause_s)
        if due or alarm != self._alarm_before:
            self._bits, self._asked_at_s = self._firmware(), now_s
        self._alarm_before = alarm
        if alarm is None and self._bits is not None:
            alarm = bool(self._bits & UNDER_VOLTAGE)
        return self._bits, alarm


def vcgencmd() -> int | None:
    """Ask the Pi's firmware for its throttle bits; None where there is no such firmware."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command, no shell
            [command, "get_throttled"],
            capture_output=True,
            text=True,
            timeout=VCGENCMD_TIMEOUT_S,
            check=True,
        ).stdout
        return int(answer.strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _find_thermal(sys: Path) -> Path | None:
    """Find the CPU's zone by its type: the 79 °C of a Pi are nothing to a laptop."""
    for kind in sorted((sys / "class/thermal").glob("thermal_zone*/type")):
        if _text(kind).strip().startswith(THERMAL_TYPES):
            return kind.with_name("temp")
    return None


def _find_volt_alarm(sys: Path) -> Path | None:
    """Find the sensor by name: its number changes from boot to boot."""
    for name in (sys / "class/hwmon").glob("*/name"):
        if _text(name).strip() == "rpi_volt":
            return name.with_name("in0_lcrit_alarm")
    return None


def _find_drive_stat(sys: Path, drive: Path | None) -> Path | None:
    if drive is None:
        return None
    try:
        device = drive.stat().st_dev
    except OSError:
        return None
    return sys / "dev/block" / f"{os.major(device)}:{os.minor(device)}" / "stat"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _words(file: Path | None) -> list[str]:
    return [] if file is None else _text(file).split()


def _number(file: Path | None) -> int | None:
    return _int(_words(file), 0)


def _int(words: list[str], place: int) -> int | None:
    try:
        return int(words[place])
    except (IndexError, ValueError):
        return None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _share(value: float | None) -> float | None:
    return None if value is None else min(1.0, max(0.0, value))
