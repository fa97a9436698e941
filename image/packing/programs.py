"""Run the programs that make file systems: one place that knows how."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    *arguments: str | Path, stdin: str | None = None, more: Mapping[str, str] | None = None
) -> str:
    """Run a program at the lowest priority and return what it printed; fail with what it said."""
    words: Sequence[str] = ["nice", "-n", "19", *(str(word) for word in arguments)]
    done = subprocess.run(
        words,
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1", **(more or {})},
    )
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {said}")
    return done.stdout
