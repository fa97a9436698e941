"""The time that a name tells."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.dates import iso
from piuploader.core.name_dates import told

BERLIN = ZoneInfo("Europe/Berlin")
LATER = dt.datetime(2025, 5, 5, 5, 5, 5, tzinfo=dt.UTC)


def time_of(name, changed=LATER):
    time = told(name, zone=BERLIN, changed=changed)
    return time and iso(time)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20240101_101010.jpg",
        "IMG_20240101_101010_edited.jpg",
        "VID_20240101_101010.mp4",
        "20240101_101010.jpg",
        "20240101_101010_001.jpg",
        "20240101_101010(0).jpg",
        "IMG_20240101_101010_BURST001_COVER.jpg",
        "20240101101010.jpg",
        "2024-01-01 10.10.10.jpg",
        "2024-01-01 10.10.10-1.jpg",
        "2024_01_01_10_10_10.jpg",
        "Screenshot_20240101-101010.png",
        "Screenshot_20240101_101010_Chrome.jpg",
        "Screenshot_2024-01-01-10-10-10.png",
        "Screenshot 2024-01-01 at 10.10.10.png",
        "Screenshot 2024-01-01 at 10.10.10 AM.png",
        "Screenshot 2024-01-01 at 10.10.10\u202fam.png",
        "WhatsApp Image 2024-01-01 at 10.10.10.jpeg",
        "signal-2024-01-01-101010.jpg",
        "photo_2024-01-01_10-10-10.jpg",
        "DJI_20240101101010_0001_D.MP4",
    ],
)
def test_names_of_phones_cameras_and_messengers(name):
    assert time_of(name) == "2024-01-01T10:10:10.000+01:00"


def test_pixels_write_utc_and_everybody_else_their_own_clock():
    assert time_of("PXL_20240701_101010123.jpg") == "2024-07-01T12:10:10.123+02:00"
    assert time_of("IMG_20240701_101010.jpg") == "2024-07-01T10:10:10.000+02:00"


def test_half_of_the_day():
    assert time_of("Screenshot 2024-01-01 at 3.04.05 PM.png") == "2024-01-01T15:04:05.000+01:00"
    assert time_of("Screenshot 2024-01-01 at 12.04.05 AM.png") == "2024-01-01T00:04:05.000+01:00"
    assert time_of("Screenshot 2024-01-01 at 13.04.05 PM.png") is None


def test_an_hour_that_the_clock_left_out_is_read_as_if_it_had_not_been_set():
    assert time_of("20240331_023000.jpg") == "2024-03-31T03:30:00.000+02:00"


def test_a_burst_is_dated_to_the_millisecond():
    name = "00001IMG_00001_BURST20171111030039363.jpg"
    assert time_of(name) == "2017-11-11T03:00:39.363+01:00"


def test_the_day_alone_is_noon_unless_the_file_itself_is_of_that_day():
    name = "VID-20240101-WA0001.mp4"
    assert time_of(name) == "2024-01-01T12:00:00.000+01:00"
    in_the_night = dt.datetime(2023, 12, 31, 23, 30, tzinfo=dt.UTC)  # it is the next day in Berlin
    assert time_of(name, changed=in_the_night) is None


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1234.JPG",
        "20240101.jpg",
        "IMG_20241301_101010.jpg",
        "IMG_20240101_251010.jpg",
        "VID-20240230-WA0001.mp4",
        "FB_IMG_1704100210000.jpg",
        "120240101_101010.jpg",
        "18240101_101010.jpg",
        "20240101_101010-20240102_101010.jpg",
        "2024-01-01.jpg",
        "2024-01_01 10.10.10.jpg",
    ],
)
def test_names_that_tell_nothing_for_sure(name):
    assert time_of(name) is None


@given(st.text(max_size=30) | st.text("0123456789-_. apmPXL", max_size=30))
def test_no_name_is_too_odd(name):
    time = told(name, zone=BERLIN, changed=LATER)
    assert time is None or 1900 <= time.year <= 2100


@given(st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(2099, 12, 30)))  # noqa: DTZ001
def test_any_time_is_read_as_it_was_written(time):
    time = time.replace(microsecond=0)
    for form in ("IMG_%Y%m%d_%H%M%S.jpg", "%Y-%m-%d %H.%M.%S.jpg", "X %Y-%m-%d at %I.%M.%S %p.png"):
        assert told(time.strftime(form), zone=dt.UTC, changed=LATER).replace(tzinfo=None) == time
