"""A mounted drive, or any folder: walk it, read it, and know it again.

drive.py      FolderDrive, which fills the port `Drive`
walk.py       folder by folder, every file once
reading.py    one file: its checksum, its bytes
mounts.py     which file system it is, and what its stamps mean
quicktime.py  what a film says about itself
"""

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from piuploader.adapters.folder.drive import SYS, FolderDrive
from piuploader.adapters.folder.mounts import DISKS, MOUNTINFO, kernel_minutes_west, locate
from piuploader.core.dates import FAT_KINDS, Stamps, digits_offset_s
from piuploader.core.selection import Filter
from piuploader.errors import DriveError

__all__ = ["FolderDrive", "open_drive"]

LOCALTIME = Path("/etc/localtime")
EVERYTHING = Filter()


def open_drive(
    folder: Path,
    *,
    wanted: Filter = EVERYTHING,
    time_zone: str = "",
    mountinfo: Path = MOUNTINFO,
    disks: Path = DISKS,
    sys: Path = SYS,
) -> FolderDrive:
    """Make a drive of a folder, or of a single file; raise DriveError if it is not there.

    `time_zone` is that of the cameras that wrote it ("Europe/Berlin"); "" is this machine's.
    """
    try:
        path = folder.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        raise DriveError(f"{folder} is not there: is the drive mounted?") from error
    only = None if path.is_dir() else path.name
    place = locate(str(path if only is None else path.parent), mountinfo=mountinfo, disks=disks)
    west = kernel_minutes_west() if place.kind in FAT_KINDS else 0
    offset_s = digits_offset_s(place.kind, place.options, kernel_minutes_west=west)
    zone = ZoneInfo(time_zone) if time_zone else system_zone()
    return FolderDrive(place, stamps=Stamps(zone, offset_s), wanted=wanted, only=only, sys=sys)


def system_zone(localtime: Path = LOCALTIME, name: str | None = None) -> tzinfo:
    """Return this machine's time zone: of the variable TZ, else of /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "") if name is None else name
    try:
        if name:
            return ZoneInfo(name.removeprefix(":"))
        with localtime.open("rb") as file:
            return ZoneInfo.from_file(file, key=str(localtime.resolve()))
    except (OSError, ValueError, KeyError):
        return UTC
