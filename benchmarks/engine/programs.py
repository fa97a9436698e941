"""The C programs, built when they are wanted and when their source changed."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.engine import CACHE, ROOT

SOURCES = ROOT / "benchmarks" / "sink"
FOLDER = CACHE / "bin"
NEEDS = {"sink": ["-lssl", "-lcrypto"], "floor": ["-lcrypto", "-lpthread"], "launch": []}


class CannotBuild(Exception):
    """There is no compiler, or no OpenSSL to build against."""


def program(name: str) -> Path:
    """Return the path of a built program."""
    folder = SOURCES / name
    sources = sorted(folder.glob("*.c")) if folder.is_dir() else [SOURCES / f"{name}.c"]
    built = FOLDER / name
    newest = max(path.stat().st_mtime_ns for path in (*sources, *folder.glob("*.h")))
    if not built.exists() or built.stat().st_mtime_ns < newest:
        compiler = shutil.which("cc")
        if not compiler:
            raise CannotBuild("no C compiler: sudo apt install gcc libssl-dev")
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [compiler, "-O2", "-std=gnu11", "-o", str(built), *map(str, sources)]
        done = subprocess.run([*command, *NEEDS[name]], capture_output=True, text=True, check=False)
        if done.returncode:
            hint = "sudo apt install libssl-dev" if "openssl/" in done.stderr else ""
            raise CannotBuild(f"{name} cannot be built: {hint or done.stderr}")
    return built
