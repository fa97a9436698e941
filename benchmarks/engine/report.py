"""Tables for people, in Markdown."""

# ruff: noqa: RUF001  (the sign for "times" is meant)

import platform
import re
import subprocess
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engine import ROOT
from benchmarks.engine.goals import Results, goals, peaks_mib
from benchmarks.engine.rounds import Rows, by_contender, middle

PAGE = ROOT / "benchmarks" / "RESULTS.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"
TITLES = {
    "photos": "Photos: 2,000 of 0.2 to 8 MB",
    "tiny": "Tiny files: 10,000 of 10 KB",
    "films": "Films: two of 1 GB",
    "mixed": "Mixed: photos, short films, two long ones",
    "tls": "Photos over TLS",
    "photos-20": "Photos, every answer 20 ms late",
    "photos-100": "Photos, every answer 100 ms late",
    "tiny-20": "Tiny files, every answer 20 ms late",
    "tiny-100": "Tiny files, every answer 100 ms late",
    "mixed-112": "Mixed, on a wire of 112 MB/s",
    "photos-12": "Photos, on a wire of 12 MB/s",
    "pi": "Pi-like: drive 150 MB/s, wire 112 MB/s, 300 MB of memory with the page cache",
}


def machine() -> str:
    """Describe the machine that measures."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    flags = Path("/proc/cpuinfo").read_text()
    cores = flags.count("processor\t")
    sha = "with" if " sha_ni" in flags or " sha1" in flags else "without"
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    return (
        f"{cores} × {cpu[1] if cpu else platform.machine()} ({sha} SHA instructions), "
        f"Linux {platform.release()}, Python {platform.python_version()}, "
        f"{' '.join(curl.stdout.split()[:2])}"
    )


def tables(results: Results) -> str:
    """Return all tables."""
    parts = [f"Machine: {results['machine']}. Measured on {results['when']}.\n"]
    measured = {name: part for name, part in results.items() if isinstance(part, dict)}
    parts.append(_goals(measured))
    parts += [_trials(title, measured[name]) for name, title in TITLES.items() if name in measured]
    if "known" in measured:
        parts.append(_known(measured["known"]))
    if "startup" in measured:
        parts.append(_startup(measured["startup"]))
    parts.append(_memory(measured))
    return "\n".join(parts)


def write(results: Results, page: Path = PAGE) -> None:
    """Put the tables into the page, between their marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{tables(results)}\n{END}{after}", encoding="utf-8")


def _goals(results: Results) -> str:
    rows = [
        [goal.what, goal.wanted, f"{goal.measured:.3g} {goal.unit}".strip(), _met(goal.met)]
        for goal in goals(results)
    ]
    return "### Goals\n\n" + table(["goal", "wanted", "measured", ""], rows)


def _met(met: bool) -> str:  # noqa: FBT001  one word of a table
    return "met" if met else "**missed**"


def _trials(title: str, result: dict[str, Any]) -> str:
    rows = []
    reads = "read_ratio" in result["rows"][0]
    for who, runs in by_contender(result["rows"]).items():
        speeds = [row["bytes"] / row["wall_s"] / 1e6 for row in runs]
        cells = [
            who,
            f"{median(speeds):.0f}",
            f"{min(speeds):.0f} to {max(speeds):.0f}",
            f"{middle(runs, lambda row: row['files'] / row['wall_s']):.0f}",
            f"{middle(runs, lambda row: row['cpu_s'] / row['bytes'] * 1e9):.2f}",
            f"{min(row['cpu_s'] / row['bytes'] * 1e9 for row in runs):.2f}",
            f"{middle(runs, lambda row: row['cpu_s'] / row['files'] * 1e6):.0f}",
            f"{max(row['peak_mib'] for row in runs):.0f}",
            f"{middle(runs, lambda row: row['first_upload_s']):.2f}",
        ]
        cells += [f"{middle(runs, lambda row: row['read_ratio']):.2f}"] if reads else []
        rows.append(cells)
    names = [
        "who",
        "MB/s",
        "spread",
        "files/s",
        "CPU s/GB",
        "least",
        "CPU µs/file",
        "peak MiB",
        "first s",
    ]
    names += ["times each byte is read"] if reads else []
    lost = sum(row.get("lost", 0) for row in result["rows"])
    loads = [row["load"] for row in result["rows"]]
    rounds = 1 + max(row["round"] for row in result["rows"])
    said = f"{rounds} rounds, load of the machine {min(loads):.1f} to {max(loads):.1f}."
    said += f" Peers lost {lost} files without a word." if lost else ""
    return f"### {title}\n\n{said}\n\n{table(names, rows)}"


def _known(result: dict[str, Any]) -> str:
    rows = []
    for layout, name in (("known", "folders of 1,000"), ("known-flat", "one folder")):
        part = result[layout]
        runs, files, calls = by_contender(part["rows"]), part["files"], part["calls"] or {}
        rows.append(
            [
                name,
                f"{middle(runs['find'], lambda row: row['cpu_s']):.2f}",
                f"{middle(runs['scan'], lambda row: row['cpu_s']):.2f}",
                f"{middle(runs['all'], lambda row: row['cpu_s']):.2f}",
                f"{files / middle(runs['all'], lambda row: row['wall_s']):.0f}",
                f"{files / part['first']['wall_s']:.0f}",
                ", ".join(f"{call} {count}" for call, count in calls.items()) or "not counted",
            ]
        )
    names = ["layout", "find CPU s", "scan + ledger CPU s", "whole command CPU s"]
    names += ["files/s with the check", "first import files/s", "system calls of the scan"]
    title = f"### A re-plugged drive: {result['known']['files']:,} files, all known"
    return f"{title}\n\n{table(names, rows)}"


def _startup(result: dict[str, Any]) -> str:
    rows = [
        [
            who,
            f"{min(row['cpu_s'] for row in runs) * 1000:.0f}",
            f"{middle(runs, lambda row: row['cpu_s']) * 1000:.0f}",
            f"{max(row['peak_mib'] for row in runs):.0f}",
        ]
        for who, runs in by_contender(result["rows"]).items()
    ]
    loaded = [[what, "", "", f"{mib:.1f}"] for what, mib in result["weights_mib"].items()]
    names = ["what", "CPU ms, least", "median", "resident MiB"]
    return f"### Start-up and weight\n\n{table(names, rows + loaded)}"


def _memory(results: Results) -> str:
    rows = [[part, f"{mib:.1f}"] for part, mib in peaks_mib(results).items()]
    return (
        f"### Peak resident memory of `piuploader upload --json`\n\n{table(['part', 'MiB'], rows)}"
    )


def table(names: list[str], rows: Rows | list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [names, ["---"] * len(names), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
