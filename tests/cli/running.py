"""Run the command in a process of its own, without anybody's settings."""

import os
import subprocess
import sys


def surroundings(home, **more):
    """The environment of a user who has nothing but a home."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "HOME": str(home), "COLUMNS": "80", **more}


def piuploader(*arguments, home="/nonexistent", environ=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "piuploader", *map(str, arguments)],
        env=surroundings(home, **(environ or {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )
