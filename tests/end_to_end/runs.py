"""Run the command as a person does, and read what it says."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

SKIPPED_NAMES = ("._", ".")


def environment(home, key_file):
    """An environment with nothing of this machine's own configuration in it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "PIUPLOADER_STATE": str(home / "state"),
        "PIUPLOADER_API_KEY_FILE": str(key_file),
        "PYTHONUNBUFFERED": "1",
    }


def command(server, *words, home, key):
    """The words and the environment of a call."""
    home.mkdir(parents=True, exist_ok=True)
    key_file = home / "key"
    key_file.write_text(key)
    key_file.chmod(0o600)
    environ = environment(home, key_file) | {"PIUPLOADER_SERVER": server.url}
    return [sys.executable, "-m", "piuploader", *map(str, words)], environ


def start(server, *words, home, key=None):
    """Start a call and return its process."""
    argv, environ = command(server, *words, home=home, key=key or server.admin_key)
    return subprocess.Popen(
        argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def upload(server, *words, home, key=None):
    """Run `piuploader upload --json` to its end, and return what it said."""
    process = start(server, "upload", "--json", *words, home=home, key=key)
    out, err = process.communicate(timeout=240)
    events = [json.loads(line) for line in out.splitlines()]
    return SimpleNamespace(
        code=process.returncode,
        events=events,
        summary=events[-1] if events else None,
        files=[event for event in events if event["event"] == "file"],
        err=err,
    )


def media(folder):
    """SHA-1 in hex of each file that should arrive, by what the names say: path -> checksum."""
    wanted = {".jpg", ".heic", ".mov", ".mp4", ".cr3"}
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        parts = path.relative_to(folder).parts
        junk = any(part.startswith((".", "@")) for part in parts)
        if path.suffix.lower() in wanted and path.is_file() and not junk and path.stat().st_size:
            found[str(path)] = hashlib.sha1(path.read_bytes()).hexdigest()
    return found
