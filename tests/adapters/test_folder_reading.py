"""A file is read once, as it was listed, or it is told what is wrong."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from piuploader.adapters.folder import open_drive
from piuploader.adapters.folder.reading import BLOCK
from piuploader.core.media import Kind, MediaFile
from piuploader.errors import DriveRemoved, FileChanged, FileUnreadable
from tests.adapters.drives import plant, walked


def nobody_counts(_count):
    pass


@pytest.fixture
def photo(tmp_path):
    """A drive, its one photo, and the photo's path."""
    plant(tmp_path / "card", "a.jpg", data=b"photo" * 1000)
    drive = open_drive(tmp_path / "card")
    (file,) = walked(drive)[0].values()
    return drive, file, tmp_path / "card/a.jpg"


@pytest.mark.parametrize("size", [1, 5000, BLOCK, 2 * BLOCK + 1])
def test_the_checksum_is_that_of_all_bytes(tmp_path, size):
    data = os.urandom(size)
    plant(tmp_path, "a.jpg", data=data)
    drive = open_drive(tmp_path)
    (file,) = walked(drive)[0].values()
    moved = []

    checksum = drive.checksum(file, moved.append)

    assert checksum == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert sum(moved) == size


def test_several_threads_read_at_once(tmp_path):
    for number in range(16):
        plant(tmp_path, f"{number}.jpg", data=bytes([number]) * (BLOCK + number))
    drive = open_drive(tmp_path)
    media, _, _ = walked(drive)

    def right(file):
        data = Path(drive.absolute(file.path)).read_bytes()
        return drive.checksum(file, nobody_counts) == hashlib.sha1(data).hexdigest()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, list(media.values()) * 3))


def test_a_file_that_changed_since_it_was_listed_is_told(photo):
    drive, file, path = photo
    path.write_bytes(b"other" * 1000)
    os.utime(path, ns=(0, file.mtime_ns + 1))
    with pytest.raises(FileChanged):
        drive.checksum(file, nobody_counts)

    new = drive.refreshed(file)

    assert new.mtime_ns == file.mtime_ns + 1
    assert drive.checksum(new, nobody_counts) == hashlib.sha1(b"other" * 1000).hexdigest()


def test_a_file_that_grows_while_it_is_read_does_not_keep_us_for_ever(photo):
    drive, file, path = photo

    def write_on(_count):
        with path.open("ab") as more:
            more.write(b"more")

    with pytest.raises(FileChanged):
        drive.checksum(file, write_on)


def test_a_file_that_is_cut_while_it_is_read_is_told(tmp_path):
    plant(tmp_path, "a.jpg", data=bytes(3 * BLOCK))
    drive = open_drive(tmp_path)
    (file,) = walked(drive)[0].values()
    with pytest.raises(FileChanged):
        drive.checksum(file, lambda _: os.truncate(tmp_path / "a.jpg", 10))


def test_a_file_that_became_a_link_is_not_read(photo, tmp_path):
    drive, file, path = photo
    plant(tmp_path, "secret.jpg", data=b"photo" * 1000)
    path.unlink()
    path.symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(FileChanged):
        drive.checksum(file, nobody_counts)
    with pytest.raises(FileChanged):
        drive.refreshed(file)


def test_a_file_that_became_a_pipe_does_not_hold_us(photo):
    drive, file, path = photo
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileChanged):
        drive.checksum(file, nobody_counts)
    with pytest.raises(FileChanged):
        drive.read("a.jpg", 100)


def test_a_file_that_is_gone_is_unreadable(photo):
    drive, file, path = photo
    path.unlink()
    for look in (
        lambda: drive.checksum(file, nobody_counts),
        lambda: drive.refreshed(file),
        lambda: drive.read("a.jpg", 10_000),
    ):
        with pytest.raises(FileUnreadable, match=r"a\.jpg"):
            look()
    assert drive.is_present()


def test_a_file_that_is_empty_now_is_unreadable(photo):
    drive, file, path = photo
    path.write_bytes(b"")
    with pytest.raises(FileUnreadable, match="empty"):
        drive.refreshed(file)


def test_everything_gone_means_the_drive_is(photo, tmp_path):
    drive, file, _ = photo
    (tmp_path / "card").rename(tmp_path / "away")
    assert not drive.is_present()
    with pytest.raises(DriveRemoved):
        drive.checksum(file, nobody_counts)


def test_a_small_file_is_read_whole(tmp_path):
    plant(tmp_path, "a.xmp", data=b"12345")
    drive = open_drive(tmp_path)
    assert drive.read("a.xmp", 5) == b"12345"
    with pytest.raises(FileUnreadable, match="larger"):
        drive.read("a.xmp", 4)


def test_an_error_of_the_device_is_the_files_while_the_drive_is_there(tmp_path):
    """Reading a process's memory at 0 is an honest EIO."""
    node = tmp_path / "source"
    node.touch()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"50 1 0:22 / /proc rw - proc {node} rw\n")
    drive = open_drive(Path("/proc"), mountinfo=mounts)
    path = f"{os.getpid()}/mem"
    with Path("/proc", path).open("rb") as kept:  # so that it keeps its time of change
        state = os.fstat(kept.fileno())
        file = MediaFile(path, state.st_size, state.st_mtime_ns, Kind.IMAGE)
        with pytest.raises(FileUnreadable, match="Input/output error"):
            drive.checksum(file, nobody_counts)

        node.unlink()  # as udev does when a drive is pulled out

        with pytest.raises(DriveRemoved):
            drive.checksum(file, nobody_counts)
