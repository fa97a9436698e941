"""`piuploader daemon`: the service, from start to end."""

import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piuploader.cli import options

if TYPE_CHECKING:
    from piuploader.config import Settings

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to each file.")]
StatusPath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Where to write the status. [default: status.json in /run/piuploader]"
    ),
]


def daemon(
    *,
    config: options.ConfigFile = None,
    status_file: StatusPath = None,
    verbose: Verbose = False,
) -> None:
    """Wait for drives, import each, show it on the lights.

    Made for systemd. SIGHUP reads the configuration again, SIGTERM ends in order.
    """
    from piuploader.adapters.statusfile import usual_path
    from piuploader.adapters.systemd import log_to
    from piuploader.wiring.appliance import Appliance

    log_to(sys.stdout, level=logging.DEBUG if verbose else logging.INFO)
    appliance = Appliance(lambda: _read(config), status_file=status_file or usual_path())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: appliance.daemon.ask_to_end())
    signal.signal(signal.SIGHUP, lambda _number, _frame: appliance.daemon.ask_to_reload())
    try:
        appliance.daemon.run()
    finally:
        appliance.close()


def _read(config: Path | None) -> "Settings":
    from piuploader.config import settings
    from piuploader.config.appliance import ROOMS

    found = settings(config=config, rooms=ROOMS).require()
    for warning in found.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    return found
