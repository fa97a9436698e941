"""Whole drives, by root's own script, on block devices: and a daemon that may do little."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.appliance.machine import Machine, photos
from tests.appliance.rooms import kernel_knows, loop_device, make_image, needs, needs_loop
from tests.appliance.test_drive_sh import drive_sh

pytestmark = [pytest.mark.slow, needs_loop]


@pytest.fixture
def machine(server):
    """A box whose service runs as nobody, without any capability: in a folder it can reach."""
    root = Path(tempfile.mkdtemp(prefix="piuploader-test-"))
    root.chmod(0o755)
    pi = Machine(root, url=server.url, key=server.admin_key)
    for owned in (root, pi.run_folder, pi.state, pi.config, pi.key_file):
        shutil.chown(owned, "nobody")
    pi.boot(
        prefix=[
            *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
        ]
    )
    yield pi
    pi.close()
    for folder in pi.drives.iterdir():
        if os.path.ismount(folder):
            subprocess.run(["umount", "-l", folder], check=False)
    shutil.rmtree(root)


def plug(pi, name):
    """Do what udev and systemd do."""
    done = drive_sh("mount", name, pi.drives)
    assert done.returncode == 0, done.stderr


def formatted(tmp_path, kind):
    """Make an image with six photos, or skip where that cannot be."""
    card = photos(tmp_path / f"card-{kind}", 6)
    image = tmp_path / f"image-{kind}"
    match kind:
        case "ext4":
            make_image(image, 16, "mkfs.ext4", "-q", "-d", str(card))
        case "btrfs":
            make_image(image, 128, "mkfs.btrfs", "-q", "--rootdir", str(card))
        case "ntfs":
            make_image(image, 16, "mkntfs", "-F", "-q")
            for path in card.iterdir():
                subprocess.run(
                    ["ntfscp", "-q", image, path, path.name], check=True, capture_output=True
                )
        case "vfat":
            make_image(image, 16, "mkfs.vfat")
            subprocess.run(["mcopy", "-i", image, *card.iterdir(), "::"], check=True)
    return card, image


PROGRAMS = {"ext4": "mkfs.ext4", "btrfs": "mkfs.btrfs", "ntfs": "ntfscp", "vfat": "mcopy"}


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "ntfs", "vfat"])
def test_each_file_system_is_imported_and_let_go(machine, tmp_path, holds, kind):
    """From the bare device to the last photo, by a service that may do nothing else."""
    if not shutil.which(PROGRAMS[kind]):
        pytest.skip(f"not installed: {PROGRAMS[kind]}")
    if kind != "ntfs" and not kernel_knows(kind):
        pytest.skip(f"this kernel has no {kind}")
    machine.until_light("ready")
    card, image = formatted(tmp_path, kind)
    with loop_device(image) as name:
        plug(machine, name)
        machine.until_light("complete", "server-works")
        assert holds(card)
        drive_sh("unmount", name, machine.drives)
        machine.until_light("ready")


@needs("mkfs.ext4")
def test_several_partitions_and_a_broken_one_at_once(machine, tmp_path, holds):
    """What can be read is safe; what cannot calls a person, and both are told."""
    card, image = formatted(tmp_path, "ext4")
    noise = tmp_path / "noise"
    noise.write_bytes(os.urandom(1024 * 1024))
    with loop_device(image) as good, loop_device(noise) as bad:
        plug(machine, bad)
        plug(machine, good)
        machine.until(lambda s: len(s["drives"]) == 2 and s["may_remove_drive"])
        assert holds(card)
        sentences = {each["sentence"] for each in machine.status["drives"]}
        assert any("broken, or not formatted" in each for each in sentences)
        assert machine.light == "failed"
        drive_sh("unmount", bad, machine.drives)
        machine.until_light("complete", "server-works")
        drive_sh("unmount", good, machine.drives)


@needs("mkfs.btrfs")
def test_a_drive_that_claims_ten_terabytes_is_a_drive_like_any_other(machine, tmp_path, holds):
    image = tmp_path / "huge"
    with image.open("wb") as file:
        try:
            file.truncate(10 * 1024**4)
        except OSError:
            pytest.skip("this disk makes no file of ten terabytes")
    card = photos(tmp_path / "card", 3)
    subprocess.run(["mkfs.btrfs", "-q", "--rootdir", card, image], check=True, capture_output=True)
    with loop_device(image) as name:
        plug(machine, name)
        machine.until_light("complete", "server-works")
        assert holds(card)
        drive_sh("unmount", name, machine.drives)


@needs("mkfs.ext4")
def test_what_only_its_owner_may_read_is_told_as_failed(machine, tmp_path, holds):
    """The service has no capability that would open it."""
    card = photos(tmp_path / "card", 3)
    (card / "IMG_0001.JPG").chmod(0o600)
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q", "-d", str(card))
    with loop_device(image) as name:
        plug(machine, name)
        machine.until_light("incomplete")
        files = machine.status["drives"][0]["session"]["files"]
        assert (files["confirmed"], files["failed"]) == (2, 1)
        drive_sh("unmount", name, machine.drives)


def test_a_full_disk_under_the_ledger_is_told_and_nothing_breaks(make_machine, tmp_path, holds):
    """Its room comes back: so does the box, by a press or a reload."""
    pi = make_machine()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "state", pi.state], check=True)
    pi.mounted.append(pi.state)
    filler = ["dd", "if=/dev/zero", f"of={pi.state}/filler", "bs=4k"]
    assert subprocess.run(filler, check=False, capture_output=True).returncode  # until it is full
    card = photos(tmp_path / "card", 5)
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    pi.until_light("failed")
    assert "Make room on the disk that holds the state folder" in str(pi.status["drives"])
    subprocess.run(["mount", "-o", "remount,size=16m", pi.state], check=True)
    pi.reload()
    pi.until_light("complete", "server-works")
    assert holds(card)
