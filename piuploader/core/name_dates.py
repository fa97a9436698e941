"""The time that a file's name tells, as phones, cameras and messengers write it.

    IMG_20240101_101010.jpg   20240101_101010_001.jpg   ...BURST20171111030039363.jpg
    2024-01-01 10.10.10.jpg   Screenshot_2024-01-01-10-10-10.png   signal-2024-01-01-101010.jpg
    Screenshot 2024-01-01 at 3.04.05 PM.png
    PXL_20240101_091010123.jpg       in UTC: so do Pixels
    VID-20240101-WA0001.mp4          the day alone: WhatsApp

All but Pixel's are the clock of whoever made it, so a time zone is needed. A
name that tells two times tells none.
"""

import datetime as dt
import re
from collections.abc import Iterator

COMPACT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)[-_ t]?(\d\d)(\d\d)(\d\d)(\d{3})?(?!\d)",
    re.IGNORECASE | re.ASCII,
)
PARTED = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.])(\d\d)\2(\d\d)(?:,? at |[ _t-]+)"
    r"(\d{1,2})([.:_-]?)(\d\d)\6(\d\d)(?:[.,_-]?(\d{3}))?(?!\d)(?:[ \u202f]?([ap])m(?!\w))?",
    re.IGNORECASE | re.ASCII,
)
DAY = re.compile(r"(?:img|vid)-((?:19|20)\d\d)(\d\d)(\d\d)-wa\d+", re.IGNORECASE | re.ASCII)
PIXEL = "pxl_"
NOON = dt.time(12)


def told(name: str, *, zone: dt.tzinfo, changed: dt.datetime) -> dt.datetime | None:
    """Return the time that a name tells, in `zone`; None if it tells none.

    `changed` is when the file was last changed: where a name tells the day alone, the file's
    own time is better if it is of that day, and noon of that day if it is not.
    """
    times = set(_times(name))
    if len(times) == 1:
        (digits,) = times
        if name[: len(PIXEL)].lower() == PIXEL:
            return digits.replace(tzinfo=dt.UTC).astimezone(zone)
        # Through UTC and back, for the digits of an hour that the clock left out.
        return digits.replace(tzinfo=zone).astimezone(dt.UTC).astimezone(zone)
    found = DAY.match(name)
    day = found and _day(*map(int, found.groups()))
    if times or not day or changed.astimezone(zone).date() == day:
        return None
    return dt.datetime.combine(day, NOON, zone)


def _times(name: str) -> Iterator[dt.datetime]:
    for found in COMPACT.finditer(name):
        *parts, milliseconds = found.groups()
        yield from _time(*parts, milliseconds)
    for found in PARTED.finditer(name):
        year, _, month, day, hour, _, minute, second, milliseconds, half = found.groups()
        if half and not 1 <= int(hour) <= 12:  # noqa: PLR2004  a clock's face
            continue
        if half:
            hour = str(int(hour) % 12 + (12 if half in "pP" else 0))
        yield from _time(year, month, day, hour, minute, second, milliseconds)


def _time(*parts: str | None) -> Iterator[dt.datetime]:
    year, month, day, hour, minute, second, milliseconds = (int(part or 0) for part in parts)
    try:
        yield dt.datetime(  # noqa: DTZ001  digits of a clock
            year, month, day, hour, minute, second, milliseconds * 1000
        )
    except ValueError:
        return


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
