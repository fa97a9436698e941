"""Draw the picture of docs/tuner.md:  python -m benchmarks.tuner.picture docs/tuner.svg

Three runs from the benchmark, as they were played, each beside what the
best fixed number would have brought.
"""

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.tuner.judge import Run, oracle, play
from benchmarks.tuner.scenarios import SCENARIOS
from benchmarks.tuner.simulation import Simulation
from benchmarks.tuner.world import MB, Scenario
from piuploader.core.tuner import Tuner

SHOWN = {
    "changing": "A link that changes twice: 200 Mbit, then 30, then a VPN that needs many",
    "films": "Films from a hard disk: more than one reader makes it seek",
    "hot": "A closed box: the pace holds 79 °C, N is only as large as it takes",
}
SEED = 1

mpl.rcParams["svg.hashsalt"] = "piuploader"


def main() -> None:
    """Write the picture."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/tuner.svg")
    figure = Figure(figsize=(10, 8.5), layout="constrained")
    rows = figure.subplots(len(SHOWN), 1)
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    for axes, (name, title) in zip(rows, SHOWN.items(), strict=True):
        scenario = by_name[name]
        _row(axes, scenario, title, play(scenario, SEED, Tuner()), oracle(scenario, SEED))
    rows[-1].set_xlabel("seconds")
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)
    print(target)


def _row(axes: mpl.axes.Axes, scenario: Scenario, title: str, run: Run, best: Run) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.step(range(len(run.uploads)), run.uploads, where="post", color="C0", linewidth=1.5)
    axes.set_ylabel("uploads", color="C0")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    right = axes.twinx()
    right.plot(_smooth(best.curve), color="0.6", linewidth=1.0, label="best fixed N (safe)")
    right.plot(_smooth(run.curve), color="C1", linewidth=1.0, label="tuner")
    right.set_ylabel("MB/s", color="C1")
    right.set_ylim(bottom=0)
    right.legend(loc="lower right", fontsize=8)
    if scenario.name == "hot":
        heat = axes.twinx()
        heat.spines["right"].set_position(("axes", 1.07))
        heat.plot(_temperatures(scenario), color="C3", linewidth=0.8)
        heat.set_ylabel("°C", color="C3")


def _temperatures(scenario: Scenario) -> list[float]:
    simulation, tuner = Simulation(scenario, SEED), Tuner()
    decision = tuner.first()
    for _ in range(scenario.seconds):
        decision = tuner.decide(
            simulation.second(decision.uploads, decision.pace_bytes_per_s, drop=False)
        )
    return [one.temperature_c for one in simulation.history]


def _smooth(curve: tuple[float, ...], over: int = 5) -> list[float]:
    """Return the mean of some seconds around each, in MB."""
    return [
        sum(curve[max(0, i - over + 1) : i + 1]) / len(curve[max(0, i - over + 1) : i + 1]) / MB
        for i in range(len(curve))
    ]


if __name__ == "__main__":
    main()
