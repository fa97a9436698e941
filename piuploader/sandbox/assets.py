"""Assets once they are there: read, change, find, throw away, bring back."""

import base64
from collections.abc import Callable
from typing import Any

from aiohttp import web

from piuploader.sandbox import media
from piuploader.sandbox.records import Asset, User, timestamp
from piuploader.sandbox.uploads import hex_checksum
from piuploader.sandbox.web import Call, Problems, Refusal, Route

_SHOWN = ("archive", "timeline")
_MAX_PAGE = 1000


def view(call: Call, asset: Asset) -> dict[str, Any]:
    """Describe an asset as Immich does."""
    world = call.world
    answer: dict[str, Any] = {
        "id": asset.id,
        "checksum": base64.b64encode(bytes.fromhex(asset.checksum)).decode(),
        "createdAt": asset.created_at,
        "updatedAt": asset.updated_at,
        "fileCreatedAt": asset.file_created_at,
        "fileModifiedAt": asset.file_modified_at,
        "localDateTime": asset.file_created_at,
        "duration": asset.duration_ms,
        "hasMetadata": world.has_passed(asset, "metadataExtraction"),
        "height": None,
        "width": None,
        "isArchived": asset.visibility == "archive",
        "isEdited": False,
        "isFavorite": asset.is_favorite,
        "isOffline": False,
        "isTrashed": asset.trashed_at is not None,
        "livePhotoVideoId": asset.live_photo_video_id,
        "originalFileName": asset.name,
        "originalMimeType": media.MIME.get(asset.extension),
        "originalPath": f"/data/upload/{asset.owner_id}/{asset.id}{asset.extension}",
        "ownerId": asset.owner_id,
        "thumbhash": (
            "1QcSHQRnh493V4dIh4eXh1h4kJUI"
            if world.has_passed(asset, "thumbnailGeneration")
            else None
        ),
        "type": asset.type,
        "visibility": asset.visibility,
        "exifInfo": {"fileSizeInByte": asset.size_bytes, "description": asset.description},
    }
    stack = world.store.stacks.get(asset.stack_id or "")
    answer["stack"] = stack and {
        "id": stack.id,
        "primaryAssetId": stack.asset_ids[0],
        "assetCount": len(stack.asset_ids),
    }
    if world.version < (3, 0, 0):
        seconds = (asset.duration_ms or 0) / 1000
        answer["duration"] = (
            f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{seconds % 60:08.5f}"
        )
        answer |= {"deviceAssetId": asset.device_asset_id, "deviceId": asset.device_id}
    return answer


def owner_view(user: User) -> dict[str, Any]:
    """Describe a user as others see them."""
    return {
        "id": user.id,
        "name": user.name,
        "email": f"{user.name}@example.org",
        "avatarColor": "primary",
        "profileImagePath": "",
        "profileChangedAt": user.created_at,
    }


async def get_asset(call: Call) -> dict[str, Any]:
    """GET /assets/{id}."""
    call.world.catch_up()
    return view(call, call.mine(call.path_id(), "asset.read"))


async def original(call: Call) -> web.FileResponse:
    """GET /assets/{id}/original."""
    asset = call.mine(call.path_id(), "asset.download")
    mime = media.MIME.get(asset.extension, "application/octet-stream")
    return web.FileResponse(call.world.store.path_of(asset), headers={"Content-Type": mime})


async def update_asset(call: Call) -> dict[str, Any]:
    """PUT /assets/{id}."""
    asset = call.mine(call.path_id(), "asset.update")
    body = await call.json()
    _check_changes(body)
    if body.get("livePhotoVideoId"):
        film = call.world.store.assets.get(body["livePhotoVideoId"])
        if film is None:
            raise Refusal(400, "Live photo video not found")
        if film.type != "VIDEO":
            raise Refusal(400, "Live photo video must be a video")
        film.visibility = "hidden"
        call.world.store.save(film)
    if "livePhotoVideoId" in body:
        asset.live_photo_video_id = body["livePhotoVideoId"]
    _apply(call, asset, body)
    return view(call, asset)


