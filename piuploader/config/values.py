"""What a single value may look like, in TOML or on the command line.

Each function takes what was written and returns what it means, or raises
ValueError with what it must be: "must be true or false". The value itself
is not repeated there, for it may be a key.
"""

import datetime as dt
import math
import re
from calendar import monthrange
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from piuploader.core.pace import Schedule, parse_schedule
from piuploader.core.stacks import COVERS, Wanted
from piuploader.errors import ConfigError

Reader = Callable[[object], object]
Jobs = int | Literal["auto"]
OnErrors = int | Literal["stop", "continue"]

MOST_JOBS = 64  # each is a connection and a thread; Immich's own limit is far below
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?(?:/s)?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
POLICIES = ("staged", "pause", "slow", "off")  # what the server's own queues do meanwhile
LONGEST_WAIT_S = 30 * 24 * 3600.0


def text(value: object) -> str:
    """Read a text."""
    if isinstance(value, str):
        return value
    raise ValueError("must be text in quotes")


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts; a single one will do, an empty one is taken for a mistake."""
    found = (value,) if isinstance(value, str) else value
    if isinstance(found, list | tuple) and all(isinstance(one, str) for one in found):
        if not all(map(str.strip, found)):
            raise ValueError("must not be empty")
        return tuple(found)
    raise ValueError('must be a list of texts: ["one", "two"]')


def flag(value: object) -> bool:
    """Read a yes or no."""
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


def whole(value: object) -> int:
    """Read a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("must be a whole number")


def wholes(value: object) -> tuple[int, ...]:
    """Read a list of whole numbers."""
    if isinstance(value, list):
        return tuple(map(whole, value))
    raise ValueError("must be a list of whole numbers: [1, 2]")


def number(value: object) -> float:
    """Read a number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError("must be a number")


def path(value: object) -> Path | None:
    """Read the path of a file; `~` is the home folder, "" is none."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be the path of a file, in quotes")
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError as error:  # no such user, or no home
        raise ValueError("must be a path whose ~ can be told") from error


def one_of(*allowed: str) -> Callable[[object], str]:
    """Make a reader for one of these words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise ValueError("must be one of " + ", ".join(f'"{word}"' for word in allowed))

    return read


def jobs(value: object) -> Jobs:
    """Read how many uploads may run at a time."""
    if value == "auto":
        return "auto"
    number = _whole(value)
    if number is None or not 1 <= number <= MOST_JOBS:
        raise ValueError(f'must be "auto" or a number from 1 to {MOST_JOBS}')
    return number


def on_errors(value: object) -> OnErrors:
    """Read what to do when files fail: stop at the first, go on, or stop after so many."""
    if value == "stop":
        return "stop"
    if value == "continue":
        return "continue"
    number = _whole(value)
    if number is None or number < 1:
        raise ValueError('must be "stop", "continue" or a number of failures from 1 up')
    return number


def seconds(value: object) -> float:
    """Read a time in seconds, up to 30 days; "10m", "2h" and "1d" are understood."""
    wrong = ValueError('must be a number of seconds, or a text like "90s", "10m" or "2h"')
    if isinstance(value, str):
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(value.strip()[-1:].lower())
        number = value.strip()[:-1] if unit else value
        try:
            value = float(number) * (unit or 1)
        except ValueError:
            raise wrong from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong
    if not math.isfinite(value) or not 0 <= value <= LONGEST_WAIT_S:
        raise ValueError(f"must be from 0 to {LONGEST_WAIT_S:.0f} seconds")
    return float(value)


def size(value: object) -> int:
    """Read a size in bytes, or bytes per second: 500000, "500 kB", "20 MB", "1.5GiB", "5 MB/s"."""
    number = _whole(value)
    if number is None and isinstance(value, str) and (found := SIZE.fullmatch(value.strip())):
        amount, letter, binary = found.groups()
        number = int(float(amount) * (1024 if binary else 1000) ** POWERS[letter.lower()])
    if number is None or not 0 <= number < 2**63:
        raise ValueError('must be a number of bytes, or a text like "500 kB" or "20 MB"')
    return number


def schedule(value: object) -> Schedule:
    """Read a bandwidth limit: bytes per second, "5M", or a timetable "08:00,5M 23:00,off"."""
    number = _whole(value)
    if number is None and not isinstance(value, str):
        raise ValueError('must be a rate like "5M", or a timetable like "08:00,5M 23:00,off"')
    try:
        return parse_schedule(str(value).strip() or "off")
    except ConfigError as error:
        raise ValueError(f"is not understood: {error}") from None


def extensions(value: object) -> tuple[str, ...]:
    """Read file name extensions: with or without the dot, in any case; commas part them."""
    words = [word.strip() for one in texts(value) for word in one.split(",")]
    found = tuple("." + word.lower().lstrip("*").lstrip(".") for word in words if word)
    if any(len(word) < 2 or set(word) & set("/*?") for word in found):  # noqa: PLR2004  a dot alone
        raise ValueError('must be a list of file name endings: ["jpg", "heic"]')
    return found


def hours(value: object) -> float:
    """Read a time in hours, up to a week."""
    if not 0 <= number(value) <= 7 * 24:
        raise ValueError("must be from 0 to 168 hours")
    return number(value)


def quiet_hours(value: object) -> str:
    """Read a part of the day, "00:00-03:00"; "auto" is the server's own, "" is none."""
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    if isinstance(value, str) and re.fullmatch(f"auto|({clock}-{clock})?", value, re.ASCII):
        return value
    raise ValueError('must be like "00:00-03:00", or "auto", or "" for none')


