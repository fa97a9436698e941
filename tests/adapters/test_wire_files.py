"""Files that are not what they were: nothing half or torn may count as sent."""

import contextlib
import os
from pathlib import Path

import pytest

from piuploader import errors
from tests.adapters.raw_server import RawServer, answer
from tests.adapters.sending import LARGE, SMALL, Count, file_of, sha1, upload_of, wire_to
from tests.certificates import Authority

FILM = 3_000_000
UNREADABLE = Path("/sys/class/net/lo/speed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def server(request, authority):
    tls = authority.server() if request.param == "https" else None
    with RawServer(lambda peer: peer.serve(*[answer()] * 100), tls=tls) as server:
        yield server


@pytest.fixture
def wire(server, authority):
    with wire_to(server.url, context=authority.client()) as wire:
        yield wire


@pytest.fixture(params=[True, False], ids=["known", "hashed"])
def known(request):
    return request.param


def after(count_bytes, do):
    """Do something once, when so many bytes have been counted."""
    done = []

    def look(count):
        if count.total >= count_bytes and not done:
            done.append(do())

    return Count(look)


def require_next_file_to_go_through(wire, tmp_path):
    path = file_of(tmp_path, SMALL, "next.jpg")
    assert wire.send(upload_of(path, known=False), Count()).checksum == sha1(path.read_bytes())


@pytest.mark.parametrize("size", [SMALL, FILM])
@pytest.mark.parametrize("change", ["shorter", "longer", "touched"])
def test_a_file_that_changed_since_it_was_listed_is_not_sent(wire, server, tmp_path, size, change):
    path = file_of(tmp_path, size)
    upload = upload_of(path)
    match change:
        case "shorter":
            os.truncate(path, size - 1)
            os.utime(path, ns=(upload.mtime_ns, upload.mtime_ns))
        case "longer":
            os.truncate(path, size + 1)
            os.utime(path, ns=(upload.mtime_ns, upload.mtime_ns))
        case "touched":
            os.utime(path, ns=(1, 1))
    with pytest.raises(errors.FileChanged, match="changed since"):
        wire.send(upload, Count())
    assert server.heads == []
    require_next_file_to_go_through(wire, tmp_path)


CHANGES = {
    "shrinks": lambda path: os.truncate(path, FILM // 2),
    "is emptied": lambda path: os.truncate(path, 0),
    "grows": lambda path: os.truncate(path, FILM * 2),
    "is written to": lambda path: path.write_bytes(os.urandom(FILM)),
    "is touched": lambda path: os.utime(path, ns=(1, 1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_film_that_changes_while_it_is_sent_is_never_whole(wire, server, tmp_path, change, known):
    """The connection ends before the form does, so the server keeps nothing of it."""
    path = file_of(tmp_path, FILM)
    with pytest.raises(errors.FileChanged):
        wire.send(upload_of(path, known=known), after(LARGE, lambda: change(path)))
    require_next_file_to_go_through(wire, tmp_path)
    assert len(server.peers) == 2
    assert server.peers[0].received <= FILM + 2000


def test_a_film_that_is_deleted_while_it_is_sent_is_sent_to_its_end(wire, tmp_path, known):
    """The file is there as long as it is open."""
    path = file_of(tmp_path, FILM)
    content = path.read_bytes()
    receipt = wire.send(upload_of(path, known=known), after(LARGE, path.unlink))
    assert known or receipt.checksum == sha1(content)


def test_a_film_that_is_replaced_while_it_is_sent_is_the_one_that_was_listed(wire, tmp_path):
    path = file_of(tmp_path, FILM)
    content = path.read_bytes()

    def replace():
        file_of(tmp_path, FILM, "new").rename(path)

    assert wire.send(upload_of(path, known=False), after(LARGE, replace)).checksum == sha1(content)


def test_a_file_that_is_gone_is_unreadable(wire, tmp_path):
    upload = upload_of(file_of(tmp_path, SMALL))
    Path(upload.path).unlink()
    with pytest.raises(errors.FileUnreadable, match="No such file"):
        wire.send(upload, Count())


def make_fifo(path):
    os.mkfifo(path)


def make_link(path):
    target = file_of(path.parent, SMALL, "target")
    path.symlink_to(target)


def make_folder(path):
    path.mkdir()


def make_device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [make_fifo, make_link, make_folder, make_device])
@pytest.mark.parametrize("size", [0, SMALL])
def test_what_is_no_file_is_not_read(wire, server, tmp_path, make, size):
    """A name that turned into a FIFO must not hang us, nor a link lead us elsewhere."""
    path = tmp_path / "a.jpg"
    make(path)
    with pytest.raises(errors.FileChanged):
        wire.send(upload_of(path, size=size), Count())
    assert server.heads == []


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs Linux's /sys")
def test_a_file_that_the_system_cannot_read_is_unreadable(wire, server, tmp_path):
    """The loopback has no speed, and the kernel says so by failing to read it."""
    with pytest.raises(errors.FileUnreadable, match="Invalid argument"):
        wire.send(upload_of(UNREADABLE), Count())
    assert server.heads == []


def handle_of(path):
    """Return the number of this process's open handle of a file."""
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if handle.readlink() == path:
                return int(handle.name)
    raise AssertionError(f"{path} is not open")


@pytest.mark.parametrize(
    "failing",
    [("/proc/self/mem", os.O_RDONLY), ("/dev/null", os.O_WRONLY), ("/", os.O_RDONLY)],
    ids=["EIO", "EBADF", "EISDIR"],
)
def test_a_drive_that_fails_in_mid_file_is_told_from_a_network_that_fails(
    wire, tmp_path, failing, known
):
    """The open file is exchanged for one that the kernel cannot read."""
    path = file_of(tmp_path, FILM)

    def fail():
        other = os.open(*failing)
        os.dup2(other, handle_of(path))
        os.close(other)

    with pytest.raises(errors.FileUnreadable):
        wire.send(upload_of(path, known=known), after(LARGE, fail))
    require_next_file_to_go_through(wire, tmp_path)


def test_an_empty_file_is_sent_as_it_is(wire, tmp_path):
    """The server has the last word on it."""
    path = file_of(tmp_path, 0)
    assert wire.send(upload_of(path, known=False), Count()).checksum == sha1(b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_belongs_to_others_is_unreadable(wire, tmp_path):
    path = file_of(tmp_path, SMALL)
    upload = upload_of(path)
    path.chmod(0)
    with pytest.raises(errors.FileUnreadable, match="Permission denied"):
        wire.send(upload, Count())
