"""The boot partition, and the folder in which the box keeps what it took from there.

The boot partition is FAT: it has no owners, and anyone who holds the card can
read it. So a secret is overwritten in place before the new text takes over.
(What a card's own controller keeps of old blocks is beyond reach: a key that
must not leak is better made anew in Immich.)
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from piuploader.config import load
from piuploader.config.appliance import ROOMS
from piuploader.errors import ConfigError

NAME = "piuploader.toml"
ERROR_NAME = "piuploader-error.txt"
KEPT = "boot.json"
KEY_FILE = "immich-api-key"
CONFIG = "config.toml"
LARGEST = 1024 * 1024


class BootPartition:
    """`boot` is where the FAT partition is mounted, `etc` our folder, `seen` a file in /run."""

    def __init__(self, *, boot: Path, etc: Path, seen: Path) -> None:
        self._file = boot / NAME
        self._error = boot / ERROR_NAME
        self._etc = etc
        self._seen = seen

    def read(self) -> bytes | None:
        """Return the file, None if there is none; raise OSError if it cannot be read."""
        beside = self._beside()
        if beside.exists() and not self._content().strip():
            beside.replace(self._file)  # the power went while it was being rewritten
        if not self._file.exists():
            return None
        return self._content()

    def render(self, tables: Mapping[str, Mapping[str, Any]]) -> str:
        """Return these tables as TOML."""
        return tomli_w.dumps({name: dict(table) for name, table in tables.items()})

    def rewrite(self, text: str) -> None:
        """Replace the file, and leave nothing of the old content in its place."""
        beside = self._beside()
        _write(beside, text.encode("utf-8"), mode=0o600)
        with self._file.open("r+b") as old:
            size = old.seek(0, os.SEEK_END)
            old.seek(0)
            old.write(b" " * size)
            old.flush()
            os.fsync(old.fileno())
        beside.replace(self._file)
        _sync_folder(self._file.parent)

    def tell(self, problem: str) -> None:
        """Write the problem down, for whoever reads the card and for the service."""
        if not problem:
            for path in (self._error, self._seen):
                with contextlib.suppress(OSError):
                    path.unlink()
            return
        _write(self._seen, f"{problem}\n".encode(), mode=0o644)
        text = (
            f"{problem}\n\nThe box goes on as it was configured before. Correct {NAME}, put the "
            "card back and switch the box on.\n"
        )
        with contextlib.suppress(OSError):  # a full or write-protected card: the light still tells
            _write(self._error, text.replace("\n", "\r\n").encode("utf-8"), mode=0o644)
            _sync_folder(self._error.parent)

    def kept(self) -> Mapping[str, Any]:
        """Return what was kept last time."""
        try:
            found = json.loads((self._etc / KEPT).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, kept: Mapping[str, Any]) -> None:
        """Keep this for the next time."""
        self._install(KEPT, json.dumps(kept, indent=1).encode(), mode=0o600)

    def install(self, tables: Mapping[str, Mapping[str, Any]], key: str) -> None:
        """Check the configuration, then put it and the key in place."""
        content = "# Written from piuploader.toml on the boot partition.\n" + self.render(tables)
        beside = self._etc / f".{CONFIG}.new"
        try:
            self._install(beside.name, content.encode(), mode=0o644)
            load(beside, rooms=ROOMS)
        except ConfigError as error:
            raise ConfigError(str(error).replace(f"{beside}: ", "")) from None
        else:
            beside.replace(self._etc / CONFIG)
        finally:
            beside.unlink(missing_ok=True)
        self._install(KEY_FILE, f"{key}\n".encode(), mode=0o600)

    def _beside(self) -> Path:
        return self._file.with_name("piuploader.new")

    def _content(self) -> bytes:
        try:
            with self._file.open("rb") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return b""

    def _install(self, name: str, content: bytes, *, mode: int) -> None:
        self._etc.mkdir(parents=True, exist_ok=True)
        beside = self._etc / f".{name}.part"
        _write(beside, content, mode=mode)
        beside.replace(self._etc / name)
        _sync_folder(self._etc)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with contextlib.suppress(PermissionError):  # FAT knows no modes
        os.fchmod(handle, mode)  # whatever the umask
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
