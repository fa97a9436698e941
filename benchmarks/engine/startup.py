"""How long it takes to answer at all, and what the process weighs."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine import ROOT
from benchmarks.engine.contenders import Command, environment
from benchmarks.engine.rounds import Rows, Say
from benchmarks.engine.trial import start

IDLE_S = 5.0  # until it has looked at everything once
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
        weights["the service, idle"] = _idle(own, home)
    for what, mib in weights.items():
        say(f"  {what}: {mib:.1f} MiB")
    return {"rows": rows, "weights_mib": weights}


def _weight(code: str, own: dict[str, str], home: Path) -> float:
    start(Command([sys.executable, "-c", code + LOADED], own), home)
    return int((home / "out").read_text()) / 1024


def _idle(own: dict[str, str], home: Path) -> float:
    """Return what the service weighs while it waits for a drive and for its server."""
    config = home / "config.toml"
    config.write_text('[server]\nurl = "http://127.0.0.1:1"\napi_key = "none"\n', encoding="utf-8")
    config.chmod(0o600)
    arguments = [sys.executable, "-m", "piuploader", "daemon", "--config", str(config)]
    arguments += ["--status-file", str(home / "status.json")]
    service = subprocess.Popen(
        arguments,
        env=environment(Command(arguments, own)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(IDLE_S)
        status = Path(f"/proc/{service.pid}/status").read_text(encoding="ascii")
    finally:
        service.terminate()
        service.wait()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0
