"""JSON lines: one event a line, for programs. The schema is in docs/cli.md.

Only additions are made to it within one `schema` number.
"""

import base64
import contextlib
import json
import os
import re
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TextIO

from piuploader import __version__
from piuploader.cli import account
from piuploader.cli.pulse import Pulse
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending, Fate, Reason
from piuploader.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    PiUploaderError,
    Terminated,
)

SCHEMA = 1
PROGRESS_EVERY_S = 1.0
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonLines:
    """Writes what happens to an import as JSON lines."""

    def __init__(
        self,
        out: TextIO,
        *,
        server: str,
        folders: Sequence[str],
        dry_run: bool = False,
        every_s: float = PROGRESS_EVERY_S,
    ) -> None:
        self._out = out
        self._about = {
            "server": server,
            "folders": [text(folder) for folder in folders],
            "dry_run": dry_run,
        }
        self._every_s = every_s
        self._lock = Lock()
        self._pulse: Pulse | None = None
        self.told = False  # the account was given

    def begin(self, status: Callable[[], ImportStatus]) -> None:
        """Say who we are and what we are about to do."""
        self._write("begin", {"schema": SCHEMA, "piuploader": __version__, **self._about})
        self._pulse = Pulse(
            lambda: self._write("progress", progress(status())), every_s=self._every_s
        )
        self._pulse.start()

    def fate(self, fate: Fate, root: str = "") -> None:
        """Say how one file ended."""
        self._write("file", file(fate, root), flush=False)

    def end(self, status: ImportStatus, exit_code: int) -> None:
        """Give the account; this is the last line."""
        self.close()
        self._write("summary", summary(status, exit_code))
        self.told = True

    def close(self) -> None:
        """Say nothing more. May be called twice."""
        if self._pulse:
            self._pulse.stop()

    def _write(self, event: str, facts: dict[str, Any], *, flush: bool = True) -> None:
        # A reader who went away is no reason to stop an import.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._out.write(_line(event, facts))
            if flush:
                self._out.flush()


def write_error(out: TextIO, error: BaseException) -> None:
    """Say why there is no account; this is the last line."""
    hint, code = "", EXIT_BUG
    if isinstance(error, PiUploaderError):
        hint, code = error.hint, error.exit_code
    elif isinstance(error, KeyboardInterrupt):
        code = EXIT_TERMINATED if isinstance(error, Terminated) else EXIT_INTERRUPTED
    facts = {
        "kind": type(error).__name__,
        "message": text(str(error)) or "interrupted",
        "hint": hint,
        "exit_code": code,
    }
    with contextlib.suppress(OSError, ValueError):
        out.write(_line("error", facts))
        out.flush()


def _line(event: str, facts: dict[str, Any]) -> str:
    return json.dumps({"event": event, **facts}, separators=(",", ":")) + "\n"


def file(fate: Fate, root: str) -> dict[str, Any]:
    """Return the facts of the event `file`."""
    facts: dict[str, Any] = {"root": text(root), "path": text(fate.path)}
    if facts["path"] != fate.path:
        facts["path_base64"] = base64.b64encode(os.fsencode(fate.path)).decode()
    return facts | {
        "size": fate.size,
        "mtime_ns": fate.mtime_ns,
        "ending": fate.ending.value,
        "reason": _code(fate.reason),
        "why": fate.reason.value or None,
        "detail": text(fate.detail) or None,
        "checksum": fate.checksum,
        "asset_id": fate.asset_id,
        "known": fate.known,
        "dates_from": "name" if fate.named_at else None,
        "date": fate.named_at,
        "stack_cover": None if fate.cover is None else text(fate.cover),
    }


def progress(status: ImportStatus) -> dict[str, Any]:
    """Return the facts of the event `progress`."""
    return {
        "phase": status.phase.value,
        "drive": text(status.drive),
        "seconds": round(status.seconds, 3),
        "scanned": status.scanned,
        "found": status.tally.found,
        "endings": {ending.value: status.tally.endings[ending] for ending in Ending},
        "media_found": status.media_found,
        "media_bytes": status.media_bytes,
        "settled_bytes": status.settled_bytes,
        "sent_bytes": status.sent_bytes,
        "read_bytes": status.read_bytes,
        "bytes_per_s": round(status.bytes_per_s, 1),
        "eta_s": None if status.eta_s is None else round(status.eta_s, 1),
        "uploads": {
            "active": status.uploads_active,
            "queued": status.uploads_queued,
            "allowed": status.uploads_target,
        },
        "limits": status.limits or None,
        "limit_reason": status.limit_reason and status.limit_reason.value,
        "pause_reason": status.pause_reason or None,
        "server": _server(status),
    }


def summary(status: ImportStatus, exit_code: int) -> dict[str, Any]:
    """Return the facts of the event `summary`: the account, and what follows from it."""
    tally = status.tally
    reasons: dict[str, dict[str, int]] = {}
    for (ending, reason), files in sorted(tally.reasons.items(), key=lambda item: -item[1]):
        reasons.setdefault(ending.value, {})[str(_code(reason))] = files
    return {
        "phase": status.phase.value,
        "drive": text(status.drive),
        "seconds": round(status.seconds, 3),
        "found": tally.found,
        "endings": {ending.value: tally.endings[ending] for ending in Ending},
        "bytes": {ending.value: tally.bytes_by_ending[ending] for ending in Ending},
        "reasons": reasons,
        "open": tally.open,
        "balanced": tally.open == 0,
        "sent_bytes": status.sent_bytes,
        "read_bytes": status.read_bytes,
        "notes": [text(note) for note in status.notes],
        "problems": [text(problem) for problem in status.problems],
        "server": _server(status),
        "safe_to_unplug": account.safe_to_unplug(status),
        "all_on_server": account.all_on_server(status),
        "verdict": account.verdict(status),
        "exit_code": exit_code,
    }


def _server(status: ImportStatus) -> dict[str, Any] | None:
    work = status.server
    if work is None:
        return None
    return {
        "active": work.active,
        "waiting": work.waiting,
        "paused_queues": work.paused_queues,
        "settled": work.settled,
        "eta_s": None if work.eta_s is None else round(work.eta_s, 1),
    }


def _code(reason: Reason) -> str | None:
    return None if reason is Reason.NONE else reason.name.lower()


def text(name: str) -> str:
    """Return a name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return LONE_SURROGATE.sub("\ufffd", name)