async def update_assets(call: Call) -> None:
    """PUT /assets."""
    body = await call.json()
    problems = Problems()
    problems.uuids("ids", body.get("ids"))
    problems.end()
    _check_changes(body)
    assets = [call.mine(asset_id, "asset.update") for asset_id in body["ids"]]
    for asset in assets:
        _apply(call, asset, body)


def _check_changes(body: dict[str, Any]) -> None:
    problems = Problems()
    if "isFavorite" in body and not isinstance(body["isFavorite"], bool):
        problems.expected(["isFavorite"], "boolean", body["isFavorite"])
    if "visibility" in body:
        allowed = ("archive", "timeline", "hidden", "locked")
        problems.one_of(["visibility"], body["visibility"], allowed)
    if body.get("livePhotoVideoId") is not None:
        problems.uuid(["livePhotoVideoId"], body["livePhotoVideoId"])
    problems.end()


def _apply(call: Call, asset: Asset, body: dict[str, Any]) -> None:
    asset.is_favorite = body.get("isFavorite", asset.is_favorite)
    asset.visibility = body.get("visibility", asset.visibility)
    asset.description = body.get("description", asset.description)
    asset.updated_at = timestamp()
    call.world.store.save(asset)


async def delete_assets(call: Call) -> None:
    """DELETE /assets: into the trash, or for good with `force`."""
    body = await call.json()
    problems = Problems()
    problems.uuids("ids", body.get("ids"))
    problems.end()
    assets = [call.mine(asset_id, "asset.delete") for asset_id in body["ids"]]
    for_good = bool(body.get("force")) or not call.world.config["trash"]["enabled"]
    for asset in assets:
        if for_good:
            call.world.store.forget(asset)
        else:
            asset.trashed_at = timestamp()
            call.world.store.save(asset)


async def restore_assets(call: Call) -> dict[str, int]:
    """POST /trash/restore/assets."""
    body = await call.json()
    problems = Problems()
    problems.uuids("ids", body.get("ids"))
    problems.end()
    assets = [call.mine(asset_id, "asset.delete") for asset_id in body["ids"]]
    return {"count": _restore(call, assets)}


async def restore_trash(call: Call) -> dict[str, int]:
    """POST /trash/restore."""
    return {"count": _restore(call, list(call.world.store.owned_by(call.user.id)))}


def _restore(call: Call, assets: list[Asset]) -> int:
    trashed = [asset for asset in assets if asset.trashed_at]
    for asset in trashed:
        asset.trashed_at = None
        call.world.store.save(asset)
    return len(trashed)


async def empty_trash(call: Call) -> dict[str, int]:
    """POST /trash/empty."""
    trashed = [asset for asset in call.world.store.owned_by(call.user.id) if asset.trashed_at]
    for asset in trashed:
        call.world.store.forget(asset)
    return {"count": len(trashed)}


async def statistics(call: Call) -> dict[str, int]:
    """GET /assets/statistics."""
    favorite, trashed = call.flag("isFavorite"), bool(call.flag("isTrashed"))
    wanted = call.request.query.get("visibility")
    counted = [
        asset.type
        for asset in call.world.store.owned_by(call.user.id)
        if (asset.trashed_at is not None) == trashed
        and (asset.visibility == wanted if wanted else asset.visibility in _SHOWN)
        and favorite in (None, asset.is_favorite)
    ]
    images, videos = counted.count("IMAGE"), counted.count("VIDEO")
    return {"images": images, "videos": videos, "total": images + videos}


