"""One table decides what follows a failure: a test for each of its rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader import errors
from piuploader.core.patience import (
    LONGEST_PAUSE_S,
    RULES,
    Action,
    is_about_server,
    judge,
    pause_s,
)
from piuploader.core.tally import Reason

ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.PiUploaderError)
]


def actions(error, most=12):
    """What follows each failure of one file, until it is given up."""
    return [judge(error, tried=tried, luck=0.5).action for tried in range(1, most)]


@pytest.mark.parametrize(
    ("error", "tries", "then", "reason"),
    [
        (errors.ServerUnreachable("connection lost"), 8, Action.GIVE_UP, Reason.GAVE_UP),
        (errors.ServerBusy("HTTP 503"), 8, Action.GIVE_UP, Reason.GAVE_UP),
        (errors.ServerBusy("HTTP 429", retry_after_s=7), 8, Action.GIVE_UP, Reason.GAVE_UP),
        (errors.ServerError("HTTP 418"), 3, Action.GIVE_UP, Reason.GAVE_UP),
        (errors.FileTooLarge("HTTP 413"), 1, Action.GIVE_UP, Reason.TOO_LARGE),
        (errors.FileRefused("HTTP 400: Unsupported"), 1, Action.GIVE_UP, Reason.REFUSED),
        (errors.FileUnreadable("EIO"), 2, Action.GIVE_UP, Reason.UNREADABLE),
        (errors.FileChanged("grew"), 3, Action.GIVE_UP, Reason.CHANGED),
        (errors.DriveRemoved("gone"), 1, Action.STOP, Reason.DRIVE_REMOVED),
        (errors.DriveError("no such folder"), 1, Action.STOP, Reason.UNREADABLE),
        (errors.ServerFull("quota"), 1, Action.STOP, Reason.SERVER_FULL),
        (errors.ServerRefusedKey("HTTP 401"), 1, Action.STOP, Reason.STOPPED),
        (errors.PermissionMissing("asset.upload"), 1, Action.STOP, Reason.STOPPED),
        (errors.ServerTooOld("1.90"), 1, Action.STOP, Reason.STOPPED),
        (errors.ConfigError("?"), 1, Action.STOP, Reason.STOPPED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_failure_has_its_rule(error, tries, then, reason):
    followed = actions(error)
    assert followed[: tries - 1] == [Action.RETRY] * (tries - 1)
    assert set(followed[tries - 1 :]) == {then}
    assert judge(error, tried=tries, luck=0).reason is reason


def test_no_rule_hides_behind_a_more_general_one():
    """The first class that fits decides."""
    for place, (kind, _) in enumerate(RULES):
        assert not any(issubclass(kind, before) for before, _ in RULES[:place])


@given(kind=st.sampled_from(ALL), tried=st.integers(1, 100), luck=st.floats(0, 1, exclude_max=True))
def test_every_error_is_decided_and_none_is_tried_for_ever(kind, tried, luck):
    verdict = judge(kind("x"), tried=tried, luck=luck)
    assert 0 <= verdict.pause_s <= LONGEST_PAUSE_S
    assert judge(kind("x"), tried=100, luck=luck).action is not Action.RETRY


@given(tried=st.integers(1, 50), luck=st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_are_spread(tried, luck):
    assert pause_s(tried + 1, luck=luck) >= pause_s(tried, luck=luck)
    assert pause_s(tried, luck=0) <= pause_s(tried, luck=luck)


def test_a_server_that_names_a_time_gets_it():
    assert judge(errors.ServerBusy("429", retry_after_s=20), tried=1, luck=0).pause_s == 20
    assert judge(errors.ServerBusy("429", retry_after_s=9e9), tried=1, luck=0).pause_s == 60


@pytest.mark.parametrize("kind", ALL)
def test_only_silence_and_overload_speak_of_the_server_as_a_whole(kind):
    expected = issubclass(kind, errors.ServerUnreachable | errors.ServerBusy)
    assert is_about_server(kind("x")) == expected
