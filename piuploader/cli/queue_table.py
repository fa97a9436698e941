"""The server's queues as lines of a table, and as JSON."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from piuploader.core.flow import Eta, Pace, QueueView, View
from piuploader.core.outlook import sentences
from piuploader.core.queues import HEAVY

HEAD = ("queue", "", "active", "waiting", "delayed", "paused", "together", "jobs/min", "done in")
LEFT = 2  # columns of text, the others are numbers


def lines(view: View, held: Collection[str] = ()) -> list[str]:
    """Return the table and the sentences below it. `held`: queues that we paused."""
    rows = [HEAD, *(_row(each, held) for each in view.queues)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    table = [
        "  ".join(
            cell.ljust(width) if column < LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [*table, "", *sentences(view, held=held)]


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
    state = "stuck" if each.stuck else ""
    if queue.is_paused:
        state = "paused by us" if queue.name in held else "paused"
    counts = (queue.active, queue.waiting, queue.delayed, queue.paused, queue.held_up)
    pace = "" if each.pace is None or not queue.backlog else _pace(each.pace)
    eta = str(each.eta) if each.eta and queue.backlog else ""
    return (queue.name, state, *(f"{count:,}" if count else "·" for count in counts), pace, eta)


def _pace(pace: Pace) -> str:
    return "grows" if pace.per_s < 0 else f"{pace.per_s * 60:,.0f}"


def _per_min(pace: Pace | None) -> float | None:
    return None if pace is None else round(pace.per_s * 60, 1)


def _eta(eta: Eta | None) -> dict[str, float | None] | None:
    if eta is None:
        return None
    most = None if eta.most_s is None else round(eta.most_s)
    return {"seconds": round(eta.seconds), "least": round(eta.least_s), "most": most}
