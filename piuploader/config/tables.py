"""What can be set. Each dataclass is a table of the file, each field a key with its default.

The annotation names the function that reads a key's value. A field that is
left out of `repr` is a secret, and is never shown in a message.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from piuploader.config import values
from piuploader.config.values import Jobs, OnErrors
from piuploader.core.labels import JOINER
from piuploader.core.pace import NEVER, Schedule
from piuploader.core.stacks import Wanted

NO_STACKS = Wanted()
WAIT_S = 600.0  # an Immich that restarts after an update is back within a few minutes


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The table [server]: where the server is, and who we are there."""

    url: Annotated[str, values.text] = ""
    api_key: Annotated[str, values.text] = field(default="", repr=False)
    api_key_file: Annotated[Path | None, values.path] = None
    ca_file: Annotated[Path | None, values.path] = None  # whom to trust besides the system's


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """The table [upload]: what is sent, and how."""

    jobs: Annotated[Jobs, values.jobs] = "auto"
    include: Annotated[tuple[str, ...], values.texts] = ()  # globs; nothing else is taken
    exclude: Annotated[tuple[str, ...], values.texts] = ()  # globs; they win over include
    extensions: Annotated[tuple[str, ...], values.extensions] = ()  # lower case, with the dot
    since: Annotated[dt.date | None, values.first_day] = None  # this day is taken too
    until: Annotated[dt.date | None, values.last_day] = None  # and so is this one
    min_size: Annotated[int, values.size] = 0  # bytes
    on_errors: Annotated[OnErrors, values.on_errors] = "continue"
    album: Annotated[str, values.text] = ""
    album_from_folder: Annotated[bool, values.flag] = False
    stack: Annotated[Wanted, values.stacks] = NO_STACKS
    album_from_path: Annotated[bool, values.flag] = False
    album_joiner: Annotated[str, values.text] = JOINER  # between the folders of its name
    tags: Annotated[tuple[str, ...], values.texts] = ()
    tag_folders: Annotated[bool, values.flag] = False
    tag_session: Annotated[bool, values.flag] = False  # the drive and the day
    date_from_name: Annotated[bool, values.flag] = False  # where the photo itself has none
    bandwidth_limit: Annotated[Schedule, values.schedule] = NEVER
    restore_trashed: Annotated[bool, values.flag] = False
    timezone: Annotated[str, values.time_zone] = ""  # of cameras that write FAT drives; "": ours
    wait_s: Annotated[float, values.seconds] = WAIT_S  # for a server that is away
    policy: Annotated[str, values.policy] = "staged"  # for the server's own queues


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The table [queues]: how long the server's own work may wait for our uploads."""

    lease_h: Annotated[float, values.hours] = 12.0  # a pause ends after this
    turn_h: Annotated[float, values.hours] = 3.0  # and then the queues get so long a turn
    stay: Annotated[bool, values.flag] = False  # `upload` ends when the thumbnails are done
    quiet_hours: Annotated[str, values.quiet_hours] = "auto"  # nothing is paused or resumed then


@dataclass(frozen=True, slots=True)
class Config:
    """A whole file. `rooms` are the tables of the appliance, read where they are asked for."""

    path: Path | None = None  # None: there is no file
    server: ServerSettings = field(default_factory=ServerSettings)
    upload: UploadSettings = field(default_factory=UploadSettings)
    queues: QueueSettings = field(default_factory=QueueSettings)
    rooms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """All that one import needs to know: options, environment and file put together."""

    folders: tuple[Path, ...]
    url: str  # as the person wrote it; piuploader.adapters.immich.resolve makes it final
    key: str = field(repr=False)
    ca_file: Path | None = None
    upload: UploadSettings = field(default_factory=UploadSettings)
    queues: QueueSettings = field(default_factory=QueueSettings)
    state: Path  # the folder of the ledger
    cache: Path  # a folder for what can be asked again
    dry_run: bool = False
    tuner_log: Path | None = None
