"""What the tests of the appliance need of the machine."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

UNITS = Path(str(files("piuploader.data").joinpath("systemd")))


def can_mount():
    """Tell whether this is root, with the right to mount."""
    return os.geteuid() == 0 and (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    )


def can_loop():
    """Tell whether there are loop devices."""
    if not can_mount() or not Path("/dev/loop-control").exists():
        return False
    return subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode == 0


def kernel_knows(kind):
    """Tell whether the kernel has this file system now."""
    lines = Path("/proc/filesystems").read_text(encoding="ascii").splitlines()
    return kind in {line.split()[-1] for line in lines}


needs_mounts = pytest.mark.skipif(not can_mount(), reason="needs root and the right to mount")
needs_loop = pytest.mark.skipif(not can_loop(), reason="needs root and loop devices")


def needs(*programs):
    """Skip a test where a program is missing."""
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@contextmanager
def loop_device(image):
    """Make a block device of a file; yield its name below /dev."""
    done = subprocess.run(
        ["losetup", "--show", "-f", str(image)], capture_output=True, text=True, check=True
    )
    device = done.stdout.strip()
    try:
        yield Path(device).name
    finally:
        subprocess.run(["losetup", "-d", device], check=False, capture_output=True)


def make_image(path, mib, *mkfs, holes=False):
    """Make a file of so many MiB and format it."""
    with path.open("wb") as file:
        file.truncate(mib * 1024 * 1024)
    if mkfs:
        subprocess.run([*mkfs, str(path)], check=True, capture_output=True)
    return path
