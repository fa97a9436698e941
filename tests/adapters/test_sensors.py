"""Vital signs from made-up /proc and /sys trees; what is lacking is None."""

import os
from pathlib import Path

import pytest

from piuploader.adapters.sensors import Sensors
from piuploader.core.tuner import Machine

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def pi(tmp_path):
    """A Pi 4 with everything on."""
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    write(
        proc,
        {
            "stat": "cpu  100 0 100 1000 50 0 0 0 0 0\n" + "cpu0 1 0 1 1 1 0 0 0 0 0\n" * 4,
            "self/stat": "42 (pi up) (x) S 1 1 1 0 -1 0 0 0 0 0 50 50 0 0 20 0 1 0 0 0 0",
            "self/statm": "9000 5000 1 1 0 1 0",
            "meminfo": "MemTotal: 2000000 kB\nMemFree: 1 kB\nMemAvailable: 1200000 kB\n",
            "pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
            "pressure/io": "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n",
            "pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        },
    )
    write(
        sys,
        {
            "class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "class/thermal/thermal_zone0/temp": "61322\n",
            "class/hwmon/hwmon0/name": "nvme\n",
            "class/hwmon/hwmon1/name": "rpi_volt\n",
            "class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
            "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
        },
    )
    return proc, sys


def sensors(pi, **more):
    proc, sys = pi
    more.setdefault("firmware", lambda: 0)
    return Sensors(proc=proc, sys=sys, **more)


def test_what_needs_no_past_is_there_at_once(pi):
    machine = sensors(pi).read(0.0)
    assert machine.temperature_c == pytest.approx(61.322)
    assert machine.clock_hz == 1.5e9
    assert machine.cores == 4
    assert machine.memory_total_bytes == 2_000_000 * 1024
    assert machine.memory_available_bytes == 1_200_000 * 1024
    assert machine.own_memory_bytes == 5000 * PAGE
    assert machine.throttled is False
    assert machine.under_voltage is False
    assert machine.cpu_cores is None


def test_rates_are_over_the_time_between_two_readings(pi):
    proc, _ = pi
    reader = sensors(pi)
    reader.read(10.0)
    write(
        proc,
        {
            "stat": f"cpu  {100 + 3 * TICKS} 0 {100 + TICKS} 1900 50 0 0 0 0 0\ncpu0 1 0\n",
            "self/stat": f"42 (pi up) (x) S 1 1 1 0 -1 0 0 0 0 0 {50 + TICKS} 50 0 0 20",
            "pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n",
        },
    )
    machine = reader.read(12.0)
    assert machine.cpu_cores == pytest.approx(2.0)
    assert machine.cpu_own_cores == pytest.approx(0.5)
    assert machine.psi_memory == pytest.approx(0.25)
    assert machine.psi_io == 0.0


def test_a_drive_tells_how_busy_it_is(pi, tmp_path):
    _, sys = pi
    device = tmp_path.stat().st_dev
    stat = f"dev/block/{os.major(device)}:{os.minor(device)}/stat"
    write(sys, {stat: "1 0 8 0 0 0 0 0 0 1000 0 0"})
    reader = sensors(pi, drive=tmp_path)
    reader.read(0.0)
    write(sys, {stat: "9 0 99 0 0 0 0 0 0 1900 0 0"})
    assert reader.read(1.0).drive_busy == pytest.approx(0.9)


def test_a_drive_that_is_gone_is_no_error(pi, tmp_path):
    assert sensors(pi, drive=tmp_path / "pulled").read(0.0).drive_busy is None


def test_a_machine_that_has_nothing_gives_none(tmp_path):
    reader = Sensors(proc=tmp_path, sys=tmp_path, firmware=lambda: None)
    reader.read(0.0)
    assert reader.read(1.0) == Machine()


def test_nonsense_in_the_files_is_none_as_well(pi):
    proc, sys = pi
    write(proc, {"stat": "cpu a b c\n", "self/stat": "x", "self/statm": "", "meminfo": "MemTotal:"})
    write(proc, {"pressure/memory": "\n"})
    write(sys, {"class/thermal/thermal_zone0/temp": "hot\n"})
    reader = sensors(pi)
    reader.read(0.0)
    machine = reader.read(1.0)
    assert (machine.cores, machine.cpu_cores, machine.cpu_own_cores) == (None, None, None)
    assert (machine.memory_total_bytes, machine.temperature_c) == (None, None)
    assert machine.psi_memory is None


def test_a_counter_that_starts_again_is_no_negative_load(pi):
    proc, _ = pi
    reader = sensors(pi)
    reader.read(0.0)
    write(proc, {"stat": "cpu  1 0 1 1 1 0 0 0 0 0\n"})
    assert reader.read(1.0).cpu_cores is None


def test_the_zones_of_a_laptop_are_not_asked(pi):
    """79 °C are nothing to it."""
    _, sys = pi
    write(sys, {"class/thermal/thermal_zone0/type": "x86_pkg_temp\n"})
    assert sensors(pi).read(0.0).temperature_c is None


def test_under_voltage_comes_from_the_kernel(pi):
    _, sys = pi
    reader = sensors(pi)
    assert reader.read(0.0).under_voltage is False
    write(sys, {"class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"})
    assert reader.read(1.0).under_voltage is True


class TestFirmware:
    """vcgencmd starts a process: it is asked only when there is cause."""

    def test_a_cool_pi_is_asked_once(self, pi):
        asked = []
        reader = sensors(pi, firmware=lambda: asked.append(1) or 0)
        for second in range(120):
            reader.read(float(second))
        assert len(asked) == 1

    def test_a_warm_pi_is_asked_every_few_seconds(self, pi):
        _, sys = pi
        write(sys, {"class/thermal/thermal_zone0/temp": "79000\n"})
        asked = []
        reader = sensors(pi, firmware=lambda: asked.append(1) or 0b0100)
        readings = [reader.read(float(second)) for second in range(20)]
        assert len(asked) == 4
        assert readings[-1].throttled is True

    @pytest.mark.parametrize(
        ("bits", "throttled"),
        [(0x50000, False), (0b1000, False), (0b0010, True), (0b0100, True), (0xE0000, False)],
    )
    def test_the_past_and_the_soft_limit_do_not_count(self, pi, bits, throttled):
        assert sensors(pi, firmware=lambda: bits).read(0.0).throttled is throttled

    def test_without_the_kernels_sensor_the_firmware_tells_of_the_supply(self, pi):
        _, sys = pi
        write(sys, {"class/hwmon/hwmon1/name": "other\n"})
        bits = [0]
        reader = sensors(pi, firmware=lambda: bits[0])
        assert reader.read(0.0).under_voltage is False
        bits[0] = 0b0001
        assert reader.read(10.0).under_voltage is False
        assert reader.read(31.0).under_voltage is True

    def test_the_real_command_is_asked_and_understood(self, pi, tmp_path, monkeypatch):
        command = tmp_path / "bin/vcgencmd"
        command.parent.mkdir()
        command.write_text("#!/bin/sh\necho throttled=0x50005\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
        proc, sys = pi
        assert Sensors(proc=proc, sys=sys).read(0.0).throttled is True
        command.write_text("#!/bin/sh\nexit 3\n")
        assert Sensors(proc=proc, sys=sys).read(0.0).throttled is None
        monkeypatch.setenv("PATH", str(tmp_path))
        assert Sensors(proc=proc, sys=sys).read(0.0).throttled is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs Linux")
def test_this_machine_can_be_read():
    reader = Sensors()
    reader.read(0.0)
    machine = reader.read(1.0)
    assert machine.cores >= 1
    assert machine.own_memory_bytes > 1_000_000
    assert machine.memory_available_bytes <= machine.memory_total_bytes
