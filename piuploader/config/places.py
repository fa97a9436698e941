"""Where the file, the key, the ledger and the caches are.

systemd names its folders in the environment; a person's are where the XDG
Base Directory Specification puts them.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from piuploader.errors import ConfigError

SYSTEM_FILE = Path("/etc/piuploader/config.toml")
CREDENTIAL = "immich-api-key"  # the name in the unit's LoadCredential=


def own_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a person's own configuration is, or would be."""
    return _home(environ, "XDG_CONFIG_HOME", ".config") / "config.toml"


def config_file(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file to read, None if there is none; one that was asked for by name must exist."""
    named = option or (Path(name) if (name := environ.get("PIUPLOADER_CONFIG")) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(
                f"the configuration {named} is not there: `piuploader setup` makes one"
            )
        return named
    return next((path for path in (own_file(environ), SYSTEM_FILE) if path.is_file()), None)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the ledger. It may not exist yet."""
    if named := environ.get("PIUPLOADER_STATE") or _first(environ, "STATE_DIRECTORY"):
        return Path(named).absolute()
    return _home(environ, "XDG_STATE_HOME", ".local/state")


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what can be asked again. It may not exist yet."""
    if named := _first(environ, "CACHE_DIRECTORY"):
        return Path(named).absolute()
    return _home(environ, "XDG_CACHE_HOME", ".cache")


def credential_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the key's file that systemd's LoadCredential= placed for us."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / CREDENTIAL if folder else None
    return path if path and path.is_file() else None


def _first(environ: Mapping[str, str], name: str) -> str:
    """Return the first of systemd's folders: it names several with colons between."""
    return environ.get(name, "").partition(":")[0]


def _home(environ: Mapping[str, str], variable: str, usual: str) -> Path:
    base = environ.get(variable, "")
    if base.startswith("/"):  # a relative one is to be ignored, says the specification
        return Path(base) / "piuploader"
    home = environ.get("HOME")
    try:
        return (Path(home) if home else Path.home()) / usual / "piuploader"
    except RuntimeError as error:
        raise ConfigError(f"there is no home folder: set {variable}") from error
