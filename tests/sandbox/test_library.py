"""Assets, albums, tags, stacks, search: what is done with what was uploaded."""

import base64
import hashlib


def test_an_asset_can_be_changed_and_found(admin):
    asset_id = admin.upload_id(b"one", "Holiday.jpg")
    changed = admin(f"PUT /assets/{asset_id}", json={"isFavorite": True, "visibility": "archive"})
    assert (changed.json()["isFavorite"], changed.json()["isArchived"]) == (True, True)
    checksum = base64.b64encode(hashlib.sha1(b"one").digest()).decode()
    for question in (
        {"checksum": checksum},
        {"originalFileName": "holiday"},
        {"id": asset_id},
        {"isFavorite": True, "type": "IMAGE"},
        {"visibility": "archive"},
        {"takenAfter": "2024-01-01T00:00:00.000Z", "takenBefore": "2025-01-01T00:00:00.000Z"},
        {"isNotInAlbum": True},
    ):
        found = admin("POST /search/metadata", json=question).json()["assets"]
        assert [item["id"] for item in found["items"]] == [asset_id], question
    assert admin("POST /search/metadata", json={"size": 0}).status_code == 400


def test_a_search_is_paged(admin):
    ids = {admin.upload_id(b"%d" % number) for number in range(5)}
    seen, page = set(), 1
    while page:
        found = admin("POST /search/metadata", json={"size": 2, "page": int(page)}).json()["assets"]
        seen |= {item["id"] for item in found["items"]}
        page = found["nextPage"]
    assert seen == ids


def test_many_assets_are_changed_at_once(admin):
    ids = [admin.upload_id(b"a"), admin.upload_id(b"b", "b.mp4")]
    assert admin("PUT /assets", json={"ids": ids, "isFavorite": True}).status_code == 204
    counted = admin("GET /assets/statistics?isFavorite=true").json()
    assert counted == {"images": 1, "videos": 1, "total": 2}


def test_the_trash_takes_and_gives_back(sandbox, admin):
    one, two = admin.upload_id(b"1"), admin.upload_id(b"2")
    assert admin("DELETE /assets", json={"ids": [one]}).status_code == 204
    assert admin(f"GET /assets/{one}").json()["isTrashed"] is True
    assert admin("POST /search/metadata", json={"id": one}).json()["assets"]["items"] == []
    assert admin("GET /assets/statistics?isTrashed=true").json()["total"] == 1
    assert admin("POST /trash/restore").json() == {"count": 1}
    admin("DELETE /assets", json={"ids": [one], "force": True})
    assert [asset["id"] for asset in sandbox.assets()] == [two]
    sandbox.trash()
    assert admin("POST /trash/empty").json() == {"count": 1}
    assert admin.verdict(b"2") == {"id": "x", "action": "accept"}


def test_albums_may_share_a_name_and_say_what_happened_to_each_asset(admin):
    one, two = admin.upload_id(b"1"), admin.upload_id(b"2")
    made = admin("POST /albums", json={"albumName": "A", "assetIds": [one]})
    assert made.status_code == 201
    album_id = made.json()["id"]
    assert admin("POST /albums", json={"albumName": "A"}).json()["id"] != album_id
    stranger = "4e9d7a3c-4a3f-4c3e-9d6f-1f2e3d4c5b6a"
    answer = admin(f"PUT /albums/{album_id}/assets", json={"ids": [one, two, stranger]}).json()
    assert [(item["success"], item.get("error")) for item in answer] == [
        (False, "duplicate"),
        (True, None),
        (False, "no_permission"),
    ]
    assert admin(f"GET /albums/{album_id}").json()["assetCount"] == 2
    assert len(admin("GET /albums").json()) == 2
    assert [a["id"] for a in admin(f"GET /albums?assetId={two}").json()] == [album_id]
    found = admin("POST /search/metadata", json={"albumIds": [album_id]}).json()["assets"]
    assert found["count"] == 2
    assert admin(f"DELETE /albums/{album_id}").status_code == 204
    assert admin("POST /albums", json={}).status_code == 400


def test_tags_are_made_down_the_path_and_counted_in_pairs(admin):
    asset_id = admin.upload_id()
    (tag,) = admin("PUT /tags", json={"tags": ["drive/2024"]}).json()
    assert (tag["name"], tag["value"]) == ("2024", "drive/2024")
    assert [t["value"] for t in admin("GET /tags").json()] == ["drive", "drive/2024"]
    assert admin("PUT /tags", json={"tags": ["drive/2024"]}).json()[0]["id"] == tag["id"]
    pair = {"assetIds": [asset_id], "tagIds": [tag["id"]]}
    assert admin("PUT /tags/assets", json=pair).json() == {"count": 1}
    assert admin("PUT /tags/assets", json=pair).json() == {"count": 0}
    assert admin(f"DELETE /tags/{tag['id']}").status_code == 204


def test_a_stack_shows_its_first_asset(admin):
    one, two = admin.upload_id(b"1", "a.jpg"), admin.upload_id(b"2", "a.dng")
    assert admin("POST /stacks", json={"assetIds": [one]}).status_code == 400
    made = admin("POST /stacks", json={"assetIds": [one, two]})
    assert (made.status_code, made.json()["primaryAssetId"]) == (201, one)
    assert admin(f"GET /assets/{two}").json()["stack"]["assetCount"] == 2
    assert len(admin(f"GET /stacks?primaryAssetId={one}").json()) == 1
    three = admin.upload_id(b"3")
    admin("POST /stacks", json={"assetIds": [three, one]})
    (stack,) = admin("GET /stacks").json()
    assert {asset["id"] for asset in stack["assets"]} == {one, two, three}
    admin("DELETE /assets", json={"ids": [three, one], "force": True})
    assert admin("GET /stacks").json() == []
    assert admin(f"GET /assets/{two}").json()["stack"] is None


def test_the_server_tells_of_itself(admin):
    admin.upload_id(b"12345")
    assert admin("GET /server/version").json()["major"] == 3
    assert admin("GET /server/about").json()["version"] == "v3.1.0"
    assert ".heic" in admin("GET /server/media-types").json()["image"]
    assert admin("GET /server/statistics").json()["usage"] == 5
    assert admin("GET /users/me").json()["quotaUsageInBytes"] == 5
    assert admin("GET /server/storage").json()["diskSizeRaw"] > 0
