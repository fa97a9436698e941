"""A small drive with all that real drives hold: for the demo, and for tests.

The files look like what their names say from outside: enough for everyone who
reads heads, checksums and sizes, as Immich's upload does. Nothing decodes them.
"""

import os
import random
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

JPEG_HEAD = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
JPEG_TAIL = bytes.fromhex("ffd9")
JUNE_2026 = 1_781_000_000
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of each kind to make."""

    photos: int = 100
    raw_pairs: int = 8
    live_photos: int = 6
    films: int = 4
    photo_bytes: tuple[int, int] = (200_000, 1_600_000)
    film_bytes: tuple[int, int] = (4_000_000, 16_000_000)


class DriveMaker:
    """Writes files below a folder; the same seed writes the same bytes."""

    def __init__(self, root: Path, seed: int = 1) -> None:
        self._root = root
        self._random = random.Random(seed)  # noqa: S311 - pictures, not secrets
        self._when = JUNE_2026

    def fill(self, contents: Contents) -> None:
        """Make a camera's folders, a phone's, and what systems leave behind."""
        self._camera(contents)
        self._phone(contents)
        self._oddities()

    def write(self, name: str, data: bytes) -> Path:
        """Write one file, a minute younger than the one before."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._when += 60
        os.utime(path, (self._when, self._when))
        return path

    def jpeg(self, size: int, note: bytes = b"") -> bytes:
        """Return bytes that begin and end like a JPEG, with a comment inside."""
        comment = b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note
        filling = max(0, size - len(JPEG_HEAD) - len(comment) - len(JPEG_TAIL))
        return JPEG_HEAD + comment + self._random.randbytes(filling) + JPEG_TAIL

    def film(self, size: int, *, seconds: float, identifier: str = "") -> bytes:
        """Return bytes with the atoms of a QuickTime film."""
        header = b"\0" * 12 + struct.pack(">II", 600, round(seconds * 600)) + b"\0" * 80
        inside = _atom(b"mvhd", header)
        if identifier:
            inside += _apple_metadata("com.apple.quicktime.content.identifier", identifier)
        moov = _atom(b"moov", inside)
        front = _atom(b"ftyp", b"qt  \0\0\0\0qt  ") + moov
        return front + _atom(b"mdat", self._random.randbytes(max(0, size - len(front) - 8)))

    def heic(self, size: int, note: str = "") -> bytes:
        """Return bytes that begin like a HEIC, with a maker's note inside."""
        front = _atom(b"ftyp", b"heic\0\0\0\0mif1heic") + _atom(b"meta", note.encode())
        return front + _atom(b"mdat", self._random.randbytes(max(0, size - len(front) - 8)))

    def _camera(self, contents: Contents) -> None:
        size = self._size_in(contents.photo_bytes)
        for number in range(contents.photos):
            folder = f"DCIM/{100 + number // 50}CANON"
            self.write(f"{folder}/IMG_{number + 1:04}.JPG", self.jpeg(size()))
        for number in range(contents.raw_pairs):
            stem = f"DCIM/150RAW/IMG_{number + 7001}"
            self.write(f"{stem}.JPG", self.jpeg(size() // 2))
            self.write(f"{stem}.CR3", _atom(b"ftyp", b"crx ") + self._random.randbytes(size()))
        for number in range(contents.films):
            length = self._size_in(contents.film_bytes)()
            self.write(f"DCIM/160MOVIE/MVI_{number + 1:04}.MP4", self.film(length, seconds=60))
        self.write("DCIM/150RAW/IMG_7001.xmp", _xmp("From Lightroom"))
        self.write("DCIM/150RAW/IMG_7002.CR3.XMP", _xmp("From darktable"))

    def _phone(self, contents: Contents) -> None:
        for number in range(contents.live_photos):
            identifier = str(uuid.UUID(int=self._random.getrandbits(128))).upper()
            stem = f"DCIM/100APPLE/IMG_{number + 1:04}"
            self.write(f"{stem}.HEIC", self.heic(600_000, note=identifier))
            self.write(f"{stem}.MOV", self.film(900_000, seconds=2.9, identifier=identifier))
            self._when -= 60  # the two are as old as one another
        # A film of the same name that is no part of the photo.
        self.write("DCIM/100APPLE/IMG_0099.JPG", self.jpeg(300_000))
        self.write("DCIM/100APPLE/IMG_0099.MOV", self.film(2_000_000, seconds=42))

    def _oddities(self) -> None:
        photo = self.write("DCIM/100CANON/IMG_0500.JPG", self.jpeg(400_000)).read_bytes()
        self.write("Backup of the card/IMG_0500 (copy).jpg", photo)
        self.write("DCIM/100CANON/IMG_0666.JPG", b"")
        self.write("DCIM/100CANON/._IMG_0001.JPG", b"\0\x05\x16\x07" + b"\0" * 100)
        self.write("DCIM/100CANON/MVI_0001.THM", self.jpeg(8_000))
        self.write(".Trashes/501/old.jpg", self.jpeg(50_000))
        self.write("@eaDir/IMG_0001.JPG/SYNOPHOTO_THUMB_XL.jpg", self.jpeg(20_000))
        self.write("Documents/taxes.pdf", b"%PDF-1.4")
        self.write("Documents/notes.txt", b"not a photo")
        self.write("Documents/lone.xmp", _xmp("Whose?"))
        self.write("Größe ☀ 写真/Été «à la mer».jpg", self.jpeg(250_000))
        broken_name = self._root / os.fsdecode(b"DCIM/caf\xe9.jpg")
        broken_name.write_bytes(self.jpeg(120_000))
        link = self._root / "DCIM/link-to-the-system"
        if not link.is_symlink():
            link.symlink_to("/etc")

    def _size_in(self, limits: tuple[int, int]) -> Callable[[], int]:
        return lambda: self._random.randint(*limits)


def _atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def _apple_metadata(key: str, value: str) -> bytes:
    """Return QuickTime's metadata atom with one key and its value, counted from 1."""
    keys = _atom(b"keys", struct.pack(">II", 0, 1) + _atom(b"mdta", key.encode()))
    data = _atom(b"data", struct.pack(">II", 1, 0) + value.encode())  # 1: UTF-8, no locale
    return _atom(b"meta", keys + _atom(b"ilst", _atom(struct.pack(">I", 1), data)))


def _xmp(title: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title><rdf:Alt><rdf:li>{title}</rdf:li></rdf:Alt></dc:title>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
