"""Every file on a drive is listed once, as media or with a reason."""

import os
import shutil
import socket
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from piuploader.adapters.folder import open_drive
from piuploader.core.media import Kind
from piuploader.core.selection import Filter
from piuploader.core.tally import Reason
from piuploader.errors import DriveError, DriveRemoved
from tests.adapters.drives import TYPES, mountinfo, plant, unprivileged, walked


def names_of(drive):
    media, _, _ = walked(drive)
    return list(media)


def test_folders_come_in_the_order_of_their_names(tmp_path):
    plant(tmp_path, "b/2.jpg", "b/1.jpg", "a/x/1.jpg", "a/1.jpg", "0.jpg", "c.jpg")
    assert names_of(open_drive(tmp_path)) == [
        "0.jpg", "c.jpg", "a/1.jpg", "a/x/1.jpg", "b/1.jpg", "b/2.jpg",
    ]  # fmt: skip


def test_media_files_are_told_as_they_are(tmp_path):
    plant(tmp_path, "DCIM/IMG_1.JPG", data=b"12345")
    os.utime(tmp_path / "DCIM/IMG_1.JPG", ns=(0, 1_700_000_000_123_456_789))
    media, _, _ = walked(open_drive(tmp_path))
    (file,) = media.values()
    assert file == ("DCIM/IMG_1.JPG", 5, 1_700_000_000_123_456_789, Kind.IMAGE, None)


def test_a_drive_with_every_oddity_is_listed_whole(tmp_path):
    expected = {
        "readme.txt": Reason.NOT_MEDIA,
        "noextension": Reason.NOT_MEDIA,
        ".jpg": Reason.NOT_MEDIA,
        "empty.jpg": Reason.EMPTY,
        "empty.txt": Reason.NOT_MEDIA,
        "1.CR2.xmp": Reason.SIDECAR,
        "2.XMP": Reason.SIDECAR,
        "lone.xmp": Reason.LONE_SIDECAR,
        "._1.JPG": Reason.JUNK,
        "._1.xmp": Reason.JUNK,
        "Thumbs.db": Reason.JUNK,
        "GX01.LRV": Reason.JUNK,
        "LRV_1.insv": Reason.JUNK,
        ".Trashes/501/old.jpg": Reason.JUNK,
        "DCIM/.thumbnails/t.jpg": Reason.JUNK,
        "DCIM/.thumbnails/deep/t.jpg": Reason.JUNK,
        "Lib.photoslibrary/resources/derivatives/1.jpeg": Reason.JUNK,
    }
    wanted = {
        "1.CR2", "1.JPG", "2.jpg", "film.mov", "Smile.jpg", "Lib.photoslibrary/originals/1.heic",
    }  # fmt: skip
    plant(tmp_path, *expected, *wanted)
    for path in expected:
        if path.startswith("empty"):
            (tmp_path / path).write_bytes(b"")
    (tmp_path / "link.jpg").symlink_to("1.JPG")
    (tmp_path / "folder-link").symlink_to("DCIM")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    expected |= dict.fromkeys(["link.jpg", "folder-link", "dangling.jpg"], Reason.LINK)
    expected["pipe.jpg"] = Reason.SPECIAL

    media, skipped, _ = walked(open_drive(tmp_path))

    assert set(media) == wanted
    assert skipped == expected
    assert media["1.CR2"].sidecar == "1.CR2.xmp"
    assert media["2.jpg"].sidecar == "2.XMP"
    assert media["1.JPG"].sidecar is None


