"""Every trap of an upload that was seen on a real server."""

import base64
import hashlib
import http.client
import socket
import time
from pathlib import Path

import pytest

from tests.sandbox.conftest import WHEN
from tests.waiting import wait_until

SHA1 = hashlib.sha1


def test_a_new_file_is_created_and_stored_byte_for_byte(sandbox, admin):
    data = bytes(range(256)) * 1000
    answer = admin.upload(data, "Größe ✓.jpg", isFavorite="true")
    assert answer.status_code == 201
    assert answer.json()["status"] == "created"
    (asset,) = sandbox.assets()
    assert Path(asset["path"]).read_bytes() == data
    assert asset["checksum"] == SHA1(data).hexdigest()
    assert (asset["name"], asset["is_favorite"]) == ("Größe ✓.jpg", True)
    shown = admin(f"GET /assets/{asset['id']}").json()
    assert base64.b64decode(shown["checksum"]) == SHA1(data).digest()
    assert admin(f"GET /assets/{asset['id']}/original").content == data


def test_the_same_bytes_twice_are_a_duplicate_and_stored_once(sandbox, admin):
    first = admin.upload(b"same", "a.jpg")
    second = admin.upload(b"same", "b.png")
    assert (second.status_code, second.json()["status"]) == (200, "duplicate")
    assert second.json()["id"] == first.json()["id"]
    assert len(sandbox.assets()) == 1
    assert sandbox.counters()["duplicates_late"] == 1
    assert sandbox.counters()["bytes_wasted"] == 4


def test_another_owner_of_the_same_bytes_is_no_duplicate(sandbox, admin, client_of):
    admin.upload(b"same")
    other = client_of(sandbox, sandbox.add_key(["asset.upload"], admin=False))
    assert other.upload(b"same").status_code == 201
    assert other.verdict(b"same")["action"] == "reject"


