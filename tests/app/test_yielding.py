"""Beside an import: written down before it is done, given back whatever happens."""

import threading
from time import monotonic

import pytest

from piuploader.app.recovery import give_back
from piuploader.app.yielding import Yielding
from piuploader.core.policy import Change, Holding, Limits, Policy, Stage
from piuploader.core.queues import HEAVY
from piuploader.core.server import Storage
from piuploader.errors import (
    PermissionMissing,
    ServerBusy,
    ServerError,
    ServerRefusedKey,
    ServerUnreachable,
)
from tests.queue_fakes import Clock, FakeJournal, FakeQueueServer
from tests.waiting import wait_until


def make(server, journal=None, *, policy=Policy.STAGED, clock=None, **options):
    return Yielding(
        server,
        journal or FakeJournal(),
        policy=policy,
        limits=Limits(lease_s=3600.0, turn_s=600.0),
        clock=clock or Clock(),
        **{"poll_s": 0.01, **options},
    )


@pytest.mark.parametrize("policy", [Policy.PAUSE, Policy.STAGED, Policy.SLOW])
def test_it_is_on_disk_before_the_server_is_asked(policy):
    """A kill between the two leaves a note, never a queue that nobody resumes."""
    journal = FakeJournal()
    seen = []

    def before_each_change(what, name):
        noted = journal.now.paused | {f"{change.key}=1" for change in journal.now.changed}
        back = {f"{change.key}={change.was}" for change in journal.now.changed}
        assert name in noted | back, "done before it was written down"
        seen.append(what)

    server = FakeQueueServer(on_change=before_each_change)
    yielding = make(server, journal, policy=policy)
    yielding.uploads_begun()
    yielding.look()
    assert journal.now
    yielding.close()

    assert not journal.now
    assert {"pause", "set"} & set(seen)
    assert server.paused == set()
    assert server.flat["job.thumbnailGeneration.concurrency"] == 3


def test_a_look_alone_touches_nothing():
    server = FakeQueueServer(jobs={"ocr": 4})
    yielding = make(server)
    yielding.look()
    yielding.close()
    assert server.did == []
    assert yielding.server_work().waiting == 2


def test_staged_runs_thumbnails_first_and_then_the_rest():
    server = FakeQueueServer(jobs={"metadataExtraction": 4})
    yielding = make(server)
    yielding.uploads_begun()
    yielding.look()
    assert server.paused == set(HEAVY)

    yielding.uploads_over()
    for _ in range(20):
        for name in ("metadataExtraction", "storageTemplateMigration", "thumbnailGeneration"):
            server.work(name)
        yielding.look()
        if yielding.idle:
            break
        assert yielding.stage is Stage.THUMBNAILS
        assert "smartSearch" in server.paused

    assert yielding.idle
    assert server.jobs["thumbnailGeneration"] == 0
    assert server.jobs["smartSearch"] == 4
    assert server.paused == set()


def test_a_server_that_goes_away_gets_its_queues_back_when_it_returns():
    server, clock = FakeQueueServer(), Clock()
    journal = FakeJournal()
    yielding = make(server, journal, clock=clock)
    yielding.uploads_begun()
    yielding.look()
    server.away = True
    yielding.uploads_over()
    yielding.look()
    assert journal.now.paused == set(HEAVY)
    server.away = False
    for _ in range(5):
        yielding.look()
    assert server.paused == set()
    assert not journal.now


def test_closing_while_the_server_is_away_leaves_it_to_the_next_start():
    server, journal = FakeQueueServer(), FakeJournal()
    yielding = make(server, journal)
    yielding.uploads_begun()
    yielding.look()
    server.away = True

    assert not yielding.close(patience_s=0.0)
    assert journal.closed
    assert "next start" in yielding.notes[-1]

    server.away = False
    assert not give_back(server, journal.now, yielding.notes.__class__)
    assert server.paused == set()


def test_who_waits_at_the_end_for_a_server_that_is_away_is_told_why_once(caplog):
    server = FakeQueueServer()
    yielding = make(server)
    yielding.uploads_begun()
    yielding.look()
    server.fails = [ServerUnreachable("gone")] * 3
    assert yielding.close(patience_s=30.0)
    told = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert "is away" in told[0]


