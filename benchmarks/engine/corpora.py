"""The files that are sent, made once. Every file is another one; every run makes the same ones."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import CACHE

KB, MB = 1000, 1_000_000
POOL_BYTES = 16 * MB
FOLDER_FILES = 500  # as cameras and phones fill theirs
BEGAN_S = 1_600_000_000  # when the first of them was taken


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder full of files."""

    name: str
    folder: Path
    files: int
    bytes: int

    @property
    def gigabytes(self) -> float:
        """How much it is, in 10^9 bytes."""
        return self.bytes / 1e9

    def warm(self) -> None:
        """Have all of it in the page cache: whoever ran before may have dropped it."""
        block = bytearray(MB)
        for path in self.paths():
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass

    def paths(self) -> list[Path]:
        """Return all files, in the order of a walk."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


Plan = Callable[[random.Random, float], Iterator[tuple[str, int]]]


def _photos(rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    """Yield photos of 0.2 to 8 MB, most of them small: 1 MB in the mean."""
    for number in range(int(2000 * scale)):
        yield _name(number, "jpg"), int(0.2 * MB * 40 ** (rng.random() ** 3))


def _tiny(_rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    for number in range(int(10_000 * scale)):
        yield _name(number, "jpg"), 10 * KB


def _films(_rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    for number in range(2):
        yield f"DCIM/MVI_{number:04}.mp4", int(1000 * MB * scale)


def _mixed(rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    """Yield what a holiday leaves: photos, short films, a few long ones."""
    for number in range(int(900 * scale)):
        yield _name(number, "jpg"), int(0.2 * MB * 40 ** (rng.random() ** 3))
    for number in range(int(20 * scale)):
        yield f"DCIM/MVI_{number:04}.mp4", rng.randrange(5 * MB, 45 * MB)
    for number in range(2):
        yield f"DCIM/FILM_{number:04}.mp4", int(300 * MB * scale)


def _known(_rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    for number in range(int(100_000 * scale)):
        yield _name(number, "jpg", folder_files=1000), 500


def _known_flat(_rng: random.Random, scale: float) -> Iterator[tuple[str, int]]:
    for number in range(int(100_000 * scale)):
        yield f"all/IMG_{number:06}.jpg", 501


PLANS: dict[str, Plan] = {
    "photos": _photos,
    "tiny": _tiny,
    "films": _films,
    "mixed": _mixed,
    "known": _known,
    "known-flat": _known_flat,
}


def corpus(name: str, *, scale: float = 1.0, cache: Path = CACHE) -> Corpus:
    """Return a corpus, and make it first if it is not there. `scale`: less of the same."""
    rng = random.Random(name)
    files = list(PLANS[name](rng, scale))
    folder = cache / "corpora" / (name if scale == 1 else f"{name}-{scale:g}")
    if not folder.exists():
        _make(folder, files, rng)
    return Corpus(name, folder, len(files), sum(size for _, size in files))


def _make(folder: Path, files: list[tuple[str, int]], rng: random.Random) -> None:
    """Make all files, in a folder that gets its name when it is complete."""
    begun = folder.with_name(folder.name + ".part")
    shutil.rmtree(begun, ignore_errors=True)
    pool = memoryview(rng.randbytes(POOL_BYTES))
    for number, (name, size) in enumerate(files):
        path = begun / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            left = size - file.write(number.to_bytes(16, "big"))
            start = rng.randrange(POOL_BYTES // 2)
            while left > 0:
                left -= file.write(pool[start : start + left])
                start = 0
        taken_s = BEGAN_S + 60 * number
        os.utime(path, (taken_s, taken_s))
    begun.rename(folder)


def _name(number: int, ending: str, folder_files: int = FOLDER_FILES) -> str:
    return f"DCIM/{100 + number // folder_files}CANON/IMG_{number:05}.{ending}"
