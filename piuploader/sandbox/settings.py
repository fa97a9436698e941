"""What a sandbox can be told when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A sandbox's options, with the defaults of the command line.

    `api_key` may do everything and its owner is an admin; `upload_key` is
    the same owner's and has asset.upload and asset.read only. Keys that are
    not given are made. Without `data` everything is kept in a temporary
    folder. `job_speed` makes the model's time run faster than the clock.
    `extra_queues` are names that a later Immich might have. `record` keeps
    every exchange, for tests to validate.
    """

    host: str = "127.0.0.1"
    port: int = 0
    api_key: str | None = None
    upload_key: str | None = None
    data: Path | None = None
    version: str = "3.1.0"
    cpu_model: str = "off"
    job_speed: float = 1.0
    backlog: Mapping[str, int] = field(default_factory=dict)
    extra_queues: tuple[str, ...] = ()
    config_file: bool = False
    quota_bytes: int | None = None
    disk_bytes: int | None = None
    seed: int = 0
    record: bool = False
    faults: tuple[Mapping[str, Any], ...] = ()
