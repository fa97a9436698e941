"""Files, and wires to send them over."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

from piuploader.adapters.wire import UploadWire, endpoint
from piuploader.core.media import Upload

KEY = "k" * 43
WHEN = "2024-05-06T07:08:09+00:00"
SMALL, LARGE = 10_000, 1_000_000  # below and above what goes in one piece


def file_of(folder: Path, size: int, name: str = "a.jpg") -> Path:
    """Make a file of random bytes."""
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def sparse(folder: Path, size: int, name: str = "film.mp4") -> Path:
    """Make a file of zeros that takes no room on the disk."""
    path = folder / name
    with path.open("wb") as made:
        made.truncate(size)
    return path


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def upload_of(path: Path, *, known: bool = True, **more) -> Upload:
    """Return the upload of a file as it is now. `known`: it was hashed before."""
    found = path.lstat()
    fields = {
        "path": os.fspath(path),
        "name": path.name,
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "created_at": WHEN,
        "checksum": "ab" * 20 if known else None,
    }
    return Upload(**(fields | more))


class Count:
    """Hears of the bytes that move."""

    def __init__(self, then=None) -> None:
        self.total = 0
        self.calls = 0
        self._then = then

    def __call__(self, count: int) -> None:
        self.total += count
        self.calls += 1
        if self._then:
            self._then(self)


@contextmanager
def wire_to(url: str, *, key: str = KEY, context=None, **options):
    """Open a wire and hang up at the end."""
    wire = UploadWire(endpoint(url, context), key, **options)
    try:
        yield wire
    finally:
        wire.close()


def send(url: str, path: Path, *, known: bool = True, moved=None, **options):
    """Send one file over a wire of its own."""
    with wire_to(url, **options) as wire:
        return wire.send(upload_of(path, known=known), moved or Count())
