"""How fast: a token bucket, and the timetable of a bandwidth limit.

The bucket fills with `rate` bytes a second. Whoever wants to send takes
what it needs at once, into debt if need be, and waits until the debt is
paid: many takers share one bucket fairly, and no block is ever too big
for it. Time comes in from outside.

A bandwidth limit is either one rate, `5M`, or a timetable in local
time, `08:00,5M 23:00,off`: from eight 5 MB a second, from eleven at
night as fast as it goes. What the last entry says also holds before the
first one: the night goes on past midnight.
"""

import re
from dataclasses import dataclass
from datetime import time
from itertools import pairwise

from piuploader.errors import ConfigError

BURST_S = 0.25
"""A bucket holds so many seconds of its rate: TCP gets going, averages stay true."""

SLOWEST_BYTES_PER_S = 1024
POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?(?:/s)?")
_AT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_NO_LIMIT = frozenset({"off", "none", "unlimited"})


class TokenBucket:
    """Bytes that may be sent; hold a lock around it when threads share it."""

    __slots__ = ("_at_s", "_level", "_rate")

    def __init__(self, bytes_per_s: float) -> None:
        if not bytes_per_s > 0.0:
            raise ValueError(f"a rate above 0 bytes a second is needed, not {bytes_per_s!r}")
        self._rate = bytes_per_s
        self._level = bytes_per_s * BURST_S
        self._at_s: float | None = None

    @property
    def bytes_per_s(self) -> float:
        """How fast it fills."""
        return self._rate

    def take(self, now_s: float, count: int) -> float:
        """Take `count` bytes and return how many seconds to wait before they may be sent."""
        self._fill(now_s)
        self._level -= count
        return max(0.0, -self._level / self._rate)

    def retune(self, now_s: float, bytes_per_s: float) -> None:
        """Fill at another rate from now on; what is owed stays owed."""
        if not bytes_per_s > 0.0:
            raise ValueError(f"a rate above 0 bytes a second is needed, not {bytes_per_s!r}")
        self._fill(now_s)
        self._rate = bytes_per_s
        self._level = min(self._level, bytes_per_s * BURST_S)

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None and now_s > self._at_s:
            self._level += (now_s - self._at_s) * self._rate
        self._level = min(self._level, self._rate * BURST_S)
        self._at_s = now_s if self._at_s is None else max(now_s, self._at_s)


@dataclass(frozen=True, slots=True)
class Change:
    """From this time of day on, this rate; `None` is no limit."""

    since: time
    bytes_per_s: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The limits of a day, in the order of the clock; an empty one never limits."""

    changes: tuple[Change, ...] = ()


NEVER = Schedule()


def parse_rate(text: str) -> int | None:
    """Read `5M`, `800K`, `1.5 MB/s` or `off`, in bytes a second; raise ConfigError."""
    word = text.strip().lower()
    if word in _NO_LIMIT or word == "0":
        return None
    found = _RATE.fullmatch(word)
    if found is None:
        raise ConfigError(
            f"bandwidth limit {text!r}: expected bytes a second such as 800K, 5M or 1G, or off"
        )
    unit: int = (1024 if found[3] else 1000) ** POWERS[found[2]]
    rate = round(float(found[1]) * unit)
    if rate < SLOWEST_BYTES_PER_S:
        raise ConfigError(
            f"bandwidth limit {text!r} is below 1 KB a second; for megabytes write {found[1]}M"
        )
    return rate


def parse_schedule(text: str) -> Schedule:
    """Read one rate, or a timetable such as `08:00,5M 23:00,off`; raise ConfigError."""
    entries = text.split()
    if not entries:
        return NEVER
    if not any("," in entry for entry in entries):
        rate = parse_rate(text)
        return NEVER if rate is None else Schedule((Change(time(0), rate),))
    changes = sorted((_parse_change(entry) for entry in entries), key=lambda change: change.since)
    for one, other in pairwise(changes):
        if one.since == other.since:
            raise ConfigError(f"bandwidth limit {text!r}: {one.since:%H:%M} is there twice")
    return Schedule(tuple(changes))


def limit_at(schedule: Schedule, local_time: time) -> int | None:
    """Return the bytes a second that are allowed at this time of day; `None` is no limit."""
    if not schedule.changes:
        return None
    begun = [change for change in schedule.changes if change.since <= local_time]
    return (begun or schedule.changes)[-1].bytes_per_s


def _parse_change(entry: str) -> Change:
    at, _, rate = entry.partition(",")
    found = _AT.fullmatch(at)
    if found is None or not rate:
        raise ConfigError(
            f"bandwidth limit {entry!r}: expected a time and a rate, such as 08:00,5M or 23:00,off"
        )
    return Change(time(int(found[1]), int(found[2])), parse_rate(rate))
