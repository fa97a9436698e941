"""`piuploader boot-config`: take over piuploader.toml from the boot partition, at boot, as root."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from piuploader.core.boot_template import TEMPLATE

Boot = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the boot partition is.")]
Etc = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the box keeps it.")]
Root = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the system's files are.")]
Seen = Annotated[Path, typer.Option(metavar="FILE", help="Where the service sees a problem.")]
Template = Annotated[bool, typer.Option("--template", help="Print a file to start from, and end.")]


def boot_config(
    *,
    boot: Boot = Path("/boot/firmware"),
    etc: Etc = Path("/etc/piuploader"),
    root: Root = Path("/"),
    seen: Seen = Path("/run/piuploader-boot-problem"),
    template: Template = False,
) -> int:
    """Take over piuploader.toml from the boot partition, and set the box up.

    A file that is wrong changes nothing: the problem is written beside it, and shown on the light.
    """
    if template:
        typer.echo(TEMPLATE, nl=False)
        return 0
    from piuploader.adapters.boot_files import BootPartition
    from piuploader.adapters.system_files import SystemFiles
    from piuploader.adapters.systemd import log_to
    from piuploader.app.boot import take_over
    from piuploader.errors import ConfigError

    log_to(sys.stdout, level=logging.INFO)
    files = BootPartition(boot=boot, etc=etc, seen=seen)
    good = take_over(files, SystemFiles(root=root).apply)
    return 0 if good else ConfigError.exit_code