def test_a_pause_that_fails_half_way_is_finished_or_given_back():
    server = FakeQueueServer(fails=[ServerBusy("503")] * 3)
    yielding = make(server)
    yielding.uploads_begun()
    for _ in range(5):
        yielding.look()
    assert server.paused == set(HEAVY)
    server.fails = [ServerUnreachable("gone")] * 2
    for _ in range(2):
        yielding.look()
    assert yielding.close(patience_s=30.0)
    assert server.paused == set()


def test_a_queue_that_the_server_will_not_pause_is_left_out():
    server = FakeQueueServer(fails=[ServerError("400")])
    yielding = make(server)
    yielding.uploads_begun()
    yielding.look()
    yielding.look()
    assert len(server.paused) == len(HEAVY) - 1
    assert any("does not pause" in note for note in yielding.notes)
    yielding.close()


@pytest.mark.parametrize(
    "refusal",
    [
        PermissionMissing("the API key lacks the permission queue.update"),
        ServerRefusedKey("only an administrator's key may do this"),
    ],
)
def test_a_key_that_may_look_only_gets_one_sentence(refusal):
    journal = FakeJournal()
    server = FakeQueueServer(fails=[refusal] * 99)
    yielding = make(server, journal)
    yielding.uploads_begun()
    for _ in range(3):
        yielding.look()
    assert [str(refusal) in note for note in yielding.notes] == [True]
    assert not journal.now
    assert yielding.server_work() is not None
    assert yielding.close(patience_s=0.0)


def test_a_key_that_may_not_look_ends_the_thread_with_one_sentence():
    class Barred(FakeQueueServer):
        def queues(self):
            raise PermissionMissing("the API key lacks the permission queue.read")

    yielding = make(Barred())
    yielding.uploads_begun()
    yielding.start()
    yielding._thread.join(timeout=10)
    assert not yielding._thread.is_alive()
    assert yielding.server_work() is None
    assert len(yielding.notes) == 1
    assert "queue.read" in yielding.notes[0]
    yielding.close()


def test_a_full_disk_of_ours_pauses_nothing():
    """What cannot be written down is not done."""
    server = FakeQueueServer()
    yielding = make(server, FakeJournal(full=True))
    yielding.uploads_begun()
    yielding.look()
    assert server.did == []
    yielding.close()


def test_a_disk_that_fills_up_later_keeps_nothing_paused():
    server, journal = FakeQueueServer(), FakeJournal()
    yielding = make(server, journal)
    yielding.uploads_begun()
    yielding.look()
    journal.full = True
    assert yielding.close()
    assert server.paused == set()


def test_a_nearly_full_server_keeps_working():
    server = FakeQueueServer()
    full = Storage(size_bytes=10**12, available_bytes=10**9)
    yielding = make(server, storage=lambda: full)
    yielding.uploads_begun()
    yielding.look()
    assert server.paused == set()
    assert any("nearly full" in note for note in yielding.notes)
    yielding.close()


def test_a_key_that_may_not_ask_for_room_still_pauses():
    def storage():
        raise PermissionMissing("server.storage")

    server = FakeQueueServer()
    yielding = make(server, storage=storage)
    yielding.uploads_begun()
    yielding.look()
    assert server.paused == set(HEAVY)
    yielding.close()


def test_quiet_hours_pause_nothing():
    server = FakeQueueServer()
    yielding = make(server, is_quiet=lambda: True)
    yielding.uploads_begun()
    yielding.look()
    assert server.paused == set()
    yielding.close()


def test_slow_gives_each_setting_back_but_those_that_somebody_changed():
    server = FakeQueueServer()
    yielding = make(server, policy=Policy.SLOW)
    yielding.uploads_begun()
    yielding.look()
    yielding.look()
    assert server.flat["job.thumbnailGeneration.concurrency"] == 1
    server.flat["job.smartSearch.concurrency"] = 4
    yielding.close()
    assert server.flat["job.thumbnailGeneration.concurrency"] == 3
    assert server.flat["job.smartSearch.concurrency"] == 4
    assert any("job.smartSearch.concurrency" in note for note in yielding.notes)


def test_several_threads_may_tell_while_it_looks():
    """The real thread: it pauses soon after the first upload, and gives back at the end."""
    server = FakeQueueServer()
    yielding = make(server, clock=monotonic, poll_s=0.01)
    yielding.start()
    callers = [threading.Thread(target=yielding.uploads_begun) for _ in range(4)]
    for caller in callers:
        caller.start()
    wait_until(lambda: server.paused == set(HEAVY))
    for caller in callers:
        caller.join()
    yielding.close()
    yielding.close()
    assert server.paused == set()


