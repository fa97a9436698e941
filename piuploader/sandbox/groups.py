"""Albums, tags and stacks: the ways in which assets belong together."""

from typing import Any

from piuploader.sandbox.assets import owner_view, view
from piuploader.sandbox.records import Album, Asset, Stack, Tag, timestamp
from piuploader.sandbox.web import Call, Problems, Refusal, Route


def _assets(call: Call, ids: list[str]) -> list[Asset]:
    store = call.world.store
    known = (store.assets.get(asset_id) for asset_id in ids)
    return [asset for asset in known if asset and asset.owner_id == call.user.id]


def _text(problems: Problems, body: dict[str, Any], name: str, *, needed: bool) -> None:
    if (needed or name in body) and not isinstance(body.get(name), str):
        problems.expected([name], "string", body.get(name))


# --- albums ---


def _album_view(call: Call, album: Album) -> dict[str, Any]:
    members = _assets(call, album.asset_ids)
    dates = sorted(asset.file_created_at for asset in members)
    answer: dict[str, Any] = {
        "id": album.id,
        "albumName": album.name,
        "description": album.description,
        "albumThumbnailAssetId": members[0].id if members else None,
        "albumUsers": [{"role": "owner", "user": owner_view(call.user)}],
        "assetCount": len(members),
        "createdAt": album.created_at,
        "updatedAt": album.updated_at,
        "hasSharedLink": False,
        "isActivityEnabled": True,
        "shared": False,
        "order": "desc",
    }
    if dates:
        answer |= {"startDate": dates[0], "endDate": dates[-1]}
    if call.world.version < (3, 0, 0):
        answer |= {
            "albumUsers": [],
            "owner": owner_view(call.user),
            "ownerId": call.user.id,
            "assets": [view(call, asset) for asset in members],
        }
    return answer


def _album(call: Call, permission: str) -> Album:
    album = call.world.store.albums.get(call.path_id())
    if album is None or album.owner_id != call.user.id:
        raise Refusal(400, f"Not found or no {permission} access")
    return album


async def list_albums(call: Call) -> list[dict[str, Any]]:
    """GET /albums."""
    query = call.request.query
    return [
        _album_view(call, album)
        for album in call.world.store.albums.values()
        if album.owner_id == call.user.id
        and query.get("name", album.name) == album.name
        and query.get("id", album.id) == album.id
        and ("assetId" not in query or query["assetId"] in album.asset_ids)
        and query.get("shared", query.get("isShared")) != "true"
    ]


async def create_album(call: Call) -> dict[str, Any]:
    """POST /albums. Names are not unique."""
    body = await call.json()
    problems = Problems()
    _text(problems, body, "albumName", needed=True)
    _text(problems, body, "description", needed=False)
    problems.uuids("assetIds", body.get("assetIds", []))
    problems.end()
    members = [asset.id for asset in _assets(call, body.get("assetIds", []))]
    album = Album(
        owner_id=call.user.id,
        name=body["albumName"],
        description=body.get("description", ""),
        asset_ids=members,
    )
    call.world.store.save(album)
    return _album_view(call, album)


async def get_album(call: Call) -> dict[str, Any]:
    """GET /albums/{id}."""
    return _album_view(call, _album(call, "album.read"))


async def delete_album(call: Call) -> None:
    """DELETE /albums/{id}."""
    call.world.store.forget(_album(call, "album.delete"))


async def add_to_album(call: Call) -> list[dict[str, Any]]:
    """PUT /albums/{id}/assets."""
    album = _album(call, "albumAsset.create")
    body = await call.json()
    problems = Problems()
    problems.uuids("ids", body.get("ids"))
    problems.end()
    allowed = {asset.id for asset in _assets(call, body["ids"])}
    members = set(album.asset_ids)
    answer: list[dict[str, Any]] = []
    for asset_id in body["ids"]:
        if asset_id in members:
            answer.append({"id": asset_id, "success": False, "error": "duplicate"})
        elif asset_id not in allowed:
            answer.append({"id": asset_id, "success": False, "error": "no_permission"})
        else:
            album.asset_ids.append(asset_id)
            members.add(asset_id)
            answer.append({"id": asset_id, "success": True})
    album.updated_at = timestamp()
    call.world.store.save(album)
    return answer


# --- tags ---


def _tag_view(tag: Tag) -> dict[str, Any]:
    answer = {
        "id": tag.id,
        "name": tag.value.rpartition("/")[2],
        "value": tag.value,
        "createdAt": tag.created_at,
        "updatedAt": tag.created_at,
    }
    return answer | ({"parentId": tag.parent_id} if tag.parent_id else {})


