"""An experiment instead of a belief: fair turns, honest noise, a cautious verdict."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.experiment import Result, Trial, ended, judge, plot, schedule
from piuploader.core.queues import Queue


def test_two_values_take_turns_as_abba():
    assert schedule([3, 10], 2) == (3, 10, 10, 3, 3, 10, 10, 3)


@given(st.lists(st.integers(1, 16), min_size=1, max_size=5), st.integers(1, 4))
def test_a_steady_drift_falls_on_all_values_alike(values, rounds):
    """The mean place in the order is the same for each."""
    order = schedule(values, rounds)
    places = {v: [n for n, o in enumerate(order) if o == v] for v in set(values)}
    means = {sum(p) / len(p) for p in places.values()}
    assert len(means) == 1


def trials(rates, *, noise=0.0, seed=1, repeats=4, seconds=180.0):
    rng = random.Random(seed)
    return [
        Trial(value, seconds, max(0, round((rate + rng.gauss(0, noise)) * seconds / 60)))
        for _ in range(repeats)
        for value, rate in rates.items()
    ]


def test_a_clear_winner_is_kept():
    verdict = judge(trials({1: 60, 2: 120, 3: 180, 10: 150}, noise=3), current=1)
    assert verdict.keep == 3
    assert "beyond the noise" in verdict.why


def test_a_difference_within_the_noise_changes_nothing():
    verdict = judge(trials({3: 100, 4: 104}, noise=30), current=3)
    assert verdict.keep == 3
    assert "within the noise" in verdict.why


def test_a_sure_difference_that_does_not_matter_changes_nothing():
    many = trials({3: 1000, 4: 1020}, seconds=3600.0, repeats=8)
    verdict = judge(many, current=3)
    assert verdict.keep == 3
    assert "only 2%" in verdict.why


def test_the_current_value_stays_when_nothing_is_quicker():
    assert judge(trials({1: 60, 3: 180}), current=3).keep == 3


def test_few_jobs_are_never_certain():
    """3 against 5 jobs: counting alone forbids a verdict, however even the trials were."""
    even = [Trial(1, 60.0, 3), Trial(2, 60.0, 5), Trial(2, 60.0, 5), Trial(1, 60.0, 3)]
    assert judge(even, current=1).keep == 1


def test_a_value_that_overheats_is_not_kept_however_quick():
    hot = [
        *(Trial(3, 180.0, 300, hottest_c=70.0) for _ in range(4)),
        *(Trial(6, 180.0, 900, hottest_c=84.0) for _ in range(4)),
    ]
    verdict = judge(hot, current=3)
    assert verdict.keep == 3
    assert "too hot (84 °C)" in verdict.results[1].unfit


def test_a_current_value_that_eats_all_memory_gives_way():
    tight = [
        *(Trial(6, 180.0, 300, memory_left_mib=40.0) for _ in range(2)),
        *(Trial(2, 180.0, 290, memory_left_mib=900.0) for _ in range(2)),
    ]
    verdict = judge(tight, current=6)
    assert verdict.keep == 2
    assert "memory runs out" in verdict.why


def test_nothing_tried_changes_nothing():
    assert judge([], current=3).keep == 3


@given(
    st.dictionaries(st.integers(1, 12), st.floats(1, 300), min_size=1, max_size=5),
    st.floats(0, 60),
    st.integers(0, 1000),
)
def test_whatever_was_measured_the_value_kept_was_tried(rates, noise, seed):
    current = min(rates)
    verdict = judge(trials(rates, noise=noise, seed=seed, repeats=2), current)
    assert verdict.keep in rates
    assert [result.value for result in verdict.results] == sorted(rates)
    assert all(result.error_per_min > 0 for result in verdict.results)


def test_false_alarms_are_rare():
    """No value differs: at most one experiment in ten may say so (5 % each way by design)."""
    alarms = sum(
        judge(trials({3: 100, 4: 100}, noise=8, seed=seed), current=3).keep != 3
        for seed in range(300)
    )
    assert alarms <= 30


def test_jobs_that_came_in_meanwhile_are_counted_with_those_that_ended():
    before = [Queue("metadataExtraction", waiting=10), Queue("thumbnailGeneration", waiting=50)]
    after = [Queue("metadataExtraction", waiting=4), Queue("thumbnailGeneration", waiting=36)]
    assert ended("thumbnailGeneration", before, after) == 20


def test_the_plot_has_a_bar_for_each_value_as_long_as_its_pace():
    lines = plot([Result(1, 50.0, 5.0, 2), Result(10, 100.0, 5.0, 2, unfit="too hot")], width=20)
    short, long = (sum(line.count(block) for block in "█▓") for line in lines)
    assert long == pytest.approx(2 * short, abs=2)
    assert "100.0 ±5.0" in lines[1]
    assert lines[1].endswith("too hot")
