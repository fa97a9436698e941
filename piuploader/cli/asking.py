"""What a person asks an import to do: options, environment and file put together."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from piuploader.errors import UsageError

if TYPE_CHECKING:
    from piuploader.config import UploadOptions, UploadSettings

T = TypeVar("T")

# The key of [upload] and the function of config.values that reads the option; "": it is read.
OPTIONS = {
    "jobs": ("jobs", "jobs"),
    "include": ("include", "texts"),
    "exclude": ("exclude", "texts"),
    "extension": ("extensions", "extensions"),
    "min_size": ("min_size", "size"),
    "on_errors": ("on_errors", "on_errors"),
    "album": ("album", ""),
    "album_from_folder": ("album_from_folder", ""),
    "album_from_path": ("album_from_path", ""),
    "album_joiner": ("album_joiner", ""),
    "stack": ("stack", "stacks"),
    "tag": ("tags", "texts"),
    "tag_folders": ("tag_folders", ""),
    "tag_session": ("tag_session", ""),
    "date_from_name": ("date_from_name", ""),
    "bandwidth_limit": ("bandwidth_limit", "schedule"),
    "restore_trashed": ("restore_trashed", ""),
    "timezone": ("timezone", "time_zone"),
    "wait": ("wait_s", "seconds"),
    "policy": ("policy", "policy"),
}
ALBUM_WAYS = ("album", "album_from_folder", "album_from_path")


def asked(
    folders: Sequence[Path],
    *,
    server: str | None,
    api_key_file: Path | None,
    config: Path | None,
    days: tuple[str | None, str | None, str | None],
    given: Mapping[str, object],
    stay: bool | None = None,
    dry_run: bool = False,
    tuner_log: Path | None = None,
) -> "tuple[UploadOptions, tuple[str, ...]]":
    """Return what was asked for, and warnings. Raise UsageError or ConfigError.

    `days` are --since, --until and --date; `given` the other options by name.
    """
    from piuploader.config import UploadOptions, cache_folder, settings, state_folder, values

    read: dict[str, Any] = {}
    for name, value in given.items():
        key, reader = OPTIONS[name]
        option = "--" + name.replace("_", "-")
        read[key] = _read(option, getattr(values, reader), value) if reader else value
    if sum(bool(read[way]) or read[way] == "" for way in ALBUM_WAYS) > 1:
        raise UsageError("choose one of --album, --album-from-folder and --album-from-path")
    wanted = _days(*days)
    found = [_folder(folder) for folder in folders]
    known = settings(config=config, server=server, api_key_file=api_key_file).require()
    queues = known.config.queues
    options = UploadOptions(
        folders=tuple(found),
        url=known.url,
        key=known.key,
        ca_file=known.ca_file,
        upload=replace(_changed(known.config.upload, read), **wanted),
        queues=queues if stay is None else replace(queues, stay=stay),
        state=state_folder(),
        cache=cache_folder(),
        dry_run=dry_run,
        tuner_log=tuner_log,
    )
    return options, known.warnings


@contextmanager
def mistakes_told(*, as_json: bool) -> Iterator[None]:
    """Tell a program too of what goes wrong in here."""
    try:
        yield
    except BaseException as error:
        if as_json:
            from piuploader.cli.jsonl import write_error

            write_error(sys.stdout, error)
        raise


def _read(option: str, read: Callable[[object], T], value: object) -> T | None:
    """Read an option's value; None (or an empty list) means that it was not given."""
    if value is None or value == []:
        return None
    try:
        return read(value)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None


def _days(since: str | None, until: str | None, date: str | None) -> dict[str, Any]:
    """Return the range of days that was asked for, as far as it was."""
    from piuploader.config import values

    if date is not None:
        if since is not None or until is not None:
            raise UsageError("--date says both ends: leave out --since and --until")
        first, last = _read("--date", values.days, date) or (None, None)
        return {"since": first, "until": last}
    first = _read("--since", values.first_day, since)
    last = _read("--until", values.last_day, until)
    if first and last and first > last:
        raise UsageError("--since must not be after --until")
    return {name: day for name, day in (("since", first), ("until", last)) if day}


def _changed(settings: "UploadSettings", given: Mapping[str, Any]) -> "UploadSettings":
    """Return the file's settings, with what was given instead."""
    said = {name: value for name, value in given.items() if value is not None}
    # One album for all and one for each folder rule each other out: the option wins.
    ways: dict[str, Any] = {"album": "", "album_from_folder": False, "album_from_path": False}
    if any(said.get(way) for way in ALBUM_WAYS):
        said = ways | said
    return replace(settings, **said)


def _folder(folder: Path) -> Path:
    if folder.is_dir():
        return folder.absolute()
    if folder.exists():
        raise UsageError(f"{folder} is a file: name the folder that it is in, and use --include")
    raise UsageError(f"the folder {folder} is not there: is the drive mounted?")
