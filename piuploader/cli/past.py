"""Past imports in words and as JSON: for `status` and `history`."""

import base64
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from piuploader.adapters.ledger.history import (
    INTERRUPTED,
    RUNNING,
    KnownDrive,
    PastFile,
    PastSession,
)
from piuploader.cli import account
from piuploader.cli.jsonl import LONE_SURROGATE
from piuploader.cli.words import counted, duration, number, plain, size
from piuploader.core.tally import Ending, Fate, Reason

HEAD = (
    "no.",
    "began",
    "drive",
    "ended",
    "took",
    "sent",
    "there",
    "skipped",
    "failed",
    "bytes sent",
)
LEFT = 4  # columns of text, the others are numbers
WIDEST = 30  # characters of a drive's label in the table


def table(sessions: Sequence[PastSession]) -> list[str]:
    """Return one line for each session, below a head; nothing if there is none."""
    return _aligned(HEAD, [_row(each) for each in sessions], LEFT) if sessions else []


def session(past: PastSession) -> list[str]:
    """Return the account of a session."""
    about = f"{plain(past.label)}, {_when(past.started_s)}, to {plain(past.server)}"
    if past.state == RUNNING:
        lines = [f"An import runs now (no. {past.number}): {about}. Written down so far:"]
    else:
        took = f" after {_took(past)}" if past.ended_s is not None else ""
        lines = [f"Last import (no. {past.number}): {about}: {past.state}{took}."]
    for row in account.rows(past.tally):
        if row.files:
            bytes_ = f"  {size(row.size)}" if row.size else ""
            lines.append(f"  {row.files:>9,}  {row.text}{bytes_}")
    lines += [f"problem: {plain(sentence)}" for sentence in past.problems]
    if past.state == INTERRUPTED:
        lines.append("It was interrupted: run it again, and it goes on where it was.")
    if past.tally.endings[Ending.FAILED]:
        lines.append(f"Which failed: piuploader history --files {past.number} --ending failed")
    return lines


def drives(known: Sequence[KnownDrive]) -> list[str]:
    """Return what is known of each drive, a line each."""
    if not known:
        return []
    rows = [
        (
            plain(each.label),
            _when(each.last_seen_s),
            number(each.files),
            number(each.confirmed),
            size(each.size),
        )
        for each in known
    ]
    head = ("drive", "last seen", "files read", "confirmed", "bytes")
    return ["", *_aligned(head, rows, 2)]


def service(said: Mapping[str, Any]) -> list[str]:
    """Return what the service on this device says, `said` as in the JSON."""
    document = said["status"]
    words = plain(str(document.get("summary", "")))
    if not said["fresh"]:
        return [f"The service was last heard {duration(said['age_s'])} ago; it said: {words}"]
    more = [plain(str(document.get(key) or "")) for key in ("problem", "last_error")]
    return [f"Service: {words}", *(f"  {each}" for each in more if each and each not in words)]


def files(past: PastSession, found: Iterable[PastFile]) -> Iterator[str]:
    """Yield a line for each file of a session."""
    listed = 0
    for each in found:
        listed += 1
        fate = Fate(each.path, each.size, 0, each.ending, each.reason, each.detail)
        why = account.failure(fate) if each.reason is not Reason.NONE else plain(each.path)
        if each.named_at:
            why += f" (dated by its name: {each.named_at})"
        yield f"{each.ending.value:<9}  {size(each.size):>7}  {why}"
    if not listed:
        yield f"Session {past.number} has no such files, or they are no longer kept one by one."
    if past.unlisted:
        yield f"{counted(past.unlisted, 'more file')} skipped or not done, too many to be listed."


def session_json(past: PastSession) -> dict[str, Any]:
    """Return a session for machines: the names are those of `upload --json`."""
    tally = past.tally
    reasons: dict[str, dict[str, int]] = {}
    for (ending, reason), count in tally.reasons.items():
        reasons.setdefault(ending.value, {})[reason.name.lower()] = count
    return {
        "number": past.number,
        "drive": _text(past.label),
        "identity": _text(past.identity),
        "server": past.server,
        "state": past.state,
        "started_at": _iso(past.started_s),
        "ended_at": None if past.ended_s is None else _iso(past.ended_s),
        "found": None if past.ended_s is None else tally.found,
        "endings": {ending.value: tally.endings[ending] for ending in Ending},
        "bytes": {ending.value: tally.bytes_by_ending[ending] for ending in Ending},
        "reasons": reasons,
        "problems": list(past.problems),
        "unlisted": past.unlisted,
    }


def files_json(past: PastSession, found: Iterable[PastFile]) -> dict[str, Any]:
    """Return a session and its files for machines."""
    return {"session": session_json(past), "files": [_file_json(each) for each in found]}


def drive_json(known: KnownDrive) -> dict[str, Any]:
    """Return a drive for machines."""
    return {
        "drive": _text(known.label),
        "identity": _text(known.identity),
        "first_seen_at": _iso(known.first_seen_s),
        "last_seen_at": _iso(known.last_seen_s),
        "files": known.files,
        "confirmed": known.confirmed,
        "bytes": known.size,
    }


def _file_json(each: PastFile) -> dict[str, Any]:
    path = _text(each.path)
    raw = {"path_base64": base64.b64encode(os.fsencode(each.path)).decode()}
    return {
        "path": path,
        **(raw if path != each.path else {}),
        "size": each.size,
        "ending": each.ending.value,
        "reason": None if each.reason is Reason.NONE else each.reason.name.lower(),
        "why": each.reason.value or None,
        "detail": each.detail or None,
        "dates_from": "name" if each.named_at else None,
        "date": each.named_at,
    }


def _row(past: PastSession) -> tuple[str, ...]:
    endings = past.tally.endings
    return (
        str(past.number),
        _when(past.started_s),
        plain(past.label)[:WIDEST],
        past.state,
        _took(past) if past.ended_s is not None else "",
        number(endings[Ending.CONFIRMED]),
        number(endings[Ending.DUPLICATE]),
        number(endings[Ending.SKIPPED]),
        number(endings[Ending.FAILED]),
        size(past.tally.bytes_by_ending[Ending.CONFIRMED]),
    )


def _aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], left: int) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _took(past: PastSession) -> str:
    # The clock of a Pi may have been set back meanwhile.
    return duration(max(0.0, (past.ended_s or past.started_s) - past.started_s))


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _text(name: str) -> str:
    """Return a name as valid Unicode: bytes that are not UTF-8 become U+FFFD."""
    return LONE_SURROGATE.sub("\ufffd", name)
