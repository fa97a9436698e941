"""How fast: the bucket keeps its rate, the timetable says what it means."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.pace import (
    BURST_S,
    NEVER,
    Change,
    Schedule,
    TokenBucket,
    limit_at,
    parse_rate,
    parse_schedule,
)
from piuploader.errors import ConfigError

RATES = st.floats(1e3, 1e9)


@given(rate=RATES, takes=st.lists(st.integers(0, 4_000_000), min_size=1, max_size=60))
def test_who_waits_as_told_never_sends_faster_than_the_rate(rate, takes):
    """Over any time no more passes than the rate allows, but for the first burst."""
    bucket, now = TokenBucket(rate), 0.0
    for count in takes:
        now += bucket.take(now, count)
    assert sum(takes) <= rate * (now + BURST_S) * 1.001 + 1.0


@given(rate=RATES, count=st.integers(1, 10_000_000))
def test_what_is_owed_is_waited_for_exactly(rate, count):
    """A block larger than the bucket is not refused: it is paid for."""
    wait = TokenBucket(rate).take(0.0, count)
    assert wait == pytest.approx(max(0.0, count / rate - BURST_S), abs=1e-6)


def test_many_takers_share_one_bucket():
    """Each waits for those that came before it."""
    bucket = TokenBucket(1000.0)
    bucket.take(0.0, 250)
    waits = [bucket.take(0.0, 500) for _ in range(3)]
    assert waits == pytest.approx([0.5, 1.0, 1.5])


def test_an_idle_hour_is_no_store_of_bytes():
    """After a pause the link is not flooded."""
    bucket = TokenBucket(1000.0)
    bucket.take(0.0, 250)
    assert bucket.take(3600.0, 2250) == pytest.approx(2.0)


def test_a_clock_that_steps_back_gives_no_bytes_away():
    bucket = TokenBucket(1000.0)
    bucket.take(10.0, 1250)
    assert bucket.take(5.0, 0) == pytest.approx(1.0)
    assert bucket.take(10.5, 0) == pytest.approx(0.5)


def test_a_new_rate_keeps_the_debt():
    bucket = TokenBucket(1000.0)
    bucket.take(0.0, 2250)
    bucket.retune(0.0, 4000.0)
    assert bucket.take(0.0, 0) == pytest.approx(0.5)
    assert bucket.bytes_per_s == 4000.0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_bucket_that_never_fills_is_a_bug(rate):
    with pytest.raises(ValueError, match="rate above 0"):
        TokenBucket(rate)
    with pytest.raises(ValueError, match="rate above 0"):
        TokenBucket(1.0).retune(0.0, rate)


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [
        ("5M", 5_000_000),
        ("800k", 800_000),
        ("1.5 MB/s", 1_500_000),
        ("2MiB", 2 * 1024**2),
        ("1G", 1_000_000_000),
        ("2048", 2048),
        ("off", None),
        ("unlimited", None),
        ("0", None),
    ],
)
def test_a_rate_is_read_as_people_write_it(text, bytes_per_s):
    assert parse_rate(text) == bytes_per_s


@pytest.mark.parametrize("text", ["", "fast", "5X", "-5M", "5,M", "1 M M", "08:00"])
def test_what_is_no_rate_is_refused_by_name(text):
    with pytest.raises(ConfigError, match="bytes a second such as"):
        parse_rate(text)


def test_a_forgotten_unit_is_asked_about():
    """5 was hardly meant as five bytes a second."""
    with pytest.raises(ConfigError, match="write 5M"):
        parse_rate("5")


def test_the_timetable_of_the_handbook():
    schedule = parse_schedule("08:00,5M 23:00,off")
    assert limit_at(schedule, time(8)) == 5_000_000
    assert limit_at(schedule, time(22, 59, 59)) == 5_000_000
    assert limit_at(schedule, time(23)) is None
    assert limit_at(schedule, time(3)) is None  # the night goes on past midnight


def test_one_rate_holds_all_day():
    schedule = parse_schedule("5M")
    assert {limit_at(schedule, time(hour)) for hour in range(24)} == {5_000_000}


@pytest.mark.parametrize("text", ["", "  ", "off"])
def test_no_limit_is_no_limit(text):
    assert parse_schedule(text) == NEVER
    assert limit_at(NEVER, time(12)) is None


def test_the_order_of_entries_does_not_matter():
    assert parse_schedule("23:00,off 8:00,5M") == parse_schedule("08:00,5M 23:00,off")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("08:00,5M 8:00,off", "08:00 is there twice"),
        ("24:00,5M", "expected a time and a rate"),
        ("08:60,5M", "expected a time and a rate"),
        ("08:00, 5M", "expected a time and a rate"),
        ("08:00,5M 23:00", "expected a time and a rate"),
        ("08:00,fast", "bytes a second such as"),
    ],
)
def test_a_wrong_timetable_says_what_is_wrong(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_schedule(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text):
    """Either a schedule or a ConfigError."""
    try:
        schedule = parse_schedule(text)
    except ConfigError:
        return
    assert isinstance(schedule, Schedule)
    assert all(isinstance(change, Change) for change in schedule.changes)
