"""`piuploader tuner`: look into a log that `upload --tuner-log FILE` wrote."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piuploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piuploader.core.tuner import Decision, Sample

tuner = typer.Typer(
    no_args_is_help=True,
    help="Look into how the number of uploads is chosen.",
    add_completion=False,
)

LogFile = Annotated[Path, typer.Argument(help="A log that upload --tuner-log FILE wrote.")]


class MissingPlot(UsageError):
    """The library that draws is not installed."""

    hint = "Install it: pip install 'piuploader[plot]', or apt install python3-matplotlib."


@tuner.command()
def plot(
    log: LogFile,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write here (.svg, .png or .pdf); else beside LOG."),
    ] = None,
) -> None:
    """Draw N, goodput, temperature and what limited over time."""
    seconds = list(read_log(log))
    if not seconds:
        raise UsageError(f"{log} holds no decision yet")
    try:
        from piuploader.cli.tuner_plot import draw
    except ModuleNotFoundError as error:
        raise MissingPlot(f"drawing needs {error.name}") from error
    target = log.with_suffix(".svg") if output is None else output
    try:
        draw(seconds, target, title=log.name)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {target}: {error}") from error
    typer.echo(f"drawn: {target}")


@tuner.command()
def replay(log: LogFile) -> None:
    """Let the tuner of this version decide again on what was seen then, and compare."""
    from piuploader.core.tuner.record import replay as decide_again

    seconds = list(read_log(log))
    differing = 0
    for (sample, then), (_, now) in zip(seconds, decide_again(seconds), strict=True):
        if now != then:
            differing += 1
            typer.echo(
                f"{sample.t_s:.0f} s: {then.uploads} uploads ({then.reason}) then, "
                f"{now.uploads} ({now.reason}) now"
            )
    typer.echo(f"{len(seconds)} decisions, {differing} differ")


def read_log(log: Path) -> "Iterator[tuple[Sample, Decision]]":
    """Yield the seconds of a log; raise UsageError if it is none."""
    from piuploader.core.tuner.record import from_row

    try:
        with log.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield from_row(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read the tuner log {log}: {error}") from error
