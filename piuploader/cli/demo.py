"""`piuploader demo`: the main job, on a made-up drive and a server of our own.

Nothing leaves this machine, and everything is thrown away afterwards.
"""

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from piuploader.app.observe import Observer
    from piuploader.sandbox import Sandbox

DEMO_LIMIT = "9M"  # bytes a second; about what a Pi on a good Wi-Fi does: slow enough to watch
JOB_SPEED = 60.0  # the server's jobs run so many times faster than on a Pi
DRAIN_S = 25.0


def demo(
    *,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the made-up drive and the server's data here.")
    ] = None,
) -> None:
    """Import a made-up drive into an embedded server, and show what became of every file."""
    try:
        from piuploader.sandbox import Sandbox
    except ModuleNotFoundError as missing:
        from piuploader.errors import UsageError

        raise UsageError(
            f"the demo needs the package {missing.name}: pip install 'piuploader[sandbox]'"
        ) from missing
    from piuploader.cli.demo_drive import Contents, DriveMaker

    with tempfile.TemporaryDirectory(prefix="piuploader-demo-") as temporary:
        folder = keep or Path(temporary)
        drive = folder / "CAMERA CARD"
        typer.echo("Making a small drive: photos, films, RAW+JPEG, live photos, and odd things …")
        DriveMaker(drive).fill(Contents())
        with Sandbox(data=folder / "server", cpu_model="pi4", job_speed=JOB_SPEED) as sandbox:
            typer.echo(f"Started an Immich-like server at {sandbox.url}.\n")
            code = _import(sandbox, drive, folder)
            arrived = _compare(sandbox, drive)
            typer.echo(f"\n{arrived}\n")
            _drain(sandbox)
        # The card holds one empty file, which no server takes: that is the one failure.
        typer.echo(f"\nThe import's exit code was {code}: {_meaning(code)}.")
        typer.echo("Next: piuploader setup, then piuploader upload /media/YOUR-CARD")


def _import(sandbox: "Sandbox", drive: Path, folder: Path) -> int:
    from piuploader.config import UploadOptions, UploadSettings
    from piuploader.core.pace import parse_schedule
    from piuploader.wiring import upload as imports

    options = UploadOptions(
        folders=(drive,),
        url=sandbox.url,
        key=sandbox.admin_key,
        upload=UploadSettings(
            bandwidth_limit=parse_schedule(DEMO_LIMIT), album="From the camera card"
        ),
        state=folder / "state",
        cache=folder / "cache",
    )
    return imports.upload(options, [_observer(sandbox.url)])


def _observer(url: str) -> "Observer":
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        from piuploader.cli.view import View

        return View(Console(), server=url, dry_run=False)
    from piuploader.cli.lines import Lines

    return Lines(sys.stdout, quiet=False, verbose=False)


def _compare(sandbox: "Sandbox", drive: Path) -> str:
    """Compare what the server stored with what is on the drive, byte by byte."""
    stored = {_sha1(Path(asset["path"])) for asset in sandbox.assets()}
    on_drive = {
        _sha1(path): path for path in drive.rglob("*") if path.is_file() and not path.is_symlink()
    }
    arrived = stored & on_drive.keys()
    strange = stored - on_drive.keys()
    return (
        f"Byte for byte: the server stored {len(stored)} assets, {len(arrived)} of them are "
        f"identical to a file on the drive, {len(strange)} are not."
    )


def _drain(sandbox: "Sandbox") -> None:
    """Watch the server work off what it was given."""
    typer.echo("The drive may go. The server still works on the photos (jobs waiting):")
    began = time.monotonic()
    last = -1
    while (waiting := _jobs(sandbox)) and time.monotonic() - began < DRAIN_S:
        if waiting != last:
            typer.echo(f"  {waiting:5} {'#' * min(60, waiting // 10 + 1)}")
            last = waiting
        time.sleep(1.0)
    typer.echo("  settled: every photo has its thumbnail." if not waiting else "  and so on …")


def _jobs(sandbox: "Sandbox") -> int:
    counts = sandbox.queues().values()
    return sum(
        each["active"] + each["waiting"] + each["paused"] + each["delayed"] for each in counts
    )


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def _meaning(code: int) -> str:
    if code == 0:
        return "every file is safe on the server"
    return "some files failed, as listed above; all others are safe on the server"
