"""udev's own judgement of the rules, on devices that umockdev makes up."""

import subprocess
from pathlib import Path

import pytest

from tests.appliance.rooms import UNITS, needs, needs_mounts

pytestmark = [needs_mounts, needs("umockdev-run", "udevadm")]

USB = "/devices/pci0000:00/0000:00:14.0/usb1/1-2"
STICK = f"{USB}/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdq"
ATA = "/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sdp"
SLOT = "/devices/platform/mmc/mmc_host/mmc9/mmc9:0001"

DEVICES = f"""\
P: {USB}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=0781

P: {STICK}
N: sdq
E: SUBSYSTEM=block
E: DEVTYPE=disk
E: MAJOR=65
E: MINOR=0
A: size=SIZE
A: dev=65:0

P: {STICK}/sdq1
N: sdq1
E: SUBSYSTEM=block
E: DEVTYPE=partition
E: MAJOR=65
E: MINOR=1
A: size=SIZE
A: partition=1
A: dev=65:1

P: {ATA}
N: sdp
E: SUBSYSTEM=block
E: DEVTYPE=disk
E: MAJOR=65
E: MINOR=32
A: size=SIZE
A: dev=65:32

P: {SLOT}
E: SUBSYSTEM=mmc
A: type=SD

P: {SLOT}/block/mmcblk9
N: mmcblk9
E: SUBSYSTEM=block
E: DEVTYPE=disk
E: MAJOR=179
E: MINOR=99
A: size=SIZE
A: dev=179:99
"""

# In a mount name space of its own, udev knows our rules only.
SCRIPT = """\
set -e
mkdir -p /run/udev
for folder in /run/udev /usr/lib/udev/rules.d /etc/udev/rules.d; do
    [ ! -d $folder ] || mount -t tmpfs none $folder
done
mkdir /run/udev/rules.d
cp "$1" "$2" /run/udev/rules.d/
umockdev-run --device "$3" -- udevadm test --action="$4" "/sys$5"
"""


@pytest.fixture
def wanted(tmp_path):
    """Return what udev has systemd start for a device with these properties."""

    def ask(path, *, action="add", size="31116288", **properties):
        given = tmp_path / "00-given.rules"
        lines = [
            f'SUBSYSTEM=="block", ENV{{{name}}}="{value}"' for name, value in properties.items()
        ]
        given.write_text("\n".join([*lines, ""]))
        devices = tmp_path / "devices.umockdev"
        devices.write_text(DEVICES.replace("SIZE", size))
        rules = UNITS / "90-piuploader.rules"
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", SCRIPT, "sh", rules, given, devices, action, path],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return {
            line.removeprefix("SYSTEMD_WANTS=")
            for line in done.stdout.splitlines()
            if line.startswith("SYSTEMD_WANTS=")
        }

    return ask


def name(path):
    return {f"piuploader-mount@{Path(path).name}.service"}


@pytest.mark.parametrize("path", [f"{STICK}/sdq1", STICK, f"{SLOT}/block/mmcblk9"])
@pytest.mark.parametrize("action", ["add", "change"])
def test_a_file_system_on_usb_or_in_a_slot_is_wanted(wanted, path, action):
    """With or without a partition table; a card put into a reader is a change."""
    assert wanted(path, action=action, ID_FS_USAGE="filesystem") == name(path)


@pytest.mark.parametrize("usage", [{"ID_FS_USAGE": "crypto"}, {}])
def test_what_a_person_should_hear_of_is_wanted_too(wanted, usage):
    """Encrypted, or nothing that anyone knows: root's script writes a sentence."""
    assert wanted(f"{STICK}/sdq1", **usage) == name("sdq1")


@pytest.mark.parametrize(
    ("path", "properties"),
    [
        (ATA, {"ID_FS_USAGE": "filesystem"}),
        (STICK, {"ID_PART_TABLE_TYPE": "dos"}),
        (f"{STICK}/sdq1", {"ID_FS_USAGE": "other", "ID_FS_TYPE": "swap"}),
        (f"{STICK}/sdq1", {"ID_FS_USAGE": "raid"}),
        (f"{STICK}/sdq1", {"ID_FS_USAGE": "filesystem", "ID_FS_LABEL": "piuploader-data"}),
        (f"{STICK}/sdq1", {"ID_FS_USAGE": "filesystem", "ID_PART_ENTRY_TYPE": "0xef"}),
        (
            f"{STICK}/sdq1",
            {
                "ID_FS_USAGE": "filesystem",
                "ID_PART_ENTRY_TYPE": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            },
        ),
    ],
)
def test_what_is_no_drive_of_a_guest_is_left_alone(wanted, path, properties):
    assert wanted(path, **properties) == set()


def test_an_empty_card_reader_is_left_alone(wanted):
    assert wanted(STICK, size="0") == set()
