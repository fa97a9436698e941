"""What a server tells about itself and about us: plain values."""

from typing import NamedTuple


class Version(NamedTuple):
    """The version of an Immich server."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class User(NamedTuple):
    """The person whose key this is. Sizes in bytes; None: no quota."""

    id: str
    name: str
    is_admin: bool
    quota_bytes: int | None
    used_bytes: int | None


class Storage(NamedTuple):
    """The disk that the server keeps photos on, in bytes."""

    size_bytes: int
    available_bytes: int


class Album(NamedTuple):
    """An album. Names are not unique, ids are."""

    id: str
    name: str


class Stack(NamedTuple):
    """A stack of photos, of which one is shown."""

    id: str
    cover: str  # id of the asset on top
    size: int  # how many assets it has


class Tag(NamedTuple):
    """A tag, with its whole path: `Places/Rome`."""

    id: str
    value: str
