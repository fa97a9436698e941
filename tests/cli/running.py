"""Run the command in a process of its own, without anybody's settings."""

import os
import pty
import select
import subprocess
import sys
from time import monotonic


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


def at_terminal(home, answers, *arguments, **environ):
    """Sit at a terminal: wait for each question and answer it. Return all that was shown."""
    terminal, ours = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "piuploader", *arguments],
        env=surroundings(home, TERM="xterm", LINES="24", **environ),
        stdin=ours,
        stdout=ours,
        stderr=ours,
        start_new_session=True,
    )
    os.close(ours)
    shown = ""
    ends = monotonic() + 60
    waiting = list(answers)
    answered = 0
    try:
        while monotonic() < ends:
            if not select.select([terminal], [], [], 1.0)[0]:
                continue
            try:
                shown += os.read(terminal, 65536).decode()
            except OSError:  # the other side hung up
                break
            if waiting and waiting[0][0] in shown[answered:]:
                answered = len(shown)
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
        return process.wait(10), shown
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
