"""The units are what systemd takes, and the service may do little."""

import re
import subprocess

import pytest

from tests.appliance.rooms import UNITS, needs

INSTANCES = {
    "piuploader.service": "piuploader.service",
    "piuploader-mount@.service": "piuploader-mount@sda1.service",
    "piuploader-boot-config.service": "piuploader-boot-config.service",
    "piuploader-failed-light.service": "piuploader-failed-light.service",
    "piuploader-writable.socket": "piuploader-writable.socket",
    "piuploader-writable@.service": "piuploader-writable@1.service",
}


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """Our units, with programs that exist on every machine."""
    folder = tmp_path_factory.mktemp("units")
    for unit, instance in INSTANCES.items():
        text = (UNITS / unit).read_text(encoding="utf-8")
        text = re.sub(r"/usr/bin/piuploader|/usr/lib/piuploader/\w+\.sh", "/bin/true", text)
        (folder / unit).write_text(text, encoding="utf-8")
        (folder / instance).write_text(text, encoding="utf-8")
    return folder


def test_every_unit_is_inspected():
    found = {path.name for path in UNITS.iterdir() if path.suffix in {".service", ".socket"}}
    assert found == INSTANCES.keys()


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong(units):
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
        + [str(units / instance) for instance in INSTANCES.values()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", ["piuploader.service", "piuploader-failed-light.service"])
def test_the_services_are_exposed_little(units, unit):
    """Under 2.0 of 10: systemd calls that OK."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(units / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stderr
    assert float(level[1]) < 2.0


@needs("shellcheck")
def test_the_shell_is_clean():
    scripts = sorted(UNITS.glob("*.sh"))
    assert scripts
    done = subprocess.run(
        ["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_the_scripts_can_be_run():
    assert all(script.stat().st_mode & 0o111 for script in UNITS.glob("*.sh"))


def test_a_wrong_configuration_is_not_tried_again():
    service = (UNITS / "piuploader.service").read_text(encoding="utf-8")
    assert "RestartPreventExitStatus=78" in service
    assert "OnFailure=piuploader-failed-light.service" in service


def test_every_jump_of_the_udev_rules_lands():
    rules = (UNITS / "90-piuploader.rules").read_text(encoding="utf-8")
    assert set(re.findall(r'GOTO="(\w+)"', rules)) == set(re.findall(r'LABEL="(\w+)"', rules))


@needs("udevadm")
def test_udev_takes_the_rules():
    rules = UNITS / "90-piuploader.rules"
    done = subprocess.run(
        ["udevadm", "verify", "--resolve-names=never", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Unknown command" in done.stderr:
        pytest.skip("udevadm verify came with systemd 254")
    assert done.returncode == 0, done.stdout + done.stderr
