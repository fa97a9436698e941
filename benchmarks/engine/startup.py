"""How long it takes to answer at all, and what the process weighs."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.engine import ROOT
from benchmarks.engine.contenders import Command
from benchmarks.engine.rounds import Rows, Say
from benchmarks.engine.trial import start

BARE = [sys.executable, "-c", "import click"]
ASKED = {
    "python and click": BARE,
    "piuploader --help": [sys.executable, "-m", "piuploader", "--help"],
    "piuploader status": [sys.executable, "-m", "piuploader", "status"],
}
LOADED = "import re; print(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])"
WEIGHED = {
    "Python alone": "",
    "the command line": "import piuploader.cli.main; ",
    "all of an import": "import piuploader.cli.main, piuploader.wiring.upload; ",
}


def play(*, rounds: int, say: Say) -> dict[str, Any]:
    """Start each command in turn, round by round."""
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="piuploader-bench-") as name:
        home = Path(name)
        own = {"PYTHONPATH": str(ROOT), "PIUPLOADER_STATE": str(home / "state")}
        own |= {"XDG_CONFIG_HOME": name, "XDG_CACHE_HOME": name}
        for number in range(rounds):
            for contender, arguments in ASKED.items():
                used = start(Command(arguments, own), home)
                rows.append(
                    {
                        "contender": contender,
                        "round": number,
                        "wall_s": used.wall_s,
                        "cpu_s": used.cpu_s,
                        "peak_mib": used.peak_kib / 1024,
                    }
                )
        weights = {what: _weight(code, own, home) for what, code in WEIGHED.items()}
    for what, mib in weights.items():
        say(f"  {what}: {mib:.1f} MiB")
    return {"rows": rows, "weights_mib": weights}


def _weight(code: str, own: dict[str, str], home: Path) -> float:
    start(Command([sys.executable, "-c", code + LOADED], own), home)
    return int((home / "out").read_text()) / 1024
