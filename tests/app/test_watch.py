"""Follow the server's queues, and know when to stop."""

import itertools

import pytest

from piuploader.app.watch import Outcome, follow, measure, wait_until_settled
from piuploader.errors import PermissionMissing, ServerUnreachable
from tests.queue_fakes import Clock, FakeQueueServer


class World:
    """A server, and time in which something happens at each look."""

    def __init__(self, server, *happens):
        self.server, self.clock = server, Clock()
        self.happens = itertools.chain(happens, itertools.repeat(lambda: None))

    def wait(self, seconds):
        self.clock.now_s += seconds
        next(self.happens)()

    def views(self, every_s=5.0):
        return follow(self.server, clock=self.clock, wait=self.wait, every_s=every_s)

    def until_settled(self, **options):
        options = {"timeout_s": None, "show": lambda view: None, **options}
        return wait_until_settled(self.views(), clock=self.clock, **options)


def test_it_waits_until_three_looks_found_nothing():
    server = FakeQueueServer(jobs={"ocr": 2})
    world = World(server, lambda: server.work("ocr"), lambda: server.work("ocr"))
    looks = []
    assert world.until_settled(show=looks.append) is Outcome.SETTLED
    assert len(looks) == 5


def test_it_ends_when_the_time_is_up():
    world = World(FakeQueueServer(jobs={"ocr": 2}))
    assert world.until_settled(timeout_s=60.0) is Outcome.TIMEOUT


def test_it_does_not_wait_for_what_somebody_paused():
    world = World(FakeQueueServer(jobs={"ocr": 2}, paused={"ocr"}))
    assert world.until_settled() is Outcome.HALTED


def test_it_waits_for_what_a_piuploader_will_give_back():
    server = FakeQueueServer(jobs={"ocr": 1}, paused={"ocr"})

    def give_back():
        server.paused.clear()
        server.work("ocr")

    world = World(server, *[lambda: None] * 9, give_back)
    assert world.until_settled(held=lambda: {"ocr"}) is Outcome.SETTLED


def test_a_server_that_is_away_for_a_moment_is_asked_again():
    server = FakeQueueServer()

    def away(*, is_so):
        return lambda: setattr(server, "away", is_so)

    world = World(server, away(is_so=True), lambda: None, away(is_so=False))
    assert world.until_settled() is Outcome.SETTLED


def test_a_server_that_stays_away_ends_it():
    server = FakeQueueServer(jobs={"ocr": 1})
    world = World(server, lambda: setattr(server, "away", True))
    with pytest.raises(ServerUnreachable):
        world.until_settled()


def test_a_server_that_is_away_from_the_start_ends_it_at_once():
    with pytest.raises(ServerUnreachable):
        World(FakeQueueServer(away=True)).until_settled()


def test_a_key_that_may_not_look_ends_it_at_once():
    class Barred(FakeQueueServer):
        def queues(self):
            raise PermissionMissing("queue.read")

    with pytest.raises(PermissionMissing):
        World(Barred()).until_settled()


def test_a_pace_is_measured_no_longer_than_it_takes():
    server = FakeQueueServer(jobs={"ocr": 1000})
    world = World(server, *[lambda: server.work("ocr", 10)] * 99)
    view = measure(world.views(every_s=2.0), clock=world.clock, seconds=60.0)
    assert view.pace.per_s == 5.0
    assert world.clock.now_s == 1020.0


def test_an_idle_server_is_seen_to_be_settled():
    world = World(FakeQueueServer())
    assert measure(world.views(every_s=2.0), clock=world.clock, seconds=24.0).settled
