"""`piuploader upload`: options, environment and file put together, and an import begun."""

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from piuploader.cli import options
from piuploader.cli.asking import asked, mistakes_told

if TYPE_CHECKING:
    from piuploader.app.observe import Observer
    from piuploader.config import UploadOptions


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
    with mistakes_told(as_json=json):
        wanted, warnings = asked(
            folders,
            server=server,
            api_key_file=api_key_file,
            config=config,
            days=(since, until, date),
            given={
                "jobs": jobs,
                "include": include,
                "exclude": exclude,
                "extension": extension,
                "min_size": min_size,
                "on_errors": on_errors,
                "album": album,
                "album_from_folder": album_from_folder,
                "album_from_path": album_from_path,
                "album_joiner": album_joiner,
                "stack": stack,
                "tag": tag,
                "tag_folders": tag_folders,
                "tag_session": tag_session,
                "date_from_name": date_from_name,
                "bandwidth_limit": bandwidth_limit,
                "restore_trashed": restore_trashed,
                "timezone": timezone,
                "wait": wait,
                "policy": policy,
            },
            stay=stay,
            dry_run=dry_run,
            tuner_log=tuner_log,
        )
    code = _run(wanted, warnings=warnings, stay=stay, as_json=json, verbose=verbose, quiet=quiet)
    raise typer.Exit(code)


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
