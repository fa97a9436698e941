"""The Immich calls that piuploader needs, one method each.

This client never retries and never logs: both are decided above, in `app`.
Every failure is turned into one of ours, once, in `transport.py`. Two threads must
not share a client: give each its own, which costs one more connection.

Paths, permissions and answers: Immich's OpenAPI document, version 3.1.
"""

import email.utils
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from piuploader.adapters.immich import failure
from piuploader.adapters.immich.shape import expect, field, field_or_none, texts
from piuploader.adapters.immich.tls import ssl_context
from piuploader.adapters.immich.transport import PING, USER_AGENT, Transport
from piuploader.core.media import Holding, MediaTypes
from piuploader.core.server import Album, Stack, Storage, Tag, User, Version

CONNECT_S, SILENCE_S = 5.0, 60.0
# 5,000 took the server 0.2 s; a body over 10 MB (about 100,000) makes it fail with 500.
CHECK_AT_ONCE = 5_000
# Ids in one request: a UUID is 39 bytes in JSON, and each is a row that the server writes.
IDS_AT_ONCE = 1_000


class ImmichClient:
    """Speaks to one server with one API key. For one thread at a time."""

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        ca_file: Path | None = None,
        context: ssl.SSLContext | None = None,
        timeout_s: tuple[float, float] = (CONNECT_S, SILENCE_S),
        user_agent: str = USER_AGENT,
    ) -> None:
        """Prepare; nothing is sent. Raises ConfigError if `url` or `ca_file` cannot be used.

        `context` are ready-made TLS settings, instead of `ca_file`. `timeout_s` are the
        seconds to connect, and the seconds of silence in an answer.
        """
        self._transport = Transport(
            url,
            key,
            context=context or ssl_context(ca_file),
            timeout_s=timeout_s,
            user_agent=user_agent,
        )
        self.url = self._transport.url

    def __repr__(self) -> str:
        return f"ImmichClient({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    # -- about the server: open to anyone -----------------------------------------------

    def ping(self) -> None:
        """Return if an Immich server answers, raise ServerUnreachable if not."""
        if self.call("GET", PING) != {"res": "pong"}:
            raise failure.not_immich(self.url, "no pong")

    def moved_to(self) -> str | None:
        """Return the base URL that the server sends us to, None if it answers here."""
        return self._transport.moved_to()

    def date(self) -> datetime | None:
        """Return the server's own time, None if it does not tell."""
        try:
            return email.utils.parsedate_to_datetime(self._transport.headers(PING).get("date", ""))
        except (TypeError, ValueError):
            return None

    def front(self) -> str:
        """Return what stands before the server, by its own words; "" if nothing shows.

        Immich itself names no server software in its answers.
        """
        headers = self._transport.headers(PING)
        return (
            "cloudflare" if "cf-ray" in headers else headers.get("server") or headers.get("via", "")
        )

    def version(self) -> Version:
        """Return the server's version."""
        call = "GET /server/version"
        reply = self.call("GET", "/server/version")
        return Version(*(field(reply, n, int, call=call) for n in ("major", "minor", "patch")))

    def features(self) -> Mapping[str, bool]:
        """Return what is switched on at the server."""
        reply = expect(self.call("GET", "/server/features"), dict, call="GET /server/features")
        return {str(name): on for name, on in reply.items() if isinstance(on, bool)}

    def media_types(self) -> MediaTypes:
        """Return the extensions that the server takes."""
        call = "GET /server/media-types"
        reply = self.call("GET", "/server/media-types")

        def extensions(kind: str) -> frozenset[str]:
            names = texts(field(reply, kind, list, call=call), call=call, name=kind)
            return frozenset(name.lower() for name in names)

        return MediaTypes(extensions("image"), extensions("video"), extensions("sidecar"))

    # -- about us -----------------------------------------------------------------------

    def permissions(self) -> frozenset[str]:
        """Return what the key may do; `all` is everything. Works with any valid key."""
        call = "GET /api-keys/me"
        granted = field(self.call("GET", "/api-keys/me"), "permissions", list, call=call)
        return frozenset(texts(granted, call=call, name="permissions"))

    def key_id(self) -> str:
        """Return the id of the key: no other server knows it. Works with any valid key."""
        call = "GET /api-keys/me"
        return field(self.call("GET", "/api-keys/me"), "id", str, call=call)

    def me(self) -> User:
        """Return the key's owner. Needs user.read."""
        call = "GET /users/me"
        reply = self.call("GET", "/users/me")
        return User(
            id=field(reply, "id", str, call=call),
            name=field(reply, "name", str, call=call),
            is_admin=field_or_none(reply, "isAdmin", bool, call=call) or False,
            quota_bytes=field_or_none(reply, "quotaSizeInBytes", int, call=call),
            used_bytes=field_or_none(reply, "quotaUsageInBytes", int, call=call),
        )

    def storage(self) -> Storage:
        """Return how much room the server's disk has. Needs server.storage."""
        call = "GET /server/storage"
        reply = self.call("GET", "/server/storage")
        return Storage(
            size_bytes=field(reply, "diskSizeRaw", int, call=call),
            available_bytes=field(reply, "diskAvailableRaw", int, call=call),
        )

    def about(self) -> Mapping[str, str]:
        """Return what the server says of its build. Needs server.about."""
        reply = expect(self.call("GET", "/server/about"), dict, call="GET /server/about")
        return {str(name): says for name, says in reply.items() if isinstance(says, str)}

    def statistics(self) -> int:
        """Return how many assets the server holds of all users. Needs server.statistics, admin."""
        call = "GET /server/statistics"
        reply = self.call("GET", "/server/statistics")
        return field(reply, "photos", int, call=call) + field(reply, "videos", int, call=call)

    # -- assets -------------------------------------------------------------------------

    def check(self, checksums: Sequence[str]) -> Mapping[str, Holding]:
        """Return what the server holds of these; what it lacks is not in the answer.

        A rejection alone is no proof: only "duplicate", with an asset, is.
        """
        call = "POST /assets/bulk-upload-check"
        held: dict[str, Holding] = {}
        for some in _split(checksums, CHECK_AT_ONCE):
            assets = [{"id": checksum, "checksum": checksum} for checksum in some]
            reply = self.call("POST", "/assets/bulk-upload-check", {"assets": assets})
            for entry in field(reply, "results", list, call=call):
                checksum = field(entry, "id", str, call=call)
                asset_id = field_or_none(entry, "assetId", str, call=call)
                if (entry.get("action"), entry.get("reason")) == (
                    "reject",
                    "duplicate",
                ) and asset_id:
                    trashed = field_or_none(entry, "isTrashed", bool, call=call) or False
                    held[checksum] = Holding(asset_id, trashed)
        return held

    def restore(self, asset_ids: Sequence[str]) -> None:
        """Take assets out of the trash. Needs asset.delete."""
        for some in _split(asset_ids, IDS_AT_ONCE):
            self.call("POST", "/trash/restore/assets", {"ids": some})

    def stack_of(self, asset_id: str) -> Stack | None:
        """Return the stack that an asset is in. Needs asset.read."""
        call = "GET /assets/{id}"
        stack = field_or_none(self.call("GET", f"/assets/{asset_id}"), "stack", dict, call=call)
        if stack is None:
            return None
        return Stack(
            field(stack, "id", str, call=call),
            field(stack, "primaryAssetId", str, call=call),
            field(stack, "assetCount", int, call=call),
        )

    def create_stack(self, asset_ids: Sequence[str]) -> None:
        """Stack assets, the first on top; a stack whose cover is among them joins it.

        Needs stack.create.
        """
        self.call("POST", "/stacks", {"assetIds": list(asset_ids)})

    # -- albums and tags ----------------------------------------------------------------

    def albums(self) -> tuple[Album, ...]:
        """Return all albums, the oldest first. Needs album.read."""
        call = "GET /albums"
        found = [
            (
                field_or_none(one, "createdAt", str, call=call) or "",
                field(one, "id", str, call=call),
                field(one, "albumName", str, call=call),
            )
            for one in expect(self.call("GET", "/albums"), list, call=call)
        ]
        return tuple(Album(id_, name) for _, id_, name in sorted(found))

    def create_album(self, name: str) -> Album:
        """Make an album. A second one of the same name is possible: look first."""
        reply = self.call("POST", "/albums", {"albumName": name})
        return Album(field(reply, "id", str, call="POST /albums"), name)

    def add_to_album(self, album_id: str, asset_ids: Sequence[str]) -> Mapping[str, str]:
        """Put assets into an album; return those that it refused, with the server's word for why.

        What is in the album already is not refused. Needs albumAsset.create.
        """
        call = "PUT /albums/{id}/assets"
        refused: dict[str, str] = {}
        for some in _split(asset_ids, IDS_AT_ONCE):
            reply = self.call("PUT", f"/albums/{album_id}/assets", {"ids": some})
            for one in expect(reply, list, call=call):
                why = field_or_none(one, "error", str, call=call) or "unknown"
                if not field(one, "success", bool, call=call) and why != "duplicate":
                    refused[field(one, "id", str, call=call)] = why
        return refused

    def upsert_tags(self, tags: Sequence[str]) -> tuple[Tag, ...]:
        """Make sure that tags exist, `Places/Rome` with its parents. Needs tag.create."""
        call = "PUT /tags"
        if not tags:
            return ()
        reply = self.call("PUT", "/tags", {"tags": list(tags)})
        return tuple(
            Tag(field(one, "id", str, call=call), field(one, "value", str, call=call))
            for one in expect(reply, list, call=call)
        )

    def tag_assets(self, tag_ids: Sequence[str], asset_ids: Sequence[str]) -> None:
        """Put tags on assets; doing it twice does no harm. Needs tag.asset."""
        for some in _split(asset_ids, IDS_AT_ONCE) if tag_ids else ():
            self.call("PUT", "/tags/assets", {"assetIds": some, "tagIds": list(tag_ids)})

    def call(self, method: str, path: str, json: object = None) -> Any:
        """Make any call below /api and return its JSON; for rooms that add calls of their own."""
        return self._transport.call(method, path, json)


def _split(all_of: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield pieces of a list; nothing for an empty one, which the server answers with 500."""
    for start in range(0, len(all_of), size):
        yield list(all_of[start : start + size])
