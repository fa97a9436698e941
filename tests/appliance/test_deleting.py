"""Deleting confirmed files, with root's part as it is, on a real file system."""

import hashlib
import socket
import subprocess
from threading import Thread

import pytest
import tomli_w

from piuploader.adapters.cleaner import WritableDrive
from piuploader.config import settings
from piuploader.core.session import Phase
from piuploader.errors import DriveError
from piuploader.wiring.drives import Door
from tests.appliance.rooms import UNITS, loop_device, make_image, needs, needs_loop
from tests.appliance.test_drive_sh import drive_sh, options_of

pytestmark = [needs_loop, needs("mkfs.ext4")]


class Helper:
    """systemd's part: one process of root's script for each connection."""

    def __init__(self, root):
        self.path = root / "helper.sock"
        self.config = root / "config.toml"
        self.environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PIUPLOADER_DRIVES": str(root / "drives"),
            "PIUPLOADER_WRITABLE": str(root / "writable"),
            "PIUPLOADER_CONFIG": str(self.config),
        }
        self.allow(allowed=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def allow(self, *, allowed):
        self.config.write_text(tomli_w.dumps({"daemon": {"delete_confirmed": allowed}}))

    def _serve(self):
        while True:
            talk, _ = self._listener.accept()
            with talk:
                if talk.recv(1, socket.MSG_PEEK) == b"!":
                    return
                subprocess.run(
                    [UNITS / "writable.sh"],
                    stdin=talk,
                    stdout=talk,
                    stderr=subprocess.DEVNULL,
                    env=self.environ,
                    check=False,
                )

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
            last.connect(str(self.path))
            last.sendall(b"!")
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def helper(tmp_path):
    made = Helper(tmp_path)
    yield made
    made.close()


@pytest.fixture
def drive(tmp_path):
    """A mounted drive with three files in a folder; yields its name."""
    (tmp_path / "drives").mkdir()
    content = tmp_path / "content"
    (content / "DCIM").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (content / "DCIM" / name).write_text(name)
    (content / "out").symlink_to("/etc")
    image = make_image(tmp_path / "image", 16, "mkfs.ext4", "-q", "-d", str(content))
    with loop_device(image) as name:
        assert drive_sh("mount", name, tmp_path / "drives").returncode == 0
        try:
            yield name
        finally:
            drive_sh("unmount", name, tmp_path / "drives")
            subprocess.run(
                ["umount", "-l", tmp_path / "writable" / name], check=False, capture_output=True
            )


def writable(tmp_path, helper, name):
    return WritableDrive(name, helper=helper.path, beside=tmp_path / "writable")


def test_a_file_is_deleted_and_the_drive_is_read_only_before_during_and_after(
    tmp_path, helper, drive
):
    """Who reads the drive never sees it writable: only the place beside it is."""
    folder = tmp_path / "drives" / drive
    with writable(tmp_path, helper, drive) as opened:
        with pytest.raises(OSError, match="Read-only"):
            (folder / "DCIM" / "a.jpg").unlink()
        opened.delete("DCIM/a.jpg")
        assert {"rw", "nosuid", "nodev", "noexec"} <= options_of(tmp_path / "writable" / drive)
    assert sorted(path.name for path in (folder / "DCIM").iterdir()) == ["b.jpg", "c.jpg"]
    assert "ro" in options_of(folder)
    assert options_of(tmp_path / "writable" / drive) is None


def test_after_an_import_only_what_the_server_holds_is_deleted(
    tmp_path, helper, drive, server, monkeypatch
):
    """The whole way: import, look into the server's trash, read again, delete."""
    monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
    environ = {"PIUPLOADER_SERVER": server.url, "PIUPLOADER_API_KEY": server.admin_key}
    folder = tmp_path / "drives" / drive
    trashed = hashlib.sha1((folder / "DCIM" / "b.jpg").read_bytes()).hexdigest()

    def open_late(name):
        """Between the import's end and the first delete somebody throws one away."""
        ids = [each["id"] for each in server.assets() if each["checksum"] == trashed]
        server.request("POST", "/sandbox/trash", {"ids": ids})
        return writable(tmp_path, helper, name)

    door = Door(
        settings(config=empty_config(tmp_path), environ=environ),
        delete_confirmed=True,
        writable=open_late,
    )
    try:
        status = door.begin(folder).run()
    finally:
        door.close()
    assert status.phase is Phase.COMPLETE
    assert status.problems[-1] == "2 files deleted from the drive, 1 kept"
    assert [path.name for path in (folder / "DCIM").iterdir()] == ["b.jpg"]


def test_a_drive_without_anything_safe_is_never_made_writable(tmp_path, server, monkeypatch):
    monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
    environ = {"PIUPLOADER_SERVER": server.url, "PIUPLOADER_API_KEY": server.admin_key}
    (tmp_path / "EMPTY").mkdir()
    opened = []
    door = Door(
        settings(config=empty_config(tmp_path), environ=environ),
        delete_confirmed=True,
        writable=opened.append,
    )
    try:
        status = door.begin(tmp_path / "EMPTY").run()
    finally:
        door.close()
    assert (opened, status.problems) == ([], ())


def empty_config(tmp_path):
    path = tmp_path / "service.toml"
    path.write_text("")
    return path


@pytest.mark.parametrize("path", ["/etc/hostname", "../x", "DCIM/../../x", "", "out/hostname"])
def test_nothing_outside_of_the_drive_can_be_deleted(tmp_path, helper, drive, path):
    with writable(tmp_path, helper, drive) as opened, pytest.raises(DriveError):
        opened.delete(path)


def test_without_the_owner_s_word_in_the_configuration_root_does_nothing(tmp_path, helper, drive):
    helper.allow(allowed=False)
    with (
        pytest.raises(DriveError, match="configuration does not allow"),
        writable(tmp_path, helper, drive),
    ):
        pass
    assert "ro" in options_of(tmp_path / "drives" / drive)


@pytest.mark.parametrize("name", ["sdz9", "../drives", "$(id)", "a b"])
def test_only_drives_that_are_there_can_be_asked_for(tmp_path, helper, name):
    with pytest.raises(DriveError), writable(tmp_path, helper, name):
        pass


def test_without_root_s_part_there_is_a_remedy(tmp_path):
    with (
        pytest.raises(DriveError, match=r"Is piuploader-writable.socket enabled\?"),
        WritableDrive("sda1", helper=tmp_path / "nobody"),
    ):
        pass
