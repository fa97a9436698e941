"""Uploads first: who is paused, who is left alone, and that all is given back."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.policy import (
    Change,
    Holding,
    Limits,
    Moment,
    Policy,
    Stage,
    Standing,
    decide,
    restorations,
    slow_changes,
)
from piuploader.core.queues import HEAVY, Queue

LIMITS = Limits(lease_s=3600.0, turn_s=600.0)
GENTLE = ("metadataExtraction", "sidecar", "backgroundTask", "backupDatabase")


@dataclass
class World:
    """A server's queues, and one uploader that carries out its orders."""

    policy: Policy = Policy.STAGED
    paused: set = field(default_factory=set)
    waiting: dict = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    now_s: float = 0.0
    notes: list = field(default_factory=list)
    did: list = field(default_factory=list)

    def queues(self):
        return [
            Queue(n, is_paused=n in self.paused, waiting=self.waiting.get(n, 0))
            for n in (*GENTLE, *HEAVY, "aNewOne")
        ]

    def look(self, *, deaf=False, **moment):
        """One look; a deaf one acts, but never hears that the server did."""
        self.now_s += 5.0
        orders = decide(
            self.policy, LIMITS, self.standing, Moment(self.now_s, self.queues(), **moment)
        )
        self.standing = orders.standing
        self.notes += orders.notes
        for name in orders.pause:
            assert name in orders.standing.holding.paused, "written down before"
            self.paused.add(name)
            self.did.append(("pause", name))
            if not deaf:
                self.standing = self.standing.paused(name)
        for name in orders.resume:
            self.paused.discard(name)
            self.did.append(("resume", name))
            if not deaf:
                self.standing = self.standing.gave_back(name)
        return orders


def test_off_touches_nothing():
    world = World(Policy.OFF)
    for uploading in (True, False):
        world.look(uploading=uploading)
    assert world.did == []


@pytest.mark.parametrize("policy", [Policy.PAUSE, Policy.STAGED])
def test_the_heavy_queues_wait_during_the_upload_and_no_other(policy):
    world = World(policy)
    world.look(uploading=True)
    assert world.paused == set(HEAVY)


def test_nothing_is_paused_before_there_is_something_to_upload():
    world = World()
    world.look()
    assert world.did == []


def test_pause_gives_all_back_at_once():
    world = World(Policy.PAUSE)
    world.look(uploading=True)
    world.look()
    assert world.paused == set()


def test_staged_lets_thumbnails_run_first_and_then_the_rest():
    world = World(waiting={"thumbnailGeneration": 10, "smartSearch": 5})
    world.look(uploading=True)

    world.look()
    assert world.paused == set(HEAVY) - {"thumbnailGeneration"}
    assert world.standing.stage is Stage.THUMBNAILS

    world.waiting["thumbnailGeneration"] = 0
    for _ in range(2):
        world.look()
        assert world.paused, "one empty look proves nothing"
    world.look()
    assert world.paused == set()


def test_staged_waits_for_metadata_too():
    """Its jobs become thumbnails: they are not done while it works."""
    world = World(waiting={"metadataExtraction": 3})
    world.look(uploading=True)
    for _ in range(9):
        world.look()
    assert "smartSearch" in world.paused


def test_a_new_drive_in_the_thumbnail_stage_pauses_them_again():
    world = World(waiting={"thumbnailGeneration": 10})
    world.look(uploading=True)
    world.look()
    world.look(uploading=True)
    assert world.paused == set(HEAVY)


def test_leaving_gives_all_back_at_once_thumbnails_first():
    world = World(waiting={"thumbnailGeneration": 10})
    world.look(uploading=True)
    world.did.clear()
    world.look(leaving=True)
    assert world.paused == set()
    assert world.did[0] == ("resume", "thumbnailGeneration")


def test_what_was_paused_before_stays_paused_after():
    world = World(paused={"ocr", "videoConversion"})
    world.look(uploading=True)
    world.look(leaving=True)
    assert world.paused == {"ocr", "videoConversion"}
    assert any("somebody else" in note for note in world.notes)


def test_what_somebody_resumes_is_theirs():
    """Resumed by a person, paused again by a person: not ours to touch."""
    world = World()
    world.look(uploading=True)
    world.paused.remove("ocr")
    world.look(uploading=True)
    assert "ocr" not in world.paused
    world.paused.add("ocr")
    world.look(uploading=True)
    world.look(leaving=True)
    assert world.paused == {"ocr"}


def test_what_was_found_paused_and_runs_now_is_theirs():
    world = World(paused={"ocr"})
    world.look(uploading=True)
    world.paused.remove("ocr")
    for _ in range(3):
        world.look(uploading=True)
    assert "ocr" not in world.paused


def test_a_grudge_ends_with_the_visit():
    world = World(Policy.PAUSE)
    world.look(uploading=True)
    world.paused.remove("ocr")
    world.look(uploading=True)
    world.look()
    world.look()
    world.look(uploading=True)
    assert world.paused == set(HEAVY)


def test_what_another_piuploader_here_gives_back_may_be_paused():
    world = World(paused=set(HEAVY))
    lent = frozenset(HEAVY)
    world.look(uploading=True, lent=lent)
    assert world.did == []
    assert any("another piuploader on this device" in note for note in world.notes)

    world.paused.clear()
    world.look(uploading=True, lent=lent)  # it is still giving back
    assert world.did == []
    world.look(uploading=True)
    assert world.paused == set(HEAVY)


