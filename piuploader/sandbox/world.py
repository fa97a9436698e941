"""The sandbox's world: everything that a request may read or change."""

import copy
import json
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from piuploader.sandbox.faults import Faults
from piuploader.sandbox.machine import FIXED_AT_ONE, MODELS, QUEUES, Machine
from piuploader.sandbox.records import ApiKey, Asset, User
from piuploader.sandbox.settings import Settings
from piuploader.sandbox.store import Store

Version = tuple[int, int, int]


def packaged(name: str) -> dict[str, Any]:
    """Read a table of facts that is shipped beside the code."""
    text = files("piuploader.sandbox").joinpath("data", name).read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


DEFAULT_CONFIG = packaged("system-config.json")


@dataclass(slots=True)
class Counters:
    """What the uploads were like, for tests to judge."""

    uploads_begun: int = 0
    uploads_created: int = 0
    uploads_refused: int = 0
    uploads_broken: int = 0
    duplicates_early: int = 0
    duplicates_late: int = 0
    bytes_received: int = 0
    bytes_wasted: int = 0
    parallel_uploads: int = 0
    max_parallel_uploads: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, as they were on the wire.

    `request` is the JSON body, or the fields of a form; a file is None there.
    """

    method: str
    path: str  # with its query
    request_type: str
    request: Any
    status: int
    response_type: str
    response: Any


class World:
    """One server: its store, machine, faults and settings."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.version = parsed_version(settings.version)
        self.store = Store(folder)
        self.faults = Faults(settings.seed)
        for fault in settings.faults:
            self.faults.add(**fault)
        self.counters = Counters()
        self.request_counts: dict[str, int] = {}
        self.exchanges: list[Exchange] = []
        self.stages: dict[str, dict[str, float]] = {}  # asset -> queue -> model time of its end
        self._clock = clock
        self._began_s = clock()
        self._ahead_s = 0.0
        self._since_start: set[str] = set()
        is_new = not self.store.keys
        self._prepare_keys()
        self.machine = Machine(
            now=0.0,
            model=MODELS[settings.cpu_model],
            concurrency=self.concurrency,
            ml_enabled=lambda: bool(self.config["machineLearning"]["enabled"]),
            is_film=self._is_film,
            done=self._note_stage,
            names=(*QUEUES, *settings.extra_queues),
        )
        for name in self.store.settings.get("paused", []):
            self.machine.pause(name, paused=True)
        if is_new:
            for name, count in settings.backlog.items():
                if name not in QUEUES:
                    raise ValueError(f"There is no queue {name!r}, only {', '.join(QUEUES)}.")
                self.machine.add(name, [None] * count)

    # --- time ---

    def now(self) -> float:
        """Return the model's time in seconds since the start."""
        return (self._clock() - self._began_s) * self.settings.job_speed + self._ahead_s

    def catch_up(self) -> None:
        """Let the queues work off what they did since the last look."""
        self.machine.advance(self.now())

    def fast_forward(self, seconds: float) -> None:
        """Let `seconds` of the model's time pass at once."""
        self._ahead_s += seconds
        self.catch_up()

    # --- configuration ---

    @property
    def config(self) -> dict[str, Any]:
        """The system configuration in force."""
        config: dict[str, Any] = self.store.settings.get("config", DEFAULT_CONFIG)
        return config

    def save_config(self, config: dict[str, Any]) -> None:
        """Put a whole configuration in force; it applies at once."""
        self.catch_up()
        self.store.set("config", copy.deepcopy(config))

    def concurrency(self, queue: str) -> int:
        """Return how many jobs of a queue run at a time."""
        if queue in FIXED_AT_ONE or queue in self.settings.extra_queues:
            return 1
        count: int = self.config["job"][queue]["concurrency"]
        return count

    def pause(self, queue: str, *, paused: bool) -> None:
        """Pause or resume a queue, and remember it over a restart, as Redis does."""
        self.catch_up()
        self.machine.pause(queue, paused=paused)
        names = [name for name, one in self.machine.queues.items() if one.is_paused]
        self.store.set("paused", names)

    # --- assets ---

    def admit(self, asset: Asset) -> None:
        """Remember a new asset and queue its jobs."""
        self.store.save(asset)
        self._since_start.add(asset.id)
        self.machine.add("metadataExtraction", [asset.id])

    def has_passed(self, asset: Asset, queue: str) -> bool:
        """Tell whether an asset's job in a queue is done."""
        if asset.id not in self._since_start:
            return True  # jobs do not outlive a killed sandbox: call them done
        return queue in self.stages.get(asset.id, ())

    def disk(self) -> tuple[int, int]:
        """Return the size and the free bytes of the server's disk."""
        used = self.store.total_bytes()
        size = self.settings.disk_bytes
        if size is not None:
            return size, max(0, size - used)
        usage = shutil.disk_usage(self.store.folder)
        return usage.total, usage.free

    # --- keys ---

    def add_key(
        self,
        permissions: list[str],
        *,
        secret: str | None = None,
        name: str = "key",
        user: User | None = None,
    ) -> ApiKey:
        """Make an API key; the owner is the admin unless a user is given."""
        owner = user or self.admin
        key = ApiKey(
            secret=secret or secrets.token_urlsafe(32),
            user_id=owner.id,
            name=name,
            permissions=permissions,
        )
        self.store.save(key)
        return key

    def add_user(self, name: str, *, is_admin: bool = False) -> User:
        """Make another user."""
        user = User(name=name, is_admin=is_admin)
        self.store.save(user)
        return user

    @property
    def admin(self) -> User:
        """The first user, who is an admin."""
        return next(iter(self.store.users.values()))

    def key_named(self, name: str) -> ApiKey:
        """Return the newest key of this name."""
        return [key for key in self.store.keys.values() if key.name == name][-1]

    def _prepare_keys(self) -> None:
        if not self.store.users:
            self.add_user("admin", is_admin=True)
        self.admin.quota_bytes = self.settings.quota_bytes
        wanted = {
            "admin": (["all"], self.settings.api_key),
            "upload": (["asset.upload", "asset.read"], self.settings.upload_key),
        }
        for name, (permissions, secret) in wanted.items():
            known = [key for key in self.store.keys.values() if key.name == name]
            if secret is None and known:
                continue
            if any(key.secret == secret for key in known):
                continue
            self.add_key(permissions, secret=secret, name=name)

    def _is_film(self, asset_id: str) -> bool:
        asset = self.store.assets.get(asset_id)
        return asset is not None and asset.type == "VIDEO"

    def _note_stage(self, queue: str, asset_id: str) -> None:
        self.stages.setdefault(asset_id, {})[queue] = self.now()


def parsed_version(text: str) -> Version:
    """Read a version such as 3.1.0."""
    major, minor, patch = (int(part) for part in text.lstrip("v").split("."))
    return major, minor, patch
