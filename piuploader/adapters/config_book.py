"""What we changed in a server's configuration, so that it can be undone.

    config-SERVER.json            our changes, the newest last
    config-SERVER-TIME.json       the whole configuration as it was before one of them

The whole configurations hold the server's own secrets (its mail password): nobody else may
read them.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piuploader.core.policy import Change, Setting
from piuploader.errors import LedgerError


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ConfigBook:
    """The changes that this device made to one server's configuration."""

    def __init__(
        self, folder: Path, server: str, *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        """Prepare; nothing is written yet. `server` is its base URL."""
        self._folder = folder
        self._now = now
        self._stem = f"config-{hashlib.sha256(server.encode()).hexdigest()[:12]}"
        self._book = folder / f"{self._stem}.json"

    def keep(self, document: str) -> Path:
        """Save a whole configuration, and return where it is."""
        return self.write(f"{self._stem}-{self._now():%Y%m%dT%H%M%S}.json", document)

    def write(self, name: str, text: str) -> Path:
        """Write a file of this folder, whole, for its owner's eyes only. Raises LedgerError."""
        path = self._folder / name
        write_whole(path, text)
        return path

    def note(self, changes: Sequence[Change]) -> None:
        """Write down changes that are about to be made."""
        entry = {
            "at": self._now().isoformat(timespec="seconds"),
            "changes": [{"key": c.key, "was": c.was, "ours": list(c.ours)} for c in changes],
        }
        self._save([*self._entries(), entry])

    def last(self) -> tuple[Change, ...]:
        """Return the newest changes, none if there are none."""
        entries = self._entries()
        if not entries:
            return ()
        return tuple(
            Change(str(c["key"]), _setting(c["was"]), tuple(map(_setting, c["ours"])))
            for c in entries[-1]["changes"]
        )

    def forget(self) -> None:
        """Strike out the newest changes: they were undone."""
        self._save(self._entries()[:-1])

    def _entries(self) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = json.loads(self._book.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise LedgerError(f"{self._book}: {error}") from error
        return entries

    def _save(self, entries: list[dict[str, Any]]) -> None:
        self.write(self._book.name, json.dumps(entries, indent=1))


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner's eyes only. Raises LedgerError."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror or error}") from error


def _setting(value: Any) -> Setting:
    return tuple(map(_setting, value)) if isinstance(value, list) else value