def test_who_stays_sees_the_thumbnails_done_first():
    server = FakeQueueServer(jobs={"thumbnailGeneration": 3, "ocr": 2})
    yielding = make(server, clock=monotonic, poll_s=0.01)
    yielding.start()
    yielding.uploads_begun()
    wait_until(lambda: server.paused == set(HEAVY))
    yielding.uploads_over()
    seen = []

    def tell(view):
        seen.append(view.work.waiting + view.work.active)
        server.work("thumbnailGeneration")

    yielding.stay(tell=tell, stop=lambda: False)
    assert seen
    assert server.jobs["thumbnailGeneration"] == 0
    assert server.paused == set()
    yielding.close()


def test_who_stays_may_leave_at_any_time():
    server = FakeQueueServer(jobs={"thumbnailGeneration": 3})
    yielding = make(server, clock=monotonic, poll_s=0.01)
    yielding.start()
    yielding.uploads_begun()
    wait_until(lambda: server.paused == set(HEAVY))
    yielding.uploads_over()
    yielding.stay(tell=lambda view: None, stop=lambda: True)
    yielding.close()
    assert server.paused == set()


# -- two uploaders on one server ---------------------------------------------------------


def test_two_uploaders_on_two_computers_do_not_fight():
    """The second adopts nothing; what the first gives back, runs."""
    server = FakeQueueServer()
    first, second = make(server), make(server)
    first.uploads_begun()
    first.look()
    second.uploads_begun()
    second.look()
    assert any("somebody else" in note for note in second.notes)

    first.close()
    assert server.paused == set()
    second.look()
    assert server.paused == set(), "it cannot tell the first uploader from a person"
    second.close()
    assert server.paused == set()


def test_two_uploaders_on_one_computer_hand_the_pause_over():
    """The journal tells the second that it was no person who resumed."""
    server = FakeQueueServer()
    here, there = FakeJournal(), FakeJournal()
    first, second = make(server, here), make(server, there)
    first.uploads_begun()
    first.look()
    there.elsewhere = here.now
    second.uploads_begun()
    second.look()

    first.close()
    there.elsewhere = here.now
    second.look()
    assert server.paused == set(HEAVY)
    second.close()
    assert server.paused == set()


def test_a_second_uploader_holds_up_the_thumbnails_of_the_first_no_longer_than_it_uploads():
    server = FakeQueueServer(jobs={"thumbnailGeneration": 5})
    first, second = make(server), make(server)
    first.uploads_begun()
    first.look()
    first.uploads_over()
    first.look()
    assert "thumbnailGeneration" not in server.paused

    second.uploads_begun()
    second.look()
    assert "thumbnailGeneration" in server.paused
    for _ in range(5):
        first.look()
    assert "smartSearch" in server.paused, "the first waits for its thumbnails"

    second.close()
    server.work("thumbnailGeneration", 5)
    for _ in range(4):
        first.look()
    assert server.paused == set()
    first.close()


# -- the next start ------------------------------------------------------------------------


def test_the_next_start_gives_back_only_what_is_still_ours():
    server = FakeQueueServer(paused={"ocr", "smartSearch", "videoConversion"})
    server.flat |= {"job.ocr.concurrency": 1, "job.smartSearch.concurrency": 7}
    holding = Holding(
        paused=frozenset({"ocr", "smartSearch", "faceDetection"}),
        changed=(
            Change("job.ocr.concurrency", 2, (1,)),
            Change("job.smartSearch.concurrency", 3, (1,)),
        ),
    )
    said = []

    left = give_back(server, holding, said.append)

    assert not left
    assert server.paused == {"videoConversion"}
    assert server.flat["job.ocr.concurrency"] == 2
    assert server.flat["job.smartSearch.concurrency"] == 7
    assert len(said) == 3


def test_the_next_start_keeps_the_note_while_the_server_is_away():
    server = FakeQueueServer(paused={"ocr"}, away=True)
    holding = Holding(paused=frozenset({"ocr"}))
    said = []
    assert give_back(server, holding, said.append) == holding
    assert "will be tried again" in said[0]


def test_the_next_start_says_when_the_key_lost_its_right():
    server = FakeQueueServer(paused={"ocr"}, fails=[PermissionMissing("queue.update")])
    said = []
    left = give_back(server, Holding(paused=frozenset({"ocr"})), said.append)
    assert left.paused == {"ocr"}
    assert "may not do it any more" in said[0]
