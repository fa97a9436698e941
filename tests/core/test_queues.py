"""What the server's counts mean, its pace, and when it is done."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.flow import Flow, duration, pace
from piuploader.core.outlook import Uploads, never_settles, sentences, thumbnails
from piuploader.core.queues import (
    HEAVY,
    PIPELINE,
    Queue,
    Settling,
    in_pipeline_order,
    upstream,
    work_left,
)

counts = st.integers(0, 10_000)
queues = st.builds(
    Queue,
    name=st.sampled_from([*PIPELINE, "aNewOne"]),
    is_paused=st.booleans(),
    active=counts,
    waiting=counts,
    delayed=counts,
    paused=counts,
)


@given(queues)
def test_a_backlog_is_what_has_not_ended(queue):
    """Pausing moves waiting into paused: both count, or 7,000 jobs vanish from the view."""
    assert queue.backlog == queue.active + queue.waiting + queue.delayed + queue.paused


def test_queues_are_shown_in_the_order_of_work_and_unknown_ones_last():
    """A later Immich may have more queues: they are shown, not an error."""
    shuffled = [Queue("zebra"), Queue("ocr"), Queue("apple"), Queue("metadataExtraction")]

    names = [queue.name for queue in in_pipeline_order(shuffled)]

    assert names == ["metadataExtraction", "ocr", "apple", "zebra"]


@given(st.lists(queues, unique_by=lambda queue: queue.name))
def test_the_two_layers_add_up_to_the_backlog(some):
    work = Flow().look(0.0, tuple(some)).work
    assert work.active + work.waiting == sum(queue.backlog for queue in some)


def test_settled_takes_several_empty_looks_in_a_row():
    """A job sits between two queues for a moment: one empty look proves nothing."""
    settling = Settling()
    busy, empty = [Queue("ocr", active=1)], [Queue("ocr")]

    said = [settling.look(look) for look in (empty, empty, busy, empty, empty, empty)]

    assert said == [False, False, False, False, False, True]


def test_every_heavy_queue_is_a_known_one():
    assert set(HEAVY) < set(PIPELINE)


def test_work_left_falls_by_one_for_each_job_that_ends():
    """A thumbnail that ends puts jobs into three queues, which were counted before."""
    before = [Queue("thumbnailGeneration", waiting=10)]
    after = [
        Queue("thumbnailGeneration", waiting=9),
        *(Queue(name, waiting=1) for name in ("smartSearch", "faceDetection", "ocr")),
    ]
    assert work_left(after) == work_left(before) - 1


def test_upstream_names_all_that_ends_up_in_a_queue():
    assert upstream("smartSearch") == (
        "smartSearch",
        "thumbnailGeneration",
        "storageTemplateMigration",
        "metadataExtraction",
    )


def watch(flow, backlogs, *, step_s=10.0, name="ocr", **fields):
    view = None
    for number, waiting in enumerate(backlogs):
        view = flow.look(number * step_s, (Queue(name, waiting=waiting, **fields),))
    return view


def test_the_pace_is_that_of_the_last_minutes():
    """It was slow an hour ago: nobody cares."""
    slow_then_fast = [*(1000 - n for n in range(60)), *(940 - 20 * n for n in range(1, 32))]

    view = watch(Flow(window_s=300.0), slow_then_fast, active=1)

    assert view.queues[0].pace.per_s == 2.0


def test_an_even_pace_gives_a_narrow_eta_and_an_uneven_one_a_wide_one():
    even = watch(Flow(), [1000 - 20 * n for n in range(20)]).queues[0].eta
    uneven = watch(Flow(), [1000 - 40 * (n // 2) for n in range(21)]).queues[0].eta

    assert even.least_s < even.seconds < even.most_s
    assert uneven.most_s is not None
    assert uneven.most_s - uneven.least_s > even.most_s - even.least_s


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=40))
def test_the_margin_always_holds_the_estimate(backlogs):
    eta = watch(Flow(), backlogs).queues[0].eta
    if eta is not None:
        assert eta.least_s <= eta.seconds
        assert eta.most_s is None or eta.most_s >= eta.seconds


def test_a_backlog_that_grows_has_no_eta():
    assert watch(Flow(), range(100, 120)).queues[0].eta is None


def test_two_looks_are_no_measurement():
    assert pace([(0.0, 10), (60.0, 5)]) is None


def test_a_queue_where_nothing_moves_is_stuck():
    """Waiting jobs, not paused, and for minutes nothing even starts."""
    assert not watch(Flow(), [5] * 10).queues[0].stuck
    assert watch(Flow(), [5] * 20).queues[0].stuck


def test_one_long_film_is_not_stuck():
    assert not watch(Flow(), [5] * 20, name="videoConversion", active=1).queues[0].stuck


def test_a_paused_queue_is_not_stuck_but_waits_for_somebody():
    view = watch(Flow(), [5] * 40, is_paused=True)

    assert not view.queues[0].stuck
    assert view.queues[0].eta is None
    assert never_settles(view)
    assert any("Paused until somebody resumes: ocr (5 jobs)" in text for text in sentences(view))


def test_a_queue_that_we_hold_back_comes_again():
    view = watch(Flow(), [5] * 40, is_paused=True)

    assert not never_settles(view, held={"ocr"})
    said = sentences(view, Uploads.OPEN, held={"ocr"})
    assert any("Held back for the uploads: ocr (5 jobs)" in text for text in said)


def test_the_sentence_says_what_runs_what_is_left_and_that_the_drive_may_go():
    view = watch(Flow(), [500 - 10 * n for n in range(20)], active=2)

    said = " ".join(sentences(view, Uploads.SAFE))

    assert "reading text in photos" in said
    assert "2 jobs active, 310 jobs waiting" in said
    assert "the drive may go and this program may be closed" in said


def test_the_sentence_never_lets_a_drive_go_that_is_not_confirmed():
    for backlogs in ([0] * 9, [500 - 10 * n for n in range(20)], [5] * 40):
        said = " ".join(sentences(watch(Flow(), backlogs), Uploads.OPEN))
        assert "must stay in" in said
        assert "may go" not in said


def test_settled_is_said_once_it_is_proven():
    assert "will prove it" in sentences(watch(Flow(), [0]))[0]
    assert "has finished" in sentences(watch(Flow(), [0, 0, 0]))[0]


def test_durations_read_as_a_person_says_them():
    said = [duration(s) for s in (0, 40, 100, 3500, 3700, 12_000, 200_000)]
    assert said == ["0 s", "40 s", "2 min", "58 min", "1 h", "3 h 20 min", "2 days"]


def test_the_whole_is_done_when_its_slowest_queue_is():
    """Quick jobs in one queue say nothing of slow ones in another."""
    flow = Flow()
    for n in range(20):
        view = flow.look(
            n * 10.0,
            (Queue("sidecar", waiting=2000 - 50 * n), Queue("ocr", waiting=500 - 2 * n)),
        )
    slow = view.queues[-1].eta
    assert view.eta.seconds == slow.seconds > view.queues[0].eta.seconds
    assert view.eta.most_s == slow.most_s


def test_the_whole_is_open_ended_while_a_queue_grows():
    flow = Flow()
    for n in range(20):
        view = flow.look(
            n * 10.0, (Queue("sidecar", waiting=900 - 9 * n), Queue("ocr", waiting=5 + n // 9))
        )
    assert view.eta.most_s is None
    assert str(view.eta).startswith("over ")


def remaining(seed, *, per_s, jobs, looked_s=300, every_s=5):
    """Let jobs end at random; return the ETA after some minutes, and the truth."""
    rng, ends, at_s = random.Random(seed), [], 0.0
    for _ in range(jobs):
        at_s += rng.expovariate(per_s)
        ends.append(at_s)
    flow, eta = Flow(), None
    for now_s in range(0, looked_s + 1, every_s):
        left = sum(end > now_s for end in ends)
        eta = flow.look(float(now_s), (Queue("ocr", waiting=left),)).queues[0].eta
    return eta, ends[-1] - looked_s


@pytest.mark.parametrize(("per_s", "jobs"), [(5.0, 4000), (1.0, 2000), (0.1, 150)])
def test_the_margin_of_an_eta_is_honest(per_s, jobs):
    """Of a hundred servers whose jobs end at random, nine in ten finish within it."""
    told = [remaining(seed, per_s=per_s, jobs=jobs) for seed in range(100)]
    kept = sum(
        eta.least_s <= truth and (eta.most_s is None or truth <= eta.most_s) for eta, truth in told
    )
    assert kept >= 88


def test_who_stays_hears_how_many_thumbnails_are_left_and_when_they_are_done():
    flow = Flow()
    assert thumbnails(flow.look(0.0, ())) == "The server makes the thumbnails: 0 left."
    for second in range(0, 61, 2):
        view = flow.look(
            float(second),
            (
                Queue("metadataExtraction", active=1),
                Queue("thumbnailGeneration", active=3, waiting=596 - 2 * second),
                Queue("ocr", is_paused=True, paused=5000),
            ),
        )
    assert thumbnails(view).startswith("The server makes the thumbnails: 480 left, done in ")
    assert thumbnails(view).endswith(" min.")
