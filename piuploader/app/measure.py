"""Try values of one concurrency on a live server, and give the old one back.

The value that was is on disk before the first change: a kill in the middle of
an experiment is repaired by the next start, as a paused queue is.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from piuploader.app.recovery import give_back
from piuploader.core.experiment import Trial, ended
from piuploader.core.policy import Change, Holding
from piuploader.core.queues import backlog, upstream
from piuploader.errors import UsageError
from piuploader.ports import Journal, QueueServer

log = logging.getLogger(__name__)

TRIES, RETRY_S = 30, 2.0
LEAST_JOBS = 20  # to begin with; fewer measure nothing


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the server is, where it is this machine."""

    temperature_c: float | None = None
    memory_free_mib: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to try, and how long."""

    key: str  # job.X.concurrency
    order: Sequence[int]  # a value for each trial
    trial_s: float
    settle_s: float  # after each change, before the pace counts

    @property
    def queue(self) -> str:
        """The queue that the setting is for."""
        return self.key.removeprefix("job.").removesuffix(".concurrency")


class Experiment:
    """One experiment on one server."""

    def __init__(
        self,
        server: QueueServer,
        journal: Journal,
        plan: Plan,
        *,
        clock: Callable[[], float],
        wait: Callable[[float], object],
        vitals: Callable[[], Vitals] = Vitals,
        poll_s: float = 2.0,
    ) -> None:
        """Prepare. `clock` is monotonic; `wait` takes seconds; `vitals` is asked at each look."""
        self._server = server
        self._journal = journal
        self._plan = plan
        self._clock = clock
        self._wait = wait
        self._vitals = vitals
        self._poll_s = poll_s

    def run(self, tell: Callable[[Trial], object]) -> tuple[Trial, ...]:
        """Run all trials, or as many as the backlog lasts, and set the old value again.

        `tell` hears of each trial. Raises UsageError if there is nothing to measure with.
        """
        plan, settings = self._plan, self._server.settings()
        was = settings.get(plan.key)
        if not isinstance(was, int):
            raise UsageError(f"this server has no setting {plan.key!r}")
        paused = {queue.name for queue in self._server.queues() if queue.is_paused}
        if plan.queue in paused:
            raise UsageError(f"{plan.queue} is paused: nothing can be measured")
        if self._left() < LEAST_JOBS:
            raise UsageError(
                f"{plan.queue} has only {self._left()} jobs left: measure while there is a "
                "backlog, for example during an import, or start its job for all photos in "
                "Immich (Administration > Jobs)"
            )
        held = Change(plan.key, was, tuple(dict.fromkeys(plan.order)))
        self._journal.write(Holding(changed=(held,)))
        trials: list[Trial] = []
        try:
            for value in plan.order:
                self._server.change({plan.key: value})
                trial = self._try(value)
                if trial is None:
                    break
                trials.append(trial)
                tell(trial)
        finally:
            self._give_back(Holding(changed=(held,)))
        return tuple(trials)

    def _give_back(self, holding: Holding) -> None:
        """Set the old value again; a server that is away is tried for a while, then by the next."""
        for _ in range(TRIES):
            holding = give_back(self._server, holding, log.info)
            if not holding:
                break
            self._wait(RETRY_S)
        self._journal.write(holding)

    def _try(self, value: int) -> Trial | None:
        """Run one trial; None if the backlog ran out in it."""
        self._wait(self._plan.settle_s)
        begun_s, before = self._clock(), self._server.queues()
        hottest: list[float] = []
        least: list[float] = []
        while True:
            self._wait(self._poll_s)
            vitals, now_s, after = self._vitals(), self._clock(), self._server.queues()
            if vitals.temperature_c is not None:
                hottest.append(vitals.temperature_c)
            if vitals.memory_free_mib is not None:
                least.append(vitals.memory_free_mib)
            if backlog(after, upstream(self._plan.queue)) < value:
                return None
            if now_s - begun_s >= self._plan.trial_s:
                return Trial(
                    value=value,
                    seconds=now_s - begun_s,
                    jobs=ended(self._plan.queue, before, after),
                    hottest_c=max(hottest, default=None),
                    memory_left_mib=min(least, default=None),
                )

    def _left(self) -> int:
        return backlog(self._server.queues(), upstream(self._plan.queue))
