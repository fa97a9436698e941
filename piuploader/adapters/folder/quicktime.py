"""What a film says about itself: its length, and the identifier of a live photo.

A QuickTime or MP4 file is made of atoms: 4 bytes of size, 4 of type, then what
is inside, which may be atoms again (ISO/IEC 14496-12; QuickTime File Format).

    moov                         the film's description
    ├── mvhd                     its length
    └── meta                     metadata
        ├── keys                 names, counted from 1
        └── ilst                 values, by that number
            └── data

A drive is a stranger's: sizes may lie, atoms may hold themselves. So only
where they are expected are atoms looked for, each loop counts, and no more
than a bounded part of the file is ever read.
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from piuploader.core.live_photo import FilmFacts

IDENTIFIER = b"com.apple.quicktime.content.identifier"
MOST_ATOMS = 1000  # in one place; a film has about ten
LARGEST_META = 64 * 1024  # bytes of `keys` or `ilst`; Apple's have some hundred
LARGEST_VALUE = 256  # bytes


class Atom(NamedTuple):
    """Where the inside of an atom lies in the file."""

    kind: bytes
    start: int
    end: int


def facts_of(handle: int) -> FilmFacts:
    """Read what an open film says about itself. What it does not say, or hides, is None."""
    size = os.fstat(handle).st_size
    moov = _first(handle, b"moov", 0, size)
    if moov is None:
        return FilmFacts()
    return FilmFacts(identifier=_identifier(handle, moov), seconds=_seconds(handle, moov))


def _seconds(handle: int, moov: Atom) -> float | None:
    mvhd = _first(handle, b"mvhd", moov.start, moov.end)
    if mvhd is None:
        return None
    data = _read(handle, mvhd.start, min(32, mvhd.end - mvhd.start))
    try:
        # Version and flags, created, modified, ticks a second, ticks: in version 1 with 64 bits.
        layout = ">4xQQIQ" if data[:1] == b"\x01" else ">4xIIII"
        _, _, scale, ticks = struct.unpack_from(layout, data)
    except struct.error:
        return None
    return ticks / scale if scale else None


def _identifier(handle: int, moov: Atom) -> bytes | None:
    meta = _first(handle, b"meta", moov.start, moov.end)
    if meta is None:
        return None
    # MP4 has version and flags before the atoms inside, QuickTime has not.
    for start in (meta.start, meta.start + 4):
        keys = _first(handle, b"keys", start, meta.end)
        values = _first(handle, b"ilst", start, meta.end)
        if keys and values:
            number = _number_of_key(_inside(handle, keys))
            return _value(_inside(handle, values), number) if number else None
    return None


def _number_of_key(keys: bytes) -> int | None:
    """Return the number of our key: version and flags, count, then size, namespace, name."""
    at = 8
    for number in range(1, MOST_ATOMS):
        size = int.from_bytes(keys[at : at + 4], "big")
        if size < 8 or at + size > len(keys):  # noqa: PLR2004  a head of 8 bytes
            return None
        if keys[at + 8 : at + size] == IDENTIFIER:
            return number
        at += size
    return None


def _value(values: bytes, number: int) -> bytes | None:
    """Return the text of the value with this number."""
    for kind, start, end in _atoms_in(values):
        if int.from_bytes(kind, "big") == number:
            for inner, inner_start, inner_end in _atoms_in(values[start:end]):
                if inner == b"data":
                    # Type and locale, 4 bytes each, come before the text.
                    text = values[start + inner_start + 8 : start + inner_end]
                    return text[:LARGEST_VALUE].strip(b"\0 ")
    return None


def _atoms_in(data: bytes) -> Iterator[Atom]:
    at = 0
    for _ in range(MOST_ATOMS):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > len(data):  # noqa: PLR2004  a head of 8 bytes
            return
        yield Atom(data[at + 4 : at + 8], at + 8, at + size)
        at += size


def _first(handle: int, kind: bytes, start: int, end: int) -> Atom | None:
    """Return the first atom of a kind between two places of the file."""
    at = start
    for _ in range(MOST_ATOMS):
        head = _read(handle, at, 16)
        if at + 8 > end or len(head) < 8:  # noqa: PLR2004  a head of 8 bytes
            return None
        size, head_size = int.from_bytes(head[:4], "big"), 8
        if size == 0:  # to the end of the file
            size = end - at
        elif size == 1:  # 64 bits follow
            size, head_size = int.from_bytes(head[8:16], "big"), 16
        if size < head_size:
            return None
        if head[4:8] == kind:
            return Atom(kind, at + head_size, min(at + size, end))
        at += size
    return None


def _inside(handle: int, atom: Atom) -> bytes:
    return _read(handle, atom.start, min(LARGEST_META, atom.end - atom.start))


def _read(handle: int, start: int, count: int) -> bytes:
    """Read at a place of the file, less than asked for where it ends."""
    if start < 0 or start >= 2**63 - count or count <= 0:
        return b""
    return os.pread(handle, count, start)
