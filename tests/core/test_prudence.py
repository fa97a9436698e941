"""When pausing would be unwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.prudence import NIGHT, QuietHours, nearly_full, night_of, quiet_hours
from piuploader.core.server import Storage


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_a_span_reads_as_it_is_written(start, end):
    hours = QuietHours(start, end)
    assert quiet_hours(str(hours)) == hours


def test_a_span_may_cross_midnight():
    hours = quiet_hours("23:00-03:00")
    assert 23 * 60 + 30 in hours
    assert 60 in hours
    assert 12 * 60 not in hours


def test_nothing_means_never():
    assert not any(minute in quiet_hours(" ") for minute in range(1440))


@pytest.mark.parametrize("text", ["night", "25:00-03:00", "00:60-01:00", "3-4"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="span of hours"):
        quiet_hours(text)


def test_the_servers_own_times_are_heeded():
    settings = {
        "nightlyTasks.startTime": "22:30",
        "backup.database.enabled": True,
        "backup.database.cronExpression": "15 1 * * *",
    }
    assert str(night_of(settings)) == "22:30-02:15"


def test_times_that_cannot_be_read_give_the_usual_night():
    assert night_of({}) == NIGHT
    assert night_of({"nightlyTasks.startTime": 7}) == NIGHT


def test_a_backup_by_day_does_not_make_the_day_quiet():
    settings = {
        "nightlyTasks.startTime": "00:00",
        "backup.database.cronExpression": "0 14 * * *",
    }
    assert str(night_of(settings)) == "00:00-01:00"


def test_a_disk_is_nearly_full_below_a_twentieth_or_20_gib():
    assert nearly_full(Storage(32 * 1024**3, 1024**3))
    assert not nearly_full(Storage(32 * 1024**3, 2 * 1024**3))
    assert not nearly_full(Storage(8 * 10**12, 30 * 1024**3))
