"""Play controllers against the best fixed number, and judge them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.tuner.rivals import Controller, Fixed
from benchmarks.tuner.simulation import Simulation
from benchmarks.tuner.world import Scenario

GRID = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
PACES = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
HOT_SHARE = 0.02  # the oracle may be too hot for 2 % of the time ...
REFUSED_SHARE = 0.01  # ... and be refused for 1 % of the files
CONVERGED = 0.9
WINDOW_S = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario played once."""

    goodput: float
    curve: tuple[float, ...]  # bytes of each second
    uploads: tuple[int, ...]
    hot_s: int
    memory_low_s: int
    killed: int
    refused_share: float
    hottest_c: float
    costs_s: tuple[float, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Tell whether a careful person would have dared this."""
        hot = self.hot_s > HOT_SHARE * len(self.curve)
        return not (hot or self.killed or self.memory_low_s or self.refused_share > REFUSED_SHARE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One run against the oracle of its scenario and seed."""

    scenario: str
    efficiency: float
    converged_s: float
    run: Run
    best: Run


def play(scenario: Scenario, seed: int, controller: Controller) -> Run:
    """Play one scenario to its end."""
    simulation = Simulation(scenario, seed)
    decision = controller.first()
    costs = []
    for _ in range(scenario.seconds):
        sample = simulation.second(
            decision.uploads,
            decision.pace_bytes_per_s,
            drop=decision.drop_surplus,
            decision=decision,
        )
        begun = time.thread_time()
        decision = controller.decide(sample)
        costs.append(time.thread_time() - begun)
    history = simulation.history
    return Run(
        goodput=sum(one.goodput for one in history) / len(history),
        curve=tuple(one.goodput for one in history),
        uploads=tuple(one.uploads for one in history),
        hot_s=simulation.hot_s,
        memory_low_s=simulation.memory_low_s,
        killed=simulation.killed,
        refused_share=simulation.refused / max(1, simulation.refused + simulation.files),
        hottest_c=max(one.temperature_c for one in history),
        costs_s=tuple(costs),
    )


def oracle(scenario: Scenario, seed: int) -> Run:
    """Return the best safe run of all fixed numbers (and, where it is hot, paces)."""
    runs = [play(scenario, seed, Fixed(n)) for n in GRID]
    if any(run.hot_s > HOT_SHARE * scenario.seconds for run in runs):
        most = max(run.goodput for run in runs)
        runs += [play(scenario, seed, Fixed(n, most * share)) for n in (2, 4) for share in PACES]
    safe = [run for run in runs if run.is_safe]
    return max(safe or runs, key=lambda run: run.goodput)


def judge(
    scenario: Scenario, seed: int, makers: dict[str, Callable[[], Controller]]
) -> dict[str, Judgement]:
    """Let all play the same scenario with the same weather."""
    best = oracle(scenario, seed)
    judged = {}
    for name, make in makers.items():
        run = play(scenario, seed, make())
        judged[name] = Judgement(
            scenario.name, run.goodput / best.goodput, _converged_s(run, best), run, best
        )
    return judged


def _converged_s(run: Run, best: Run) -> float:
    """Return when the run began to keep up with the best one."""
    for second in range(len(run.curve) - WINDOW_S):
        window = slice(second, second + WINDOW_S)
        if sum(run.curve[window]) >= CONVERGED * sum(best.curve[window]):
            return float(second)
    return float(len(run.curve))


def changes_per_minute(runs: Sequence[Run]) -> float:
    """Return how often N changes after the first minute."""
    counts = []
    for run in runs:
        later = run.uploads[60:]
        counts.append(60.0 * sum(a != b for a, b in pairwise(later)) / len(later))
    return statistics.mean(counts)
