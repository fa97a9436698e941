"""`piuploader doctor`: look at everything that an import needs."""

import json as json_format
import shutil
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import typer

from piuploader.cli import options
from piuploader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from piuploader.adapters.immich import ImmichClient
    from piuploader.app.doctor import Finding, Machine
    from piuploader.config import Settings

COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}


def doctor(
    *,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    config: options.ConfigFile = None,
    json: options.Json = False,
) -> None:
    """Check server, key and this machine, with a remedy for each fault.

    The exit code is 0 if nothing failed, or that of the first failure.
    """
    from piuploader.app.doctor import examine, fault, worst
    from piuploader.config import settings

    findings = []
    try:
        known = settings(config=config, server=server, api_key_file=api_key_file)
    except ConfigError as error:
        findings.append(fault("configuration", error))
        if not json:
            print_finding(findings[0])
    else:
        with ExitStack() as stack:
            for found in examine(_machine(known), _server(known, stack)):
                findings.append(found)
                if not json:
                    print_finding(found)
    code = worst(findings)
    if json:
        typer.echo(json_format.dumps(_document(findings, code), indent=2))
    raise typer.Exit(code)


def print_finding(found: "Finding") -> None:
    """Print one finding, and its remedy below it."""
    from piuploader.cli.words import plain

    mark = typer.style(f"{found.level.value:<4}", fg=COLOURS[found.level.value], bold=True)
    typer.echo(f"{mark}  {found.topic:<13}  {plain(found.says)}")
    if found.remedy:
        typer.echo(f"{'':<4}  {'':<13}  → {plain(found.remedy)}")
    sys.stdout.flush()


def _document(findings: "list[Finding]", code: int) -> dict[str, object]:
    rows = [
        {
            "topic": found.topic,
            "level": found.level.value,
            "says": found.says,
            "remedy": found.remedy or None,
        }
        for found in findings
    ]
    return {"schema": 1, "findings": rows, "exit_code": code}


def _server(known: "Settings", stack: ExitStack) -> "Callable[[], ImmichClient]":
    def connect() -> "ImmichClient":
        from piuploader.adapters.immich import ImmichClient, resolve
        from piuploader.config import state_folder
        from piuploader.wiring.queues import recovered

        known.require()
        url = resolve(known.url, known.ca_file)
        client = stack.enter_context(ImmichClient(url, known.key, ca_file=known.ca_file))
        recovered(client, state=state_folder(), queues=known.config.queues)
        return client

    return connect


def _machine(known: "Settings") -> "Machine":
    from piuploader.app.doctor import Machine
    from piuploader.config import state_folder

    state = state_folder()
    # The folder may not be there yet: then its nearest parent must let us make it.
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    now = datetime.now(UTC).astimezone()
    return Machine(
        config_file=str(known.config.path) if known.config.path else None,
        key_from=known.key_from,
        warnings=known.warnings,
        state=str(state),
        state_writable=_can_write(there),
        state_free_bytes=_free(there),
        now=now,
        time_zone=known.config.upload.timezone or now.tzname() or "",
    )


def _can_write(folder: Path) -> bool:
    """Try it: rights alone do not tell, for a disk may be full or mounted read-only."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError:
        return False
    return True


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