def test_what_somebody_took_from_another_piuploader_is_theirs_for_us_too():
    world = World(paused=set(HEAVY))
    world.look(uploading=True, lent=frozenset(HEAVY))
    world.paused.remove("ocr")
    world.look(uploading=True, lent=frozenset(HEAVY) - {"ocr"}, taken=frozenset({"ocr"}))
    assert "ocr" not in world.paused


def test_a_pause_ends_at_its_limit_and_goes_on_after_a_turn():
    world = World()
    world.look(uploading=True)
    world.now_s += LIMITS.lease_s
    world.look(uploading=True)
    assert world.paused == set()
    world.look(uploading=True)
    assert world.paused == set()
    world.now_s += LIMITS.turn_s
    world.look(uploading=True)
    assert world.paused == set(HEAVY)


def test_the_thumbnail_stage_ends_at_the_limit_too():
    world = World(waiting={"thumbnailGeneration": 10})
    world.look(uploading=True)
    world.look()
    world.now_s += LIMITS.lease_s
    world.look()
    assert world.paused == set()


def test_quiet_hours_start_no_pause_and_set_nothing_heavy_free():
    late = World()
    late.look(uploading=True, quiet=True)
    assert late.paused == set()

    early = World(Policy.PAUSE)
    early.look(uploading=True)
    early.look(quiet=True)
    assert early.paused == set(HEAVY)
    early.look()
    assert early.paused == set()


def test_leaving_in_quiet_hours_still_gives_back():
    """A queue that nobody will resume is worse than a busy night."""
    world = World()
    world.look(uploading=True)
    world.look(quiet=True, leaving=True)
    assert world.paused == set()


def test_a_disk_that_is_nearly_full_ends_the_pause():
    world = World()
    world.look(uploading=True)
    world.look(uploading=True, disk_low=True)
    assert world.paused == set()


def test_thumbnails_that_somebody_else_paused_hold_up_nothing():
    world = World(paused={"thumbnailGeneration"}, waiting={"thumbnailGeneration": 10})
    world.look(uploading=True)
    for _ in range(4):
        world.look()
    assert world.paused == {"thumbnailGeneration"}


def test_a_pause_whose_answer_was_lost_is_asked_again_or_recognised():
    world = World()
    world.look(uploading=True, deaf=True)
    world.paused.remove("ocr")  # this one had not reached the server
    world.look(uploading=True)
    assert world.paused == set(HEAVY)
    world.look(leaving=True)
    assert world.paused == set()


def test_slow_lowers_what_has_a_key_and_more_than_one_at_a_time():
    settings = {
        "job.thumbnailGeneration.concurrency": 3,
        "job.ocr.concurrency": 1,
        "job.smartSearch.concurrency": 2,
        "job.metadataExtraction.concurrency": 5,
    }
    changes = slow_changes(settings, frozenset({"job.smartSearch.concurrency"}))
    assert changes == (Change("job.thumbnailGeneration.concurrency", 3, (1,)),)


def test_slow_gives_back_only_keys_that_still_hold_our_value():
    changed = (Change("a", 3, (1,)), Change("b", 2, (1,)), Change("c", 5, (1,)))
    back, theirs = restorations({"a": 1, "b": 4, "c": 5}, changed)
    assert back == {"a": 3}
    assert theirs == ("b",)


def test_slow_orders_once_and_gives_back():
    world = World(Policy.SLOW)
    orders = world.look(uploading=True)
    assert orders.slow
    world.standing = replace(world.standing.slowing([Change("k", 3, (1,))]), slowed=True)
    assert not world.look(uploading=True).slow
    assert world.look(leaving=True).restore
    assert world.did == []


def test_a_holding_is_true_while_there_is_something_to_give_back():
    assert not Holding(theirs=frozenset({"ocr"}))
    assert Holding(paused=frozenset({"ocr"}))
    assert Holding(changed=(Change("k", 3, (1,)),))


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("look"),
            st.fixed_dictionaries(
                {},
                optional={
                    "uploading": st.booleans(),
                    "leaving": st.booleans(),
                    "quiet": st.booleans(),
                    "disk_low": st.booleans(),
                    "deaf": st.booleans(),
                },
            ),
        ),
        st.tuples(st.just("person"), st.sampled_from(HEAVY)),
        st.tuples(st.just("hours"), st.integers(1, 3)),
        st.tuples(st.just("work"), st.integers(0, 2)),
    ),
    max_size=30,
)


@given(st.sampled_from([Policy.PAUSE, Policy.STAGED]), st.sets(st.sampled_from(HEAVY)), steps)
def test_whatever_happens_only_what_ran_is_paused_and_all_of_that_is_given_back(
    policy, paused, steps
):
    """People may pause and resume at will; in the end nothing is paused but by them.

    What a person pauses while we hold it cannot be told apart, so this person
    only resumes what we hold, and toggles what we do not.
    """
    world = World(policy, paused=set(paused))
    by_people = set(paused)
    for kind, what in steps:
        if kind == "look":
            world.did.clear()
            ran = set(HEAVY) - world.paused
            held = world.standing.holding.paused
            world.look(**what)
            assert {n for act, n in world.did if act == "pause"} <= ran
            assert {n for act, n in world.did if act == "resume"} <= held
        elif kind == "person":
            if what in world.paused:
                world.paused.discard(what)
                by_people.discard(what)
            elif what not in world.standing.holding.paused:
                world.paused.add(what)
                by_people.add(what)
        elif kind == "hours":
            world.now_s += what * 1800.0
        else:
            world.waiting["thumbnailGeneration"] = what
    for _ in range(3):
        world.look(leaving=True)
    assert world.paused == by_people
    assert not world.standing.holding
