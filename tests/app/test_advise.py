"""Change a server's settings, and undo exactly that; and try values out."""

import stat
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from piuploader.adapters.config_book import ConfigBook
from piuploader.app.advise import apply, undo
from piuploader.app.measure import Experiment, Plan, Vitals
from piuploader.core.experiment import judge, schedule
from piuploader.core.policy import Holding
from piuploader.errors import LedgerError, ServerError, ServerUnreachable, UsageError
from tests.queue_fakes import Clock, FakeJournal, FakeQueueServer

THUMBS, SEARCH = "job.thumbnailGeneration.concurrency", "job.smartSearch.concurrency"


class FakeConfigServer(FakeQueueServer):
    def document(self):
        return f"all of it: {self.flat}"


@pytest.fixture
def book(tmp_path):
    return ConfigBook(tmp_path / "config", "http://immich.local")


def test_only_the_named_keys_change_and_undo_restores_exactly_those(book):
    server = FakeConfigServer()
    before = dict(server.flat)

    done = apply(server, book, {THUMBS: 1, "job.ocr.concurrency": 1})
    assert [(c.key, c.was, c.ours) for c in done.changed] == [(THUMBS, 3, (1,))]
    assert {k: v for k, v in server.flat.items() if before[k] != v} == {THUMBS: 1}

    undone = undo(server, book)
    assert server.flat == before
    assert [change.key for change in undone.changed] == [THUMBS]
    assert undo(server, book) is None


def test_the_whole_configuration_is_saved_before_for_its_owner_only(book):
    done = apply(FakeConfigServer(), book, {THUMBS: 1})
    assert done.saved.read_text().startswith("all of it: ")
    assert "'job.thumbnailGeneration.concurrency': 3" in done.saved.read_text()
    assert stat.S_IMODE(done.saved.stat().st_mode) == 0o600


def test_undo_leaves_alone_what_somebody_changed_since(book):
    server = FakeConfigServer()
    apply(server, book, {THUMBS: 1, SEARCH: 1})
    server.flat[THUMBS] = 2

    undone = undo(server, book)

    assert server.flat[THUMBS] == 2
    assert server.flat[SEARCH] == 2
    assert undone.theirs == (THUMBS,)


def test_changes_are_undone_one_after_the_other(book):
    server = FakeConfigServer()
    apply(server, book, {THUMBS: 2})
    apply(server, book, {THUMBS: 1})
    undo(server, book)
    assert server.flat[THUMBS] == 2
    undo(server, book)
    assert server.flat[THUMBS] == 3


def test_a_key_that_the_server_keeps_as_it_was_is_told(book):
    class Stubborn(FakeConfigServer):
        def change(self, wanted):
            return self.settings()

    done = apply(Stubborn(), book, {THUMBS: 1})
    assert done.refused == (THUMBS,)
    assert done.changed == ()


def test_an_unknown_key_changes_nothing(book):
    server = FakeConfigServer()
    with pytest.raises(ServerError, match=r"no job\.x"):
        apply(server, book, {"job.x.concurrency": 1, THUMBS: 1})
    assert server.did == []


def test_nothing_to_change_writes_nothing(book, tmp_path):
    apply(FakeConfigServer(), book, {THUMBS: 3})
    assert not (tmp_path / "config").exists()


def test_a_change_is_noted_before_it_is_made(book):
    """The connection breaks in the middle: undo still knows."""
    server = FakeConfigServer(fails=[ServerUnreachable("gone")])
    with pytest.raises(ServerUnreachable):
        apply(server, book, {THUMBS: 1})
    server.flat[THUMBS] = 1  # it had arrived
    undo(server, book)
    assert server.flat[THUMBS] == 3


def test_a_damaged_book_is_named(tmp_path):
    book = ConfigBook(tmp_path, "http://immich.local", now=lambda: datetime.now(UTC))
    book.note([])
    (path,) = tmp_path.glob("*.json")
    path.write_text("{")
    with pytest.raises(LedgerError, match=str(path)):
        book.last()


# -- measuring -----------------------------------------------------------------------------


class Machine(FakeConfigServer):
    """A server whose thumbnails take as long as its settings say; time is the clock's."""

    per_min: ClassVar = {1: 60, 2: 120, 3: 180, 10: 150}

    def __init__(self, clock, jobs=100_000):
        super().__init__(jobs={"thumbnailGeneration": jobs})
        self.clock = clock
        self.left = float(jobs)

    def wait(self, seconds):
        self.clock.now_s += seconds
        self.left -= self.per_min[self.flat[THUMBS]] * seconds / 60
        self.jobs["thumbnailGeneration"] = max(0, round(self.left))


def experiment(server, journal=None, values=(3, 1, 10), **more):
    plan = Plan(key=THUMBS, order=schedule(values, 1), trial_s=180.0, settle_s=15.0)
    return Experiment(
        server, journal or FakeJournal(), plan, clock=server.clock, wait=server.wait, **more
    )


def test_an_experiment_finds_the_best_and_gives_the_old_value_back():
    server, journal = Machine(Clock()), FakeJournal()
    server.flat[THUMBS] = 1
    told = []

    trials = experiment(server, journal, values=(1, 3, 10)).run(told.append)

    assert judge(trials, current=1).keep == 3
    assert [trial.value for trial in told] == [1, 3, 10, 10, 3, 1]
    assert server.flat[THUMBS] == 1
    assert not journal.now


def test_the_old_value_is_on_disk_before_the_first_change():
    journal = FakeJournal()
    server = Machine(Clock())

    def before_each_change(what, name):
        (held,) = journal.now.changed
        assert (held.key, held.was) == (THUMBS, 3)
        assert int(name.partition("=")[2]) in {held.was, *held.ours}

    server.on_change = before_each_change
    experiment(server, journal).run(lambda trial: None)


def test_an_interrupted_experiment_gives_the_old_value_back():
    server, journal = Machine(Clock()), FakeJournal()

    def interrupt(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(server, journal, values=(10, 1)).run(interrupt)
    assert server.flat[THUMBS] == 3
    assert not journal.now


def test_an_experiment_that_loses_the_server_leaves_a_note():
    server, journal = Machine(Clock()), FakeJournal()

    def lose(trial):
        server.away = True

    with pytest.raises(ServerUnreachable):
        experiment(server, journal, values=(10, 1)).run(lose)
    assert journal.now == Holding(changed=journal.now.changed)
    assert journal.now.changed[0].was == 3


def test_it_ends_when_the_backlog_does():
    server = Machine(Clock(), jobs=900)
    trials = experiment(server).run(lambda trial: None)
    assert len(trials) < 6
    assert server.flat[THUMBS] == 3


def test_without_a_backlog_nothing_is_tried():
    server = Machine(Clock(), jobs=3)
    with pytest.raises(UsageError, match="only 3 jobs left"):
        experiment(server).run(lambda trial: None)
    assert server.did == []


def test_a_paused_queue_cannot_be_measured():
    server = Machine(Clock())
    server.paused = {"thumbnailGeneration"}
    with pytest.raises(UsageError, match="is paused"):
        experiment(server).run(lambda trial: None)


def test_the_hottest_and_the_tightest_moment_of_each_trial_count():
    server = Machine(Clock())

    def vitals():
        return Vitals(85.0 if server.flat[THUMBS] == 10 else 60.0, 500.0)

    trials = experiment(server, vitals=vitals).run(lambda trial: None)
    assert {t.value: t.hottest_c for t in trials} == {3: 60.0, 1: 60.0, 10: 85.0}
    assert judge(trials, current=1).keep == 3
