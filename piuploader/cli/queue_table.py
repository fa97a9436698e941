"""The server's queues as lines of a table, and as JSON."""

import textwrap
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from piuploader.core.flow import Eta, Pace, QueueView, View
from piuploader.core.outlook import number, sentences
from piuploader.core.queues import HEAVY

HEAD = ("queue", "", "active", "waiting", "delayed", "paused", "together", "jobs/min", "done in")
SHORT_HEAD = ("queue", "active", "waiting", "jobs/min", "done in")
TEXT = {"queue", ""}  # columns of text, the others are numbers


def lines(
    view: View,
    held: Collection[str] = (),
    *,
    width: int | None = None,
    height: int | None = None,
) -> list[str]:
    """Return the table and the sentences below it, to fit into so many columns and rows.

    `held`: queues that we paused. None: any width, any height. Where columns lack, all that
    does not run yet is one number; where rows lack, empty queues are only counted.
    """
    said = [
        line
        for sentence in sentences(view, held=held)
        for line in (textwrap.wrap(sentence, width) if width else [sentence])
    ]
    shown = view.queues
    hidden = 0
    if height is not None and len(shown) + 2 + len(said) > height:  # 2: the head, an empty line
        shown = tuple(each for each in shown if each.queue.backlog or each.queue.is_paused)
        hidden = len(view.queues) - len(shown)
    table = _table([HEAD, *(_row(each, held) for each in shown)])
    if width is not None and max(map(len, table)) > width:
        table = _table([SHORT_HEAD, *(_short_row(each, held) for each in shown)])
    if hidden:
        table.append(f"… and {number(hidden, 'empty queue')}")
    return [*table, "", *said]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if name in TEXT else cell.rjust(width)
            for name, cell, width in zip(rows[0], row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def as_json(view: View, server: str, held: Collection[str] = ()) -> dict[str, Any]:
    """Return all that is known, for machines. Times in seconds, null where nobody can tell."""
    return {
        "server": server,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server_settled": view.settled,
        "active": view.work.active,
        "waiting": view.work.waiting,
        "jobs_per_min": _per_min(view.pace),
        "eta": _eta(view.eta),
        "sentences": list(sentences(view, held=held)),
        "queues": [
            {
                "name": each.queue.name,
                "is_paused": each.queue.is_paused,
                "held_by_piuploader": each.queue.name in held,
                "heavy": each.queue.name in HEAVY,
                "active": each.queue.active,
                "waiting": each.queue.waiting,
                "delayed": each.queue.delayed,
                "paused": each.queue.paused,
                "waiting_together": each.queue.held_up,
                "failed": each.queue.failed,
                "completed": each.queue.completed,
                "backlog": each.queue.backlog,
                "jobs_per_min": _per_min(each.pace),
                "eta": _eta(each.eta),
                "stuck": each.stuck,
            }
            for each in view.queues
        ],
    }


def _row(each: QueueView, held: Collection[str]) -> tuple[str, ...]:
    queue = each.queue
    counts = (queue.active, queue.waiting, queue.delayed, queue.paused, queue.held_up)
    return (queue.name, _state(each, held), *map(_count, counts), _pace(each), _done_in(each))


def _short_row(each: QueueView, held: Collection[str]) -> tuple[str, ...]:
    queue = each.queue
    done_in = _state(each, held) or _done_in(each)
    return (queue.name, _count(queue.active), _count(queue.held_up), _pace(each), done_in)


def _state(each: QueueView, held: Collection[str]) -> str:
    if each.queue.is_paused:
        return "paused by us" if each.queue.name in held else "paused"
    return "stuck" if each.stuck else ""


def _count(jobs: int) -> str:
    return f"{jobs:,}" if jobs else "·"


def _pace(each: QueueView) -> str:
    if each.pace is None or not each.queue.backlog:
        return ""
    return "grows" if each.pace.per_s < 0 else f"{each.pace.per_s * 60:,.0f}"


def _done_in(each: QueueView) -> str:
    return str(each.eta) if each.eta and each.queue.backlog else ""


def _per_min(pace: Pace | None) -> float | None:
    return None if pace is None else round(pace.per_s * 60, 1)


def _eta(eta: Eta | None) -> dict[str, float | None] | None:
    if eta is None:
        return None
    most = None if eta.most_s is None else round(eta.most_s)
    return {"seconds": round(eta.seconds), "least": round(eta.least_s), "most": most}
