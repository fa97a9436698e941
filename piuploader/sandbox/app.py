"""The web application: who may call what, and what happens around every call."""

import asyncio
import json
import socket
import struct
from typing import Any

from aiohttp import web

from piuploader.sandbox import assets, config, groups, info, queues, uploads
from piuploader.sandbox.control import Restart, control_app
from piuploader.sandbox.faults import UPLOAD, Fault
from piuploader.sandbox.intake import Dropped
from piuploader.sandbox.web import MAX_JSON_BYTES, Call, Refusal, Route
from piuploader.sandbox.world import Exchange, World

ROUTES: list[Route] = [
    *info.ROUTES,
    *uploads.ROUTES,
    *assets.ROUTES,
    *groups.ROUTES,
    *queues.ROUTES,
    *config.ROUTES,
]
_PORTAL = "<html><title>Welcome to the guest network</title><body>Please log in.</body></html>"


def build(world: World, restart: Restart) -> web.Application:
    """Return the application for a world."""
    app = web.Application(client_max_size=MAX_JSON_BYTES)
    api = _Api(world)
    for route in ROUTES:
        if route.since <= world.version < route.before:
            app.router.add_route(route.method, f"/api{route.path}", api.endpoint(route))
    app.router.add_get("/.well-known/immich", _well_known)
    app.add_subapp("/sandbox", control_app(world, restart))
    app.router.add_route("*", "/{rest:.*}", api.unknown)
    app.on_response_prepare.append(_anonymous)
    return app


async def _anonymous(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001
    """Leave out aiohttp's name: Immich names no server, and a proxy is known by one."""
    response.headers.popall("Server", None)


async def _well_known(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.json_response({"api": {"endpoint": "/api"}})


class _Api:
    """What happens around every call: faults, the key, the answer's shape."""

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoint(self, route: Route) -> Any:
        line = f"{route.method} {route.path}"

        async def endpoint(request: web.Request) -> web.StreamResponse:
            counts = self._world.request_counts
            counts[line] = counts.get(line, 0) + 1
            self._world.counters.requests += 1
            if line != UPLOAD:
                return await self._with_faults(route, request)
            counters = self._world.counters
            counters.parallel_uploads += 1
            counters.max_parallel_uploads = max(
                counters.max_parallel_uploads, counters.parallel_uploads
            )
            try:
                return await self._with_faults(route, request)
            finally:
                counters.parallel_uploads -= 1

        return endpoint

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        refusal = Refusal(404, f"Cannot {request.method} {request.path}")
        return refusal.response(self._world.version)

    async def _with_faults(self, route: Route, request: web.Request) -> web.StreamResponse:
        world = self._world
        struck = world.faults.strike(
            f"{request.method} {request.path.removeprefix('/api')}",
            size_bytes=request.content_length or 0,
            parallel=world.counters.parallel_uploads,
        )
        if struck:
            early = await _before(route, request, struck, world)
            if early is not None:
                return early
        call = Call(world, request, struck)
        try:
            response = await self._answer(route, call)
        except Refusal as refusal:
            response = refusal.response(world.version)
        except Dropped:
            return _cut(request)
        except ConnectionError:
            return web.Response()  # nobody is there to read it
        if world.settings.record:
            world.exchanges.append(_exchange(call, response))
        if any(fault.kind == "drop_answer" for fault in struck):
            return _cut(request)
        late = [fault for fault in struck if fault.kind == "status"]
        return _status(late[0], world) if late else response

    async def _answer(self, route: Route, call: Call) -> web.StreamResponse:
        if not route.open:
            self._authorize(call, route)
        result = await route.handler(call)
        if isinstance(result, web.StreamResponse):
            return result
        if route.status == 204:  # noqa: PLR2004 - no content
            return web.Response(status=204)
        return web.json_response(result, status=route.status)

    def _authorize(self, call: Call, route: Route) -> None:
        headers = call.request.headers
        if headers.get("authorization", "").lower().startswith("bearer "):
            raise Refusal(401, "Invalid user token")
        secret = headers.get("x-api-key") or call.request.query.get("apiKey")
        if not secret:
            raise Refusal(401, "Authentication required")
        keys = self._world.store.keys.values()
        key = next((key for key in keys if key.secret == secret), None)
        if key is None:
            raise Refusal(401, "Invalid API key")
        call.key = key
        call.user = self._world.store.users[key.user_id]
        if route.admin and not call.user.is_admin:
            raise Refusal(403, "Forbidden")
        if route.permission and not {"all", route.permission} & set(key.permissions):
            raise Refusal(403, f"Missing required permission: {route.permission}")


def _exchange(call: Call, response: web.StreamResponse) -> Exchange:
    is_json = isinstance(response, web.Response) and response.content_type == "application/json"
    text = response.text if is_json and isinstance(response, web.Response) else None
    return Exchange(
        method=call.request.method,
        path=call.request.path_qs,
        request_type=call.request.content_type if "content-type" in call.request.headers else "",
        request=call.body,
        status=response.status,
        response_type=response.content_type,
        response=json.loads(text) if text else None,
    )


async def _before(
    route: Route, request: web.Request, struck: list[Fault], world: World
) -> web.StreamResponse | None:
    for fault in struck:
        is_upload = route.path == "/assets" and route.method == "POST"
        if fault.kind == "latency" or (fault.kind == "stall" and not is_upload):
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "html":
            return web.Response(text=_PORTAL, content_type="text/html")
        elif fault.kind == "status" and not fault.late:
            return _status(fault, world)
        elif fault.kind == "reset" and (not is_upload or not fault.at_bytes):
            return _cut(request)
    return None


def _status(fault: Fault, world: World) -> web.Response:
    message = fault.message or {413: "Payload Too Large", 429: "Too Many Requests"}.get(
        fault.status, "The sandbox was asked to fail"
    )
    response = Refusal(fault.status, message).response(world.version)
    if fault.retry_after_s is not None:
        response.headers["Retry-After"] = str(fault.retry_after_s)
    return response


def _cut(request: web.Request) -> web.Response:
    """Reset the connection: the other side sees ECONNRESET, not an orderly end."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
