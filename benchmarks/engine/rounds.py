"""Runs interleaved: in every round each contender has its turn, and another one is first.

A machine drifts while it is measured: others work on it, it grows warm. So
what is compared is compared within a round, and the median round counts.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.engine.contenders import Contender
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.sink import Sink, Wire
from benchmarks.engine.trial import Trial, run

Rows = list[dict[str, Any]]
Say = Callable[[str], object]
Run = Callable[[Contender, Corpus, Sink], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One comparison."""

    name: str
    corpus: Corpus
    wire: Wire
    contenders: Sequence[Contender]


def send_once(contender: Contender, corpus: Corpus, sink: Sink) -> dict[str, Any]:
    """Run a trial on files that are in the page cache, and return its row."""
    corpus.warm()
    return run(contender, corpus, sink).row()


def play(part: Part, *, rounds: int, say: Say, once: Run = send_once) -> Rows:
    """Run all rounds of a part and return a row for each run."""
    rows: Rows = []
    # The contender that asks for checksums has a sink of its own, which learns them.
    with Sink(part.wire) as learning, Sink(part.wire, learns=False) as plain:
        learning.teach(part.corpus)
        for number in range(rounds):
            for place in range(len(part.contenders)):
                contender = part.contenders[(place + number) % len(part.contenders)]
                sink = learning if contender.confirms else plain
                row = once(contender, part.corpus, sink)
                rows.append(row | {"round": number, "load": os.getloadavg()[0]})
                say(f"  {number + 1}/{rounds} {told(row)}")
    return rows


def fastest(contenders: Sequence[Contender], corpus: Corpus, wire: Wire, say: Say) -> Contender:
    """Return the one that is fastest in a single run each."""
    best: tuple[float, Contender] | None = None
    with Sink(wire, learns=False) as sink:
        for contender in contenders:
            row = send_once(contender, corpus, sink)
            say(f"  trying {told(row)}")
            if best is None or row["wall_s"] < best[0]:
                best = (row["wall_s"], contender)
    assert best
    return best[1]


def told(row: dict[str, Any]) -> str:
    """Say in a line what a run took."""
    trial = Trial(**{name: row[name] for name in Trial.__dataclass_fields__ if name in row})
    first = "-" if trial.first_upload_s is None else f"{trial.first_upload_s:.2f}"
    lost = f", {trial.lost} files lost" if trial.lost else ""
    return (
        f"{trial.contender:20} {trial.wall_s:7.2f} s {trial.mb_per_s:7.0f} MB/s"
        f" {trial.files_per_s:7.0f} files/s {trial.cpu_s_per_gb:7.2f} CPU s/GB"
        f" {trial.peak_mib:5.0f} MiB, first upload after {first} s{lost}"
    )


def by_contender(rows: Rows) -> dict[str, Rows]:
    """Sort rows by who ran, each in the order of rounds."""
    found: dict[str, Rows] = {}
    for row in sorted(rows, key=lambda row: row["round"]):
        found.setdefault(row["contender"], []).append(row)
    return found


def middle(rows: Rows, value: Callable[[dict[str, Any]], float]) -> float:
    """Return the median of a value over the rounds."""
    return median(value(row) for row in rows)


def ratio(ours: Rows, theirs: Rows, name: str) -> float:
    """Return the median, over rounds, of a figure of ours divided by theirs."""
    return median(one[name] / other[name] for one, other in zip(ours, theirs, strict=True))
