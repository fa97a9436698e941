"""How many uploads run, and how fast: real threads, a clock that a test can set."""

from threading import Thread

import pytest

from piuploader.app.gate import PAUSE_BYTES, Aborted, Gate
from tests.waiting import wait_until

LARGE = PAUSE_BYTES + 1


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def gate():
    gate = Gate(2, clock=Clock())
    yield gate
    gate.drop()


def started(call, *args):
    results = []

    def run():
        try:
            results.append(call(*args))
        except Aborted:
            results.append(Aborted)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.results = results
    return thread


def test_as_many_as_it_is_wide_get_through(gate):
    assert gate.admit(0)
    assert gate.admit(1)
    third = started(gate.admit, 2)
    assert not third.results
    gate.resize(3)
    third.join(5)
    assert third.results == [True]


def test_closing_sends_everyone_home(gate):
    waiting = started(gate.admit, 7)
    gate.close()
    waiting.join(5)
    assert waiting.results == [False]
    assert not gate.admit(0)


def test_a_large_upload_that_is_one_too_many_pauses(gate):
    gate.resize(1)
    upload = started(gate.moved, 1, 1000, LARGE)
    wait_until(lambda: gate.paused == {1})
    gate.resize(2)
    upload.join(5)
    assert upload.results == [None]
    assert gate.paused == set()


def test_a_small_rest_is_finished_instead(gate):
    gate.resize(1)
    gate.moved(1, 1000, PAUSE_BYTES)


def test_paused_uploads_are_dropped_when_their_memory_is_needed(gate):
    gate.resize(0)
    upload = started(gate.moved, 1, 1000, LARGE)
    wait_until(lambda: gate.paused == {1})
    gate.drop_surplus()
    upload.join(5)
    assert upload.results == [Aborted]
    gate.resize(2)
    gate.moved(1, 1000, LARGE)


def test_all_uploads_together_keep_to_the_pace(gate):
    clock = gate._clock
    gate.pace(1000.0)
    gate.moved(0, 250, 10)  # what the bucket holds
    slow = started(gate.moved, 1, 500, 10)
    assert slow.is_alive()
    clock.now += 0.6
    gate.pace(1000.0)  # a look at the clock
    slow.join(5)
    assert slow.results == [None]


def test_a_pace_that_is_lifted_lets_go_at_once(gate):
    gate.pace(1024.0)
    slow = started(gate.moved, 0, 10_000_000, 10)
    gate.pace(None)
    slow.join(5)
    assert slow.results == [None]


def test_dropping_ends_uploads_at_their_next_block(gate):
    gate.drop()
    with pytest.raises(Aborted):
        gate.moved(0, 1, 1)
