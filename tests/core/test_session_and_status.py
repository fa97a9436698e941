from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.session import AT_REST, Phase, may_remove_drive, phase_at_end, phase_of
from piuploader.core.status import ImportStatus, combined
from piuploader.core.tally import Ending, Fate, Reason, Tally

counts = st.integers(0, 5)


@given(
    scanned=st.booleans(),
    unidentified=counts,
    unchecked=counts,
    unsent=counts,
    unconfirmed=counts,
    paused=st.booleans(),
)
def test_a_running_import_never_says_that_the_drive_may_go(**where):
    assert phase_of(**where) not in AT_REST
    assert not may_remove_drive(phase_of(**where))


def test_as_soon_as_anything_is_to_be_sent_people_see_uploading():
    assert (
        phase_of(scanned=False, unidentified=9, unchecked=9, unsent=1, unconfirmed=9, paused=False)
        is Phase.UPLOADING
    )


@pytest.mark.parametrize(
    ("stopped", "failed", "phase"),
    [(False, 0, Phase.COMPLETE), (False, 3, Phase.INCOMPLETE), (True, 0, Phase.FAILED)],
)
def test_the_end_is_at_rest(stopped, failed, phase):
    assert phase_at_end(stopped=stopped, failed=failed) is phase
    assert may_remove_drive(phase)


@given(st.lists(st.sampled_from(list(Ending)), max_size=50))
def test_a_tally_balances_when_every_file_has_ended(endings):
    tally = Tally(found=len(endings))
    for number, ending in enumerate(endings):
        assert tally.open == len(endings) - number
        tally.add(Fate(f"{number}.jpg", 10, 0, ending, Reason.NONE))
    assert tally.open == 0
    assert tally.bytes_by_ending.total() == 10 * len(endings)
    assert tally.safe == sum(e in {Ending.CONFIRMED, Ending.DUPLICATE} for e in endings)


def status(phase, *, found=1, drive="A"):
    return ImportStatus(phase=phase, drive=drive, tally=Tally(found=found), scanned=True, seconds=1)


def test_one_import_is_shown_as_it_is():
    one = status(Phase.UPLOADING)
    assert combined([one]) is one


def test_several_imports_are_one_account():
    first = replace(status(Phase.COMPLETE), media_bytes=5, settled_bytes=5)
    second = replace(status(Phase.UPLOADING, found=2, drive="B"), media_bytes=7, settled_bytes=1)

    both = combined([first, second])

    assert both.tally.found == 3
    assert (both.media_bytes, both.settled_bytes) == (12, 6)
    assert both.phase is Phase.UPLOADING
    assert both.drive == "A, B"


@pytest.mark.parametrize(
    ("phases", "shown"),
    [
        ([Phase.COMPLETE, Phase.COMPLETE], Phase.COMPLETE),
        ([Phase.INCOMPLETE, Phase.COMPLETE], Phase.INCOMPLETE),
        ([Phase.COMPLETE, Phase.FAILED], Phase.FAILED),
        ([Phase.FAILED, Phase.SCANNING], Phase.SCANNING),
    ],
)
def test_the_worst_end_is_what_a_person_must_know(phases, shown):
    assert combined([status(phase) for phase in phases]).phase is shown
