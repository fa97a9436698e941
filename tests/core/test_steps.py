"""The fates of a dry run, in the words of a plan."""

import pytest

from piuploader.core.labels import Labels
from piuploader.core.steps import SAFE, Action, Step, Steps
from piuploader.core.tally import Ending, Fate, Reason

LABELS = Labels(album="Rome", given_tags=("x",))
WOULD = Fate("DCIM/1.jpg", 9, 1, Ending.SKIPPED, Reason.DRY_RUN, checksum="ab" * 20)


def steps(**more):
    return Steps(LABELS, **{"restore_trashed": False} | more)


def test_what_the_server_lacks_would_be_uploaded_once():
    plan = steps()
    assert plan.step(WOULD) == Step(WOULD, Action.UPLOAD, None, ("Rome",), ("x",))
    again = plan.step(WOULD._replace(path="again.jpg", named_at="2024"))
    assert (again.action, again.same_as, again.fate.named_at) == (Action.SAME, "DCIM/1.jpg", None)


@pytest.mark.parametrize(
    ("ending", "reason", "action"),
    [
        (Ending.DUPLICATE, Reason.NONE, Action.THERE),
        (Ending.SKIPPED, Reason.JUNK, Action.SKIP),
        (Ending.SKIPPED, Reason.FILTERED, Action.SKIP),
        (Ending.FAILED, Reason.EMPTY, Action.FAIL),
        (Ending.FAILED, Reason.TRASHED, Action.FAIL),
    ],
)
def test_only_what_will_be_safe_gets_labels(ending, reason, action):
    fate = WOULD._replace(ending=ending, reason=reason, cover="DCIM/0.jpg")
    step = steps().step(fate)
    assert step.action is action
    assert bool(step.albums and step.tags and step.fate.cover) == (action in SAFE)


def test_the_trash_is_emptied_when_asked_for():
    fate = WOULD._replace(ending=Ending.FAILED, reason=Reason.TRASHED)
    assert steps(restore_trashed=True).step(fate).action is Action.RESTORE
    assert (
        steps(restore_trashed=True).step(fate._replace(reason=Reason.EMPTY)).action is Action.FAIL
    )


def test_every_fate_has_an_action():
    for ending in Ending:
        for reason in Reason:
            assert steps().step(WOULD._replace(ending=ending, reason=reason)).action in Action
