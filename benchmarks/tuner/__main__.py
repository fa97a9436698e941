"""Print the table:  python -m benchmarks.tuner [--seeds 1,2,3] [--held-out 26] [--jobs 2]

Everything runs in virtual time and is the same for the same seeds, but
for the last line, which tells what a decision costs on this machine.
"""

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.tuner.judge import Judgement, changes_per_minute, judge
from benchmarks.tuner.rivals import RIVALS
from benchmarks.tuner.scenarios import SCENARIOS, held_out
from benchmarks.tuner.world import Scenario

RESULTS = Path(__file__).parent.parent / "RESULTS-tuner.md"


def main() -> None:
    """Play all and print, or write, the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuner", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--held-out", type=int, default=2 * len(SCENARIOS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="names of scenarios, with commas between")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} as well")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    known = [s for s in SCENARIOS if not options.only or s.name in options.only.split(",")]
    unknown = [] if options.only else list(held_out(options.held_out))

    with ProcessPoolExecutor(options.jobs) as pool:
        on_known = list(pool.map(_all, [(s, seed) for s in known for seed in seeds]))
        on_unknown = list(pool.map(_tuner, [(s, seeds[0]) for s in unknown]))

    lines = ["## The tuner and its rivals", "", *table(on_known), "", *rows(on_known)]
    if on_unknown:
        lines += ["", "## The tuner on the held-out set", ""]
        lines += [*table(on_unknown)]
        lines += ["", *rows(on_unknown)]
    lines += ["", cost([one["tuner"] for one in on_known])]
    print("\n".join(lines))
    if options.save:
        text = "# Results: the tuner\n\n" + _HOW + "\n".join(lines) + "\n"
        RESULTS.write_text(text, encoding="utf-8")


_HOW = """\
`python -m benchmarks.tuner --save` wrote this: 13 scenarios in virtual time, three seeds each, and
a held-out set in which every constant is shaken and some sensors are missing. Efficiency is goodput
against the best *safe* fixed number of that scenario and seed (the oracle, which knows the future);
above it counts as 100 %. Converged is when 30 s in a row reach 90 % of the oracle. Device constants
are plausible, not measured: believe the ranks, not the megabytes.

"""


def table(judged: list[dict[str, Judgement]]) -> list[str]:
    """Return one line for each controller."""
    lines = [
        "| controller | mean | worst run | ≥ 95 % | converged | changes/min | > 80 °C | OOM |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in judged[0]:
        mine = [one[name] for one in judged]
        by_scenario: dict[str, list[float]] = {}
        for one in mine:
            by_scenario.setdefault(one.scenario, []).append(min(1.0, one.efficiency))
        means = [statistics.mean(values) for values in by_scenario.values()]
        worst = min(mine, key=lambda one: one.efficiency)
        lines.append(
            f"| {name} | {statistics.mean(means):.1%} | {worst.efficiency:.0%} ({worst.scenario}) "
            f"| {sum(mean >= 0.95 for mean in means)} of {len(means)} "
            f"| {statistics.mean(one.converged_s for one in mine):.0f} s "
            f"| {changes_per_minute([one.run for one in mine]):.1f} "
            f"| {sum(one.run.hot_s for one in mine)} s | {sum(one.run.killed for one in mine)} |"
        )
    return lines


def rows(judged: list[dict[str, Judgement]]) -> list[str]:
    """Return how the tuner did in each scenario."""
    lines = [
        "| scenario | tuner | converged | N, median | oracle's N | MB/s | hottest | refused |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_scenario: dict[str, list[Judgement]] = {}
    for one in judged:
        by_scenario.setdefault(one["tuner"].scenario, []).append(one["tuner"])
    for name, mine in by_scenario.items():
        lines.append(
            f"| {name} | {statistics.mean(one.efficiency for one in mine):.1%} "
            f"| {statistics.mean(one.converged_s for one in mine):.0f} s "
            f"| {statistics.median(n for one in mine for n in one.run.uploads):.0f} "
            f"| {', '.join(sorted({str(one.best.uploads[0]) for one in mine}, key=int))} "
            f"| {statistics.mean(one.run.goodput for one in mine) / 1e6:.1f} "
            f"| {max(one.run.hottest_c for one in mine):.1f} °C "
            f"| {statistics.mean(one.run.refused_share for one in mine):.1%} |"
        )
    return lines


def cost(judged: list[Judgement]) -> str:
    """Return what a decision costs here."""
    costs = sorted(seconds for one in judged for seconds in one.run.costs_s)
    mean, tail = statistics.mean(costs), costs[int(0.99 * len(costs))]
    return (
        f"A decision costs {mean * 1000:.2f} ms on average, {tail * 1000:.2f} ms in the worst "
        f"hundredth ({len(costs)} decisions, this machine, both cores busy)."
    )


def _all(job: tuple[Scenario, int]) -> dict[str, Judgement]:
    scenario, seed = job
    return judge(scenario, seed, RIVALS)


def _tuner(job: tuple[Scenario, int]) -> dict[str, Judgement]:
    scenario, seed = job
    return judge(scenario, seed, {"tuner": RIVALS["tuner"]})


if __name__ == "__main__":
    main()