async def search(call: Call) -> dict[str, Any]:
    """POST /search/metadata."""
    body = await call.json()
    size, page = body.get("size", 250), body.get("page", 1)
    problems = Problems()
    for name, value, most in (("size", size, _MAX_PAGE), ("page", page, None)):
        if not isinstance(value, int) or isinstance(value, bool):
            problems.expected([name], "number", value)
        elif value < 1 or (most and value > most):
            problems.add([name], f"Invalid input: {value} is out of range", "too_big")
    problems.end()
    call.world.catch_up()
    tests = _tests(call, body)
    found = [
        asset
        for asset in call.world.store.owned_by(call.user.id)
        if all(test(asset) for test in tests)
    ]
    newest_first = body.get("order", "desc") == "desc"
    found.sort(key=lambda asset: (asset.file_created_at, asset.id), reverse=newest_first)
    items = found[(page - 1) * size : page * size]
    nothing = {"count": 0, "facets": [], "items": [], "total": 0}
    assets = {
        "count": len(items),
        "facets": [],
        "items": [view(call, asset) for asset in items],
        "nextPage": str(page + 1) if len(found) > page * size else None,
        "total": len(items),  # Immich counts the page, not the library
    }
    return {"albums": nothing, "assets": assets}


def _tests(call: Call, body: dict[str, Any]) -> list[Callable[[Asset], bool]]:
    visible = (body["visibility"],) if "visibility" in body else _SHOWN
    tests: list[Callable[[Asset], bool]] = [lambda asset: asset.visibility in visible]
    if not body.get("withDeleted") and not body.get("trashedAfter"):
        tests.append(lambda asset: asset.trashed_at is None)
    tests += [
        lambda asset, rule=rule, want=body[name]: rule(asset, want)  # type: ignore[misc]
        for name, rule in _RULES.items()
        if name in body
    ]
    return tests + _membership_tests(call, body)


_RULES: dict[str, Callable[[Asset, Any], bool]] = {
    "id": lambda asset, want: asset.id == want,
    "type": lambda asset, want: asset.type == want,
    "isFavorite": lambda asset, want: asset.is_favorite == want,
    "isMotion": lambda asset, want: (asset.live_photo_video_id is not None) == want,
    "checksum": lambda asset, want: asset.checksum == hex_checksum(want),
    "originalFileName": lambda asset, want: want.lower() in asset.name.lower(),
    "takenAfter": lambda asset, want: asset.file_created_at >= want,
    "takenBefore": lambda asset, want: asset.file_created_at <= want,
}


def _membership_tests(call: Call, body: dict[str, Any]) -> list[Callable[[Asset], bool]]:
    store = call.world.store
    shelves: tuple[tuple[str, dict[str, Any]], ...] = (
        ("albumIds", store.albums),
        ("tagIds", store.tags),
    )
    tests: list[Callable[[Asset], bool]] = []
    for name, shelf in shelves:
        for shelf_id in body.get(name) or ():
            members = set(shelf[shelf_id].asset_ids) if shelf_id in shelf else set()
            tests.append(lambda asset, members=members: asset.id in members)  # type: ignore[misc]
    if body.get("isNotInAlbum"):
        grouped = {item for album in store.albums.values() for item in album.asset_ids}
        tests.append(lambda asset: asset.id not in grouped)
    return tests


ROUTES = [
    Route("GET", "/assets/statistics", statistics, "asset.statistics"),
    Route("GET", "/assets/{id}", get_asset, "asset.read"),
    Route("PUT", "/assets/{id}", update_asset, "asset.update"),
    Route("GET", "/assets/{id}/original", original, "asset.download"),
    Route("PUT", "/assets", update_assets, "asset.update", status=204),
    Route("DELETE", "/assets", delete_assets, "asset.delete", status=204),
    Route("POST", "/trash/restore/assets", restore_assets, "asset.delete"),
    Route("POST", "/trash/restore", restore_trash, "asset.delete"),
    Route("POST", "/trash/empty", empty_trash, "asset.delete"),
    Route("POST", "/search/metadata", search, "asset.read"),
]
