"""The job queues over HTTP: /queues since 2.4, and the older /jobs."""

from typing import Any

from piuploader.sandbox.machine import QUEUES
from piuploader.sandbox.web import Call, Problems, Refusal, Route

_SINCE = (2, 4, 0)
_JOB_NAMES = {
    "thumbnailGeneration": "AssetGenerateThumbnails",
    "metadataExtraction": "AssetExtractMetadata",
    "videoConversion": "AssetEncodeVideo",
    "faceDetection": "AssetDetectFaces",
    "facialRecognition": "FacialRecognition",
    "smartSearch": "SmartSearch",
    "duplicateDetection": "AssetDetectDuplicates",
    "backgroundTask": "AssetDelete",
    "storageTemplateMigration": "StorageTemplateMigrationSingle",
    "migration": "AssetFileMigration",
    "sidecar": "SidecarCheck",
    "library": "LibrarySyncFiles",
    "notifications": "SendMail",
    "backupDatabase": "DatabaseBackup",
    "ocr": "Ocr",
    "workflow": "WorkflowAssetTrigger",
    "integrityCheck": "IntegrityChecksumFiles",
    "editor": "AssetEditThumbnailGeneration",
}
_NEW_IN_3 = frozenset({"workflow", "integrityCheck", "editor"})
_COMMANDS = ("start", "pause", "resume", "empty", "clear-failed")
# What "start" without "force" finds to do: nothing is missing here, so one short job.
_RESTARTABLE = frozenset(QUEUES) - {"backgroundTask", "search", "notifications", "workflow"}


def _names(call: Call) -> list[str]:
    is_old = call.world.version < (3, 0, 0)
    return [name for name in call.world.machine.queues if not (is_old and name in _NEW_IN_3)]


def _name(call: Call) -> str:
    name = call.request.match_info["name"]
    problems = Problems()
    problems.one_of(["name"], name, _names(call))
    problems.end()
    return name


def counts(call: Call, name: str) -> dict[str, int]:
    """Return Immich's six counts; failed and completed stay 0, for jobs are removed."""
    one = call.world.machine.counts(name)
    return {
        "active": one.active,
        "completed": 0,
        "failed": 0,
        "delayed": one.delayed,
        "waiting": one.waiting,
        "paused": one.paused,
    }


def _view(call: Call, name: str) -> dict[str, Any]:
    is_paused = call.world.machine.queues[name].is_paused
    return {"name": name, "isPaused": is_paused, "statistics": counts(call, name)}


def _legacy_view(call: Call, name: str) -> dict[str, Any]:
    statistics = counts(call, name)
    status = {
        "isPaused": call.world.machine.queues[name].is_paused,
        "isActive": statistics["active"] > 0,
    }
    return {"queueStatus": status, "jobCounts": statistics}


async def list_queues(call: Call) -> list[dict[str, Any]]:
    """GET /queues."""
    call.world.catch_up()
    return [_view(call, name) for name in _names(call)]


async def get_queue(call: Call) -> dict[str, Any]:
    """GET /queues/{name}."""
    call.world.catch_up()
    return _view(call, _name(call))


async def update_queue(call: Call) -> dict[str, Any]:
    """PUT /queues/{name}."""
    name = _name(call)
    paused = (await call.json()).get("isPaused")
    if paused is not None and not isinstance(paused, bool):
        problems = Problems()
        problems.expected(["isPaused"], "boolean", paused)
        problems.end()
    if paused and name == "backgroundTask":
        raise Refusal(400, "The BackgroundTask queue cannot be paused")
    call.world.catch_up()
    if paused is not None:
        call.world.pause(name, paused=paused)
    return _view(call, name)


async def list_jobs_of_queue(call: Call) -> list[dict[str, Any]]:
    """GET /queues/{name}/jobs."""
    name = _name(call)
    call.world.catch_up()
    queue = call.world.machine.queues[name]
    idle = "paused" if queue.is_paused else "waiting"
    jobs = [("active", work.asset_id) for work in queue.active]
    jobs += [(idle, asset_id) for asset_id in queue.waiting]
    wanted = call.request.query.getall("status", [])
    return [
        {
            "id": str(number),
            "name": _JOB_NAMES.get(name, "VersionCheck"),
            "timestamp": 0,
            "data": {"id": asset_id} if asset_id else {},
        }
        for number, (status, asset_id) in enumerate(jobs, start=1)
        if not wanted or status in wanted
    ]


async def empty_queue(call: Call) -> None:
    """DELETE /queues/{name}/jobs."""
    name = _name(call)
    await call.json()
    call.world.catch_up()
    call.world.machine.empty(name)


async def list_jobs(call: Call) -> dict[str, Any]:
    """GET /jobs."""
    call.world.catch_up()
    return {name: _legacy_view(call, name) for name in _names(call)}


async def command(call: Call) -> dict[str, Any]:
    """PUT /jobs/{name}."""
    name = _name(call)
    asked = (await call.json()).get("command")
    problems = Problems()
    problems.one_of(["command"], asked, _COMMANDS)
    problems.end()
    world = call.world
    world.catch_up()
    if asked in {"pause", "resume"}:
        world.pause(name, paused=asked == "pause")
    elif asked == "empty":
        world.machine.empty(name)
    elif asked == "start":
        if world.machine.counts(name).active:
            raise Refusal(400, "Job is already running")
        if name not in _RESTARTABLE:
            raise Refusal(400, f"Invalid job name: {name}")
        world.machine.add(name, [None])
    return _legacy_view(call, name)


ROUTES = [
    Route("GET", "/queues", list_queues, "queue.read", admin=True, since=_SINCE),
    Route("GET", "/queues/{name}", get_queue, "queue.read", admin=True, since=_SINCE),
    Route("PUT", "/queues/{name}", update_queue, "queue.update", admin=True, since=_SINCE),
    Route(
        "GET", "/queues/{name}/jobs", list_jobs_of_queue, "queueJob.read", admin=True, since=_SINCE
    ),
    Route(
        "DELETE",
        "/queues/{name}/jobs",
        empty_queue,
        "queueJob.delete",
        admin=True,
        status=204,
        since=_SINCE,
    ),
    Route("GET", "/jobs", list_jobs, "job.read", admin=True),
    Route("PUT", "/jobs/{name}", command, "job.create", admin=True),
]
