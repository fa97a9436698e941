"""The status file: written whole or not at all, readable by anyone on the box."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from piuploader.core.appliance import ApplianceStatus
from piuploader.core.statusfile import document

USUAL_FOLDER = Path("/run/piuploader")
NAME = "status.json"
LARGEST = 4 * 1024 * 1024  # bytes; a box with every slot in use writes some 20 KiB


def usual_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the service writes, and everyone else reads."""
    folder = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return (Path(folder) if folder else USUAL_FOLDER) / NAME


class StatusFile:
    """Shows the status in a file. It lives in memory (/run), so nothing is forced to a disk."""

    def __init__(self, path: Path, *, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    def write(self, status: ApplianceStatus) -> None:
        """Replace the file; raise OSError if that fails."""
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(json.dumps(document(status, now_s=self._now())) + "\n", encoding="utf-8")
        beside.chmod(0o644)
        beside.replace(self._path)

    def close(self) -> None:
        """Take the file away: a service that does not run has no status."""
        with contextlib.suppress(OSError):
            self._path.unlink()


def read(path: Path) -> dict[str, Any] | None:
    """Return what the service wrote, None if there is none or it cannot be read."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
