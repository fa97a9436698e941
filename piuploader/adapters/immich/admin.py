"""What an administrator's key may see and change: the job queues and the system configuration.

Where Immich moved a call, the newer one is tried first, once:

    GET, PUT /queues        since 2.4, before /jobs
    GET, PUT /admin/config  since 3.2, before /system-config
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from piuploader.adapters.immich.shape import expect, field
from piuploader.core.policy import Setting
from piuploader.core.queues import Queue
from piuploader.errors import PermissionMissing, ServerError, ServerTooOld

Call = Callable[[str, str, object], Any]  # ImmichClient.call

NEWER_CONFIG, OLDER_CONFIG = "/admin/config", "/system-config"
COUNTS = ("active", "waiting", "delayed", "paused", "failed", "completed")


class ImmichAdmin:
    """Sees and moves the server's queues and settings, through one client's `call`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._has_queues: bool | None = None  # None: not asked yet
        self._config_path: str | None = None

    # -- queues -------------------------------------------------------------------------

    def queues(self) -> tuple[Queue, ...]:
        """Return all queues, also those that we do not know. Needs queue.read (job.read)."""
        if self._has_queues is not False:
            try:
                found = _queues(self._call("GET", "/queues", None))
            except ServerTooOld:
                self._has_queues = False
            except PermissionMissing:
                if self._has_queues:
                    raise
                return self._by_an_older_permission()
            else:
                self._has_queues = True
                return found
        return _jobs(self._call("GET", "/jobs", None))

    def pause(self, name: str) -> None:
        """Let a queue start no more jobs; those that run, end. Needs queue.update (job.create)."""
        self._steer(name, paused=True)

    def resume(self, name: str) -> None:
        """Let a queue start jobs again. Needs queue.update (job.create)."""
        self._steer(name, paused=False)

    def _by_an_older_permission(self) -> tuple[Queue, ...]:
        """Read /jobs with job.read, where the key lacks queue.read; name the newer if it fails."""
        try:
            found = _jobs(self._call("GET", "/jobs", None))
        except (PermissionMissing, ServerTooOld):
            return _queues(self._call("GET", "/queues", None))
        self._has_queues = False
        return found

    def _steer(self, name: str, *, paused: bool) -> None:
        if self._has_queues is None:
            self.queues()
        if self._has_queues:
            self._call("PUT", f"/queues/{name}", {"isPaused": paused})
        else:
            command = "pause" if paused else "resume"
            self._call("PUT", f"/jobs/{name}", {"command": command, "force": False})

    # -- the system configuration -------------------------------------------------------

    def settings(self) -> Mapping[str, Setting]:
        """Return all settings by dotted key. Needs systemConfig.read (adminConfig.read)."""
        return dict(_flat(self._document()))

    def defaults(self) -> Mapping[str, Setting]:
        """Return what the settings are where nobody changed them."""
        self._document()  # finds the path
        path = f"{self._config_path}/defaults"
        return dict(_flat(expect(self._call("GET", path, None), dict, call=f"GET {path}")))

    def document(self) -> str:
        """Return the whole configuration as JSON, to be kept. It holds secrets."""
        return _text(self._document())

    def changed_document(self, wanted: Mapping[str, Setting]) -> str:
        """Return the whole configuration as it would be with these settings. It holds secrets."""
        document = self._document()
        _change(document, wanted)
        return _text(document)

    def change(self, wanted: Mapping[str, Setting]) -> Mapping[str, Setting]:
        """Change these settings and no other, and return all as the server has them then.

        The server takes the whole document only, so it is read right before it is
        written. Raises ServerError if it lacks one of the keys: it would drop it silently.
        Needs systemConfig.update (adminConfig.update).
        """
        document = self._document()
        _change(document, wanted)
        self._call("PUT", str(self._config_path), document)
        return self.settings()

    def is_from_a_file(self) -> bool:
        """Tell whether the server reads its configuration from a file, and changes none by API."""
        features = expect(self._call("GET", "/server/features", None), dict, call="features")
        return features.get("configFile") is True

    def _document(self) -> dict[str, Any]:
        if self._config_path is None:
            try:
                document = self._call("GET", NEWER_CONFIG, None)
            except ServerTooOld:
                self._config_path = OLDER_CONFIG
            else:
                self._config_path = NEWER_CONFIG
                return expect(document, dict, call=f"GET {NEWER_CONFIG}")
        path = self._config_path
        return expect(self._call("GET", path, None), dict, call=f"GET {path}")


def _queues(answer: object) -> tuple[Queue, ...]:
    call = "GET /queues"
    return tuple(
        Queue(
            name=field(entry, "name", str, call=call),
            is_paused=field(entry, "isPaused", bool, call=call),
            **_counts(field(entry, "statistics", dict, call=call)),
        )
        for entry in expect(answer, list, call=call)
    )


def _jobs(answer: object) -> tuple[Queue, ...]:
    call = "GET /jobs"
    table: dict[str, object] = expect(answer, dict, call=call)
    return tuple(
        Queue(
            name=name,
            is_paused=field(
                field(entry, "queueStatus", dict, call=call), "isPaused", bool, call=call
            ),
            **_counts(field(entry, "jobCounts", dict, call=call)),
        )
        for name, entry in table.items()
    )


def _counts(table: Mapping[str, object]) -> dict[str, int]:
    """Return the six counts; one that a server lacks is none, for that is no reason to fail."""
    return {n: v for n in COUNTS if isinstance(v := table.get(n), int) and v >= 0}


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Setting]]:
    flat: list[tuple[str, Setting]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            flat += _flat(value, f"{key}.")
        else:
            flat.append((key, _plain(value)))
    return flat


def _plain(value: Any) -> Setting:
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return json.dumps(value)  # a table in a list: shown, never changed


def _change(document: dict[str, Any], wanted: Mapping[str, Setting]) -> None:
    for key, value in wanted.items():
        *path, last = key.split(".")
        table: Any = document
        for name in path:
            table = table.get(name) if isinstance(table, dict) else None
        if not isinstance(table, dict) or last not in table:
            raise ServerError(f"the server's configuration has no {key}")
        table[last] = list(value) if isinstance(value, tuple) else value


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