def _tags(call: Call) -> list[Tag]:
    return [tag for tag in call.world.store.tags.values() if tag.owner_id == call.user.id]


async def list_tags(call: Call) -> list[dict[str, Any]]:
    """GET /tags."""
    return [_tag_view(tag) for tag in sorted(_tags(call), key=lambda tag: tag.value)]


async def upsert_tags(call: Call) -> list[dict[str, Any]]:
    """PUT /tags: make what is missing of each path, and return the last step of each."""
    body = await call.json()
    names = body.get("tags")
    problems = Problems()
    if not isinstance(names, list):
        problems.expected(["tags"], "array", names)
    problems.end()
    answer = []
    for name in names or ():
        parent: Tag | None = None
        for step in filter(None, str(name).split("/")):
            parent = _tag_below(call, parent, step)
        if parent is not None:
            answer.append(_tag_view(parent))
    return answer


def _tag_below(call: Call, parent: Tag | None, step: str) -> Tag:
    value = f"{parent.value}/{step}" if parent else step
    for tag in _tags(call):
        if tag.value == value:
            return tag
    tag = Tag(owner_id=call.user.id, value=value, parent_id=parent.id if parent else None)
    call.world.store.save(tag)
    return tag


async def tag_assets(call: Call) -> dict[str, int]:
    """PUT /tags/assets: count the pairs that are new."""
    body = await call.json()
    problems = Problems()
    problems.uuids("tagIds", body.get("tagIds"))
    problems.uuids("assetIds", body.get("assetIds"))
    problems.end()
    assets = _assets(call, body["assetIds"])
    count = 0
    for tag in _tags(call):
        if tag.id in body["tagIds"]:
            members = set(tag.asset_ids)
            new = [asset.id for asset in assets if asset.id not in members]
            tag.asset_ids += new
            count += len(new)
            call.world.store.save(tag)
    return {"count": count}


async def delete_tag(call: Call) -> None:
    """DELETE /tags/{id}."""
    tag = call.world.store.tags.get(call.path_id())
    if tag is None or tag.owner_id != call.user.id:
        raise Refusal(400, "Not found or no tag.delete access")
    call.world.store.forget(tag)


# --- stacks ---


def _stack_view(call: Call, stack: Stack) -> dict[str, Any]:
    return {
        "id": stack.id,
        "primaryAssetId": stack.asset_ids[0],
        "assets": [view(call, asset) for asset in _assets(call, stack.asset_ids)],
    }


async def list_stacks(call: Call) -> list[dict[str, Any]]:
    """GET /stacks."""
    primary = call.request.query.get("primaryAssetId")
    return [
        _stack_view(call, stack)
        for stack in call.world.store.stacks.values()
        if stack.owner_id == call.user.id and primary in (None, stack.asset_ids[0])
    ]


async def create_stack(call: Call) -> dict[str, Any]:
    """POST /stacks: the first is the cover; stacks that the assets were in are merged."""
    body = await call.json()
    problems = Problems()
    problems.uuids("assetIds", body.get("assetIds"), least=2)
    problems.end()
    store = call.world.store
    assets = [call.mine(asset_id, "asset.update") for asset_id in body["assetIds"]]
    members = dict.fromkeys(asset.id for asset in assets)
    for old_id in {asset.stack_id for asset in assets if asset.stack_id}:
        old = store.stacks[old_id]
        members |= dict.fromkeys(old.asset_ids)
        store.forget(old)
    stack = Stack(owner_id=call.user.id, asset_ids=list(members))
    store.save(stack)
    for asset_id in stack.asset_ids:
        asset = store.assets[asset_id]
        asset.stack_id = stack.id
        store.save(asset)
    return _stack_view(call, stack)


ROUTES = [
    Route("GET", "/albums", list_albums, "album.read"),
    Route("POST", "/albums", create_album, "album.create", status=201),
    Route("GET", "/albums/{id}", get_album, "album.read"),
    Route("DELETE", "/albums/{id}", delete_album, "album.delete", status=204),
    Route("PUT", "/albums/{id}/assets", add_to_album, "albumAsset.create"),
    Route("GET", "/tags", list_tags, "tag.read"),
    Route("PUT", "/tags", upsert_tags, "tag.create"),
    Route("PUT", "/tags/assets", tag_assets, "tag.asset"),
    Route("DELETE", "/tags/{id}", delete_tag, "tag.delete", status=204),
    Route("GET", "/stacks", list_stacks, "stack.read"),
    Route("POST", "/stacks", create_stack, "stack.create", status=201),
]
