"""Draw throughput against the number of uploads, from what the benchmark measured.

    python -m benchmarks.plot

Needs matplotlib (the extra `plot`), and `python -m benchmarks.engine --only concurrency` before.
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engine import CACHE, ROOT

COLOURS = {"piuploader": "#1f77b4", "curl": "#7f7f7f", "@immich/cli": "#d62728"}
NOTES = {
    "no delay": "the processor is the limit",
    "20 ms": "every answer 20 ms late: the number of uploads is the limit",
}


def curves(rows: list[dict[str, Any]]) -> dict[str, dict[int, list[float]]]:
    """Return MB/s by contender and number of uploads."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        who, _, uploads = row["contender"].rpartition(" ")
        found[who][int(uploads)].append(row["bytes"] / row["wall_s"] / 1e6)
    return found


def draw(name: str, rows: list[dict[str, Any]], path: Path) -> None:
    """Draw one picture: the median of the rounds, and their spread."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "piuploader"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for who, points in curves(rows).items():
        uploads = sorted(points)
        colour = COLOURS.get(who)
        middle = [median(points[number]) for number in uploads]
        axes.plot(uploads, middle, "o-", color=colour, label=who)
        low, high = ([end(points[number]) for number in uploads] for end in (min, max))
        axes.fill_between(uploads, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(uploads, [str(number) for number in uploads])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("uploads at a time")
    axes.set_ylabel("MB/s")
    axes.set_title(f"Photos, {NOTES.get(name, name)}", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw all that was measured."""
    results = json.loads((CACHE / "results.json").read_text())
    for name, rows in results["concurrency"].items():
        path = ROOT / "benchmarks" / f"concurrency-{name.replace(' ', '-')}.svg"
        draw(name, rows, path)
        print(path)


if __name__ == "__main__":
    main()