@pytest.mark.parametrize("coding", ["hex", "base64"])
def test_a_known_checksum_is_answered_before_the_body_is_sent(sandbox, admin, coding):
    admin.upload(b"known")
    digest = SHA1(b"known")
    text = digest.hexdigest() if coding == "hex" else base64.b64encode(digest.digest()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))
    connection.putrequest("POST", "/api/assets")
    for name, value in {
        "x-api-key": sandbox.admin_key,
        "x-immich-checksum": text,
        "content-type": "multipart/form-data; boundary=b",
        "content-length": "1000000000",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()  # and not one byte of the body was sent
    assert (answer.status, b"duplicate" in answer.read()) == (200, True)
    connection.close()
    assert sandbox.counters()["duplicates_early"] == 1


def test_a_wrong_checksum_header_is_not_noticed(admin):
    answer = admin.upload(b"body", headers={"x-immich-checksum": SHA1(b"other").hexdigest()})
    assert answer.status_code == 201
    assert admin.verdict(b"body")["action"] == "reject"
    assert admin.verdict(b"other")["action"] == "accept"


def test_a_duplicate_in_the_trash_stays_in_the_trash(sandbox, admin):
    asset_id = admin.upload_id(b"thrown away")
    admin("DELETE /assets", json={"ids": [asset_id]})
    assert admin.upload(b"thrown away").json() == {"id": asset_id, "status": "duplicate"}
    assert admin.verdict(b"thrown away") == {
        "id": "x",
        "action": "reject",
        "reason": "duplicate",
        "assetId": asset_id,
        "isTrashed": True,
    }
    assert admin("POST /trash/restore/assets", json={"ids": [asset_id]}).json() == {"count": 1}
    assert admin.verdict(b"thrown away")["isTrashed"] is False


@pytest.mark.parametrize("missing", ["fileCreatedAt", "fileModifiedAt"])
@pytest.mark.parametrize(
    "value", [None, "yesterday", "2024-05-06T07:08:09", "2024-13-01T00:00:00Z"]
)
def test_a_date_without_an_offset_is_refused_and_leaves_an_orphan(sandbox, admin, missing, value):
    answer = admin.upload(b"orphan", **{missing: value})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation failed"
    assert answer.json()["errors"][0]["path"] == [missing]
    assert [Path(path).read_bytes() for path in sandbox.state()["orphans"]] == [b"orphan"]
    assert sandbox.assets() == []


def test_dates_with_an_offset_are_the_same_moment(sandbox, admin):
    admin.upload(fileCreatedAt="2024-05-06T09:08:09+02:00")
    assert sandbox.assets()[0]["file_created_at"] == "2024-05-06T07:08:09.000Z"


def test_filename_must_come_before_the_file(sandbox, admin):
    """The type is judged when the file's part begins: later fields come too late."""
    when = {"fileCreatedAt": "2024-05-06T07:08:09Z", "fileModifiedAt": "2024-05-06T07:08:09Z"}
    parts = [("assetData", ("blob", b"x")), ("filename", (None, "late.jpg"))]
    parts += [(name, (None, value)) for name, value in when.items()]
    answer = admin("POST /assets", files=parts)
    assert answer.status_code == 400
    assert answer.json() == {"message": "Unsupported file type blob"}
    answer = admin("POST /assets", files=[parts[1], *parts[2:], parts[0]])
    assert answer.status_code == 201
    assert sandbox.assets()[0]["name"] == "late.jpg"


def test_the_type_is_judged_by_the_extension_only(admin):
    assert admin.upload(b"no picture at all", "x.JPG").status_code == 201
    answer = admin.upload(b"\xff\xd8\xff\xe0 a real picture", "x.txt")
    assert (answer.status_code, answer.json()["message"]) == (400, "Unsupported file type x.txt")


def test_an_empty_file_and_a_missing_file_are_refused(admin):
    assert admin.upload(b"").json() == {"message": "File is empty"}
    answer = admin("POST /assets", files={"filename": (None, "a.jpg")})
    assert (answer.status_code, answer.json()) == (400, {"message": "File is required"})


def test_a_live_photo_is_the_film_first_and_then_the_still(sandbox, admin):
    film = admin.upload_id(b"film", "a.mov", visibility="hidden")
    still = admin.upload_id(b"still", "a.heic", livePhotoVideoId=film)
    by_id = {asset["id"]: asset for asset in sandbox.assets()}
    assert by_id[still]["live_photo_video_id"] == film
    assert by_id[film]["visibility"] == "hidden"
    assert admin(f"GET /assets/{still}").json()["livePhotoVideoId"] == film


def test_a_still_cannot_be_linked_to_what_is_no_film(admin):
    photo = admin.upload_id(b"photo")
    answer = admin.upload(b"x", livePhotoVideoId="4e9d7a3c-4a3f-4c3e-9d6f-1f2e3d4c5b6a")
    assert answer.json() == {"message": "Live photo video not found"}
    answer = admin.upload(b"x", livePhotoVideoId=photo)
    assert answer.json() == {"message": "Live photo video must be a video"}
    assert admin.upload(b"x", livePhotoVideoId="abc").json()["message"] == "Validation failed"


def test_a_visible_film_is_hidden_when_a_still_links_to_it(sandbox, admin):
    film = admin.upload_id(b"film", "a.mov")
    admin.upload_id(b"still", "a.jpg", livePhotoVideoId=film)
    assert {a["id"]: a["visibility"] for a in sandbox.assets()}[film] == "hidden"


def test_a_sidecar_travels_along(sandbox, admin):
    admin.upload_id(b"photo", files={"sidecarData": ("a.jpg.xmp", b"<xmp/>")})
    (asset,) = sandbox.assets()
    assert Path(asset["sidecar_path"]).read_bytes() == b"<xmp/>"
    answer = admin.upload(b"other", files={"sidecarData": ("a.txt", b"?")})
    assert answer.json() == {"message": "Unsupported file type a.txt"}


def test_a_sidecar_after_the_filename_field_is_judged_by_the_photos_name(admin):
    """Immich judges every file of a form by `filename`, if that came before it."""
    when = (None, "2024-05-06T07:08:09Z")
    parts = [("filename", (None, "a.jpg")), ("fileCreatedAt", when), ("fileModifiedAt", when)]
    parts += [("sidecarData", ("a.jpg.xmp", b"<xmp/>")), ("assetData", ("a.jpg", b"photo"))]
    answer = admin("POST /assets", files=parts)
    assert answer.json() == {"message": "Unsupported file type a.jpg"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("visibility", "secret"), ("isFavorite", "yes"), ("duration", "0:01"), ("metadata", "[")],
)
def test_a_field_that_makes_no_sense_is_refused(admin, name, value):
    answer = admin.upload(**{name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == [name]


def test_duration_and_metadata_are_kept(sandbox, admin):
    admin.upload(b"f", "f.mp4", duration="1500", metadata='[{"key": "k", "value": {"a": 1}}]')
    (asset,) = sandbox.assets()
    assert asset["duration_ms"] == 1500
    assert asset["metadata"] == [{"key": "k", "value": {"a": 1}}]


def test_an_old_server_wants_device_ids_and_refuses_in_the_old_shape(start, client_of):
    sandbox = start(version="2.7.5")
    client = client_of(sandbox, sandbox.admin_key)
    answer = client.upload(b"x")
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400
    assert answer.json()["error"] == "Bad Request"
    assert "correlationId" in answer.json()
    assert client.upload(b"x", deviceAssetId="a", deviceId="b").status_code == 201


def test_the_quota_is_told_after_the_whole_body(sandbox, admin):
    sandbox.set_quota(10)
    assert admin.upload(b"12345").status_code == 201
    answer = admin.upload(b"123456")
    assert (answer.status_code, answer.json()["message"]) == (400, "Quota has been exceeded!")
    assert sandbox.counters()["bytes_received"] == 11
    assert sandbox.state()["orphans"] == []


def test_a_full_disk_is_an_internal_error(start, client_of):
    sandbox = start(disk_bytes=8)
    client = client_of(sandbox, sandbox.admin_key)
    assert client.upload(b"12345").status_code == 201
    assert client.upload(b"123456").status_code == 500
    assert client("GET /server/storage").json()["diskAvailableRaw"] == 3


def test_the_bulk_check_takes_hex_and_base64_and_stumbles_over_nothing(admin):
    asset_id = admin.upload_id(b"known")
    coded = base64.b64encode(SHA1(b"known").digest()).decode()
    asked = [{"id": "1", "checksum": coded}, {"id": "2", "checksum": SHA1(b"new").hexdigest()}]
    results = admin("POST /assets/bulk-upload-check", json={"assets": asked}).json()["results"]
    assert (results[0]["id"], results[0]["assetId"]) == ("1", asset_id)
    assert results[1] == {"id": "2", "action": "accept"}
    assert admin("POST /assets/bulk-upload-check", json={"assets": []}).status_code == 500
    assert admin("POST /assets/bulk-upload-check", json={}).status_code == 400


def test_a_bulk_check_of_more_than_ten_megabytes_is_an_internal_error(admin):
    asked = [{"id": "x" * 200, "checksum": "0" * 40}] * 45_000
    assert admin("POST /assets/bulk-upload-check", json={"assets": asked}).status_code == 500


def test_a_cut_connection_leaves_nothing_behind(sandbox, admin):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(
            b"POST /api/assets HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n"
            b"x-api-key: " + sandbox.admin_key.encode() + b"\r\n"
            b"content-type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\ncontent-disposition: form-data; name="assetData"; filename="a.jpg"\r\n\r\nabc'
        )
    wait_until(lambda: sandbox.counters()["uploads_broken"] == 1)
    assert sandbox.assets() == []
    assert list((sandbox.world.store.folder / "incoming").iterdir()) == []
    assert admin.upload(b"next").status_code == 201


@pytest.mark.slow
def test_an_idle_connection_is_closed_after_five_seconds(sandbox):
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/api/server/ping")
    assert b"pong" in connection.getresponse().read()
    began = time.monotonic()
    assert connection.sock.recv(1) == b""
    connection.close()
    assert 4 < time.monotonic() - began < 8


@pytest.mark.parametrize(
    "name", ["a;b;c;d.jpg", 'quo"te.jpg', "Größe ✓.jpg", "per%22cent.jpg", "x'y*z.jpg", "a=b.jpg"]
)
def test_a_name_may_hold_what_a_header_makes_much_of(sandbox, admin, name):
    """The part's own name counts where no `filename` field is sent."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="assetData"; filename="%b"\r\n\r\nphoto\r\n'
        b'--b\r\nContent-Disposition: form-data; name="fileCreatedAt"\r\n\r\n%b\r\n'
        b'--b\r\nContent-Disposition: form-data; name="fileModifiedAt"\r\n\r\n%b\r\n--b--\r\n'
    ) % (name.replace('"', '\\"').encode(), WHEN.encode(), WHEN.encode())
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert admin("POST /assets", data=body, headers=headers).status_code == 201
    assert sandbox.assets()[0]["name"] == name
