"""When a call fails, one asks whether the server is there, and all wait."""

from threading import Thread

import pytest

from piuploader import errors
from piuploader.app.lifeline import Lifeline
from piuploader.app.stop import Stop


class World:
    """A server that comes back after some knocks, and a stop whose waiting costs no time."""

    def __init__(self, *, back_after):
        self.knocks = 0
        self.back_after = back_after
        self.now = 100.0
        self.stop = Stop()
        self.stop.wait = self.wait

    def wait(self, seconds):
        self.now += seconds
        return self.stop.pulled

    def ping(self):
        self.knocks += 1
        if self.knocks <= self.back_after:
            raise errors.ServerUnreachable("connection refused")

    def lifeline(self, wait_s=600.0):
        return Lifeline(
            self.ping, self.stop, wait_s=wait_s, clock=lambda: self.now, luck=lambda: 0.5
        )


LOST = errors.ServerUnreachable("reset")


def test_a_server_that_answers_was_not_away():
    world = World(back_after=0)
    assert not world.lifeline().check(LOST, failed_at=100.0)
    assert world.knocks == 1


def test_an_absence_is_waited_for_with_growing_pauses():
    world = World(back_after=6)
    assert world.lifeline().check(LOST, failed_at=100.0)
    assert world.knocks == 7
    assert 10 < world.now - 100 < 60


def test_failures_of_the_same_absence_do_not_ask_again():
    world = World(back_after=3)
    lifeline = world.lifeline()
    began = world.now
    lifeline.check(LOST, failed_at=began)
    knocks = world.knocks

    assert lifeline.check(LOST, failed_at=began)
    assert world.knocks == knocks


def test_who_stays_away_too_long_stops_the_run():
    world = World(back_after=10**9)
    with pytest.raises(errors.ServerUnreachable):
        world.lifeline(wait_s=30.0).check(LOST, failed_at=100.0)
    assert world.stop.pulled
    assert isinstance(world.stop.error, errors.ServerUnreachable)
    assert 30 <= world.now - 100 < 90


def test_a_stop_ends_the_waiting():
    world = World(back_after=10**9)
    world.stop.pull()
    with pytest.raises(errors.ServerUnreachable):
        world.lifeline().check(LOST, failed_at=100.0)
    assert world.knocks == 0


def test_when_the_wait_is_over_the_others_neither_wait_nor_tell_of_it_again(caplog):
    world = World(back_after=10**9)
    lifeline = world.lifeline(wait_s=60)
    for _ in range(3):
        with pytest.raises(errors.ServerUnreachable):
            lifeline.check(LOST, failed_at=100.0)
    assert [record.message for record in caplog.records] == ["The server is away: error=reset"]


def test_many_threads_share_one_absence():
    world = World(back_after=5)
    lifeline = world.lifeline()
    began = world.now
    told = []
    threads = [
        Thread(target=lambda: told.append(lifeline.check(LOST, failed_at=began))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert told == [True] * 8
    assert world.knocks == 6
