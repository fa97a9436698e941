"""Uploads arrive at a server that behaves like Immich, whole and with all that belongs to them."""

import os
import ssl
from pathlib import Path

import pytest

from piuploader import errors
from piuploader.adapters.wire import UploadWire, endpoint
from piuploader.core.media import Sidecar
from piuploader.sandbox import Sandbox
from tests.adapters.raw_server import RawServer
from tests.adapters.sending import Count, file_of, sha1, upload_of, wire_to
from tests.certificates import Authority
from tests.openapi import ApiDocument

BLOCK = 256 * 1024
SIZES = [1, 10_000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3_333_333]


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox whose requests are held against Immich's API document, where there is one."""
    with Sandbox(record=True) as sandbox:
        yield sandbox
        document = ApiDocument.from_environment()
        assert not document or document.check_all(sandbox.exchanges()) == []


@pytest.fixture(autouse=True)
def no_faults(sandbox):
    yield
    sandbox.faults.clear()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", params=["http", "https"])
def place(request, sandbox, authority):
    """The sandbox's address, and whom to trust there; its TLS is a relay's."""
    if request.param == "http":
        yield sandbox.url, None
        return
    port = int(sandbox.url.rpartition(":")[2])
    with RawServer(lambda peer: peer.pipe(port), tls=authority.server()) as relay:
        yield relay.url, authority.client()


@pytest.fixture
def wire(sandbox, place):
    url, context = place
    with wire_to(url, key=sandbox.upload_key, context=context) as wire:
        yield wire


def stored(sandbox, asset_id):
    return next(asset for asset in sandbox.assets() if asset["id"] == asset_id)


@pytest.mark.parametrize("known", [True, False], ids=["known", "hashed"])
@pytest.mark.parametrize("size", SIZES)
def test_every_byte_arrives_and_is_counted_once(sandbox, wire, tmp_path, size, known):
    path = file_of(tmp_path, size)
    content = path.read_bytes()
    moved = Count()
    upload = upload_of(path, checksum=sha1(content) if known else None)
    receipt = wire.send(upload, moved)
    asset = stored(sandbox, receipt.asset_id)
    assert Path(asset["path"]).read_bytes() == content
    assert receipt.checksum == asset["checksum"] == sha1(content)
    assert (receipt.duplicate, moved.total) == (False, size)


def test_many_files_go_over_one_connection(sandbox, place, tmp_path):
    port = int(sandbox.url.rpartition(":")[2])
    with (
        RawServer(lambda peer: peer.pipe(port)) as relay,
        wire_to(relay.url, key=sandbox.upload_key) as wire,
    ):
        for number in range(40):
            size = 400_000 if number % 10 == 5 else 1_000 + number
            path = file_of(tmp_path, size, f"{number}.jpg")
            receipt = wire.send(upload_of(path, known=False), Count())
            assert receipt.checksum == sha1(path.read_bytes())
        assert len(relay.peers) == 1


def test_what_is_there_already_is_a_duplicate(wire, tmp_path):
    path = file_of(tmp_path, 5_000_000)
    checksum = sha1(path.read_bytes())
    first = wire.send(upload_of(path, known=False), Count())
    again = wire.send(upload_of(path, known=False), Count())
    early = wire.send(upload_of(path, checksum=checksum), Count())
    assert not first.duplicate
    assert again == early == first._replace(duplicate=True)


def test_the_dates_and_the_name_arrive(sandbox, wire, tmp_path):
    path = file_of(tmp_path, 100)
    upload = upload_of(path, name="holiday.jpg", created_at="2023-11-14T23:13:20+01:00")
    asset = stored(sandbox, wire.send(upload, Count()).asset_id)
    assert asset["name"] == "holiday.jpg"
    assert asset["file_created_at"].startswith("2023-11-14T22:13:20")


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_sidecar_travels_with_its_photo(sandbox, wire, tmp_path, size):
    xmp = os.urandom(3000) + b"\r\n--" + b"\r\n"
    upload = upload_of(file_of(tmp_path, size), sidecar=Sidecar("a.jpg.xmp", xmp), known=False)
    asset = stored(sandbox, wire.send(upload, Count()).asset_id)
    assert Path(asset["sidecar_path"]).read_bytes() == xmp


def test_a_large_sidecar_arrives_too(sandbox, wire, tmp_path):
    """More than fits in a socket's buffer, in front of a small file."""
    xmp = os.urandom(3_000_000)
    upload = upload_of(file_of(tmp_path, 1_000), sidecar=Sidecar("a.xmp", xmp), known=False)
    asset = stored(sandbox, wire.send(upload, Count()).asset_id)
    assert Path(asset["sidecar_path"]).read_bytes() == xmp


def test_a_live_photo_is_a_hidden_film_and_its_still(sandbox, wire, tmp_path):
    film = upload_of(file_of(tmp_path, 2_000, "live.mov"), known=False, hidden=True)
    film_id = wire.send(film, Count()).asset_id
    still = upload_of(file_of(tmp_path, 1_000), known=False, live_photo_video_id=film_id)
    asset = stored(sandbox, wire.send(still, Count()).asset_id)
    assert asset["live_photo_video_id"] == film_id
    assert stored(sandbox, film_id)["visibility"] == "hidden"


