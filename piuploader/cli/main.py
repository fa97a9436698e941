"""The `piuploader` command: parse, call, print. No rule lives here.

Commands are loaded when they are called, not before: `--help` and `status`
must answer at once on a small Pi. So the table below knows each command's
help, and a test compares it with the command's own.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import typer
from typer.core import TyperGroup

from piuploader import __version__
from piuploader.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_NO_OUTPUT,
    EXIT_OK,
    EXIT_TERMINATED,
    PiUploaderError,
    Terminated,
)

# Click's base of all that is wrong with a command line. Typer has Click inside or beside
# it, depending on its version, and shows neither way.
WRONG_USAGE: Any = typer.BadParameter.__mro__[2]


class Lazy(NamedTuple):
    """A command that is not loaded yet: a function, or a Typer with commands of its own."""

    module: str
    attribute: str
    help: str


def _in_cli(name: str, help_: str, attribute: str = "") -> Lazy:
    return Lazy(f"piuploader.cli.{name}", attribute or name, help_)


# In the order in which a person meets them.
COMMANDS: dict[str, Lazy] = {
    "setup": _in_cli("setup", "Ask for the server and the API key, check them, remember them."),
    "upload": _in_cli("upload", "Bring every photo in these folders to the server."),
    "plan": _in_cli("plan", "Say what an import of these folders would do, file by file, and why."),
    "doctor": _in_cli(
        "doctor", "Check server, key and this machine, with a remedy for each fault."
    ),
    "status": _in_cli(
        "history", "Show how the last import ended, or how the running one goes.", "status"
    ),
    "history": _in_cli("history", "Show past imports, session by session, file by file."),
    "queues": _in_cli("queues", "Show and steer the server's own job queues."),
    "recommend": _in_cli("recommend", "Recommend server settings for weak hardware."),
    "tuner": _in_cli("tuner", "Look into how the number of uploads is chosen."),
    "daemon": _in_cli("daemon", "Wait for drives, import each, show it on the lights."),
    "lights": _in_cli("lights", "Show every light signal and what it means."),
    "boot-config": _in_cli(
        "boot_config", "Take over piuploader.toml from the boot partition, and set the box up."
    ),
    "sandbox": _in_cli("sandbox", "Run a small server that behaves like Immich, for trying out."),
    "demo": _in_cli("demo", "Import a made-up drive into a sandbox server, for all to see."),
}


class LazyGroup(TyperGroup):
    """Knows its commands by name, and loads the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  Click's signature
        """Name the commands that are installed."""
        return [name for name, lazy in COMMANDS.items() if find_spec(lazy.module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  Click's signature
        """Load a command."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None or not find_spec(lazy.module):
            return None
        found = getattr(import_module(lazy.module), lazy.attribute)
        if not isinstance(found, typer.Typer):
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(cmd_name)(found)
            found = app
        found.rich_markup_mode = None  # rich takes longer to load than the command
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without loading any."""
        names = self.list_commands(ctx)
        if names:
            with formatter.section("Commands"):
                formatter.write_dl([(name, COMMANDS[name].help) for name in names])


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  Typer calls it so
    if wanted:
        typer.echo(f"piuploader {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 all safe, 65 some files failed, 69 server, 74 drive, "
    "75 try again later, 77 key, 78 configuration, 130 interrupted. See docs/cli.md."
)
def about(
    *,
    _version: bool = typer.Option(
        False, "--version", help="Show the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Bring every photo on a drive to Immich, and confirm it there."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; what a person can meet becomes a message."""
    return _flushed(_ended(arguments))


def _ended(arguments: Sequence[str]) -> int:
    try:
        code = typer.main.get_command(app).main(
            args=list(arguments), prog_name="piuploader", standalone_mode=False
        )
    except PiUploaderError as error:
        typer.echo(f"piuploader: {error}", err=True)
        if error.hint:
            typer.echo(error.hint, err=True)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("piuploader: interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _read_no_more()
        return EXIT_OK
    except WRONG_USAGE as error:
        error.show()
        if _wants_json_lines(arguments):
            _tell_program(error.format_message())
        return int(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            return _bug()
        return _unwritable(error, EXIT_OK)
    except Exception:  # noqa: BLE001 - the outermost place: a bug has a code of its own
        return _bug()
    return code if isinstance(code, int) else EXIT_OK


def _bug() -> int:
    traceback.print_exc()
    typer.echo("piuploader: this is a fault of piuploader, please report it", err=True)
    return EXIT_BUG


def _flushed(code: int) -> int:
    """Write out what is left, and return the exit code: that of the command, if it has one."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _read_no_more()
    except OSError as error:
        return _unwritable(error, code)
    return code


def _unwritable(error: OSError, code: int) -> int:
    _read_no_more()
    typer.echo(f"piuploader: cannot write the output: {error.strerror}", err=True)
    return code or EXIT_NO_OUTPUT


def _read_no_more() -> None:
    """Let what is still to be written go nowhere: Python would complain when it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wants_json_lines(arguments: Sequence[str]) -> bool:
    return arguments[:1] in (["upload"], ["plan"]) and "--json" in arguments


def _tell_program(message: str) -> None:
    from piuploader.cli.jsonl import write_error
    from piuploader.errors import UsageError

    write_error(sys.stdout, UsageError(message))


def main() -> NoReturn:
    """Run the command that was called."""
    for stream in ("stdin", "stdout", "stderr"):
        if (
            getattr(sys, stream) is None
        ):  # closed by who called us; a socket must not take its place
            setattr(sys, stream, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115
    terminations: list[int] = []  # Typer does not tell one interrupt from another

    def terminate(number: int, _frame: object) -> NoReturn:
        terminations.append(number)
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    code = run(sys.argv[1:])
    sys.exit(EXIT_TERMINATED if terminations and code == EXIT_INTERRUPTED else code)
