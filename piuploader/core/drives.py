"""Which mounted folders are drives to import.

Root's part mounts each file system of a plugged drive on a folder of its
own below one place (`data/systemd/`). What counts here is the kernel's own
list, /proc/self/mountinfo: an empty folder that waits for its mount is no
drive, a file system mounted twice is one drive, and what the system itself
runs from is never one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

# Where desktops and people mount drives by hand; all other places are the system's.
GUEST_PLACES = ("/media", "/run/media", "/mnt")
# overlayroot keeps the true root and its upper layer here: they are the system's all the same.
SYSTEM_PLACES = ("/media/root-ro", "/media/root-rw")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo (proc_pid_mountinfo(5)), as far as it matters here."""

    number: int  # unique while it is mounted; the kernel gives it to another one later
    device: str  # major:minor of the file system
    root: str  # which part of it is seen, "/" for all
    place: str  # where it is mounted
    kind: str  # ext4, vfat ...
    source: str  # /dev/sda1, or what was given instead


@dataclass(frozen=True, slots=True)
class FoundDrive:
    """A drive that is there now, or one that is there but cannot be mounted."""

    key: str  # tells it from all others that are there now, and mostly from earlier ones
    name: str  # of its folder
    folder: str  # absolute
    problem: str = ""  # why it cannot be read, in a sentence


def parse_mountinfo(text: str) -> list[Mount]:
    """Read the kernel's list of mounts; lines that it does not understand are left out."""
    mounts = []
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        first, second = left.split(" "), right.split(" ")
        if separator and len(first) >= 6 and len(second) >= 2 and first[0].isdigit():  # noqa: PLR2004 - fields of a line
            mounts.append(
                Mount(
                    number=int(first[0]),
                    device=first[2],
                    root=_unescaped(first[3]),
                    place=_unescaped(first[4]),
                    kind=second[0],
                    source=_unescaped(second[1]),
                )
            )
    return mounts


def mounted_drives(place: str, mounts: Iterable[Mount]) -> list[FoundDrive]:
    """Return the drives mounted directly below `place`, one per file system, oldest first."""
    on_top: dict[str, Mount] = {}
    system: set[str] = set()
    for mount in mounts:
        if str(PurePosixPath(mount.place).parent) == place:
            on_top.pop(mount.place, None)  # a later mount on the same folder hides the earlier one
            on_top[mount.place] = mount
        elif not _is_below(mount.place, place) and is_system_place(mount.place):
            system.add(mount.device)
    found: dict[str, FoundDrive] = {}
    for mount in on_top.values():
        if mount.device not in system and mount.device not in found:
            found[mount.device] = FoundDrive(
                key=f"{mount.number}@{mount.device}",
                name=PurePosixPath(mount.place).name,
                folder=mount.place,
            )
    return list(found.values())


def with_problems(drives: Iterable[FoundDrive], problems: Mapping[str, str]) -> list[FoundDrive]:
    """Add those that could not be mounted: name -> sentence, as root's part wrote it down."""
    drives = list(drives)
    names = {drive.name for drive in drives}
    return drives + [
        FoundDrive(key=f"problem@{name}@{sentence}", name=name, folder="", problem=sentence)
        for name, sentence in sorted(problems.items())
        if name not in names
    ]


def is_system_place(place: str) -> bool:
    """Tell whether a mount here belongs to the system, so that its device is no guest."""
    if any(_is_below(place, each) for each in SYSTEM_PLACES):
        return True
    return not any(_is_below(place, each) for each in GUEST_PLACES)


def _is_below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of space, tab, newline and backslash."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