NAMES = {
    "quotes": b'she said "hi".jpg',
    "newlines": b"two\r\nlines\n.jpg",
    "a header": b"x\r\nX-Evil: 1\r\n\r\n.jpg",
    "a part": b'x\r\n--b\r\nContent-Disposition: form-data; name="isFavorite"\r\n\r\ntrue.jpg',
    "a backslash": b"a\\b\\.jpg",
    "percent signs": b"100%22%0D.jpg",
    "semicolons": b"a; name=b.jpg",
    "emoji": "🏖️ Ferien 😀.jpg".encode(),
    "umlauts": "Müller-Straße.jpg".encode(),
    "other scripts": "写真①.jpg".encode(),
    "no UTF-8": b"caf\xe9 \xff\xfe.jpg",
    "255 bytes": b"x" * 251 + b".jpg",
    "spaces around": b"  a .jpg",
    "control characters": b"\x01\x1b[31m\x7f.jpg",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_that_a_drive_can_hold_arrives(sandbox, wire, tmp_path, name):
    decoded = os.fsdecode(name)
    path = file_of(tmp_path, 1_000, decoded)
    receipt = wire.send(upload_of(path, known=False), Count())
    asset = stored(sandbox, receipt.asset_id)
    assert asset["name"] == name.decode("utf-8", "replace")
    assert asset["checksum"] == receipt.checksum
    assert not asset["is_favorite"] if "is_favorite" in asset else True


def test_servers_before_3_0_get_what_they_want_to_know(tmp_path):
    path = file_of(tmp_path, 1_000)
    with Sandbox(version="2.7.5") as old:
        with (
            wire_to(old.url, key=old.upload_key) as wire,
            pytest.raises(errors.FileRefused, match="deviceAssetId should not be empty"),
        ):
            wire.send(upload_of(path, known=False), Count())
        with wire_to(old.url, key=old.upload_key, device_fields=True) as wire:
            assert wire.send(upload_of(path, known=False), Count()).asset_id


def test_a_wrong_key_and_a_missing_right_are_told_apart(sandbox, tmp_path):
    path = file_of(tmp_path, 2_000_000)
    for key, error in [
        ("x" * 43, errors.ServerRefusedKey),
        (sandbox.add_key(["asset.read"]), errors.PermissionMissing),
    ]:
        with wire_to(sandbox.url, key=key) as wire, pytest.raises(error) as caught:
            wire.send(upload_of(path, known=False), Count())
        assert type(caught.value) is error


FAULTS = {
    "busy": ({"kind": "status", "status": 503, "retry_after_s": 3}, errors.ServerBusy),
    "busy after all": ({"kind": "status", "status": 500, "late": True}, errors.ServerBusy),
    "too large": ({"kind": "status", "status": 413}, errors.FileTooLarge),
    "a login page": ({"kind": "html"}, errors.ServerUnreachable),
    "quota": ({"kind": "full"}, errors.ServerFull),
    "disk full": ({"kind": "disk_full"}, errors.ServerBusy),
    "cut off at once": ({"kind": "reset", "at_bytes": 0}, errors.ServerUnreachable),
    "cut off later": ({"kind": "reset", "at_bytes": 2_000_000}, errors.ServerUnreachable),
    "no answer": ({"kind": "drop_answer"}, errors.ServerUnreachable),
}


@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS)
def test_a_failure_has_its_class_and_the_next_file_goes_through(
    sandbox, wire, tmp_path, fault, error
):
    sandbox.faults.add(**fault)
    path = file_of(tmp_path, 4_000_000)
    with pytest.raises(error):
        wire.send(upload_of(path, known=False), Count())
    sandbox.faults.clear()
    receipt = wire.send(upload_of(path, known=False), Count())
    assert receipt.checksum == sha1(path.read_bytes())


def test_a_server_that_stops_reading_for_a_while_is_waited_for(sandbox, wire, tmp_path):
    sandbox.faults.add("stall", seconds=1.5, at_bytes=1_000_000, times=1)
    path = file_of(tmp_path, 20_000_000, "film.mp4")
    receipt = wire.send(upload_of(path, known=False), Count())
    assert stored(sandbox, receipt.asset_id)["checksum"] == sha1(path.read_bytes())


def test_a_restarted_server_costs_one_new_connection(sandbox, wire, tmp_path):
    wire.send(upload_of(file_of(tmp_path, 1_000), known=False), Count())
    sandbox.restart(down_s=0.0)
    wire.send(upload_of(file_of(tmp_path, 1_001), known=False), Count())


def test_a_server_that_is_down_is_unreachable_until_it_is_back(tmp_path):
    path = file_of(tmp_path, 1_000)
    with Sandbox() as one:
        url = one.url
    with wire_to(url) as wire, pytest.raises(errors.ServerUnreachable, match="nothing listens"):
        wire.send(upload_of(path), Count())


def test_a_corrupted_file_has_the_checksum_of_what_was_read(sandbox, wire, tmp_path):
    """So the confirmation, which asks for that checksum, finds the corruption."""
    sandbox.faults.add("corrupt")
    path = file_of(tmp_path, 1_000_000)
    receipt = wire.send(upload_of(path, known=False), Count())
    assert receipt.checksum == sha1(path.read_bytes())
    assert stored(sandbox, receipt.asset_id)["checksum"] != receipt.checksum


def test_a_wire_without_settings_trusts_nobody_new(sandbox, authority, tmp_path):
    with RawServer(tls=authority.server()) as server:
        wire = UploadWire(endpoint(server.url, ssl.create_default_context()), "k")
        with pytest.raises(errors.ServerUnreachable, match="ca_file"):
            wire.send(upload_of(file_of(tmp_path, 10)), Count())
        assert server.heads == []
