"""POST /assets and the bulk check: what every upload goes through.

The order of things is Immich's, for each step decides which trap bites:

1. the key (in app.py), before the body is read
2. `x-immich-checksum`: a known one is answered before the body is read
3. the body, part by part; a file's type is judged when its part begins, by
   the `filename` that came before it, else by the part's own file name
4. the file is there and not empty; the fields are valid. What is refused
   here leaves its file behind on the server: the orphan
5. the quota, the live photo's film; what is refused here is cleaned up
6. the same SHA-1 for the same owner: duplicate, the new file is dropped
"""

import asyncio
import base64
import binascii
import json
import re
from datetime import datetime
from typing import Any

from aiohttp import web

from piuploader.sandbox import media
from piuploader.sandbox.intake import Dropped, File, Form, Intake
from piuploader.sandbox.records import Asset, iso, timestamp
from piuploader.sandbox.web import Call, Problems, Refusal, Route

_VISIBILITIES = ("archive", "timeline", "hidden", "locked")
_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)",
)


async def upload(call: Call) -> web.Response:
    """POST /assets."""
    world = call.world
    known = _known(call, call.request.headers.get("x-immich-checksum", ""))
    if known is not None:
        world.counters.duplicates_early += 1
        return web.json_response({"id": known.id, "status": "duplicate"})
    counters = world.counters
    counters.uploads_begun += 1
    work = world.machine.begin_upload()
    intake = Intake(call, work)
    wasted = True
    try:
        form = await intake.form()
        call.body = form.fields | dict.fromkeys(form.files)
        await intake.work_off(0, with_base=True)
        asset_id, created = _settle(call, form)
        wasted = not created
    except Refusal:
        counters.uploads_refused += 1
        raise
    except (Dropped, ConnectionError, asyncio.CancelledError):
        counters.uploads_broken += 1
        raise
    finally:
        world.machine.end_upload(work)
        if wasted:
            counters.bytes_wasted += intake.received_bytes
    if created:
        counters.uploads_created += 1
        return web.json_response({"id": asset_id, "status": "created"}, status=201)
    counters.duplicates_late += 1
    return web.json_response({"id": asset_id, "status": "duplicate"})


def _settle(call: Call, form: Form) -> tuple[str, bool]:
    """Decide what becomes of a body that has been received."""
    world = call.world
    if any(fault.kind == "disk_full" for fault in call.faults):
        form.discard()
        raise Refusal(500, "Internal server error")
    if world.settings.disk_bytes is not None:
        size = sum(file.size_bytes for file in form.files.values())
        if size > world.disk()[1]:
            form.discard()
            raise Refusal(500, "Internal server error")
    try:
        file = _file_of(form)
        problems = _field_problems(call, form.fields)
        problems.end()
    except Refusal:
        for orphan in form.files.values():  # Immich forgets these files, and so do we
            orphan.path.rename(world.store.folder / "orphans" / orphan.path.name)
        raise
    try:
        return _store(call, form, file)
    except Refusal:
        form.discard()
        raise


def _file_of(form: Form) -> File:
    file = form.files.get("assetData")
    if file is None:
        raise Refusal(400, "File is required")
    if file.size_bytes == 0:
        raise Refusal(400, "File is empty")
    return file


def _field_problems(call: Call, fields: dict[str, str]) -> Problems:
    problems = Problems()
    _check_dates(fields, problems)
    if call.world.version < (3, 0, 0):
        for name in ("deviceAssetId", "deviceId"):
            if not fields.get(name):
                problems.add([name], f"{name} should not be empty")
    choices = {"visibility": _VISIBILITIES, "isFavorite": ("true", "false")}
    for name, allowed in choices.items():
        if name in fields:
            problems.one_of([name], fields[name], allowed)
    if "livePhotoVideoId" in fields:
        problems.uuid(["livePhotoVideoId"], fields["livePhotoVideoId"])
    is_number = re.fullmatch(r"\d{1,15}", fields.get("duration", "0"))
    if call.world.version >= (3, 0, 0) and not is_number:
        problems.add(["duration"], "Invalid input: expected int, received NaN")
    if _metadata(fields) is None:
        problems.expected(["metadata"], "array", "")
    return problems


def _check_dates(fields: dict[str, str], problems: Problems) -> None:
    for name in ("fileCreatedAt", "fileModifiedAt"):
        if name not in fields:
            problems.expected([name], "string", None)
        elif _moment(fields[name]) is None:
            problems.add([name], "Invalid ISO datetime", "invalid_format")


