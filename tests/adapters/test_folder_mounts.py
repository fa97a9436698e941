"""A drive is known again, and its stamps are understood."""

import os
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from piuploader.adapters.folder import open_drive, system_zone
from piuploader.adapters.folder.mounts import kernel_minutes_west, locate
from tests.adapters.drives import mountinfo, plant, walked

NOON_2024_07_01 = 1_719_835_200


@pytest.fixture
def world(tmp_path):
    """A card at media/MY CARD, as udev and the kernel show it."""
    return World(tmp_path)


class World:
    def __init__(self, path):
        self.card = path / "media/MY CARD"
        self.card.mkdir(parents=True)
        self.device = path / "dev/sda1"
        self.disks = path / "dev/disk"
        for folder, name in (("by-uuid", "1A2B-3C4D"), ("by-label", r"MY\x20C\xc3\xa4RD")):
            (self.disks / folder).mkdir(parents=True)
            (self.disks / folder / name).symlink_to("../../sda1")
            (self.disks / folder / "0-other").symlink_to("../../sdz9")
        self.device.touch()
        self.mounts = path / "mountinfo"
        self.mount()

    def mount(self, place=None, *, kind="vfat", root="/", options="rw,utf8", source=None):
        place = place or self.card
        line = (50, "8:1", root, place, kind, source or self.device, options)
        mountinfo(self.mounts, line)

    def locate(self, folder):
        return locate(str(folder), mountinfo=self.mounts, disks=self.disks)

    def open(self, folder=None, **options):
        return open_drive(folder or self.card, mountinfo=self.mounts, disks=self.disks, **options)


def size_of(folder):
    state = os.statvfs(folder)
    return state.f_blocks * state.f_frsize


def test_a_card_is_known_by_its_file_systems_number_and_size(world):
    place = world.locate(world.card)
    assert place.identity == f"uuid:1A2B-3C4D+{size_of(world.card)}"
    assert place.label == "MY CäRD"
    assert place.kind == "vfat"
    assert {"ro", "nosuid", "rw", "utf8"} <= place.options
    assert (place.root, place.start) == (str(world.card), "")


def test_a_card_is_the_same_on_another_mount_point(world, tmp_path):
    before = world.locate(world.card).identity
    other = tmp_path / "mnt"
    other.mkdir()
    world.mount(other)
    assert world.locate(other).identity == before


def test_a_folder_of_a_card_shares_what_the_card_knows(world):
    """The same paths by the same identity, whichever folder was named."""
    plant(world.card, "DCIM/100CANON/a.jpg", "b.jpg")
    whole, part = world.open(), world.open(world.card / "DCIM")

    assert part.identity == whole.identity
    assert list(walked(part)[0]) == ["DCIM/100CANON/a.jpg"]
    assert walked(whole)[0]["DCIM/100CANON/a.jpg"] == walked(part)[0]["DCIM/100CANON/a.jpg"]
    assert Path(part.absolute("DCIM/100CANON/a.jpg")).is_file()


def test_a_card_that_names_itself_nowhere_is_known_by_its_folder(world):
    (world.disks / "by-uuid/1A2B-3C4D").unlink()
    place = world.locate(world.card)
    assert place.identity == f"folder:{world.card}"
    assert place.label == "MY CARD"
    assert place.kind == "vfat"


def test_a_folder_of_the_systems_own_disk_is_a_drive_by_itself(world, tmp_path):
    """The number of the root file system would make one drive of all folders on it."""
    (world.disks / "by-uuid/0000").symlink_to("/dev/mmcblk0p2")
    place = world.locate(tmp_path)
    assert place.identity == f"folder:{tmp_path}"
    assert place.kind == "ext4"


def test_a_part_of_a_file_system_is_another_drive(world):
    """btrfs: two sub-volumes hold different files by the same paths."""
    world.mount(kind="btrfs", root="/@photos")
    assert world.locate(world.card).identity.endswith(":/@photos")


def test_of_two_mounts_on_one_place_the_later_is_seen(world):
    line = (51, "8:2", "/", world.card, "exfat", "/dev/sdb1", "rw")
    first = (50, "8:1", "/", world.card, "vfat", world.device, "rw")
    mountinfo(world.mounts, first, line)
    assert world.locate(world.card).kind == "exfat"


def test_a_neighbour_whose_name_begins_alike_is_not_on_the_card(world):
    assert world.locate(f"{world.card}2").kind == "ext4"


def test_without_the_kernels_list_a_folder_is_a_folder(world, tmp_path):
    place = locate(str(world.card), mountinfo=tmp_path / "none", disks=tmp_path / "none")
    assert place.identity == f"folder:{world.card}"
    assert place.kind == ""


def test_garbage_in_the_kernels_list_is_left_out(world):
    world.mounts.write_text("nonsense\n\n1 2 3\n" + world.mounts.read_text())
    assert world.locate(world.card).kind == "vfat"


@pytest.mark.parametrize("options", ["rw", "rw,tz=UTC"])
def test_a_cameras_digits_are_read_in_the_persons_zone(world, options):
    world.mount(options=options)
    plant(world.card, "a.jpg")
    stamp = NOON_2024_07_01
    if options == "rw":
        stamp += kernel_minutes_west() * 60
    os.utime(world.card / "a.jpg", (stamp, stamp))
    drive = world.open(time_zone="Europe/Berlin")
    (file,) = walked(drive)[0].values()
    assert drive.created_at(file) == "2024-07-01T12:00:00.000+02:00"


def test_the_stamps_of_other_file_systems_are_true(world):
    world.mount(kind="exfat")
    plant(world.card, "a.jpg")
    os.utime(world.card / "a.jpg", (NOON_2024_07_01, NOON_2024_07_01))
    drive = world.open(time_zone="Europe/Berlin")
    (file,) = walked(drive)[0].values()
    assert drive.created_at(file) == "2024-07-01T14:00:00.000+02:00"


def test_the_kernels_zone_is_one_of_this_world():
    assert -14 * 60 <= kernel_minutes_west() <= 12 * 60


def test_the_systems_zone_is_found(tmp_path):
    assert system_zone(name="Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert system_zone(name=":Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert system_zone(name="No/Where") is UTC
    assert system_zone(tmp_path / "none", name="") is UTC
    (tmp_path / "localtime").write_text("no zone at all")
    assert system_zone(tmp_path / "localtime", name="") is UTC
