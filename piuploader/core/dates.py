"""When a file was last changed: the true instant, whatever its file system wrote down.

ext4, NTFS, HFS+, APFS and most others keep UTC: their stamps are true.

FAT (vfat, msdos) keeps the digits of the camera's clock and no time zone.
Linux takes them for the kernel's own zone, which is UTC unless a mount option
(`tz=UTC`, `time_offset=`) or the old settimeofday(2) says otherwise. So what
is reported is off by the camera's offset from UTC. Here that is undone, and
the digits are read in the person's time zone, with the summer time of that
day. The digits of the hour that a clock repeats in autumn are read as the
first one; those of the hour that it leaves out in spring as if it had not
been set yet.

exFAT keeps the offset beside the digits, and Linux heeds it. A camera may
leave the offset out; then Linux takes the digits for UTC, and nobody can
tell from outside that it did. Nothing is undone there: a true time must not
be spoilt for one that may be false.
"""

import datetime as dt
from dataclasses import dataclass

FAT_KINDS = frozenset({"vfat", "msdos"})
NS = 1_000_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Stamps outside are damage: no photograph is older than photography, and
# ISO 8601 has four digits for a year.
EARLIEST = dt.datetime(1826, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 12, 28, tzinfo=dt.UTC)
EARLIEST_S = int((EARLIEST - EPOCH).total_seconds())
LATEST_S = int((LATEST - EPOCH).total_seconds())


@dataclass(frozen=True, slots=True)
class Stamps:
    """How the stamps of one file system are to be read."""

    zone: dt.tzinfo  # the person's
    # Of a file system that keeps a clock's digits: seconds that turn what the kernel
    # reports into these digits. None: what it reports is true.
    digits_offset_s: int | None = None

    def time(self, mtime_ns: int) -> dt.datetime:
        """Return the true time of a stamp, in the person's zone.

        What lies outside of 1826 to 9999 is taken for the nearer end.
        """
        seconds, rest_ns = divmod(mtime_ns, NS)
        seconds = min(max(seconds, EARLIEST_S), LATEST_S)
        utc = EPOCH + dt.timedelta(seconds=seconds, microseconds=rest_ns // 1000)
        if self.digits_offset_s is None:
            return utc.astimezone(self.zone)
        digits = utc + dt.timedelta(seconds=self.digits_offset_s)
        local = digits.replace(tzinfo=self.zone)
        # Through UTC and back, for the digits of an hour that the clock left out.
        return local.astimezone(dt.UTC).astimezone(self.zone)

    def iso(self, mtime_ns: int) -> str:
        """Return the true time of a stamp as `2024-06-01T12:30:00.123+02:00`."""
        return iso(self.time(mtime_ns))

    def day(self, mtime_ns: int) -> dt.date:
        """Return the day of a stamp in the person's zone."""
        return self.time(mtime_ns).date()


def iso(time: dt.datetime) -> str:
    """Return a time as `2024-06-01T12:30:00.123+02:00`."""
    if _has_odd_offset(time):
        time = time.astimezone(dt.UTC)
    return time.isoformat(timespec="milliseconds")


def digits_offset_s(kind: str, options: frozenset[str], *, kernel_minutes_west: int) -> int | None:
    """Return `Stamps.digits_offset_s` for a kind of file system and its mount options.

    The kernel's vfat reports `digits - time_offset` if an option set it, and else
    `digits + minutes west of its zone` (fs/fat/misc.c, fat_tz_offset). It lists the
    option as `time_offset=MINUTES`, or as `tz=UTC` where that is zero.
    """
    if kind not in FAT_KINDS:
        return None
    if "tz=UTC" in options:
        return 0
    for option in options:
        name, _, minutes = option.partition("=")
        if name == "time_offset" and minutes.removeprefix("-").isdecimal():
            return int(minutes) * 60
    return -kernel_minutes_west * 60


def _has_odd_offset(time: dt.datetime) -> bool:
    """Tell whether the offset is no whole number of minutes, as before zones were agreed on."""
    offset = time.utcoffset() or dt.timedelta()
    return bool(offset % dt.timedelta(minutes=1))
