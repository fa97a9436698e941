"""The tests' own door, outside /api: state, faults, time, keys, restarts.

No key is asked for: a sandbox listens on its machine's own address and
holds nothing of value.

    GET    /sandbox/state                 all that a test may want to compare
    GET    /sandbox/faults                the faults in force, with their hits
    POST   /sandbox/faults                {"kind": ..., options of faults.Fault}
    DELETE /sandbox/faults                ends them all
    POST   /sandbox/restart               {"down_s": 2}
    POST   /sandbox/time                  {"advance_s": 60}
    POST   /sandbox/backlog               {"thumbnailGeneration": 400}
    POST   /sandbox/keys                  {"permissions": [...], "admin": true, "name"?: ...}
    POST   /sandbox/revoke                {"secret": ...}
    POST   /sandbox/trash                 {"ids": [...]}; without ids everything
    POST   /sandbox/quota                 {"bytes": 1000} or null
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from aiohttp import web

from piuploader.sandbox.records import Asset, timestamp
from piuploader.sandbox.world import World

_LET_ANSWER_GO_S = 0.05
Restart = Callable[[float], Coroutine[Any, Any, None]]


def asset_state(world: World, asset: Asset) -> dict[str, Any]:
    """Describe an asset for tests: all that was received, and where its bytes are."""
    return asdict(asset) | {
        "path": str(world.store.path_of(asset)),
        "sidecar_path": str(world.store.sidecar_of(asset)) if asset.has_sidecar else None,
        "stages": dict(world.stages.get(asset.id, {})),
    }


def snapshot(world: World) -> dict[str, Any]:
    """Describe the whole sandbox for tests."""
    world.catch_up()
    store = world.store
    return {
        "now_s": world.now(),
        "assets": [asset_state(world, asset) for asset in store.assets.values()],
        "albums": [asdict(album) for album in store.albums.values()],
        "tags": [asdict(tag) for tag in store.tags.values()],
        "stacks": [asdict(stack) for stack in store.stacks.values()],
        "orphans": [str(path) for path in store.orphans()],
        "queues": queue_states(world),
        "settled": world.machine.is_settled(),
        "counters": asdict(world.counters),
        "requests": dict(world.request_counts),
        "faults": world.faults.listing(),
    }


def queue_states(world: World) -> dict[str, dict[str, Any]]:
    """Describe every queue: paused or not, and its counts."""
    world.catch_up()
    return {
        name: {"is_paused": queue.is_paused} | world.machine.counts(name)._asdict()
        for name, queue in world.machine.queues.items()
    }


def trash(world: World, ids: list[str] | None) -> int:
    """Put assets into the trash, all of them where `ids` is None."""
    chosen = [asset for asset in world.store.assets.values() if ids is None or asset.id in ids]
    for asset in chosen:
        asset.trashed_at = timestamp()
        world.store.save(asset)
    return len(chosen)


def revoke(world: World, secret: str) -> int:
    """Make a key unknown."""
    keys = [key for key in world.store.keys.values() if key.secret == secret]
    for key in keys:
        world.store.forget(key)
    return len(keys)


def make_key(world: World, permissions: list[str], *, admin: bool, name: str) -> str:
    """Make a key; one that is not an admin's belongs to a user of its own."""
    user = world.admin if admin else world.add_user(f"user{len(world.store.users)}")
    return world.add_key(permissions, name=name, user=user).secret


def control_app(world: World, restart: Restart) -> web.Application:
    """Return the routes below /sandbox."""
    door = _Door(world, restart)
    app = web.Application()
    app.router.add_get("/state", door.state)
    app.router.add_route("*", "/faults", door.faults)
    app.router.add_post("/{act}", door.act)
    return app


class _Door:
    def __init__(self, world: World, restart: Restart) -> None:
        self._world = world
        self._restart = restart
        self._tasks: set[asyncio.Task[None]] = set()
        self._acts: dict[str, Callable[[dict[str, Any]], object]] = {
            "restart": self._do_restart,
            "time": self._do_time,
            "backlog": self._do_backlog,
            "keys": self._do_keys,
            "revoke": lambda body: {"count": revoke(world, body["secret"])},
            "trash": lambda body: {"count": trash(world, body.get("ids"))},
            "quota": self._do_quota,
        }

    async def state(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response(snapshot(self._world))

    async def faults(self, request: web.Request) -> web.Response:
        faults = self._world.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            try:
                faults.add(**await request.json())
            except (TypeError, ValueError) as error:
                return web.json_response({"message": str(error)}, status=400)
        return web.json_response(faults.listing())

    async def act(self, request: web.Request) -> web.Response:
        act = self._acts.get(request.match_info["act"])
        if act is None:
            raise web.HTTPNotFound
        return web.json_response(act(await request.json() if request.can_read_body else {}))

    def _do_restart(self, body: dict[str, Any]) -> object:
        down_s = float(body.get("down_s", 0))
        task = asyncio.create_task(self._restart_soon(down_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"down_s": down_s}

    async def _restart_soon(self, down_s: float) -> None:
        await asyncio.sleep(_LET_ANSWER_GO_S)
        await self._restart(down_s)

    def _do_time(self, body: dict[str, Any]) -> object:
        self._world.fast_forward(float(body["advance_s"]))
        return {"now_s": self._world.now()}

    def _do_backlog(self, body: dict[str, Any]) -> object:
        for name, count in body.items():
            self._world.machine.add(name, [None] * count)
        return queue_states(self._world)

    def _do_keys(self, body: dict[str, Any]) -> object:
        admin, name = bool(body.get("admin", True)), str(body.get("name", "key"))
        return {"secret": make_key(self._world, body["permissions"], admin=admin, name=name)}

    def _do_quota(self, body: dict[str, Any]) -> object:
        self._world.admin.quota_bytes = body.get("bytes")
        return {"bytes": self._world.admin.quota_bytes}