def _store(call: Call, form: Form, file: File) -> tuple[str, bool]:
    world, fields, owner = call.world, form.fields, call.user
    is_full = any(fault.kind == "full" for fault in call.faults)
    used = world.store.used_bytes(owner.id) + file.size_bytes
    if is_full or (owner.quota_bytes is not None and used > owner.quota_bytes):
        raise Refusal(400, "Quota has been exceeded!")
    film = _film_of(call, fields.get("livePhotoVideoId"))
    known = world.store.find(owner.id, file.checksum)
    if known is not None:
        form.discard()
        return known.id, False
    if film is not None and film.visibility == "timeline":
        film.visibility = "hidden"
        world.store.save(film)
    duration = fields.get("duration", "")
    asset = Asset(
        owner_id=owner.id,
        checksum=file.checksum,
        name=fields.get("filename") or file.name,
        extension=file.extension,
        type=media.asset_type(file.extension) or "OTHER",
        size_bytes=file.size_bytes,
        file_created_at=_moment(fields["fileCreatedAt"]) or timestamp(),
        file_modified_at=_moment(fields["fileModifiedAt"]) or timestamp(),
        visibility=fields.get("visibility", "timeline"),
        is_favorite=fields.get("isFavorite") == "true",
        duration_ms=int(duration) if duration.isdigit() else None,
        live_photo_video_id=film.id if film else None,
        has_sidecar="sidecarData" in form.files,
        metadata=_metadata(fields) or [],
        device_asset_id=fields.get("deviceAssetId", ""),
        device_id=fields.get("deviceId", ""),
    )
    target = world.store.path_of(asset)
    target.parent.mkdir(exist_ok=True)
    file.path.rename(target)
    if "sidecarData" in form.files:
        form.files["sidecarData"].path.rename(world.store.sidecar_of(asset))
    world.admit(asset)
    return asset.id, True


def _film_of(call: Call, film_id: str | None) -> Asset | None:
    if film_id is None:
        return None
    film = call.world.store.assets.get(film_id)
    if film is None:
        raise Refusal(400, "Live photo video not found")
    if film.type != "VIDEO":
        raise Refusal(400, "Live photo video must be a video")
    if film.owner_id != call.user.id:
        raise Refusal(400, "Live photo video does not belong to the user")
    return film


def _moment(text: str) -> str | None:
    if not _ISO_8601.fullmatch(text):
        return None
    try:
        return iso(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _metadata(fields: dict[str, str]) -> list[dict[str, Any]] | None:
    try:
        items = json.loads(fields.get("metadata") or "[]")
    except ValueError:
        return None
    return items if isinstance(items, list) else None


def hex_checksum(text: str) -> str:
    """Return a checksum in hex, given in hex (40 characters) or base64, as Immich tells them."""
    if len(text) == 40:  # noqa: PLR2004 - a SHA-1 in hex
        return text.lower()
    try:
        return base64.b64decode(text, validate=False).hex()
    except binascii.Error:
        return ""


def _known(call: Call, checksum: str) -> Asset | None:
    return call.world.store.find(call.user.id, hex_checksum(checksum)) if checksum else None


async def bulk_check(call: Call) -> dict[str, object]:
    """POST /assets/bulk-upload-check."""
    body = await call.json()
    asked = body.get("assets")
    problems = Problems()
    if not isinstance(asked, list):
        problems.expected(["assets"], "array", asked)
        problems.end()
        return {}
    for index, item in enumerate(asked):
        for name in ("id", "checksum"):
            if not isinstance(item, dict) or not isinstance(item.get(name), str):
                problems.expected(["assets", index, name], "string", None)
    problems.end()
    if not asked:  # Immich builds an empty SQL list here and stumbles
        raise Refusal(500, "Internal server error")
    return {"results": [_verdict(call, item["id"], item["checksum"]) for item in asked]}


def _verdict(call: Call, file_id: str, checksum: str) -> dict[str, object]:
    known = _known(call, checksum)
    if known is None:
        return {"id": file_id, "action": "accept"}
    return {
        "id": file_id,
        "action": "reject",
        "reason": "duplicate",
        "assetId": known.id,
        "isTrashed": known.trashed_at is not None,
    }


ROUTES = [
    Route("POST", "/assets", upload, "asset.upload"),
    Route("POST", "/assets/bulk-upload-check", bulk_check, "asset.upload"),
]
