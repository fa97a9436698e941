"""Write a configuration: whole or not at all, and for its owner's eyes only."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from piuploader.errors import ConfigError


def write(path: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Write tables to a TOML file, mode 0600; raise ConfigError if it cannot be written.

    The file is complete on the disk before it takes the old one's place, so that
    a pulled plug leaves the old one or the new one.
    """
    import tomli_w  # noqa: PLC0415  only who writes needs it

    content = tomli_w.dumps({name: dict(table) for name, table in tables.items()}).encode()
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123  a handle, for its mode
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
