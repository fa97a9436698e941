"""What an API key must be allowed to, and what is lost where it is not.

Immich writes the permissions of a key as it writes them here. "all" is every one.
"""

from collections.abc import Collection
from dataclasses import dataclass

ALL = "all"


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission, what it is good for and whether nothing works without it."""

    name: str
    gives: str
    needed: bool = False
    admin: bool = False  # only useful when the key's owner is an administrator
    older: str = ""  # what servers before 2.4 called it


# Read from the OpenAPI document of Immich 3.1 (`x-immich-permission` of each call).
PERMISSIONS: tuple[Permission, ...] = (
    Permission("asset.upload", "upload photos and ask which are there already", needed=True),
    Permission("asset.read", "look at uploaded photos again (albums, dates, stacks)"),
    Permission("user.read", "know the account's name and how much of its quota is left"),
    Permission("server.storage", "warn before the server's disk is full"),
    Permission("server.about", "name the server's build in a report"),
    Permission("album.read", "find the album for --album"),
    Permission("album.create", "make the album for --album"),
    Permission("albumAsset.create", "put photos into albums"),
    Permission("tag.create", "make the tags for --tag"),
    Permission("tag.asset", "put tags on photos"),
    Permission("asset.delete", "take photos out of the trash (--restore-trashed)"),
    Permission("asset.update", "set dates, favourites and live photos afterwards"),
    Permission("stack.create", "make the stacks for --stack"),
    Permission("queue.read", "show the server's own work", admin=True, older="job.read"),
    Permission(
        "queue.update", "let uploads go first on a slow server", admin=True, older="job.create"
    ),
    Permission("systemConfig.read", "judge the server's settings", admin=True),
    Permission("systemConfig.update", "apply recommended settings", admin=True),
)


def has(granted: Collection[str], permission: Permission) -> bool:
    """Tell whether a key with these permissions has this one."""
    # From 3.2 the server's configuration has new names.
    newer = permission.name.replace("systemConfig.", "adminConfig.")
    return bool({ALL, permission.name, permission.older, newer} & set(granted) - {""})


def missing(granted: Collection[str], *, is_admin: bool | None) -> tuple[Permission, ...]:
    """Return what a key lacks, without what could not help its owner anyway.

    `is_admin` is None where the key may not tell: then the administrator's
    permissions are left out, for nobody needs them.
    """
    return tuple(
        permission
        for permission in PERMISSIONS
        if not has(granted, permission) and (is_admin or not permission.admin)
    )
