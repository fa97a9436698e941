"""How a request meets a handler: routes, refusals in Immich's shape, and checks of input."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from piuploader.sandbox.faults import Fault
from piuploader.sandbox.records import ApiKey, Asset, User
from piuploader.sandbox.world import Version, World

# Immich's body parser takes 10 MB, and what is larger ends as a 500.
MAX_JSON_BYTES = 10 * 1024 * 1024
UUID4 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
_NEWEST: Version = (999, 0, 0)


class Refusal(Exception):
    """An answer that is not a success."""

    def __init__(
        self, status: int, message: str, errors: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def response(self, version: Version) -> web.Response:
        """Write the refusal as this version of Immich does."""
        request_id = f"{id(self) & 0xFFFFFFFF:08x}"
        if version >= (3, 0, 0):
            body: dict[str, Any] = {"message": self.message}
            if self.errors:
                body["errors"] = self.errors
        else:
            named = HTTPStatus(self.status).phrase
            texts = [f"{'.'.join(map(str, e['path']))}: {e['message']}" for e in self.errors or ()]
            body = {
                "message": texts or self.message,
                "error": named,
                "statusCode": self.status,
                "correlationId": request_id,
            }
        return web.json_response(body, status=self.status, headers={"x-immich-cid": request_id})


class Problems:
    """Collects what is wrong with an input, in the shape of Immich's validator."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []

    def add(self, path: Iterable[str | int], message: str, code: str = "invalid_type") -> None:
        """Note one mistake."""
        self.errors.append({"code": code, "path": list(path), "message": message})

    def uuid(self, path: Iterable[str | int], value: object) -> None:
        """Note it if a value is no version 4 UUID."""
        if not (isinstance(value, str) and UUID4.fullmatch(value)):
            self.add(path, "Invalid UUID", "invalid_format")

    def uuids(self, name: str, value: object, *, least: int = 0) -> None:
        """Note it if a value is no list of UUIDs."""
        if not isinstance(value, list):
            self.expected([name], "array", value)
            return
        if len(value) < least:
            self.add([name], f"Too small: expected array to have >={least} items", "too_small")
        for index, item in enumerate(value):
            self.uuid([name, index], item)

    def expected(self, path: Iterable[str | int], kind: str, value: object) -> None:
        """Note a value of the wrong type."""
        found = {
            type(None): "undefined",
            bool: "boolean",
            int: "number",
            float: "number",
            str: "string",
            list: "array",
            dict: "object",
        }[type(value)]
        self.add(path, f"Invalid input: expected {kind}, received {found}")

    def one_of(self, path: Iterable[str | int], value: object, allowed: Iterable[str]) -> None:
        """Note a value that is not in a list."""
        if value not in (choices := list(allowed)):
            text = "|".join(f'"{choice}"' for choice in choices)
            self.add(path, f"Invalid option: expected one of {text}", "invalid_value")

    def end(self) -> None:
        """Refuse the input if anything was wrong."""
        if self.errors:
            raise Refusal(400, "Validation failed", self.errors)


class Call:
    """One request, as a handler sees it."""

    __slots__ = ("_user", "body", "faults", "key", "request", "world")

    def __init__(self, world: World, request: web.Request, faults: list[Fault]) -> None:
        self.world = world
        self.request = request
        self.faults = faults  # those that strike this request
        self.body: object = None  # what was read of it, for the record
        self.key: ApiKey | None = None
        self._user: User | None = None

    @property
    def user(self) -> User:
        """Who asks; only routes that are open to anyone have nobody."""
        if self._user is None:
            raise RuntimeError("a route that is open to anyone asked who it is")
        return self._user

    @user.setter
    def user(self, user: User) -> None:
        self._user = user

    async def json(self) -> dict[str, Any]:
        """Read the body as a JSON object."""
        if (self.request.content_length or 0) > MAX_JSON_BYTES:
            raise Refusal(500, "Internal server error")
        try:
            raw = await self.request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise Refusal(500, "Internal server error") from error
        try:
            body = json.loads(raw) if raw else {}
        except ValueError as error:
            raise Refusal(400, f"{error}") from error
        self.body = body
        if not isinstance(body, dict):
            problems = Problems()
            problems.expected([], "object", body)
            problems.end()
        asked: dict[str, Any] = body
        return asked

    def path_id(self) -> str:
        """Return the {id} in the path."""
        value = self.request.match_info["id"]
        problems = Problems()
        problems.uuid(["id"], value)
        problems.end()
        return value.lower()

    def mine(self, asset_id: str, permission: str) -> Asset:
        """Return an asset that the asker owns."""
        asset = self.world.store.assets.get(asset_id)
        if asset is None or asset.owner_id != self.user.id:
            raise Refusal(400, f"Not found or no {permission} access")
        return asset

    def flag(self, name: str) -> bool | None:
        """Return a boolean of the query, or None where it is not given."""
        text = self.request.query.get(name)
        return None if text is None else text == "true"


@dataclass(frozen=True, slots=True)
class Route:
    """A call that the server knows: path below /api, who may, since and until which version."""

    method: str
    path: str
    handler: Callable[[Call], Awaitable[object]]
    permission: str | None = None  # None: any key will do
    admin: bool = False
    open: bool = False  # no key is needed
    status: int = 200
    since: Version = (0, 0, 0)
    before: Version = _NEWEST
