"""Root's part, on real loop devices: every file system is mounted read-only or told about."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.appliance.rooms import UNITS, kernel_knows, loop_device, make_image, needs, needs_loop

pytestmark = needs_loop


@pytest.fixture
def place(tmp_path):
    made = tmp_path / "drives"
    made.mkdir()
    yield made
    for folder in made.iterdir():
        while os.path.ismount(folder):
            subprocess.run(["umount", "-l", folder], check=True)


def drive_sh(verb, name, place, **environ):
    return subprocess.run(
        [UNITS / "drive.sh", verb, name],
        env={**os.environ, "PIUPLOADER_DRIVES": str(place), "PIUPLOADER_USER": "nobody", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def options_of(folder):
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[4] == str(folder):
            return set(fields[5].split(",")) | set(fields[-1].split(","))
    return None


def problem_of(place, name):
    note = place / ".problems" / name
    return note.read_text(encoding="utf-8").strip() if note.exists() else ""


SAFE = {"ro", "nosuid", "nodev", "noexec"}


@pytest.mark.parametrize(
    ("kind", "how", "also"),
    [
        pytest.param("ext4", [16, "mkfs.ext4", "-q"], "norecovery", marks=needs("mkfs.ext4")),
        pytest.param("ext2", [16, "mkfs.ext2", "-q"], "", marks=needs("mkfs.ext2")),
        pytest.param("btrfs", [128, "mkfs.btrfs", "-q"], "", marks=needs("mkfs.btrfs")),
        pytest.param("vfat", [16, "mkfs.vfat"], "uid=65534", marks=needs("mkfs.vfat")),
        pytest.param("exfat", [16, "mkfs.exfat"], "", marks=needs("mkfs.exfat")),
        pytest.param("ntfs", [16, "mkntfs", "-F", "-q"], "", marks=needs("mkntfs", "ntfs-3g")),
    ],
)
def test_a_file_system_is_mounted_read_only_or_told_about(tmp_path, place, kind, how, also):
    """What this kernel lacks, and no program replaces, leaves a sentence."""
    image = make_image(tmp_path / "image", *how)
    with loop_device(image) as name:
        done = drive_sh("mount", name, place)
        assert done.returncode == 0, done.stderr
        options = options_of(place / name)
        if options is None:
            assert not kernel_knows(kind)
            assert problem_of(place, name) == (
                f"This system cannot read the drive's file system ({kind})."
            )
        else:
            assert options >= SAFE
            assert not also or also in options or not kernel_knows(kind)
            assert problem_of(place, name) == ""
        assert drive_sh("unmount", name, place).returncode == 0
        assert options_of(place / name) is None
        assert not (place / name).exists()
        assert problem_of(place, name) == ""


@needs("mkfs.ext4")
def test_a_partition_table_s_partitions_and_bare_disks_are_alike(tmp_path, place):
    """A drive without a partition table is mounted as it is."""
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q")
    with loop_device(image) as name:
        drive_sh("mount", name, place)
        assert options_of(place / name) >= SAFE


@needs("mkfs.ext4")
def test_nothing_is_written_to_the_drive(tmp_path, place):
    """Not even the journal of a drive that was pulled out."""
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q")
    before = image.read_bytes()
    with loop_device(image) as name:
        drive_sh("mount", name, place)
        list((place / name).iterdir())
        drive_sh("unmount", name, place)
    assert image.read_bytes() == before


def test_a_drive_of_noise_leaves_a_sentence(tmp_path, place):
    image = tmp_path / "image"
    image.write_bytes(bytes(range(1, 256)) * 4096)
    with loop_device(image) as name:
        assert drive_sh("mount", name, place).returncode == 0
        assert "broken, or not formatted" in problem_of(place, name)
        assert not (place / name).exists()


@needs("mkfs.ext4")
def test_a_broken_file_system_leaves_a_sentence(tmp_path, place):
    """Its name is still there, but the rest is not."""
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q")
    with image.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 400_000)  # group descriptors and bitmaps
    with loop_device(image) as name:
        assert drive_sh("mount", name, place).returncode == 0
        assert "(ext4) cannot be read: check the drive" in problem_of(place, name)


@needs("mkfs.ext4")
def test_the_disk_that_the_system_runs_from_is_left_alone(tmp_path, place):
    """Also when only another part of it is the system's: here it is mounted in a place of ours."""
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q")
    system = tmp_path / "system"
    system.mkdir()
    with loop_device(image) as name:
        subprocess.run(["mount", "-o", "ro,noload", f"/dev/{name}", system], check=True)
        try:
            done = drive_sh("mount", name, place)
        finally:
            subprocess.run(["umount", system], check=True)
        assert "the system runs from this disk" in done.stdout
        assert not (place / name).exists()
        assert problem_of(place, name) == ""


@pytest.mark.parametrize("name", ["", ".", "..", "../etc", "a b", "sda1;reboot", "$(id)"])
def test_what_is_no_name_of_a_device_is_refused(place, name):
    assert drive_sh("mount", name, place).returncode == 64
    assert list(place.iterdir()) == []


def test_a_drive_that_is_gone_already_can_be_let_go(place):
    """It was pulled out: systemd calls all the same."""
    assert drive_sh("unmount", "sdz9", place).returncode == 0
