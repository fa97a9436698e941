"""The block map of an image: bmaptool writes only what is mapped, and checks it on the way.

The format is version 2.0 of bmap-tools.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from image.packing.card import data_ranges

BLOCK = 4096
NO_CHECKSUM = "0" * 64  # stands in the file while its own checksum is taken


def make_bmap(image: Path, bmap: Path) -> None:
    """Write the block map beside an image."""
    size = image.stat().st_size
    with image.open("rb") as file:
        ranges = data_ranges(file.fileno(), size, block=BLOCK)
        checksums = []
        for first, last in ranges:
            file.seek(first * BLOCK)
            checksums.append(_checksum_of(file, min((last + 1) * BLOCK, size) - first * BLOCK))
    text = render(size, ranges, checksums, NO_CHECKSUM)
    own = hashlib.sha256(text.encode("ascii")).hexdigest()
    bmap.write_text(render(size, ranges, checksums, own), encoding="ascii")


def render(size: int, ranges: Sequence[tuple[int, int]], checksums: Sequence[str], own: str) -> str:
    """Return the block map as XML."""
    mapped = sum(last - first + 1 for first, last in ranges)
    lines = [
        '<?xml version="1.0" ?>',
        '<bmap version="2.0">',
        f"    <ImageSize> {size} </ImageSize>",
        f"    <BlockSize> {BLOCK} </BlockSize>",
        f"    <BlocksCount> {-(-size // BLOCK)} </BlocksCount>",
        f"    <MappedBlocksCount> {mapped} </MappedBlocksCount>",
        "    <ChecksumType> sha256 </ChecksumType>",
        f"    <BmapFileChecksum> {own} </BmapFileChecksum>",
        "    <BlockMap>",
    ]
    for (first, last), checksum in zip(ranges, checksums, strict=True):
        place = str(first) if first == last else f"{first}-{last}"
        lines.append(f'        <Range chksum="{checksum}"> {place} </Range>')
    return "\n".join([*lines, "    </BlockMap>", "</bmap>", ""])


def _checksum_of(file, size: int) -> str:  # noqa: ANN001 - any open file
    found = hashlib.sha256()
    while size:
        data = file.read(min(size, 1024 * 1024))
        found.update(data)
        size -= len(data)
    return found.hexdigest()
