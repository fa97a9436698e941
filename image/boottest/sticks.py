"""USB drives as files: every file system that a person may bring, made without mounting.

exFAT is the exception: nothing writes it from outside, so it is mounted through FUSE.
"""

import hashlib
import random
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from image.packing.card import make_card
from image.packing.programs import run

MIB = 1024 * 1024
FAT, NTFS_OR_EXFAT, LINUX = "c", "7", "83"


@dataclass(frozen=True, slots=True)
class Stick:
    """A drive, and the checksums of the photos on it."""

    image: Path
    checksums: frozenset[str]


def photos(folder: Path, seed: int, *, count: int, size: int) -> frozenset[str]:
    """Write photos into a folder as a camera would; return their SHA-1."""
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    found = set()
    place = folder / "DCIM" / "100PHOTO"
    place.mkdir(parents=True, exist_ok=True)
    head = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    for number in range(count):
        data = head + chance.randbytes(size - 22) + bytes.fromhex("ffd9")
        (place / f"IMG_{seed:02d}{number:02d}.JPG").write_bytes(data)
        found.add(hashlib.sha1(data, usedforsecurity=False).hexdigest())
    return frozenset(found)


def make_stick(
    out: Path, kind: str, seed: int, *, count: int = 4, size: int = 200_000, table: bool = True
) -> Stick:
    """Make a drive of this kind: vfat, exfat, ntfs, ext4 or broken."""
    with tempfile.TemporaryDirectory(dir=out) as name:
        folder = Path(name) / "photos"
        checksums = photos(folder, seed, count=count, size=size)
        part = Path(name) / "part"
        room = 40 * MIB + count * size
        _MAKERS[kind](folder, part, -(-room // MIB) * MIB)
        image = out / f"{kind}-{seed}{'' if table else '-bare'}.img"
        if table:
            code = {"vfat": FAT, "exfat": NTFS_OR_EXFAT, "ntfs": NTFS_OR_EXFAT}.get(kind, LINUX)
            make_card(image, [(code, part)])
        else:
            shutil.copyfile(part, image)
    return Stick(image, checksums if kind != "broken" else frozenset())


def _vfat(folder: Path, part: Path, size: int) -> None:
    run("mkfs.vfat", "-F", "32", "-s", "1", "-n", "CAMERA", "-C", part, str(size // 1024))
    run("mcopy", "-s", "-i", part, folder / "DCIM", "::/")


def _exfat(folder: Path, part: Path, size: int) -> None:
    part.write_bytes(b"")
    with part.open("r+b") as file:
        file.truncate(size)
    run("mkfs.exfat", "-L", "CAMERA", part)
    with tempfile.TemporaryDirectory() as spot:
        loop = run("losetup", "--find", "--show", part).strip()
        try:
            run("mount.exfat-fuse", loop, spot)
            try:
                shutil.copytree(folder, spot, dirs_exist_ok=True)
            finally:
                subprocess.run(["umount", spot], check=True)
        finally:
            run("losetup", "--detach", loop)


def _ntfs(folder: Path, part: Path, size: int) -> None:
    part.write_bytes(b"")
    with part.open("r+b") as file:
        file.truncate(size)
    run("mkntfs", "--quick", "--force", "--quiet", "--label", "CAMERA", part)
    for path in sorted(folder.rglob("*.JPG")):
        run("ntfscp", "--force", "--quiet", part, path, path.name)


def _ext4(folder: Path, part: Path, size: int) -> None:
    part.write_bytes(b"")
    with part.open("r+b") as file:
        file.truncate(size)
    run("mke2fs", "-q", "-t", "ext4", "-L", "camera", "-d", folder, part)


def _broken(folder: Path, part: Path, size: int) -> None:
    """Make a file system of which only the first block is left."""
    _ext4(folder, part, size)
    with part.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(range(256)) * (size // 256 - 16))


_MAKERS = {"vfat": _vfat, "exfat": _exfat, "ntfs": _ntfs, "ext4": _ext4, "broken": _broken}
