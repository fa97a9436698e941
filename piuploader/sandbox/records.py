"""What the sandbox keeps: users, their keys, assets, albums, tags, stacks.

Field names are ours; the names that Immich's answers use are given where
the answers are made. Times are ISO 8601 text in UTC, as Immich writes them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


def new_id() -> str:
    """Return a fresh version 4 UUID: Immich accepts no other kind."""
    return str(uuid4())


def timestamp() -> str:
    """Return the present moment as Immich writes it: milliseconds and a Z."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """Return an aware moment as Immich writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody who owns assets."""

    name: str
    is_admin: bool
    id: str = field(default_factory=new_id)
    quota_bytes: int | None = None
    created_at: str = field(default_factory=timestamp)


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """A key, whose it is and what it may do."""

    secret: str
    user_id: str
    name: str
    permissions: list[str]
    id: str = field(default_factory=new_id)
    created_at: str = field(default_factory=timestamp)


@dataclass(slots=True, kw_only=True)
class Asset:
    """A stored file and what its uploader said of it."""

    owner_id: str
    checksum: str  # SHA-1 in hex of what is stored
    name: str
    extension: str  # of the stored file, lower case, with its dot
    type: str  # IMAGE or VIDEO
    size_bytes: int
    file_created_at: str
    file_modified_at: str
    visibility: str = "timeline"
    is_favorite: bool = False
    duration_ms: int | None = None
    live_photo_video_id: str | None = None
    has_sidecar: bool = False
    description: str = ""
    metadata: list[dict[str, Any]] = field(default_factory=list)
    device_asset_id: str = ""
    device_id: str = ""
    stack_id: str | None = None
    trashed_at: str | None = None
    id: str = field(default_factory=new_id)
    created_at: str = field(default_factory=timestamp)
    updated_at: str = field(default_factory=timestamp)


@dataclass(slots=True, kw_only=True)
class Album:
    """A named list of assets. Names are not unique."""

    owner_id: str
    name: str
    description: str = ""
    asset_ids: list[str] = field(default_factory=list)
    id: str = field(default_factory=new_id)
    created_at: str = field(default_factory=timestamp)
    updated_at: str = field(default_factory=timestamp)


@dataclass(slots=True, kw_only=True)
class Tag:
    """One step of a hierarchy: `value` is the whole path, a/b/c."""

    owner_id: str
    value: str
    parent_id: str | None = None
    asset_ids: list[str] = field(default_factory=list)
    id: str = field(default_factory=new_id)
    created_at: str = field(default_factory=timestamp)


@dataclass(slots=True, kw_only=True)
class Stack:
    """Assets shown as one; the first is the cover."""

    owner_id: str
    asset_ids: list[str]
    id: str = field(default_factory=new_id)


type_of_record: dict[str, Any] = {
    "user": User,
    "key": ApiKey,
    "asset": Asset,
    "album": Album,
    "tag": Tag,
    "stack": Stack,
}
