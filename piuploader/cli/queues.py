"""`piuploader queues`: see the server's own work, wait for it, give it back."""

import json
import sys
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from piuploader.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piuploader.core.flow import View
    from piuploader.wiring.queues import Reach

EXIT_TRY_LATER, EXIT_HALTED = 75, 69
EVERY_S = 5.0
QUICK_S = 2.0
MEASURE_S = 24.0

queues = typer.Typer(add_completion=False, invoke_without_command=True)


@queues.callback()
def show(
    ctx: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until Ctrl-C.")] = False,
    as_json: options.Json = False,
    seconds: Annotated[
        float, typer.Option("--seconds", help="How long to measure the pace; 0: one look.")
    ] = MEASURE_S,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    config: options.ConfigFile = None,
) -> None:
    """Show every queue of the server: active, waiting, pace, when done, and what that means.

    Where jobs are left it looks for some seconds, for only time shows a pace.
    Needs a key with queue.read whose owner is an administrator.
    """
    ctx.obj = {"server": server, "api_key_file": api_key_file, "config": config}
    if ctx.invoked_subcommand is not None:
        return
    with _reach(ctx) as at:
        if watch:
            _watch(at, as_json=as_json)
            return
        from time import monotonic

        from piuploader.app.watch import measure

        view = measure(_views(at, QUICK_S), clock=monotonic, seconds=seconds)
        _print(at, view, as_json=as_json)


@queues.command()
def wait(
    ctx: typer.Context,
    *,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", help="Give up after so many seconds (exit 75).")
    ] = None,
    every_s: Annotated[float, typer.Option("--every", help="Seconds between looks.")] = EVERY_S,
    as_json: options.Json = False,
) -> None:
    """Wait until the server has finished all its work.

    Exit codes: 0 settled; 75 the time was up; 69 all that is left is paused or
    stuck, and waiting would not end; 77 the key may not look.
    """
    from time import monotonic

    from piuploader.app.watch import Outcome, wait_until_settled
    from piuploader.core.outlook import sentences

    last: list[View] = []

    def tell(view: "View") -> None:
        changed = not last or sentences(view)[0] != sentences(last[0])[0]
        last[:] = [view]
        if changed and not as_json:
            typer.echo(sentences(view)[0], err=True)

    with _reach(ctx) as at:
        outcome = wait_until_settled(
            _views(at, every_s),
            clock=monotonic,
            timeout_s=timeout_s,
            show=tell,
            held=lambda: at.journal.others().paused,
        )
        if as_json:
            _print(at, last[0], as_json=True)
        else:
            for sentence in sentences(last[0], held=at.journal.others().paused):
                typer.echo(sentence)
    code = {Outcome.SETTLED: 0, Outcome.TIMEOUT: EXIT_TRY_LATER, Outcome.HALTED: EXIT_HALTED}
    raise typer.Exit(code[outcome])


@queues.command()
def resume(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Queues by name; none: what piuploader paused.")
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every queue that is paused, whoever paused it.")
    ] = False,
) -> None:
    """Give paused queues back by hand: those that piuploader on this device paused, or others.

    A piuploader that still holds one of them leaves it alone from then on.
    Exit code 75: something is not given back yet.
    """
    from piuploader.app.recovery import give_back, resume_by_hand
    from piuploader.core.policy import Holding

    with _reach(ctx) as at:
        left = Holding()
        if names or everything:
            said = resume_by_hand(at.admin, None if everything else names or ())
        else:
            said = []
            if held := at.journal.others():
                left = give_back(at.admin, held, said.append)
        for sentence in (*at.notes, *said):
            typer.echo(sentence)
        if not said and not at.notes:
            typer.echo("Nothing to give back: piuploader on this device holds no queue.")
    if left:
        raise typer.Exit(EXIT_TRY_LATER)


@contextmanager
def _reach(ctx: typer.Context) -> "Iterator[Reach]":
    from piuploader.config import settings
    from piuploader.wiring.queues import reach

    with reach(settings(**ctx.obj)) as at:
        yield at


def _views(at: "Reach", every_s: float) -> "Iterator[View]":
    from time import monotonic, sleep

    from piuploader.app.watch import follow

    return follow(at.admin, clock=monotonic, wait=sleep, every_s=every_s)


def _print(at: "Reach", view: "View", *, as_json: bool) -> None:
    from piuploader.cli import queue_table

    held = at.journal.others().paused
    if as_json:
        json.dump(queue_table.as_json(view, at.url, held), sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        sys.stdout.flush()
        return
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    for line in (*at.notes, *queue_table.lines(view, held, width=width)):
        typer.echo(line)


def _watch(at: "Reach", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        for view in _views(at, EVERY_S):
            _print(at, view, as_json=as_json)
        return
    from rich.live import Live
    from rich.text import Text

    from piuploader.cli import queue_table

    with Live(auto_refresh=False) as live:
        for view in _views(at, EVERY_S):
            width, height = live.console.size
            held = at.journal.others().paused
            # A row is left for the cursor, so that nothing scrolls.
            lines = queue_table.lines(view, held, width=width, height=height - 1)
            live.update(Text("\n".join(lines)), refresh=True)
