"""Drives come and go: fakes of the kernel's list, and real mounts where the machine allows."""

import os
import subprocess
from threading import Thread, Timer
from time import monotonic

import pytest

from piuploader.adapters.drive_folders import PROBLEMS, DriveFolders


def can_mount():
    return os.geteuid() == 0 and (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    )


needs_mounts = pytest.mark.skipif(not can_mount(), reason="needs root and the right to mount")


@pytest.fixture
def place(tmp_path):
    made = tmp_path / "drives"
    made.mkdir()
    return made


@pytest.fixture
def watch(place):
    opened = []

    def make(**options):
        opened.append(DriveFolders(place, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
        each.close()


@pytest.fixture
def mount(place):
    mounted = []

    def make(name, *options):
        folder = place / name
        folder.mkdir(exist_ok=True)
        source = "/etc" if "--bind" in options else "tmpfs"
        subprocess.run(["mount", *options, source, str(folder)], check=True)
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def names(drives):
    return [drive.name for drive in drives]


def test_the_list_of_mounts_is_a_parameter(place, watch, tmp_path):
    fake = tmp_path / "mountinfo"
    fake.write_text(f"50 25 8:1 / {place}/CARD ro - vfat /dev/sda1 ro\n")
    folders = watch(mountinfo=fake)
    assert names(folders.look()) == ["CARD"]
    fake.write_text("")
    assert folders.look() == []


def test_plain_folders_are_drives_only_when_asked_for(place, watch):
    (place / "CARD").mkdir()
    (place / ".problems").mkdir()
    (place / "file").write_text("")
    (place / "link").symlink_to(place)
    assert watch().look() == []
    assert names(watch(plain_folders=True).look()) == ["CARD"]


def test_a_place_that_is_not_there_has_no_drives(tmp_path, place, watch):
    place.rmdir()
    assert watch(plain_folders=True).look() == []


def test_root_s_note_is_shown_as_a_drive_with_a_problem(place, watch):
    (place / PROBLEMS).mkdir()
    (place / PROBLEMS / "sda1").write_text("its file system\nis broken " + "x" * 9999)
    (place / PROBLEMS / "sdb1").write_bytes(b"\xff")
    (place / PROBLEMS / "sdc1").write_text("")
    first, second, third = watch().look()
    assert first.problem.startswith("its file system is broken xxx")
    assert len(first.problem) <= 500
    assert second.problem == "\N{REPLACEMENT CHARACTER}"
    assert third.problem == "this drive cannot be read"


def test_the_wait_ends_when_woken_from_another_thread(watch):
    folders = watch()
    timer = Timer(0.05, folders.wake)
    timer.start()
    began = monotonic()
    folders.wait(30)
    timer.join()
    assert monotonic() - began < 20


def test_waking_after_closing_does_no_harm(watch):
    folders = watch()
    folders.close()
    folders.wake()


@needs_mounts
def test_a_real_mount_rings_the_bell_and_is_found(watch, mount):
    """No look is needed in between: the kernel tells."""
    folders = watch()
    assert folders.look() == []
    folders.wait(0)
    waiter = Thread(target=folders.wait, args=(30,))
    waiter.start()
    mount("CARD", "-t", "tmpfs", "-o", "ro")
    waiter.join(10)
    assert not waiter.is_alive()
    assert names(folders.look()) == ["CARD"]


@needs_mounts
def test_drives_come_go_and_come_again(watch, mount):
    folders = watch()
    folder = mount("CARD", "-t", "tmpfs")
    assert names(folders.look()) == ["CARD"]
    subprocess.run(["umount", str(folder)], check=True)
    folders.wait(30)
    assert folders.look() == []
    mount("CARD", "-t", "tmpfs")
    mount("OTHER", "-t", "tmpfs")
    first, second = folders.look()
    assert first.key != second.key


@needs_mounts
def test_a_folder_of_the_system_itself_bound_there_is_no_drive(watch, mount, place):
    """It is the file system that we run from."""
    mount("root", "--bind")
    assert watch().look() == []
