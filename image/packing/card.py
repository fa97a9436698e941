"""The card: a partition table, and the three file systems in their places."""

import os
from collections.abc import Sequence
from pathlib import Path

from image.packing.programs import run

MIB = 1024 * 1024
SECTOR = 512
ALIGNED = 4 * MIB  # the erase block of common cards
DISK_ID = "0x50495550"
FAT32_LBA, LINUX = "c", "83"


def make_card(image: Path, parts: Sequence[tuple[str, Path]]) -> None:
    """Write the table, then each part (type, file) where the table says, leaving holes."""
    lines = ["label: dos", f"label-id: {DISK_ID}", "unit: sectors", ""]
    places = []
    start = ALIGNED
    for kind, part in parts:
        size = part.stat().st_size
        bootable = ", bootable" if kind == FAT32_LBA else ""
        lines.append(f"start={start // SECTOR}, size={size // SECTOR}, type={kind}{bootable}")
        places.append((start, part))
        start += -(-size // ALIGNED) * ALIGNED
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(start)
    run("sfdisk", "--quiet", image, stdin="\n".join(lines) + "\n")
    with image.open("r+b") as target:
        for place, part in places:
            _copy_data(part, target.fileno(), place)


def data_ranges(handle: int, size: int, *, block: int = 4096) -> list[tuple[int, int]]:
    """Return the (first, last) blocks of a file that hold more than zeros."""
    found: list[tuple[int, int]] = []
    zeros = bytes(block)
    place = 0
    while place < size:
        try:
            place = os.lseek(handle, place, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            break
        end = os.lseek(handle, place, os.SEEK_HOLE)
        for number in range(place // block, -(-min(end, size) // block)):
            if found and found[-1][1] >= number:
                continue  # a hole began and ended inside this block
            if os.pread(handle, block, number * block) == zeros:
                continue
            if found and found[-1][1] == number - 1:
                found[-1] = (found[-1][0], number)
            else:
                found.append((number, number))
        place = end
    return found


def _copy_data(part: Path, target: int, offset: int) -> None:
    with part.open("rb") as source:
        for first, last in data_ranges(source.fileno(), part.stat().st_size, block=64 * 1024):
            for number in range(first, last + 1):
                data = os.pread(source.fileno(), 64 * 1024, number * 64 * 1024)
                os.pwrite(target, data, offset + number * 64 * 1024)
