"""Option over environment over file: which server, and with which key.

    PIUPLOADER_CONFIG        the file to read
    PIUPLOADER_SERVER        the server's address
    PIUPLOADER_API_KEY       the key
    PIUPLOADER_API_KEY_FILE  a file that holds the key
    PIUPLOADER_STATE         the folder of the ledger
    IMMICH_INSTANCE_URL, IMMICH_API_KEY   as for Immich's own CLI: where nothing else is said

A key comes from the first of: option, environment, systemd's credential, the
file's `api_key_file`, its `api_key`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from piuploader.config.places import config_file, credential_file
from piuploader.config.reading import load
from piuploader.config.tables import Config
from piuploader.errors import ConfigError

LONGEST_KEY = 4096  # characters; Immich makes 43
OTHERS_READ = 0o044


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds, after option, environment and file."""

    config: Config
    url: str  # as it was written; "": nobody said
    key: str = field(repr=False)
    key_from: str  # where the key was found, in words; "": nowhere
    ca_file: Path | None
    warnings: tuple[str, ...] = ()

    def require(self) -> "Settings":
        """Return itself if it names a server and a key; raise ConfigError if not."""
        for what, found in (("server", self.url), ("API key", self.key)):
            if not found:
                raise ConfigError(
                    f"no {what} is configured: run `piuploader setup`, "
                    "or see `piuploader upload --help`"
                )
        return self


def settings(
    *,
    config: Path | None = None,
    server: str | None = None,
    api_key_file: Path | None = None,
    rooms: Mapping[str, type[Any]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Put options, environment and file together; raise ConfigError for what cannot be used."""
    path = config_file(config, environ)
    read = (
        load(path, rooms=rooms)
        if path
        else Config(rooms={n: k() for n, k in (rooms or {}).items()})
    )
    url = (
        server
        or environ.get("PIUPLOADER_SERVER")
        or read.server.url
        or environ.get("IMMICH_INSTANCE_URL", "")
    )
    key, key_from, key_file = _key(read, api_key_file, environ)
    secrets = [key_file] if key_file else []
    if path and read.server.api_key:
        secrets.append(path)
    return Settings(
        config=read,
        url=url.strip(),
        key=key,
        key_from=key_from,
        ca_file=read.server.ca_file,
        warnings=tuple(filter(None, map(_open_to_others, secrets))),
    )


def _key(
    config: Config, option: Path | None, environ: Mapping[str, str]
) -> tuple[str, str, Path | None]:
    """Return the key, where it is from, and the file that holds it."""
    if option:
        return read_key(option), str(option), option
    if key := environ.get("PIUPLOADER_API_KEY"):
        return _clean(key, "PIUPLOADER_API_KEY"), "PIUPLOADER_API_KEY", None
    if name := environ.get("PIUPLOADER_API_KEY_FILE"):
        return read_key(Path(name)), name, Path(name)
    if path := credential_file(environ):
        return read_key(path), "systemd's credential", None  # systemd guards it
    if path := config.server.api_key_file:
        return read_key(path), str(path), path
    if config.server.api_key:
        return _clean(config.server.api_key, f"api_key in {config.path}"), str(config.path), None
    if key := environ.get("IMMICH_API_KEY"):
        return _clean(key, "IMMICH_API_KEY"), "IMMICH_API_KEY", None
    return "", "", None


def read_key(path: Path) -> str:
    """Return the key that a file holds; raise ConfigError if it holds none."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return _clean(file.read(LONGEST_KEY + 1), str(path))
    except OSError as error:
        raise ConfigError(f"the API key's file {path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"the API key's file {path} is not text") from None


def _clean(key: str, place: str) -> str:
    """Return the key without what surrounds it; refuse, without repeating it, what is none."""
    key = key.strip()
    if not key:
        raise ConfigError(f"the API key in {place} is empty")
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{place} does not hold an API key: it has characters that no key has")
    return key


def _open_to_others(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if not mode & OTHERS_READ:
        return ""
    return f"{path} holds the API key, and others may read it: chmod 600 {path}"
