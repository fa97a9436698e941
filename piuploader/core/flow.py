"""How fast the server works, when it will be done, and whether it is stuck.

A backlog is a walk with a drift: jobs end at uneven moments. Its pace is
the drop over the window divided by the time; how well we know the pace
follows from how unevenly it dropped from look to look, and is never
better than counting allows (the root of the jobs that ended). An ETA is
given as a range that this doubt spans, or not at all.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt

from piuploader.core.queues import (
    EMPTY_POLLS,
    Queue,
    Settling,
    in_pipeline_order,
    work_left,
)
from piuploader.core.status import ServerWork

WINDOW_S = 300.0  # "the last minutes"
LEAST_S = 20.0  # shorter than this is no measurement
DOUBT = 2.0  # standard errors each way: about 19 of 20
# A queue with jobs that run may be busy with one long film. One where nothing
# even starts is stuck much sooner.
STUCK_IDLE_S = 180.0
STUCK_BUSY_S = 1800.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs a second that end, and the standard error of that. Negative: it grows."""

    per_s: float
    error_per_s: float

    def eta(self, left: int) -> "Eta | None":
        """Return when `left` jobs will have ended, None if the pace does not tell."""
        if left <= 0:
            return Eta(0.0, 0.0, 0.0)
        if self.per_s <= 0:
            return None
        slow = self.per_s - DOUBT * self.error_per_s
        return Eta(
            seconds=left / self.per_s,
            least_s=left / (self.per_s + DOUBT * self.error_per_s),
            most_s=left / slow if slow > 0 else None,
        )


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds left, with its honest margin."""

    seconds: float
    least_s: float
    most_s: float | None  # None: nobody can tell how long at most

    def __str__(self) -> str:
        if self.seconds == 0:
            return "now"
        if self.most_s is None or self.most_s > 5 * self.seconds:
            return f"over {duration(self.least_s)}"
        low, high = duration(self.least_s), duration(self.most_s)
        return f"about {low}" if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue with what the last minutes say about it."""

    queue: Queue
    pace: Pace | None  # None: not watched long enough
    eta: Eta | None
    stuck: bool


@dataclass(frozen=True, slots=True)
class View:
    """All queues in the order of work, and the whole."""

    queues: tuple[QueueView, ...]
    pace: Pace | None  # of the server as a whole, jobs that will follow included
    eta: Eta | None  # until it is settled
    settled: bool

    @property
    def busy(self) -> tuple[QueueView, ...]:
        """The queues that hold jobs."""
        return tuple(view for view in self.queues if view.queue.backlog)

    @property
    def work(self) -> ServerWork:
        """The two layers added up, for a display that has room for two numbers."""
        return ServerWork(
            active=sum(each.queue.active for each in self.queues),
            waiting=sum(each.queue.held_up for each in self.queues),
            paused_queues=sum(each.queue.is_paused for each in self.queues),
            settled=self.settled,
            eta_s=self.eta.seconds if self.eta else None,
        )


class Flow:
    """Remembers the last minutes of looks at the queues."""

    def __init__(self, *, window_s: float = WINDOW_S, empty_polls: int = EMPTY_POLLS) -> None:
        self._window_s = window_s
        self._looks: deque[tuple[float, dict[str, Queue]]] = deque()
        self._moved_s: dict[str, float] = {}
        self._settling = Settling(needed=empty_polls)

    def look(self, now_s: float, queues: tuple[Queue, ...]) -> View:
        """Take one look at a monotonic time, and return what can be said now."""
        now = {queue.name: queue for queue in queues}
        before = self._looks[-1][1] if self._looks else {}
        for name, queue in now.items():
            if before.get(name) != queue:
                self._moved_s[name] = now_s
        self._looks.append((now_s, now))
        # One look older than the window stays, so that the window is always full.
        while len(self._looks) > 2 and self._looks[1][0] <= now_s - self._window_s:  # noqa: PLR2004 - two looks span a window
            self._looks.popleft()
        settled = self._settling.look(queues)
        whole = pace([(when, work_left(seen.values())) for when, seen in self._looks])
        views = tuple(self._of(queue, now_s) for queue in in_pipeline_order(queues))
        own = [view.eta for view in views if view.queue.backlog and not view.queue.is_paused]
        eta = whole.eta(work_left(queues)) if whole else None
        return View(views, whole, latest(eta, own) if eta else None, settled)

    def forget(self) -> None:
        """Start over: what was measured no longer holds (uploads ended, a policy changed)."""
        self._looks.clear()
        self._settling.forget()

    def _of(self, queue: Queue, now_s: float) -> QueueView:
        speed = pace(
            [(when, seen[queue.name].backlog) for when, seen in self._looks if queue.name in seen]
        )
        still_s = now_s - self._moved_s[queue.name]
        patience_s = STUCK_BUSY_S if queue.active else STUCK_IDLE_S
        may_move = not queue.is_paused and queue.active + queue.waiting > 0
        return QueueView(
            queue=queue,
            pace=speed,
            eta=speed.eta(queue.backlog) if speed and not queue.is_paused else None,
            stuck=may_move and still_s >= patience_s,
        )


def latest(eta: Eta, others: Iterable[Eta | None]) -> Eta:
    """Return when the last of several is done. None among them: nobody can tell how long at most.

    The pace of the whole is that of quick and slow jobs together, and knows
    what will follow; each queue's own pace knows how slow its jobs are. The later is right.
    """
    for other in others:
        if other is None:
            eta = replace(eta, most_s=None)
            continue
        open_ended = eta.most_s is None or other.most_s is None
        eta = Eta(
            seconds=max(eta.seconds, other.seconds),
            least_s=max(eta.least_s, other.least_s),
            most_s=None if open_ended else max(eta.most_s or 0.0, other.most_s or 0.0),
        )
    return eta


def pace(walk: list[tuple[float, int]]) -> Pace | None:
    """Measure how fast a count falls, from (seconds, count) in order of time."""
    if len(walk) < 3 or walk[-1][0] - walk[0][0] < LEAST_S:  # noqa: PLR2004 - two points have no spread
        return None
    (start_s, first), (end_s, last) = walk[0], walk[-1]
    span_s = end_s - start_s
    per_s = (first - last) / span_s
    steps = [(t1 - t0, n0 - n1) for (t0, n0), (t1, n1) in pairwise(walk) if t1 > t0]
    spread = sum((fall - per_s * step_s) ** 2 / step_s for step_s, fall in steps)
    seen = sqrt(spread / max(1, len(steps) - 1) / span_s)
    counted = sqrt(abs(first - last)) / span_s
    return Pace(per_s, max(seen, counted))


def duration(seconds: float) -> str:
    """Say a time span as a person would: 40 s, 12 min, 3 h 20 min, 2 days."""
    minutes = round(seconds / 60)
    if seconds < 90:  # noqa: PLR2004 - up to here seconds mean something
        return f"{seconds:.0f} s"
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    if hours < 48:  # noqa: PLR2004 - hours in two days
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours / 24:.0f} days"
