"""Recommendations, changes and experiments, as a person or a machine reads them."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from piuploader.app.advise import Applied
from piuploader.core.advice import Advice, Facts, Recommendation
from piuploader.core.experiment import Trial, Verdict, plot

if TYPE_CHECKING:
    from rich.table import Table

UNKNOWN = (
    "The server runs on another machine, and nothing is known of it: say --server-class "
    "(docs/queues.md has the classes). Our own processor says nothing about it."
)
PIPE_WIDTH = 160
TABLE_WIDTH = 130  # below it a table of six columns breaks words


def show(facts: Facts, found: Sequence[Recommendation], besides: Sequence[Advice]) -> None:
    """Print the table and the advice."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(_known(facts), markup=False, highlight=False)
    if found:
        table = _table(found) if console.width >= TABLE_WIDTH else _narrow_table(found)
        console.print(table, markup=False, highlight=False)
    elif facts.classes:
        console.print("All settings are as we would have them.")
    if besides:
        console.print("\nWhat no API can set:")
        for advice in besides:
            text = f"- {advice.do} Because {advice.why} ({advice.source})."
            console.print(text, markup=False, highlight=False)


def as_table(
    server: str, facts: Facts, found: Sequence[Recommendation], besides: Sequence[Advice]
) -> dict[str, Any]:
    """Return all of it for JSON and TOML, which has no null: what is not known is left out."""
    host = {name: value for name, value in asdict(facts.host).items() if value not in {None, ""}}
    return {
        "server": server,
        "classes": sorted(facts.classes),
        "machine": host,
        "recommendations": [_plain(asdict(entry)) for entry in found],
        "advice": [asdict(entry) for entry in besides],
    }


def applied(done: Applied) -> list[str]:
    """Say what came of a change."""
    lines = [
        f"{change.key}: {shown(change.was)} → {shown(change.ours[0])}" for change in done.changed
    ]
    lines += [f"{key}: the server kept it as it was" for key in done.refused]
    lines += [f"{key}: changed by somebody since, left as it is" for key in done.theirs]
    if done.saved:
        lines.append(f"The whole configuration as it was: {done.saved}")
        lines.append("Take it back with: piuploader recommend --undo")
    return lines or ["Nothing to change."]


def trial(one: Trial) -> str:
    """Say what one trial showed."""
    besides = ""
    if one.hottest_c is not None:
        besides += f", at most {one.hottest_c:.0f} °C"
    if one.memory_left_mib is not None:
        besides += f", at least {one.memory_left_mib:,.0f} MiB of memory free"
    return f"{one.value}: {one.jobs} jobs in {one.seconds:.0f} s, {one.per_min:.1f}/min{besides}"


def verdict(key: str, found: Verdict) -> list[str]:
    """Say what the experiment showed: a table, a plot, and what is kept."""
    head = [f"{key}, jobs a minute", "(█ for sure, ▓░ the noise: one standard error each way)"]
    trials = [
        f"{r.value:>4}  {r.trials} trials, {r.per_min:.1f} ±{r.error_per_min:.1f} a minute"
        for r in found.results
    ]
    return [*head, *plot(found.results), "", *trials, "", f"{found.why}."]


def verdict_table(key: str, trials: Sequence[Trial], found: Verdict) -> dict[str, Any]:
    """Return the experiment for machines."""
    return {
        "setting": key,
        "keep": found.keep,
        "why": found.why,
        "results": [asdict(result) for result in found.results],
        "trials": [{**asdict(one), "per_min": one.per_min} for one in trials],
    }


def shown(value: object) -> str:
    """Return a setting as JSON would show it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(shown, value)) if isinstance(value, tuple) else str(value)


def _table(found: Sequence[Recommendation]) -> "Table":
    from rich.table import Table

    table = Table()
    table.add_column("setting", no_wrap=True)
    for heading in ("now", "recommended", "why", "source", "expected effect"):
        table.add_column(heading)
    for entry in found:
        cells = (shown(entry.now), shown(entry.recommended), entry.why, entry.source)
        table.add_row(entry.setting, *cells, entry.effect)
    return table


def _narrow_table(found: Sequence[Recommendation]) -> "Table":
    """Draw the same in two columns."""
    from rich.table import Table

    table = Table(show_lines=True)
    table.add_column("setting: now → recommended", no_wrap=True)
    table.add_column("why (source), expected effect")
    for entry in found:
        change = f"{entry.setting}\n{shown(entry.now)} → {shown(entry.recommended)}"
        table.add_row(change, f"{entry.why} ({entry.source})\n→ {entry.effect}")
    return table


def _known(facts: Facts) -> str:
    if not facts.classes:
        return UNKNOWN
    host = facts.host
    parts = [
        host.board,
        f"{host.cores} cores" if host.cores else "",
        f"{host.memory_mib / 1024:.1f} GiB" if host.memory_mib else "",
        host.disk.upper() if host.disk else "",
    ]
    machine = ", ".join(filter(None, parts))
    letters = ", ".join(sorted(facts.classes))
    return (
        f"The server's machine: class {letters}"
        + (f" ({machine})" if machine else "")
        + (f", {host.known_by}." if host.known_by else ".")
    )


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in entry.items()
        if value is not None
    }
