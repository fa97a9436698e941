"""What status.json says: the appliance's status as plain JSON values.

The schema is `data/status.schema.json`. `version` grows when a field changes
its meaning or goes; new fields may come at any time.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from piuploader.core.appliance import ApplianceStatus, DriveState, ServerLook, summary
from piuploader.core.signals import SIGNALS
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending

VERSION = 1


def document(status: ApplianceStatus, *, now_s: float) -> dict[str, Any]:
    """Draw the document; `now_s` is the time since 1970 in seconds."""
    signal = SIGNALS[status.light]
    vitals = status.vitals
    return {
        "version": VERSION,
        "written_at": datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds"),
        "summary": summary(status),
        "light": {
            "name": status.light.value,
            "colour": signal.colour.name.lower(),
            "beats_s": list(signal.beats),
            "says": signal.says,
        },
        "may_remove_drive": all(drive.may_remove for drive in status.drives),
        "server": _server(status.server),
        "drives": [_drive(drive) for drive in status.drives],
        "vitals": {
            "temperature_c": vitals.temperature_c,
            "throttled": vitals.throttled,
            "under_voltage": vitals.under_voltage,
            "memory_available_mib": vitals.memory_available_mib,
        },
        "problem": status.problem,
        "last_error": status.last_error,
    }


def age_s(written: dict[str, Any], *, now_s: float) -> float | None:
    """Return how old a document is, None if it does not say so."""
    try:
        return now_s - datetime.fromisoformat(written["written_at"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _server(server: ServerLook | None) -> dict[str, Any] | None:
    if server is None:
        return None
    work = server.work
    return {
        "reachable": server.reachable,
        "needs_person": server.needs_person,
        "sentence": server.sentence,
        "jobs": work
        and {
            "active": work.active,
            "waiting": work.waiting,
            "paused_queues": work.paused_queues,
            "settled": work.settled,
            "eta_s": None if work.eta_s is None else round(work.eta_s),
        },
    }


def _drive(drive: DriveState) -> dict[str, Any]:
    return {
        "name": drive.name,
        "present": drive.present,
        "phase": drive.phase.value,
        "may_remove": drive.may_remove,
        "sentence": drive.sentence,
        "session": drive.status and _session(drive.status),
    }


def _session(status: ImportStatus) -> dict[str, Any]:
    endings = status.tally.endings
    reasons: Counter[str] = Counter()
    for (ending, reason), count in status.tally.reasons.items():
        if ending is Ending.FAILED:
            reasons[reason.value] += count
    return {
        "drive": status.drive,
        "seconds": round(status.seconds, 1),
        "files": {
            "found": status.tally.found,
            "counting": not status.scanned,
            "media": status.media_found,
            **{ending.value: endings[ending] for ending in Ending},
        },
        "bytes": {
            "media": status.media_bytes,
            "settled": status.settled_bytes,
            "sent": status.sent_bytes,
            "read": status.read_bytes,
        },
        "bytes_per_s": round(status.bytes_per_s),
        "eta_s": status.eta_s,
        "uploads": {
            "active": status.uploads_active,
            "queued": status.uploads_queued,
            "target": status.uploads_target,
        },
        "transfers": [
            {"name": each.name, "size": each.size, "sent": each.sent, "paused": each.paused}
            for each in status.transfers
        ],
        "limits": status.limits,
        "limit_reason": status.limit_reason and status.limit_reason.value,
        "pause_reason": status.pause_reason,
        "failures": dict(reasons),
        "problems": list(status.problems),
    }
