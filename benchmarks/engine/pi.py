"""A drive and a memory as a Pi has them: a loop device that reads no faster, a small cgroup.

Root is needed, and cgroups (version 1 or 2) with memory and block I/O. What
the drive had to read is counted by the block device itself. The drive is
mounted anew for each run, so that nothing of it is in the page cache.
"""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.engine import CACHE
from benchmarks.engine.contenders import Contender
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.sink import Sink
from benchmarks.engine.trial import run

MB = 1_000_000
DRIVE_BYTES_PER_S = 150 * MB  # a good stick on USB 3
WIRE_BYTES_PER_S = 112 * MB  # gigabit Ethernet, less what TCP takes
MEMORY_BYTES = 300 * MB  # what a small Pi has left for us and the page cache
CGROUPS = Path("/sys/fs/cgroup")
NAME = "piuploader-benchmark"
SECTOR = 512


class NotHere(Exception):
    """This machine cannot play a Pi."""


class Group:
    """A control group: so much memory, page cache included, and so fast a drive."""

    def __init__(self, device: str, root: Path = CGROUPS) -> None:
        """`device`: MAJOR:MINOR of the drive. Raise NotHere if the system does not let us."""
        unified = (root / "cgroup.controllers").exists()
        names = [NAME] if unified else [f"memory/{NAME}", f"blkio/{NAME}"]
        self._folders = [root / name for name in names]
        try:
            if unified:
                (root / "cgroup.subtree_control").write_text("+memory +io")
            for folder in self._folders:
                folder.mkdir(exist_ok=True)
            if unified:
                (self._folders[0] / "memory.max").write_text(str(MEMORY_BYTES))
                (self._folders[0] / "io.max").write_text(f"{device} rbps={DRIVE_BYTES_PER_S}")
            else:
                memory, drive = self._folders
                (memory / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))
                (drive / "blkio.throttle.read_bps_device").write_text(
                    f"{device} {DRIVE_BYTES_PER_S}"
                )
        except OSError as error:
            raise NotHere(f"control groups cannot be used: {error}") from error

    def entrance(self) -> list[str]:
        """Return what starts a program in this group."""
        enter = "".join(f"echo $$ > {folder}/cgroup.procs; " for folder in self._folders)
        return ["sh", "-c", f'{enter}exec "$@"', "sh"]

    def close(self) -> None:
        """Take the group away; it is empty when its program has ended."""
        for folder in self._folders:
            folder.rmdir()


class Pi:
    """A mounted drive that holds a corpus, and a group to read it from."""

    def __init__(self, corpus: Corpus) -> None:
        """Raise NotHere if this machine cannot do it."""
        if os.geteuid():
            raise NotHere("only root can mount a drive and limit its speed")
        for tool in ("losetup", "mkfs.ext4", "mount"):
            if not shutil.which(tool):
                raise NotHere(f"{tool} is missing: sudo apt install mount e2fsprogs")
        self.corpus = Corpus(corpus.name, CACHE / "mnt", corpus.files, corpus.bytes)
        self._image = CACHE / f"{corpus.folder.name}.img"
        self._make(corpus)
        self.corpus.folder.mkdir(exist_ok=True)
        self._loop = _out("losetup", "--find", "--show", "--read-only", str(self._image))
        self._mounted = False
        try:
            block = Path("/sys/block") / Path(self._loop).name
            self._stat = block / "stat"
            self.group = Group((block / "dev").read_text().strip())
        except BaseException:
            _out("losetup", "--detach", self._loop)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unmount()
        _out("losetup", "--detach", self._loop)
        self.group.close()

    def send_once(self, contender: Contender, _: Corpus, sink: Sink) -> dict[str, Any]:
        """Run one contender on a drive that is as if just plugged in."""
        self._unmount()
        _out("mount", "-o", "ro,noload", self._loop, str(self.corpus.folder))
        self._mounted = True
        before = self._bytes_read()
        trial = run(contender, self.corpus, sink, before=self.group.entrance())
        return trial.row() | {"read_ratio": (self._bytes_read() - before) / trial.bytes}

    def _make(self, corpus: Corpus) -> None:
        if self._image.exists():
            return
        begun = self._image.with_suffix(".part")
        with begun.open("wb") as file:
            file.truncate(int(corpus.bytes * 1.1) + 64 * MB)
        _out("mkfs.ext4", "-q", "-O", "^has_journal", "-d", str(corpus.folder), str(begun))
        begun.rename(self._image)

    def _unmount(self) -> None:
        if self._mounted:
            _out("umount", str(self.corpus.folder))
            self._mounted = False

    def _bytes_read(self) -> int:
        return int(self._stat.read_text().split()[2]) * SECTOR


def _out(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except subprocess.CalledProcessError as error:
        raise NotHere(f"{command[0]}: {error.stderr.strip()}") from error
