"""Heat and weak power reach the light: a real daemon that sees another /sys and firmware."""

import json
from importlib.resources import files

import jsonschema
import pytest

from tests.appliance.machine import photos
from tests.appliance.rooms import needs_mounts

pytestmark = [pytest.mark.slow, needs_mounts]

SCHEMA = json.loads(files("piuploader.data").joinpath("status.schema.json").read_text("utf-8"))


class Pi:
    """The folder that a daemon takes for /sys/class, and a firmware that answers."""

    def __init__(self, root):
        self.root = root
        self.write("class/thermal/thermal_zone0/type", "cpu-thermal")
        self.write("class/hwmon/hwmon1/name", "rpi_volt")
        self.is_well()
        command = self.root / "bin/vcgencmd"
        command.parent.mkdir()
        command.write_text(f"#!/bin/sh\ncat {self.root}/throttled\n", encoding="ascii")
        command.chmod(0o755)

    def is_well(self):
        self.write("class/thermal/thermal_zone0/temp", "48000")
        self.write("class/hwmon/hwmon1/in0_lcrit_alarm", "0")
        self.write("throttled", "throttled=0x0")

    def is_hot(self):
        self.write("class/thermal/thermal_zone0/temp", "86000")
        self.write("throttled", "throttled=0x4")

    def has_weak_power(self):
        self.write("class/hwmon/hwmon1/in0_lcrit_alarm", "1")
        self.write("throttled", "throttled=0x50005")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")

    @property
    def around(self):
        """What a command must be begun with to live on this Pi."""
        mount = f'mount --bind "{self.root}/class" /sys/class && exec "$@"'
        return ("unshare", "--mount", "sh", "-c", mount, "sh")


@pytest.fixture
def importing(make_machine, server, tmp_path):
    """A box in the middle of an import, on a Pi that is well."""
    server.fault("slow", where="upload", bytes_per_s=100_000)
    pi = Pi(tmp_path / "pi-sys")
    box = make_machine(plain_folders=True)
    photos(box.drives / "CARD", 60, size=400_000)
    box.boot(prefix=pi.around, PATH=f"{pi.root}/bin:/usr/bin:/bin")
    box.until_light("uploading")
    return pi, box


def session(status):
    jsonschema.validate(status, SCHEMA)
    return status["drives"][0]["session"]


def test_a_hot_pi_goes_slowly_and_says_so_until_it_has_cooled_down(importing):
    pi, box = importing
    pi.is_hot()
    box.until_light("hot", within_s=60)
    assert session(box.status)["limit_reason"] == "heat"
    box.until(lambda status: status["vitals"]["throttled"])
    assert box.status["vitals"]["temperature_c"] == 86
    pi.is_well()
    box.until_light("uploading", within_s=120)


def test_a_sagging_supply_is_on_the_light_and_one_upload_runs(importing):
    pi, box = importing
    pi.has_weak_power()
    box.until_light("weak-power", within_s=30)
    box.until(lambda status: session(status)["uploads"]["target"] == 1)
    box.until(lambda status: status["vitals"]["under_voltage"])
    pi.is_well()
    box.until_light("uploading", within_s=90)
