"""`piuploader upload`: options, environment and file put together, and an import begun."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from piuploader.cli import options
from piuploader.errors import UsageError

if TYPE_CHECKING:
    from piuploader.app.observe import Observer
    from piuploader.config import UploadOptions, UploadSettings

T = TypeVar("T")


def upload(
    folders: options.Folders,
    *,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    config: options.ConfigFile = None,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    extension: options.Extension = None,
    since: options.Since = None,
    until: options.Until = None,
    date: options.Date = None,
    min_size: options.MinSize = None,
    on_errors: options.OnErrors = None,
    album: options.Album = None,
    album_from_folder: options.AlbumFromFolder = None,
    album_from_path: options.AlbumFromPath = None,
    album_joiner: options.AlbumJoiner = None,
    stack: options.Stack = None,
    tag: options.Tag = None,
    tag_folders: options.TagFolders = None,
    tag_session: options.TagSession = None,
    date_from_name: options.DateFromName = None,
    bandwidth_limit: options.BandwidthLimit = None,
    restore_trashed: options.RestoreTrashed = None,
    timezone: options.TimeZone = None,
    wait: options.Wait = None,
    policy: options.Policy = None,
    stay: options.Stay = None,
    json: options.JsonLines = False,
    tuner_log: options.TunerLog = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Bring every photo and film in these folders to the server.

    Each is found there again by its checksum before it counts as safe. Nothing on
    the server is replaced or deleted, and nothing on the drive is changed.
    """
    from piuploader.config import UploadOptions, cache_folder, settings, state_folder, values

    with _mistakes_told(as_json=json):
        given = {
            "jobs": _read("--jobs", values.jobs, jobs),
            "include": _read("--include", values.texts, include),
            "exclude": _read("--exclude", values.texts, exclude),
            "extensions": _read("--extension", values.extensions, extension),
            "min_size": _read("--min-size", values.size, min_size),
            "on_errors": _read("--on-errors", values.on_errors, on_errors),
            "album": album,
            "album_from_folder": album_from_folder,
            "album_from_path": album_from_path,
            "album_joiner": album_joiner,
            "stack": _read("--stack", values.stacks, stack),
            "tags": _read("--tag", values.texts, tag),
            "tag_folders": tag_folders,
            "tag_session": tag_session,
            "date_from_name": date_from_name,
            "bandwidth_limit": _read("--bandwidth-limit", values.schedule, bandwidth_limit),
            "restore_trashed": restore_trashed,
            "timezone": _read("--timezone", values.time_zone, timezone),
            "wait_s": _read("--wait", values.seconds, wait),
            "policy": _read("--policy", values.policy, policy),
        }
        if [album is not None, bool(album_from_folder), bool(album_from_path)].count(True) > 1:
            raise UsageError("choose one of --album, --album-from-folder and --album-from-path")
        days = _days(since, until, date)
        found = [_folder(folder) for folder in folders]
        known = settings(config=config, server=server, api_key_file=api_key_file).require()
        chosen = replace(_changed(known.config.upload, given), **days)
        queues = known.config.queues
        asked = UploadOptions(
            folders=tuple(found),
            url=known.url,
            key=known.key,
            ca_file=known.ca_file,
            upload=chosen,
            queues=queues if stay is None else replace(queues, stay=stay),
            state=state_folder(),
            cache=cache_folder(),
            dry_run=dry_run,
            tuner_log=tuner_log,
        )
    code = _run(
        asked, warnings=known.warnings, stay=stay, as_json=json, verbose=verbose, quiet=quiet
    )
    raise typer.Exit(code)


@contextmanager
def _mistakes_told(*, as_json: bool) -> Iterator[None]:
    """Tell a program too of what goes wrong in here."""
    try:
        yield
    except BaseException as error:
        if as_json:
            from piuploader.cli.jsonl import write_error

            write_error(sys.stdout, error)
        raise


def _run(
    options: "UploadOptions",
    *,
    warnings: tuple[str, ...],
    stay: bool | None,
    as_json: bool,
    verbose: int,
    quiet: bool,
) -> int:
    """Import while somebody watches, and return the exit code."""
    from piuploader.cli.logs import start_logging
    from piuploader.cli.words import printable_streams

    printable_streams()
    live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    live = live and not (as_json or verbose or quiet)
    if live and stay is None:  # somebody watches, and can end it
        options = replace(options, queues=replace(options.queues, stay=True))
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    # The view and the quiet lines show each failure themselves.
    start_logging(logging.ERROR if live or quiet else level, secrets=(options.key,))
    for warning in warnings:
        typer.echo(f"piuploader: {warning}", err=True)
    if not as_json:
        watch = _watch(options, live=live, verbose=verbose, quiet=quiet)
        return _import(options, watch, _Teller() if not quiet else lambda _: None)
    from piuploader.cli.jsonl import JsonLines, write_error

    lines = JsonLines(
        sys.stdout,
        server=options.url,
        folders=[str(folder) for folder in options.folders],
        dry_run=options.dry_run,
    )
    try:
        return _import(options, lines, lambda _: None)
    except BaseException as error:
        lines.close()
        if not lines.told:
            write_error(sys.stdout, error)
        raise


def _import(options: "UploadOptions", observer: "Observer", tell: Callable[[str], object]) -> int:
    from piuploader.wiring import upload as imports

    return imports.upload(options, [observer], tell)


class _Teller:
    """Prints sentences as they change, and not too often."""

    def __init__(self, *, every_s: float = 15.0, now: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._now = now
        self._last = ""
        self._told_s = float("-inf")

    def __call__(self, sentence: str) -> None:
        now_s = self._now()
        if sentence != self._last and (not self._last or now_s - self._told_s >= self._every_s):
            self._last, self._told_s = sentence, now_s
            typer.echo(sentence)


def _watch(options: "UploadOptions", *, live: bool, verbose: int, quiet: bool) -> "Observer":
    if live:
        from rich.console import Console

        from piuploader.cli.view import View

        return View(Console(), server=options.url, dry_run=options.dry_run)
    from piuploader.cli.lines import Lines

    return Lines(sys.stdout, quiet=quiet, verbose=verbose > 0)


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
    if any(said.get(way) for way in ways):
        said = ways | said
    return replace(settings, **said)


def _folder(folder: Path) -> Path:
    if folder.is_dir():
        return folder.absolute()
    if folder.exists():
        raise UsageError(f"{folder} is a file: name the folder that it is in, and use --include")
    raise UsageError(f"the folder {folder} is not there: is the drive mounted?")
