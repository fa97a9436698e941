"""The configuration: a TOML file, the environment and the command's options, or a clear no.

tables.py    what can be set, as frozen dataclasses
values.py    what a single value may look like
reading.py   a TOML table -> a dataclass; an unknown key is an error that names its place
places.py    where the file, the key, the ledger and the caches are
settings.py  option > environment > file
writing.py   a file, written whole and for its owner's eyes only
"""

from piuploader.config.places import cache_folder, config_file, state_folder
from piuploader.config.reading import load, read_table
from piuploader.config.settings import Settings, settings
from piuploader.config.tables import (
    Config,
    QueueSettings,
    ServerSettings,
    UploadOptions,
    UploadSettings,
)
from piuploader.config.writing import write

__all__ = [
    "Config",
    "QueueSettings",
    "ServerSettings",
    "Settings",
    "UploadOptions",
    "UploadSettings",
    "cache_folder",
    "config_file",
    "load",
    "read_table",
    "settings",
    "state_folder",
    "write",
]
