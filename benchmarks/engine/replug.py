"""A drive that is known already: nothing is read, the server is asked about all of it.

Its first import, of 100,000 small files, also shows what so many weigh.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.engine import ROOT
from benchmarks.engine.contenders import Command, ours
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.rounds import Rows, Say
from benchmarks.engine.sink import Sink
from benchmarks.engine.trial import DidNotArrive, start

FILE_CALLS = ("openat", "newfstatat", "fstatat64", "statx", "lstat", "read", "readv", "preadv2")


def play(corpus: Corpus, *, rounds: int, say: Say) -> dict[str, Any]:
    """Import a drive, then again and again, beside `find` and a bare scan."""
    with Sink() as sink, tempfile.TemporaryDirectory(prefix="piuploader-bench-") as name:
        home = Path(name)
        command = ours().command(corpus, sink, home)
        first = start(command, home)
        confirmed = _summary(home)["endings"]["confirmed"]
        if confirmed != corpus.files:
            raise DidNotArrive(f"{corpus.name}: {confirmed} of {corpus.files} confirmed")
        say(f"  first import: {corpus.files / first.wall_s:.0f} files/s, {first.peak_kib} KiB")
        rows: Rows = []
        for number in range(rounds):
            rows += [row | {"round": number} for row in _once(corpus, command, home)]
            last = {row["contender"]: row for row in rows[-3:]}
            say(
                f"  {number + 1}/{rounds} find {last['find']['cpu_s']:.3f} CPU s, scan and ledger "
                f"{last['scan']['cpu_s']:.3f}, all {corpus.files / last['all']['wall_s']:.0f} "
                f"files/s with {last['all']['cpu_s']:.2f} CPU s, {last['all']['peak_kib']} KiB"
            )
        calls = _calls(_scan(corpus, home), home)
        return {"first": asdict(first), "rows": rows, "calls": calls}


def _once(corpus: Corpus, command: Command, home: Path) -> Rows:
    find = start(Command(["find", str(corpus.folder), "-printf", r"%p\t%s\t%T@\n"], {}), home)
    start(_scan(corpus, home), home)
    scanned = json.loads((home / "out").read_text())
    again = start(command, home)
    summary = _summary(home)
    if summary["endings"]["duplicate"] != corpus.files or scanned["known"] != corpus.files:
        raise DidNotArrive(f"{corpus.name}: {summary['endings']}, {scanned}")
    return [
        {"contender": "find", "cpu_s": find.cpu_s, "wall_s": find.wall_s},
        {"contender": "scan", "cpu_s": scanned["cpu_s"], "read_bytes": scanned["read_bytes"]},
        {"contender": "all", **asdict(again), "cpu_s": again.cpu_s},
    ]


def _scan(corpus: Corpus, home: Path) -> Command:
    scan = [sys.executable, "-m", "benchmarks.engine.scan", str(corpus.folder), str(home / "state")]
    return Command(scan, {"PYTHONPATH": str(ROOT)})


def _summary(home: Path) -> dict[str, Any]:
    return dict(json.loads((home / "out").read_bytes().splitlines()[-1]))


def _calls(command: Command, home: Path) -> dict[str, int] | None:
    """Count the system calls on files of one more scan; None without strace."""
    if not shutil.which("strace"):
        return None
    report = home / "calls"
    count = ["strace", "--follow-forks", "--summary-only", "--output", str(report)]
    subprocess.run(
        [*count, *command.arguments],
        env={"PATH": os.environ["PATH"], **command.environment},
        check=True,
        capture_output=True,
    )
    found = re.findall(r"\s(\d+)(?:\s+\d+)?\s+(\w+)$", report.read_text(), re.MULTILINE)
    return {name: int(calls) for calls, name in found if name in FILE_CALLS}
