"""`piuploader plan`: a dry run, told file by file."""

import logging
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from piuploader.cli import options
from piuploader.cli.asking import asked, mistakes_told

if TYPE_CHECKING:
    from piuploader.config import UploadOptions


def plan(
    folders: options.Folders,
    *,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    config: options.ConfigFile = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    extension: options.Extension = None,
    since: options.Since = None,
    until: options.Until = None,
    date: options.Date = None,
    min_size: options.MinSize = None,
    album: options.Album = None,
    album_from_folder: options.AlbumFromFolder = None,
    album_from_path: options.AlbumFromPath = None,
    album_joiner: options.AlbumJoiner = None,
    stack: options.Stack = None,
    tag: options.Tag = None,
    tag_folders: options.TagFolders = None,
    tag_session: options.TagSession = None,
    date_from_name: options.DateFromName = None,
    restore_trashed: options.RestoreTrashed = None,
    timezone: options.TimeZone = None,
    wait: options.Wait = None,
    json: options.JsonLines = False,
) -> None:
    """Say what an import of these folders would do, file by file, and why.

    It is a dry run: files are read and the server is asked, and nothing is sent. With
    the same options and the same files, `upload` does what it says.
    """
    with mistakes_told(as_json=json):
        wanted, warnings = asked(
            folders,
            server=server,
            api_key_file=api_key_file,
            config=config,
            days=(since, until, date),
            given={
                "include": include,
                "exclude": exclude,
                "extension": extension,
                "min_size": min_size,
                "album": album,
                "album_from_folder": album_from_folder,
                "album_from_path": album_from_path,
                "album_joiner": album_joiner,
                "stack": stack,
                "tag": tag,
                "tag_folders": tag_folders,
                "tag_session": tag_session,
                "date_from_name": date_from_name,
                "restore_trashed": restore_trashed,
                "timezone": timezone,
                "wait": wait,
            },
            dry_run=True,
        )
        code = _run(wanted, warnings, as_json=json)
    raise typer.Exit(code)


def _run(wanted: "UploadOptions", warnings: tuple[str, ...], *, as_json: bool) -> int:
    from piuploader.cli.logs import start_logging
    from piuploader.cli.planning import JsonPlan, PlanLines, Watch
    from piuploader.cli.words import printable_streams
    from piuploader.core.steps import Steps
    from piuploader.errors import EXIT_OK, EXIT_SOME_FAILED
    from piuploader.wiring import upload as imports
    from piuploader.wiring.filing import labels_of

    def steps(drive: str) -> Steps:
        upload = wanted.upload
        return Steps(labels_of(upload, drive), restore_trashed=upload.restore_trashed)

    printable_streams()
    start_logging(logging.ERROR, secrets=(wanted.key,))
    for warning in warnings:
        typer.echo(f"piuploader: {warning}", err=True)
    page = JsonPlan(sys.stdout) if as_json else PlanLines(sys.stdout)
    page.begin(wanted.url, [str(folder) for folder in wanted.folders])
    code = EXIT_OK
    for folder in wanted.folders:
        ended = imports.upload(replace(wanted, folders=(folder,)), [Watch(page, steps)])
        if ended not in {EXIT_OK, EXIT_SOME_FAILED}:
            code = ended
            break
        if page.fails:
            code = EXIT_SOME_FAILED
    page.end(code)
    return code
