"""Who is in, who is next, and how a visit ends."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from piuploader import errors
from piuploader.core.clock import must_wait
from piuploader.core.drives import FoundDrive
from piuploader.core.liveness import Liveness
from piuploader.core.session import AT_REST, Phase
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Tally
from piuploader.core.visits import (
    LONGEST_RETRY_S,
    Visit,
    again,
    arrive_and_leave,
    failed,
    let_go,
    next_due,
    seconds_to_due,
)


def found(name, problem=""):
    return FoundDrive(f"key {name}", name, f"/drives/{name}", problem)


def session(phase=Phase.UPLOADING, **rest):
    return ImportStatus(
        phase=phase, drive="CARD", tally=Tally(), scanned=True, **{"seconds": 1.0, **rest}
    )


names = st.sampled_from("abcd")


@given(st.lists(st.sets(names), max_size=8), st.sampled_from(["", "key a", "key b"]))
def test_whoever_is_in_is_on_the_list_once(looks, running):
    """In whatever order drives come and go."""
    visits = ()
    for look in looks:
        visits = arrive_and_leave(visits, [found(name) for name in sorted(look)], running=running)
        present = [visit.drive.name for visit in visits if visit.present]
        assert sorted(present) == sorted(look)


@given(st.lists(st.sets(names), max_size=8))
def test_the_list_does_not_grow_for_ever(looks):
    visits = ()
    for look in looks:
        visits = arrive_and_leave(visits, [found(name) for name in look], running="")
    assert len(visits) <= 8


def test_a_drive_at_rest_that_leaves_is_forgotten():
    visit = Visit(found("a"), phase=Phase.COMPLETE)
    assert arrive_and_leave([visit], [], running="") == ()


def test_a_drive_that_cannot_be_read_is_never_next():
    visits = arrive_and_leave([], [found("a", "broken"), found("b")], running="")
    assert next_due(visits, now_s=0).drive.name == "b"
    assert again(visits)[0] == visits[0]


def test_who_has_to_wait_lets_others_go_first():
    """One drive's trouble is not another's."""
    waits = replace(Visit(found("a")), phase=Phase.PAUSED, due_s=50.0)
    visits = (waits, Visit(found("b")))
    assert next_due(visits, now_s=10).drive.name == "b"
    assert next_due((waits,), now_s=10) is None
    assert seconds_to_due((waits,), now_s=10) == 40
    assert seconds_to_due((), now_s=10) is None


@given(st.integers(0, 40), st.floats(0, 0.999))
def test_a_server_that_is_away_is_tried_again_before_long(tries, luck):
    visit = replace(Visit(found("a")), tries=tries, status=session())
    after = failed(visit, errors.ServerUnreachable("no route"), now_s=100, luck=luck)
    assert after.phase is Phase.PAUSED
    assert 100 < after.due_s <= 100 + LONGEST_RETRY_S
    assert after.status.pause_reason.startswith("waits for the server")


def test_what_waiting_does_not_heal_is_at_rest_with_its_remedy():
    after = failed(Visit(found("a"), status=session()), errors.ServerFull("quota"), now_s=0, luck=0)
    assert after.phase is Phase.FAILED
    assert after.sentence == ("quota. Make room on the server, or raise the user's storage quota.")
    assert after.status.phase in AT_REST


def test_a_press_ends_every_wait_and_starts_anew_what_rests():
    visits = (
        replace(Visit(found("a")), phase=Phase.PAUSED, due_s=1e9, tries=7),
        replace(Visit(found("b")), phase=Phase.COMPLETE),
        replace(Visit(found("c")), phase=Phase.FAILED, present=False),
    )
    assert again(visits) == (Visit(found("a")), Visit(found("b")))


def test_who_is_let_go_may_be_pulled():
    assert let_go(Visit(found("a"), status=session()), "by the button").phase in AT_REST


def test_a_clock_of_1970_is_waited_for_without_end():
    assert "not set" in must_wait(year=1970, is_synchronised=False, waited_s=1e9, longest_wait_s=0)


@given(st.booleans(), st.floats(0, 1000), st.floats(0, 1000))
def test_a_clock_that_is_only_not_synchronised_gets_its_time(synchronised, waited_s, longest_s):
    waits = must_wait(
        year=2026, is_synchronised=synchronised, waited_s=waited_s, longest_wait_s=longest_s
    )
    assert bool(waits) == (not synchronised and waited_s < longest_s)


def test_an_import_that_moves_lives():
    liveness = Liveness(stall_s=100, longest_pause_s=600)
    for now_s in range(0, 1000, 10):
        status = session(seconds=float(now_s), read_bytes=now_s)
        assert liveness.is_alive(status, now_s=now_s)


def test_an_import_that_moves_nothing_is_stuck_after_its_time():
    liveness = Liveness(stall_s=100, longest_pause_s=600)
    alive = [liveness.is_alive(session(seconds=float(n)), now_s=n) for n in range(0, 200, 10)]
    assert alive == [True] * 10 + [False] * 10


def test_a_pause_may_last_until_the_import_itself_would_have_ended_it():
    liveness = Liveness(stall_s=100, longest_pause_s=600)
    alive = [liveness.is_alive(session(Phase.PAUSED), now_s=n) for n in range(0, 1400, 100)]
    assert alive == [True] * 7 + [False] * 7


def test_a_pause_that_begins_or_ends_is_a_move():
    liveness = Liveness(stall_s=100, longest_pause_s=600)
    for now_s in range(0, 5000, 90):
        phase = Phase.PAUSED if now_s % 180 else Phase.UPLOADING
        assert liveness.is_alive(session(phase), now_s=now_s)
    assert liveness.is_alive(session(Phase.PAUSED), now_s=5500)
    assert liveness.is_alive(session(Phase.UPLOADING), now_s=5600)
    assert not liveness.is_alive(session(Phase.UPLOADING), now_s=5700)


def test_an_import_that_never_gets_anywhere_is_stuck():
    liveness = Liveness(stall_s=1000, longest_pause_s=600)
    assert liveness.is_alive(None, now_s=0)
    assert liveness.is_alive(None, now_s=999)
    assert not liveness.is_alive(None, now_s=1000)


def test_between_imports_nothing_can_stall():
    liveness = Liveness(stall_s=100, longest_pause_s=600)
    assert liveness.is_alive(session(), now_s=0)
    liveness.idle()
    assert liveness.is_alive(session(), now_s=9999)
