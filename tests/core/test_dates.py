"""The true time of a stamp."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.dates import NS, Stamps, digits_offset_s

BERLIN = ZoneInfo("Europe/Berlin")
TRUE = Stamps(BERLIN)
FAT = Stamps(BERLIN, digits_offset_s=0)


def ns(*when, tz=dt.UTC):
    return int(dt.datetime(*when, tzinfo=tz).timestamp()) * NS


def test_a_true_stamp_keeps_its_instant():
    assert TRUE.iso(ns(2024, 7, 1, 12, 0) + 123_456_789) == "2024-07-01T14:00:00.123+02:00"
    assert TRUE.iso(ns(2024, 1, 1, 12, 0)) == "2024-01-01T13:00:00.000+01:00"


def test_the_digits_of_a_camera_are_read_in_the_persons_zone():
    """The camera's clock said noon; a kernel in UTC reports noon UTC."""
    assert FAT.iso(ns(2024, 7, 1, 12, 0)) == "2024-07-01T12:00:00.000+02:00"
    assert FAT.iso(ns(2024, 1, 1, 12, 0)) == "2024-01-01T12:00:00.000+01:00"


def test_the_first_day_of_fat_is_a_day():
    assert FAT.iso(ns(1980, 1, 1)) == "1980-01-01T00:00:00.000+01:00"


def test_digits_of_the_hour_that_comes_twice_are_the_first():
    assert FAT.iso(ns(2024, 10, 27, 2, 30)) == "2024-10-27T02:30:00.000+02:00"


def test_digits_of_the_hour_that_never_was_are_those_of_a_clock_not_yet_set():
    assert FAT.iso(ns(2024, 3, 31, 2, 30)) == "2024-03-31T03:30:00.000+02:00"


def test_the_day_is_that_of_the_persons_zone():
    assert TRUE.day(ns(2024, 6, 30, 23, 0)) == dt.date(2024, 7, 1)
    assert FAT.day(ns(2024, 6, 30, 23, 0)) == dt.date(2024, 6, 30)


@pytest.mark.parametrize(
    ("options", "minutes_west", "expected"),
    [
        ({"rw", "utf8"}, 0, 0),
        ({"rw"}, -120, 7200),  # the kernel is 2 h east: it takes 2 h off the digits
        ({"tz=UTC"}, -120, 0),
        ({"time_offset=60"}, 0, 3600),
        ({"time_offset=-300"}, 0, -18000),
        ({"time_offset=nonsense"}, 0, 0),
    ],
)
def test_what_the_kernel_did_to_the_digits_is_undone(options, minutes_west, expected):
    assert digits_offset_s("vfat", frozenset(options), kernel_minutes_west=minutes_west) == expected


@pytest.mark.parametrize("kind", ["exfat", "ntfs3", "ext4", "fuseblk", ""])
def test_other_file_systems_keep_true_stamps(kind):
    assert digits_offset_s(kind, frozenset(), kernel_minutes_west=-60) is None


def test_digits_survive_every_kernel_zone():
    """Noon on the camera is noon, whatever zone the kernel believed to be in."""
    noon = ns(2024, 7, 1, 12, 0)
    for west in (-720, -60, 0, 300):
        reported = noon + west * 60 * NS
        offset = digits_offset_s("vfat", frozenset(), kernel_minutes_west=west)
        assert Stamps(BERLIN, offset).iso(reported) == "2024-07-01T12:00:00.000+02:00"


ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati"]
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


@given(
    st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**80), 2**80),
    st.sampled_from(ZONES),
    st.none() | st.integers(-24 * 60, 24 * 60).map(lambda minutes: minutes * 60),
)
def test_no_stamp_makes_an_invalid_date(mtime_ns, zone, offset):
    stamps = Stamps(ZoneInfo(zone), offset)
    text = stamps.iso(mtime_ns)
    assert ISO.fullmatch(text)
    assert dt.datetime.fromisoformat(text).utcoffset() is not None
    assert 1825 <= stamps.day(mtime_ns).year <= 9999


@given(st.integers(ns(1950, 1, 1) // NS, ns(2200, 1, 1) // NS))
def test_a_true_instant_is_never_moved(seconds):
    mtime_ns = seconds * NS
    for zone in ZONES:
        text = Stamps(ZoneInfo(zone)).iso(mtime_ns)
        assert int(dt.datetime.fromisoformat(text).timestamp()) * NS == mtime_ns
