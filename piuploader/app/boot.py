"""Take over piuploader.toml from the boot partition, at every boot, as root.

    read      the text, as any editor may have saved it
    check     every table, before anything is changed
    keep      configuration, key and the rest, in the box
    blank     the secrets on the boot partition
    apply     Wi-Fi, name, time zone, ssh key: also without a new file, for the
              root file system of the image forgets them with the power
    tell      what is wrong, in a file beside it and on the light

Nothing is changed while anything is wrong: the box goes on as it was.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from piuploader.core import boot_config as text_rules
from piuploader.core.boot_system import TABLES, System, read_system
from piuploader.errors import ConfigError

log = logging.getLogger(__name__)

KEY = ("server", "api_key")
PASSWORD = ("wifi", "password")


class BootFiles(Protocol):
    """The boot partition, and the box's own folder."""

    def read(self) -> bytes | None:
        """Return the file on the boot partition, None if there is none."""

    def render(self, tables: Mapping[str, Mapping[str, Any]]) -> str:
        """Return these tables as TOML."""

    def rewrite(self, text: str) -> None:
        """Replace it by this, and leave nothing of the old content; raise OSError."""

    def tell(self, problem: str) -> None:
        """Write the problem beside it and where the service sees it; "" takes both away."""

    def kept(self) -> Mapping[str, Any]:
        """Return what was kept last time; empty the first time."""

    def keep(self, kept: Mapping[str, Any]) -> None:
        """Keep this for the next time, for root's eyes only."""

    def install(self, tables: Mapping[str, Mapping[str, Any]], key: str) -> None:
        """Check the service's configuration and put it and the key in place; raise ConfigError."""


def take_over(files: BootFiles, apply: Callable[[System], None]) -> bool:
    """Do it all, and tell whether all was well."""
    kept = dict(files.kept())
    problem = ""
    try:
        kept = _take_over(files, kept)
    except ConfigError as error:
        problem = f"piuploader.toml: {error}"
    except OSError as error:
        problem = f"piuploader.toml was taken over, but not everything could be written: {error}"
        kept = dict(files.kept())
    try:
        apply(_system(kept))
    except ConfigError as error:
        problem = problem or f"piuploader.toml: {error}"
    except OSError as error:
        problem = problem or f"the box could not be set up as piuploader.toml says: {error}"
    files.tell(problem)
    if problem:
        log.error("%s", problem)
    return not problem


def _take_over(files: BootFiles, kept: dict[str, Any]) -> dict[str, Any]:
    """Take a changed file over; return what is kept then."""
    content = files.read()
    if content is None or not content.strip() or _digest(content) == kept.get("digest"):
        return kept
    text = text_rules.decode(content)
    tables = text_rules.parse(text)
    written = text_rules.secrets_of(tables)
    before = _kept_secrets(kept)
    if not tables.get("wifi", {}).get("name"):
        before.pop(PASSWORD, None)  # a network that is not wanted any more
    secrets = text_rules.merged_secrets(written, before)
    if not tables.get("server", {}).get("url"):
        raise ConfigError("[server]: url is missing: the address of your Immich server")
    if KEY not in secrets:
        raise ConfigError("[server]: api_key is missing: make one in Immich, Account Settings")
    public = _without_secrets(tables)
    new: dict[str, Any] = {
        "system": {name: public[name] for name in TABLES if name in public},
        "secrets": {".".join(place): secret for place, secret in secrets.items()},
    }
    _system(new)  # raises what is wrong before anything is changed
    ours = {name: table for name, table in public.items() if name not in TABLES}
    ours["server"].pop("api_key", None)
    files.install(ours, secrets[KEY])
    files.keep(new)
    if written:
        files.rewrite(text_rules.blanked(text) or files.render(_without_secrets(tables)))
        log.info("Taken over, and the secrets on the boot partition are blanked.")
    else:
        log.info("Taken over.")
    # Last, for a power cut before this only has it all done once more.
    new["digest"] = _digest(files.read() or b"")
    files.keep(new)
    return new


def _system(kept: Mapping[str, Any]) -> System:
    password = kept.get("secrets", {}).get(".".join(PASSWORD), "")
    tables = kept.get("system", {})
    return read_system(tables, wifi_password=password)


def _kept_secrets(kept: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    secrets = kept.get("secrets", {})
    names = {place: ".".join(place) for place in text_rules.SECRETS}
    return {place: secrets[name] for place, name in names.items() if name in secrets}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _without_secrets(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the tables as they are to be written where others can read them."""
    return {
        name: {
            key: "" if (name, key) in text_rules.SECRETS else value for key, value in table.items()
        }
        for name, table in tables.items()
    }
