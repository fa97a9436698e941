"""When pausing the server's queues would be unwise: in its quiet hours, and when its disk is full.

At 00:00 Immich starts its nightly tasks, which put work into the heavy
queues, and at 02:00 it backs up its database (defaults of Immich 3.1). A
pause that began then would hold back the server's own upkeep, and a
queue that is set free then would compete with it. The times are the server's
local ones; we take our own clock's, for both stand in one house as a rule.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from piuploader.core.policy import Setting
from piuploader.core.server import Storage

DAY_MIN = 24 * 60
BACKUP_MIN = 60  # what a backup may take
GIB = 1024**3
FULL_SHARE, FULL_BYTES = 0.05, 20 * GIB


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of the day in minutes after midnight; it may cross midnight."""

    start_min: int
    end_min: int

    def __contains__(self, minute: object) -> bool:
        if not isinstance(minute, int):
            return False
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min

    def __str__(self) -> str:
        return "-".join(f"{m // 60:02}:{m % 60:02}" for m in (self.start_min, self.end_min))


NIGHT = QuietHours(0, 2 * 60 + BACKUP_MIN)
NEVER = QuietHours(0, 0)


def quiet_hours(text: str) -> QuietHours:
    """Read `00:00-03:00`; nothing at all means never. Raises ValueError."""
    if not text.strip():
        return NEVER
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", text)
    hours = [int(part) for part in found.groups()] if found else []
    if not hours or max(hours[::2]) > 24 or max(hours[1::2]) > 59:  # noqa: PLR2004 - a clock
        raise ValueError(f"{text!r} is no span of hours like 00:00-03:00")
    start_h, start, end_h, end = hours
    return QuietHours((start_h * 60 + start) % DAY_MIN, (end_h * 60 + end) % DAY_MIN)


def night_of(settings: Mapping[str, Setting]) -> QuietHours:
    """Return the quiet hours that the server's own settings mean; the usual ones in doubt."""
    start = _clock(settings.get("nightlyTasks.startTime"))
    backup = _cron(settings.get("backup.database.cronExpression"))
    if settings.get("backup.database.enabled") is False:
        backup = start
    if start is None or backup is None:
        return NIGHT
    end = backup + BACKUP_MIN
    if (end - start) % DAY_MIN > DAY_MIN // 2:  # so far apart, they are two nights' work
        return QuietHours(start, (start + BACKUP_MIN) % DAY_MIN)
    return QuietHours(start, end % DAY_MIN)


def nearly_full(storage: Storage) -> bool:
    """Tell whether the server's disk has so little room that work must not pile up."""
    return storage.available_bytes < min(FULL_SHARE * storage.size_bytes, FULL_BYTES)


def _clock(text: Setting) -> int | None:
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text) if isinstance(text, str) else None
    return int(found[1]) * 60 + int(found[2]) if found else None


def _cron(text: Setting) -> int | None:
    """Read the minute of the day from a daily cron expression; others are too rare to matter."""
    daily = r"0*(\d{1,2}) 0*(\d{1,2}) \* \* \*"
    found = re.fullmatch(daily, text) if isinstance(text, str) else None
    return int(found[2]) * 60 + int(found[1]) if found else None