def time_zone(value: object) -> str:
    """Read the name of a time zone; "" is the system's own."""
    try:
        if text(value):
            ZoneInfo(text(value))
    except (ValueError, KeyError, OSError) as error:  # zoneinfo says no in all these ways
        raise ValueError('must be a time zone like "Europe/Berlin", or "" for ours') from error
    return text(value)


def stacks(value: object) -> Wanted:
    """Read what is to be stacked: "raw", or with a cover "raw=jpeg"; "all", and "off" is none."""
    wrong = ValueError(
        'must be of "raw" (or "raw=raw"), "heic" (or "heic=jpeg"), "bursts", '
        '"edited" (or "edited=original"); or "all", or "off"'
    )
    words = [word.strip() for one in texts(value) for word in one.split(",")]
    covers: dict[str, str] = {}
    for word in filter(None, words):
        name, given, cover = word.partition("=")
        if word == "off":
            covers.clear()
        elif word == "all":
            covers = {each: usual[0] for each, usual in COVERS.items()} | covers
        elif name in COVERS and (not given or cover in COVERS[name]):
            covers[name] = cover or COVERS[name][0]
        else:
            raise wrong
    return Wanted(**covers)


def first_day(value: object) -> dt.date | None:
    """Read a day, a month or a year, and return its first day; "" is none."""
    return _days(value)[0]


def last_day(value: object) -> dt.date | None:
    """Read a day, a month or a year, and return its last day; "" is none."""
    return _days(value)[1]


def days(value: object) -> tuple[dt.date | None, dt.date | None]:
    """Read a range: `2024`, `2024-06`, `2024-06-01`, or two of these with a comma between."""
    since, comma, until = text(value).partition(",")
    if not comma:
        return _days(since)
    first, last = first_day(since), last_day(until)
    if first and last and first > last:
        raise ValueError("must begin before it ends")
    return first, last


def _days(value: object) -> tuple[dt.date | None, dt.date | None]:
    if isinstance(value, dt.datetime):
        return value.date(), value.date()
    if isinstance(value, dt.date):
        return value, value
    wrong = ValueError('must be a date like "2024", "2024-06" or "2024-06-30"')
    if not isinstance(value, str):
        raise wrong
    if not value.strip():
        return None, None
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", value.strip(), re.ASCII)
    if not found:
        raise wrong
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        first = dt.date(year or 0, month or 1, day or 1)
        last_month = month or 12
        last = first.replace(month=last_month, day=day or monthrange(first.year, last_month)[1])
    except ValueError:
        raise wrong from None
    return first, last


def _whole(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value.strip(), re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


policy = one_of(*POLICIES)

# How a key is read whose annotation names no function.
PLAIN: dict[object, Reader] = {
    bool: flag,
    float: number,
    int: whole,
    str: text,
    tuple[int, ...]: wholes,
    tuple[str, ...]: texts,
}
