"""What the server says of itself and of the asker: /server, /users/me, /api-keys."""

from typing import Any

from piuploader.sandbox import media
from piuploader.sandbox.assets import owner_view
from piuploader.sandbox.records import ApiKey
from piuploader.sandbox.web import Call, Problems, Refusal, Route

# /server/features as 3.1 lists it; what depends on the configuration is set below.
_FEATURES = (
    "duplicateDetection",
    "facialRecognition",
    "map",
    "ocr",
    "passwordLogin",
    "reverseGeocoding",
    "search",
    "sidecar",
    "smartSearch",
    "trash",
)
_LACKING = ("email", "importFaces", "oauth", "oauthAutoLaunch", "realtimeTranscoding")


async def ping(call: Call) -> dict[str, str]:  # noqa: ARG001 - the same for all
    """GET /server/ping."""
    return {"res": "pong"}


async def version(call: Call) -> dict[str, Any]:
    """GET /server/version."""
    major, minor, patch = call.world.version
    answer: dict[str, Any] = {"major": major, "minor": minor, "patch": patch}
    return answer | ({"prerelease": None} if call.world.version >= (3, 0, 0) else {})


async def features(call: Call) -> dict[str, bool]:
    """GET /server/features."""
    config = call.world.config
    answer = dict.fromkeys(_FEATURES, True) | dict.fromkeys(_LACKING, False)
    answer["configFile"] = call.world.settings.config_file
    answer["trash"] = config["trash"]["enabled"]
    learning = config["machineLearning"]
    for name, part in (
        ("smartSearch", "clip"),
        ("facialRecognition", "facialRecognition"),
        ("duplicateDetection", "duplicateDetection"),
        ("ocr", "ocr"),
    ):
        answer[name] = learning["enabled"] and learning[part]["enabled"]
    return answer


async def public_config(call: Call) -> dict[str, Any]:
    """GET /server/config."""
    config = call.world.config
    return {
        "externalDomain": config["server"]["externalDomain"],
        "isInitialized": True,
        "isOnboarded": True,
        "loginPageMessage": "",
        "maintenanceMode": False,
        "mapDarkStyleUrl": config["map"]["darkStyle"],
        "mapLightStyleUrl": config["map"]["lightStyle"],
        "minFaces": config["machineLearning"]["facialRecognition"]["minFaces"],
        "oauthButtonText": config["oauth"]["buttonText"],
        "publicUsers": True,
        "trashDays": config["trash"]["days"],
        "userDeleteDelay": config["user"]["deleteDelay"],
    }


async def media_types(call: Call) -> dict[str, list[str]]:  # noqa: ARG001 - the same for all
    """GET /server/media-types."""
    return media.LISTING


async def about(call: Call) -> dict[str, Any]:
    """GET /server/about."""
    text = f"v{call.world.settings.version.lstrip('v')}"
    return {
        "version": text,
        "versionUrl": f"https://github.com/immich-app/immich/releases/tag/{text}",
        "licensed": False,
    }


def _readable(size_bytes: int) -> str:
    for unit, bits in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size_bytes >= 1 << bits:
            return f"{size_bytes / (1 << bits):.1f} {unit}"
    return f"{size_bytes} B"


async def storage(call: Call) -> dict[str, Any]:
    """GET /server/storage."""
    size, free = call.world.disk()
    used = size - free
    return {
        "diskAvailable": _readable(free),
        "diskAvailableRaw": free,
        "diskSize": _readable(size),
        "diskSizeRaw": size,
        "diskUsagePercentage": round(used / size * 100, 2),
        "diskUse": _readable(used),
        "diskUseRaw": used,
    }


async def statistics(call: Call) -> dict[str, Any]:
    """GET /server/statistics."""
    store = call.world.store
    rows = []
    for user in store.users.values():
        sizes = {"IMAGE": [0], "VIDEO": [0]}
        for asset in store.owned_by(user.id):
            sizes[asset.type].append(asset.size_bytes)
        rows.append(
            {
                "userId": user.id,
                "userName": user.name,
                "photos": len(sizes["IMAGE"]) - 1,
                "videos": len(sizes["VIDEO"]) - 1,
                "usage": sum(sizes["IMAGE"]) + sum(sizes["VIDEO"]),
                "usagePhotos": sum(sizes["IMAGE"]),
                "usageVideos": sum(sizes["VIDEO"]),
                "quotaSizeInBytes": user.quota_bytes,
            }
        )
    names = ("photos", "videos", "usage", "usagePhotos", "usageVideos")
    totals: dict[str, Any] = {name: sum(row[name] for row in rows) for name in names}
    return totals | {"usageByUser": rows}


async def me(call: Call) -> dict[str, Any]:
    """GET /users/me."""
    user = call.user
    since_3_2 = {"clusterGroupId": user.id} if call.world.version >= (3, 2, 0) else {}
    return (
        owner_view(user)
        | since_3_2
        | {
            "createdAt": user.created_at,
            "updatedAt": user.created_at,
            "deletedAt": None,
            "isAdmin": user.is_admin,
            "license": None,
            "oauthId": "",
            "quotaSizeInBytes": user.quota_bytes,
            "quotaUsageInBytes": call.world.store.used_bytes(user.id),
            "shouldChangePassword": False,
            "status": "active",
            "storageLabel": "admin" if user.is_admin else None,
        }
    )


# --- keys ---


def _key_view(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "permissions": key.permissions,
        "createdAt": key.created_at,
        "updatedAt": key.created_at,
    }


async def my_key(call: Call) -> dict[str, Any]:
    """GET /api-keys/me."""
    if call.key is None:
        raise Refusal(403, "Not authenticated with an API Key")
    return _key_view(call.key)


async def list_keys(call: Call) -> list[dict[str, Any]]:
    """GET /api-keys."""
    keys = call.world.store.keys.values()
    return [_key_view(key) for key in keys if key.user_id == call.user.id]


async def create_key(call: Call) -> dict[str, Any]:
    """POST /api-keys: a key cannot give what it does not have."""
    body = await call.json()
    wanted = body.get("permissions")
    problems = Problems()
    if not isinstance(wanted, list) or not wanted:
        problems.expected(["permissions"], "array", wanted)
        problems.end()
        return {}
    own = call.key.permissions if call.key else ["all"]
    if "all" not in own and not set(wanted) <= set(own):
        raise Refusal(400, "Cannot grant permissions you do not have")
    key = call.world.add_key(wanted, name=body.get("name") or "API Key", user=call.user)
    return {"secret": key.secret, "apiKey": _key_view(key)}


async def delete_key(call: Call) -> None:
    """DELETE /api-keys/{id}."""
    key = call.world.store.keys.get(call.path_id())
    if key is None or key.user_id != call.user.id:
        raise Refusal(400, "API Key not found")
    call.world.store.forget(key)


ROUTES = [
    Route("GET", "/server/ping", ping, open=True),
    Route("GET", "/server/version", version, open=True),
    Route("GET", "/server/features", features, open=True),
    Route("GET", "/server/config", public_config, open=True),
    Route("GET", "/server/media-types", media_types, open=True),
    Route("GET", "/server/about", about, "server.about"),
    Route("GET", "/server/storage", storage, "server.storage"),
    Route("GET", "/server/statistics", statistics, "server.statistics", admin=True),
    Route("GET", "/users/me", me, "user.read"),
    Route("GET", "/api-keys/me", my_key),
    Route("GET", "/api-keys", list_keys, "apiKey.read"),
    Route("POST", "/api-keys", create_key, "apiKey.create", status=201),
    Route("DELETE", "/api-keys/{id}", delete_key, "apiKey.delete", status=204),
]
