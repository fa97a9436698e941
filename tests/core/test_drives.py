"""Which mounts are drives, and which never are."""

from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.drives import (
    FoundDrive,
    is_system_place,
    mounted_drives,
    parse_mountinfo,
    with_problems,
)

PLACE = "/run/piuploader-drives"


def line(number, device, place, *, root="/", kind="vfat", source="/dev/sda1"):
    return f"{number} 25 {device} {root} {place} ro,nosuid shared:7 - {kind} {source} ro\n"


SYSTEM = (
    line(25, "179:2", "/", kind="ext4", source="/dev/mmcblk0p2")
    + line(30, "179:1", "/boot/firmware", source="/dev/mmcblk0p1")
    + line(31, "0:22", "/proc", kind="proc", source="proc")
)


def names(text):
    return [drive.name for drive in mounted_drives(PLACE, parse_mountinfo(text))]


def test_a_mount_below_the_place_is_a_drive():
    text = SYSTEM + line(50, "8:1", f"{PLACE}/sda1")
    assert names(text) == ["sda1"]


def test_several_partitions_are_several_drives_in_the_order_of_their_mounts():
    text = SYSTEM + line(50, "8:2", f"{PLACE}/sda2") + line(51, "8:1", f"{PLACE}/sda1")
    assert names(text) == ["sda2", "sda1"]


def test_the_boot_medium_is_never_a_drive():
    """Not even when somebody mounts it there."""
    text = SYSTEM + line(50, "179:1", f"{PLACE}/mmcblk0p1") + line(51, "179:2", f"{PLACE}/root")
    assert names(text) == []


def test_the_true_root_behind_an_overlay_is_never_a_drive():
    overlay = line(25, "0:30", "/", kind="overlay", source="overlayroot") + line(
        26, "8:2", "/media/root-ro", kind="ext4", source="/dev/sda2"
    )
    assert names(overlay + line(50, "8:2", f"{PLACE}/sda2")) == []


def test_a_drive_that_a_desktop_mounted_too_is_still_a_drive():
    text = SYSTEM + line(40, "8:1", "/media/ada/CARD") + line(50, "8:1", f"{PLACE}/sda1")
    assert names(text) == ["sda1"]


def test_one_file_system_mounted_twice_is_imported_once():
    text = SYSTEM + line(50, "8:1", f"{PLACE}/sda1") + line(51, "8:1", f"{PLACE}/again")
    assert names(text) == ["sda1"]


def test_the_mount_on_top_counts():
    text = SYSTEM + line(50, "8:1", f"{PLACE}/stick") + line(51, "8:17", f"{PLACE}/stick")
    (drive,) = mounted_drives(PLACE, parse_mountinfo(text))
    assert drive.key == "51@8:17"


def test_what_is_mounted_deeper_or_on_the_place_itself_is_no_drive():
    text = SYSTEM + line(50, "0:50", PLACE, kind="tmpfs") + line(51, "8:1", f"{PLACE}/a/b")
    assert names(text) == []


def test_the_same_drive_plugged_again_has_another_key():
    first, second = (
        mounted_drives(PLACE, parse_mountinfo(line(number, "8:1", f"{PLACE}/sda1")))[0]
        for number in (50, 77)
    )
    assert first.key != second.key


def test_names_with_spaces_are_read_as_they_are():
    (drive,) = mounted_drives(PLACE, parse_mountinfo(line(50, "8:1", PLACE + r"/MY\040CARD\134x")))
    assert drive.folder == PLACE + "/MY CARD\\x"


def test_a_note_of_root_is_a_drive_with_a_problem_until_it_is_mounted_after_all():
    mounted = FoundDrive("1@8:1", "sda1", f"{PLACE}/sda1")
    notes = {"sda1": "cannot be read", "sdb1": "its file system is broken"}
    assert with_problems([mounted], notes) == [
        mounted,
        FoundDrive(
            "problem@sdb1@its file system is broken", "sdb1", "", "its file system is broken"
        ),
    ]


def test_places_of_the_system_and_of_guests():
    assert all(map(is_system_place, ["/", "/boot/firmware", "/var/lib/piuploader", "/mediathek"]))
    assert not any(map(is_system_place, ["/media/usb0", "/mnt", "/run/media/ada/CARD"]))


@given(st.text())
def test_no_text_whatsoever_breaks_the_reader(text):
    mounted_drives(PLACE, parse_mountinfo(text))
