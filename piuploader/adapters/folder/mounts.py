"""Where a folder lies: on which file system, what that is called, and how it was mounted.

A drive is a whole file system, and it is known by what that names itself:

    uuid:1A2B-3C4D+31902400512     known again in any port, on any mount point
    folder:/home/ada/Photos        names itself nowhere, or is the system's own

What is imported from one file system, from whatever folder of it, is known by
the same paths. The size is part of the name because cards that are formatted
by the thousand may share their 32-bit number.
"""

import os
import platform
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from piuploader.core.drives import Mount, parse_mountinfo

MOUNTINFO = Path("/proc/self/mountinfo")
DISKS = Path("/dev/disk")
# gettimeofday(2) by number: glibc's own has said "UTC" since 2.31, whatever the kernel thinks.
GETTIMEOFDAY = {"x86_64": 96, "aarch64": 169, "riscv64": 169}
GETTIMEOFDAY_32_BIT = 78  # i386 and arm


@dataclass(frozen=True, slots=True)
class Place:
    """The drive that a folder lies on, and what is known about its file system."""

    root: str  # of the drive, absolute
    start: str  # the folder below it, "" for the root itself
    identity: str
    label: str
    kind: str = ""  # ext4, vfat ...; "": unknown
    options: frozenset[str] = frozenset()  # of the mount and of the file system
    source: str = ""  # /dev/sda1, or what was given instead
    mounted_below: frozenset[str] = frozenset()  # absolute: other file systems inside


def locate(folder: str, *, mountinfo: Path = MOUNTINFO, disks: Path = DISKS) -> Place:
    """Find out where a folder lies. It must be absolute and free of links."""
    text = _read(mountinfo)
    mounts = parse_mountinfo(text)
    below = frozenset(each.place for each in mounts if _is_below(each.place, folder))
    name = PurePath(folder).name or folder
    plain = Place(folder, "", f"folder:{folder}", name, mounted_below=below)
    mount = _mount_of(folder, mounts)
    if mount is None:
        return plain
    plain = replace(plain, kind=mount.kind, options=_options(text, mount), source=mount.source)
    identity = _identity(mount, disks)
    if not identity:
        return plain
    return replace(
        plain,
        root=mount.place,
        start=folder[len(mount.place) :].strip("/"),
        identity=identity,
        label=_name_of(mount, disks / "by-label") or PurePath(mount.place).name,
    )


def kernel_minutes_west() -> int:
    """Return the kernel's own time zone, in minutes west of UTC; 0 where it has none."""
    number = GETTIMEOFDAY.get(platform.machine())
    if struct.calcsize("P") == 4:  # noqa: PLR2004  a 32-bit Python, maybe under a 64-bit kernel
        number = GETTIMEOFDAY_32_BIT
    if number is None:
        return 0
    import ctypes  # noqa: PLC0415  half a megabyte, for FAT alone

    zone = (ctypes.c_int * 2)()  # struct timezone: minutes west, and an old flag
    failed = ctypes.CDLL(None).syscall(ctypes.c_long(number), None, ctypes.byref(zone))
    return 0 if failed else int(zone[0])


def _identity(mount: Mount, disks: Path) -> str:
    """Return the name of a drive's file system; "" if it has none, or is the system's own."""
    uuid = _name_of(mount, disks / "by-uuid")
    if not uuid or mount.place == "/":
        return ""
    try:
        size = os.statvfs(mount.place)
    except OSError:
        return ""
    inside = "" if mount.root == "/" else f":{mount.root}"  # a part of it is mounted
    return f"uuid:{uuid}+{size.f_blocks * size.f_frsize}{inside}"


def _mount_of(folder: str, mounts: list[Mount]) -> Mount | None:
    """Return the mount that holds a folder: the deepest, and of those the last one made."""
    found = None
    for mount in mounts:
        holds = mount.place == folder or _is_below(folder, mount.place)
        if holds and (found is None or len(mount.place) >= len(found.place)):
            found = mount
    return found


def _name_of(mount: Mount, names: Path) -> str:
    """Return the name by which udev links to a device, "" if there is none."""
    try:
        links = sorted(names.iterdir())
    except OSError:
        return ""
    device = os.path.realpath(mount.source) if mount.source.startswith("/") else ""
    for link in links:
        try:
            number = link.stat().st_rdev
        except OSError:
            continue
        same_number = number and f"{os.major(number)}:{os.minor(number)}" == mount.device
        # btrfs and FUSE mounts have a number of their own: then the path tells.
        if same_number or os.path.realpath(link) == device:
            return _plain(link.name)
    return ""


def _options(text: str, mount: Mount) -> frozenset[str]:
    for line in text.splitlines():
        if line.startswith(f"{mount.number} "):
            left, _, right = line.partition(" - ")
            return frozenset(left.split(" ")[5].split(",") + right.split(" ")[2].split(","))
    return frozenset()


def _is_below(place: str, folder: str) -> bool:
    return place != folder and place.startswith(folder.rstrip("/") + "/")


def _plain(name: str) -> str:
    r"""Undo udev's escapes: `MY\x20CARD` -> `MY CARD`. They stand for the bytes of UTF-8."""
    escaped = name.encode("utf-8", "surrogateescape")
    plain = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), escaped)
    return plain.decode("utf-8", "replace")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""
