"""The client against the sandbox, in the versions that matter."""

import hashlib

import pytest
import requests

from piuploader import errors
from piuploader.adapters.immich import ImmichClient
from piuploader.core.media import Holding
from piuploader.sandbox import Sandbox


@pytest.fixture(scope="module", params=["2.7.5", "3.1.0", "3.2.2"])
def sandbox(request):
    with Sandbox(version=request.param) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    with ImmichClient(sandbox.url, sandbox.admin_key) as client:
        yield client


def put(sandbox, content):
    """Upload bytes as any client would, and return their checksum and asset."""
    when = "2024-06-01T10:00:00.000Z"
    fields = {"fileCreatedAt": when, "fileModifiedAt": when, "deviceAssetId": "1", "deviceId": "t"}
    reply = requests.post(
        f"{sandbox.url}/api/assets",
        data={**fields, "filename": "a.jpg"},
        files={"assetData": ("a.jpg", content)},
        headers={"x-api-key": sandbox.admin_key},
        timeout=10,
    )
    reply.raise_for_status()
    return hashlib.sha1(content).hexdigest(), reply.json()["id"]


def test_it_introduces_itself(sandbox, client):
    client.ping()
    assert str(client.version()) == sandbox.state().get("version", str(client.version()))
    assert ".jpg" in client.media_types().image
    assert ".xmp" in client.media_types().sidecar
    assert "all" in client.permissions()
    assert client.me().is_admin
    assert client.storage().available_bytes > 0
    assert client.about()
    assert "trash" in client.features()
    assert client.statistics() >= 0


def test_what_is_there_is_held_and_what_lies_in_the_trash_is_told_apart(sandbox, client):
    checksum, asset_id = put(sandbox, b"one photo")
    unknown = "0" * 40
    assert client.check([checksum, unknown]) == {checksum: Holding(asset_id, trashed=False)}
    sandbox.trash(asset_id)
    assert client.check([checksum]) == {checksum: Holding(asset_id, trashed=True)}
    client.restore([asset_id])
    assert client.check([checksum]) == {checksum: Holding(asset_id, trashed=False)}


def test_albums_and_tags_can_be_made_twice_without_harm(sandbox, client):
    _, asset_id = put(sandbox, b"another photo")
    album = client.create_album("Rome")
    assert album in client.albums()
    assert client.add_to_album(album.id, [asset_id]) == {}
    assert client.add_to_album(album.id, [asset_id]) == {}
    tags = client.upsert_tags(["Trips/Rome"])
    assert [tag.value for tag in tags] == ["Trips/Rome"]
    assert client.upsert_tags(["Trips/Rome"]) == tags
    client.tag_assets([tags[0].id], [asset_id])
    client.tag_assets([tags[0].id], [asset_id])


def test_stacks_are_made_found_and_grow(sandbox, client):
    first, second, third = (put(sandbox, b"stacked %d" % n)[1] for n in range(3))
    assert client.stack_of(first) is None
    client.create_stack([second, first])
    stack = client.stack_of(first)
    assert (stack.cover, stack.size) == (second, 2)
    client.create_stack([second, third])
    assert client.stack_of(first)[1:] == (second, 3)


def test_a_small_key_is_told_what_it_lacks(sandbox):
    with ImmichClient(sandbox.url, sandbox.upload_key) as client:
        assert client.check(["0" * 40]) == {}
        assert client.permissions() == {"asset.upload", "asset.read"}
        with pytest.raises(errors.PermissionMissing, match=r"server\.storage"):
            client.storage()
        with pytest.raises(errors.PermissionMissing):
            client.statistics()


def test_a_wrong_key_is_refused(sandbox):
    with (
        ImmichClient(sandbox.url, "x" * 43) as client,
        pytest.raises(errors.ServerRefusedKey, match="Invalid API key"),
    ):
        client.permissions()


def test_a_server_in_trouble_is_busy(sandbox, client):
    fault = sandbox.faults.add("status", where="check", status=503, retry_after_s=3)
    try:
        with pytest.raises(errors.ServerBusy) as caught:
            client.check(["0" * 40])
        assert caught.value.retry_after_s == 3.0
    finally:
        sandbox.faults.remove(fault["id"] if isinstance(fault, dict) else fault)