def test_a_socket_is_special(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind("s.jpg")
        assert walked(open_drive(tmp_path))[1] == {"s.jpg": Reason.SPECIAL}


def test_a_link_out_of_the_drive_is_not_followed(tmp_path):
    plant(tmp_path / "elsewhere", "secret.jpg")
    plant(tmp_path / "drive", "a.jpg")
    (tmp_path / "drive/out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "drive/loop").symlink_to(".")
    assert names_of(open_drive(tmp_path / "drive")) == ["a.jpg"]


def test_a_link_to_the_drive_itself_is_the_drive(tmp_path):
    plant(tmp_path / "drive", "a.jpg")
    (tmp_path / "link").symlink_to("drive")
    drive = open_drive(tmp_path / "link")
    assert names_of(drive) == ["a.jpg"]
    assert drive.identity == f"folder:{tmp_path}/drive"


def test_names_may_be_any_bytes(tmp_path):
    names = [
        b"\xff\xfe.jpg",
        "ä ö.jpg".encode(),
        b"a\nb.jpg",
        "ä.jpg".encode("latin-1"),
        b"-rf.jpg",
    ]
    plant(tmp_path, *(b"d\xe4/" + name for name in names))
    media, _, _ = walked(open_drive(tmp_path))
    assert sorted(map(os.fsencode, media)) == sorted(b"d\xe4/" + name for name in names)


def test_three_hundred_folders_deep_is_fine(tmp_path):
    path = "d/" * 300 + "deep.jpg"
    plant(tmp_path, path)
    assert names_of(open_drive(tmp_path)) == [path]


def test_what_is_too_deep_to_be_opened_is_reported_and_stops_nothing(tmp_path):
    """The kernel takes paths of 4,095 bytes; a tree can be deeper."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("n" * 200, dir_fd=here)
        here, outer = os.open("n" * 200, os.O_RDONLY, dir_fd=here), here
        os.close(outer)
    os.close(here)
    plant(tmp_path, "z.jpg")

    media, skipped, _ = walked(open_drive(tmp_path))

    assert list(media) == ["z.jpg"]
    assert list(skipped.values()) == [Reason.UNREADABLE]


def test_a_folder_that_may_not_be_read_is_reported_and_stops_nothing(tmp_path_factory):
    root = Path(shutil.os.path.realpath(tmp_path_factory.mktemp("drive")))
    plant(root, "a.jpg", "locked/b.jpg", "z/c.jpg", "lost+found/d.jpg")
    drive = open_drive(root)
    for folder in ("locked", "lost+found"):
        (root / folder).chmod(0)
    parents = [parent for parent in root.parents if parent.stat().st_uid == os.getuid()]
    modes = {parent: parent.stat().st_mode for parent in [root, *parents]}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o555)
    try:
        with unprivileged():
            media, skipped, _ = walked(drive)
    finally:
        for parent, mode in modes.items():
            parent.chmod(mode)
        for folder in ("locked", "lost+found"):
            (root / folder).chmod(0o700)

    assert set(media) == {"a.jpg", "z/c.jpg"}
    assert skipped == {"locked": Reason.UNREADABLE, "lost+found": Reason.JUNK}


def test_other_file_systems_below_are_not_entered(tmp_path):
    plant(tmp_path, "a.jpg", "other/b.jpg")
    mounts = mountinfo(
        tmp_path.parent / f"{tmp_path.name}.mounts",
        (50, "8:17", "/", tmp_path / "other", "vfat", "/dev/sdb1", "rw"),
    )
    media, skipped, _ = walked(open_drive(tmp_path, mountinfo=mounts))
    assert list(media) == ["a.jpg"]
    assert skipped == {"other": Reason.SPECIAL}


def test_the_machines_own_devices_are_special_and_its_memory_is_not_entered():
    """/dev holds devices of every kind, and other file systems."""
    media, skipped, _ = walked(open_drive(Path("/dev")))
    assert media == {}
    assert skipped["null"] is Reason.SPECIAL
    assert skipped["pts"] is Reason.SPECIAL
    assert not any(path.startswith("pts/") for path in skipped)


def test_a_single_file_is_a_drive_of_one(tmp_path):
    plant(tmp_path, "a.jpg", "b.jpg", "a.jpg.xmp", "d/a.jpg")
    assert names_of(open_drive(tmp_path / "a.jpg")) == ["a.jpg"]


def test_what_is_not_there_is_no_drive(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name in ("nothing", "loop"):
        with pytest.raises(DriveError, match="is the drive mounted"):
            open_drive(tmp_path / name)


def test_filters_are_counted_as_a_reason(tmp_path):
    plant(tmp_path, "a.jpg", "a.xmp", "b.cr2", "b.xmp", "note.txt", "sub/c.jpg")
    wanted = Filter(extensions=(".jpg",), exclude=("sub/",))
    media, skipped, _ = walked(open_drive(tmp_path, wanted=wanted))
    assert list(media) == ["a.jpg"]
    assert skipped == {
        "a.xmp": Reason.SIDECAR,
        "b.cr2": Reason.FILTERED,
        "b.xmp": Reason.FILTERED,  # it stays where its photo stays
        "note.txt": Reason.NOT_MEDIA,
        "sub/c.jpg": Reason.FILTERED,
    }


def test_live_photos_are_candidates_by_name(tmp_path):
    plant(tmp_path, "d/1.HEIC", "d/1.MOV", "d/2.mov", "2.heic", "3.jpg", "3.heic", "3.mov")
    assert walked(open_drive(tmp_path))[2] == [("d/1.HEIC", "d/1.MOV")]


def test_half_a_live_photo_is_none(tmp_path):
    plant(tmp_path, "1.HEIC", "1.MOV")
    assert walked(open_drive(tmp_path, wanted=Filter(extensions=(".heic",))))[2] == []


def test_a_large_folder_comes_in_parts_that_never_part_a_pair(tmp_path):
    names = [f"{n:05d}{end}" for n in range(2500) for end in (".HEIC", ".MOV", ".xmp")]
    plant(tmp_path, *names)
    drive = open_drive(tmp_path)

    listings = list(drive.listings(TYPES))
    media, skipped, pairs = walked(drive)

    assert len(listings) > 2
    assert all(listing.is_part for listing in listings)
    assert len(media) == 5000
    assert all(file.sidecar == path.rpartition(".")[0] + ".xmp" for path, file in media.items())
    assert Counter(skipped.values()) == {Reason.SIDECAR: 2500}
    assert len(pairs) == 2500


def test_a_small_folder_is_no_part(tmp_path):
    plant(tmp_path, "a.jpg")
    assert not any(listing.is_part for listing in open_drive(tmp_path).listings(TYPES))


def test_memory_does_not_grow_with_the_files_of_a_folder(tmp_path):
    for number in range(20_000):
        os.close(os.open(tmp_path / f"IMG_{number:06d}.txt", os.O_CREAT | os.O_WRONLY, 0o600))
    drive = open_drive(tmp_path)
    tracemalloc.start()
    try:
        assert sum(len(listing.skipped) for listing in drive.listings(TYPES)) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / 20_000 < 200  # bytes a file: its name, twice while they are sorted


def test_what_is_deleted_during_the_walk_is_not_found(tmp_path):
    plant(tmp_path, *(f"{n:05d}.jpg" for n in range(3000)), "sub/a.jpg")
    drive = open_drive(tmp_path)
    found = 0
    for number, listing in enumerate(drive.listings(TYPES)):
        found += len(listing.media)
        assert listing.skipped == []
        if number == 0:
            (tmp_path / "02999.jpg").unlink()
            shutil.rmtree(tmp_path / "sub")
    assert found == 2999


@pytest.fixture
def card(tmp_path):
    """A folder, and how the kernel shows its device: without that it was pulled out."""
    plant(tmp_path / "card", "a.jpg", "b/b.jpg", "c/c.jpg")
    number = (tmp_path / "card").stat().st_dev
    node = tmp_path / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
    node.mkdir(parents=True)
    drive = open_drive(tmp_path / "card", sys=tmp_path / "sys")
    assert drive.is_present()
    return drive, tmp_path / "card", node


def test_a_drive_that_is_pulled_during_the_walk_ends_it(card):
    drive, folder, node = card
    listings = drive.listings(TYPES)
    next(listings)
    node.rmdir()
    shutil.rmtree(folder / "b")  # its folders cannot be opened any more

    assert not drive.is_present()
    with pytest.raises(DriveRemoved):
        next(listings)


def test_a_pulled_drive_does_not_pass_for_an_empty_one(card):
    """FAT reports no error then: its folders merely look empty."""
    drive, folder, node = card
    listings = drive.listings(TYPES)
    next(listings)
    node.rmdir()
    (folder / "b/b.jpg").unlink()
    with pytest.raises(DriveRemoved):
        next(listings)


def test_a_drive_that_is_pulled_at_the_very_end_was_not_walked_to_the_end(card):
    drive, _, node = card
    listings = drive.listings(TYPES)
    assert [len(next(listings).media) for _ in range(3)] == [1, 1, 1]
    node.rmdir()
    with pytest.raises(DriveRemoved):
        next(listings)


def test_the_survey_counts_the_same_media(tmp_path):
    plant(tmp_path, "a.jpg", "b/b.mov", "b/c.txt", data=b"1234")
    drive = open_drive(tmp_path)
    assert list(drive.survey()) == []  # nobody said yet what is media
    walked(drive)
    assert [sum(column) for column in zip(*drive.survey(), strict=True)] == [2, 8]
