"""Who may do what: the matrix of keys, owners and permissions."""

import pytest

ANY_ID = "4e9d7a3c-4a3f-4c3e-9d6f-1f2e3d4c5b6a"
OPEN = ["ping", "version", "features", "config", "media-types"]
# call, permission, must the owner be an admin
MATRIX = [
    ("POST /assets/bulk-upload-check", "asset.upload", False),
    ("POST /assets", "asset.upload", False),
    (f"GET /assets/{ANY_ID}", "asset.read", False),
    (f"PUT /assets/{ANY_ID}", "asset.update", False),
    ("DELETE /assets", "asset.delete", False),
    ("GET /assets/statistics", "asset.statistics", False),
    ("POST /search/metadata", "asset.read", False),
    ("POST /trash/restore/assets", "asset.delete", False),
    ("GET /users/me", "user.read", False),
    ("GET /server/about", "server.about", False),
    ("GET /server/storage", "server.storage", False),
    ("GET /server/statistics", "server.statistics", True),
    ("GET /albums", "album.read", False),
    ("POST /albums", "album.create", False),
    (f"PUT /albums/{ANY_ID}/assets", "albumAsset.create", False),
    ("GET /tags", "tag.read", False),
    ("PUT /tags", "tag.create", False),
    ("PUT /tags/assets", "tag.asset", False),
    ("POST /stacks", "stack.create", False),
    ("GET /queues", "queue.read", True),
    ("PUT /queues/ocr", "queue.update", True),
    ("GET /queues/ocr/jobs", "queueJob.read", True),
    ("DELETE /queues/ocr/jobs", "queueJob.delete", True),
    ("GET /jobs", "job.read", True),
    ("PUT /jobs/ocr", "job.create", True),
    ("GET /system-config", "systemConfig.read", True),
    ("PUT /system-config", "systemConfig.update", True),
]


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_needs_no_key(sandbox, client_of, name):
    assert client_of(sandbox)(f"GET /server/{name}").status_code == 200


@pytest.mark.parametrize(("call", "permission", "is_admins"), MATRIX)
def test_each_call_needs_its_permission_and_its_owner(
    sandbox, client_of, call, permission, is_admins
):
    answer = client_of(sandbox)(call, json={})
    assert (answer.status_code, answer.json()) == (401, {"message": "Authentication required"})
    answer = client_of(sandbox, "no such key")(call, json={})
    assert (answer.status_code, answer.json()) == (401, {"message": "Invalid API key"})
    answer = client_of(sandbox, sandbox.add_key(["face.read"]))(call, json={})
    wanted = {"message": f"Missing required permission: {permission}"}
    assert (answer.status_code, answer.json()) == (403, wanted)
    answer = client_of(sandbox, sandbox.add_key(["all"], admin=False))(call, json={})
    assert (answer.status_code == 403) is is_admins
    if is_admins:
        assert answer.json() == {"message": "Forbidden"}
    answer = client_of(sandbox, sandbox.add_key([permission]))(call, json={})
    assert answer.status_code not in {401, 403}


def test_an_api_key_is_no_bearer_token(sandbox, client_of):
    headers = {"authorization": f"Bearer {sandbox.admin_key}"}
    assert client_of(sandbox)("GET /users/me", headers=headers).status_code == 401


def test_any_key_may_look_at_itself(sandbox, client_of):
    key = sandbox.add_key(["asset.upload"], admin=False)
    shown = client_of(sandbox, key)("GET /api-keys/me").json()
    assert shown["permissions"] == ["asset.upload"]


def test_the_upload_key_uploads_for_the_admin_and_sees_no_queues(sandbox, client_of, admin):
    uploader = client_of(sandbox, sandbox.upload_key)
    uploader.upload_id(b"mine")
    assert admin.verdict(b"mine")["action"] == "reject"
    assert uploader("GET /queues").json() == {"message": "Missing required permission: queue.read"}


def test_a_key_cannot_give_what_it_does_not_have(sandbox, client_of, admin):
    made = admin("POST /api-keys", json={"name": "n", "permissions": ["asset.upload"]})
    assert made.status_code == 201
    assert client_of(sandbox, made.json()["secret"]).upload().status_code == 201
    maker = client_of(sandbox, sandbox.add_key(["apiKey.create"]))
    assert maker("POST /api-keys", json={"permissions": ["all"]}).status_code == 400
    key_id = made.json()["apiKey"]["id"]
    assert key_id in [key["id"] for key in admin("GET /api-keys").json()]
    assert admin(f"DELETE /api-keys/{key_id}").status_code == 204
    assert client_of(sandbox, made.json()["secret"]).upload().status_code == 401


def test_a_revoked_key_is_unknown(sandbox, client_of):
    client = client_of(sandbox, sandbox.upload_key)
    sandbox.revoke(sandbox.upload_key)
    assert client.upload().json() == {"message": "Invalid API key"}


def test_nobody_sees_what_another_owns(sandbox, client_of, admin):
    asset_id = admin.upload_id()
    other = client_of(sandbox, sandbox.add_key(["all"], admin=False))
    answer = other(f"GET /assets/{asset_id}")
    assert answer.status_code == 400
    assert answer.json() == {"message": "Not found or no asset.read access"}
    assert other("DELETE /assets", json={"ids": [asset_id]}).status_code == 400


def test_what_is_not_there_is_not_found(sandbox, client_of):
    client = client_of(sandbox)
    assert client.session.get(f"{sandbox.url}/api/nothing").status_code == 404
    well_known = client.session.get(f"{sandbox.url}/.well-known/immich").json()
    assert well_known == {"api": {"endpoint": "/api"}}
    sandbox.world.exchanges.clear()
