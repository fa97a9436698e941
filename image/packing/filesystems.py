"""The three file systems of the card, each made in a file, the same bytes each time."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from image.packing.programs import run

MIB = 1024 * 1024
BOOT_LABEL, ROOT_LABEL, DATA_LABEL = "PIUPLOADER", "piuploader-root", "piuploader-data"
BOOT_BYTES = 256 * MIB  # two kernels with their initial RAM disks find room during an update
DATA_BYTES = 64 * MIB  # grows at the first start
ROOT_SPARE_BYTES = 300 * MIB  # for updates: the root does not grow

# Fixed, so that two builds are alike; nothing is found by them, only by labels.
BOOT_SERIAL = "50495550"
ROOT_UUID = "5e1f7a1e-7069-4570-8c6f-616465720001"
DATA_UUID = "5e1f7a1e-7069-4570-8c6f-616465720002"
HASH_SEED = "5e1f7a1e-7069-4570-8c6f-616465720003"


def make_boot(folder: Path, image: Path, *, epoch: int) -> None:
    """Make the FAT partition from what the firmware, the kernel and the role put there."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (epoch, epoch))
    image.unlink(missing_ok=True)
    run("mkfs.vfat", "--invariant", "-F", "32", "-n", BOOT_LABEL, "-i", BOOT_SERIAL,
        "-C", image, str(BOOT_BYTES // 1024))  # fmt: skip
    for path in sorted(folder.rglob("*"), key=lambda each: (len(each.parts), str(each))):
        place = "::" + str(path.relative_to(folder))
        times = {"SOURCE_DATE_EPOCH": str(epoch)}
        if path.is_dir():
            run("mmd", "-i", image, place, more=times)
        else:
            run("mcopy", "-m", "-i", image, path, place, more=times)


def make_root(folder: Path, image: Path, *, epoch: int) -> None:
    """Make the root file system from the folder; /boot/firmware must be empty by now."""
    used = sum(_allocated(path) for path in _walk(folder))
    size = math.ceil((used * 1.08 + ROOT_SPARE_BYTES) / (16 * MIB)) * 16 * MIB
    _clamp(folder, epoch)
    _make_ext4(folder, image, size=size, label=ROOT_LABEL, uuid=ROOT_UUID, epoch=epoch)


def make_data(folder: Path, image: Path, *, epoch: int) -> None:
    """Make the small partition for what must last."""
    for name in ("piuploader", "etc", "journal", "timesync", "ssh"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "ssh").chmod(0o700)
    _clamp(folder, epoch)
    _make_ext4(folder, image, size=DATA_BYTES, label=DATA_LABEL, uuid=DATA_UUID, epoch=epoch)


def _make_ext4(folder: Path, image: Path, *, size: int, label: str, uuid: str, epoch: int) -> None:
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(size)
    clock = {"E2FSPROGS_FAKE_TIME": str(epoch), "SOURCE_DATE_EPOCH": str(epoch)}
    run("mke2fs", "-q", "-t", "ext4", "-d", folder, "-L", label, "-U", uuid, "-m", "1",
        "-J", "size=16", "-O", "^orphan_file,^metadata_csum_seed", "-E",
        f"hash_seed={HASH_SEED},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard",
        image, more=clock)  # fmt: skip
    _set_change_times(image, epoch)
    run("e2fsck", "-fn", image, more=clock)


def _set_change_times(image: Path, epoch: int) -> None:
    """Set what mke2fs took from the folder but nobody can set there: when an inode changed."""
    listing = run("dumpe2fs", "-h", image)
    head = dict(line.split(":", 1) for line in listing.splitlines() if ":" in line)
    total, free = int(head["Inode count"]), int(head["Free inodes"])
    first = int(head["First inode"])
    inodes = [2, *range(first, first + total - free - (first - 1) + 1)]
    stamp = f"@{epoch}"
    lines = []
    for inode in inodes:
        for field in ("ctime", "atime", "crtime"):
            lines.append(f"sif <{inode}> {field} {stamp}")
            lines.append(f"sif <{inode}> {field}_extra 0")
        lines.append(f"sif <{inode}> mtime_extra 0")
    clock = {"E2FSPROGS_FAKE_TIME": str(epoch)}
    run("debugfs", "-w", "-f", "/dev/stdin", image, stdin="\n".join(lines), more=clock)


def _clamp(folder: Path, epoch: int) -> None:
    """Nothing in the image is newer than the source that it was made from."""
    for path in _walk(folder):
        if path.lstat().st_mtime != epoch and path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def _walk(folder: Path) -> Iterator[Path]:
    for top, folders, files in os.walk(folder):
        yield Path(top)
        for name in [*files, *(each for each in folders if Path(top, each).is_symlink())]:
            yield Path(top, name)


def _allocated(path: Path) -> int:
    """Return what a file takes in blocks of 4 KiB, and its inode."""
    return math.ceil(path.lstat().st_size / 4096) * 4096 + 256
