"""The belief over shapes learns what goodput tells, and forgets in time."""

from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piuploader.core.tuner.shapes import ShapeBelief

EVEN = [1.0] * 32


def curve(n, knee, crowd):
    """A link of the plainest kind: in proportion up to the knee, then a crowd."""
    return min(n, knee) / (1.0 + crowd * max(0.0, n - knee))


@settings(deadline=None, max_examples=25)
@given(knee=st.integers(1, 24), crowd=st.sampled_from([0.0, 0.03, 0.2]), scale=st.floats(1e4, 1e8))
def test_it_finds_the_knee_from_a_handful_of_epochs(knee, crowd, scale):
    """Whatever the scale; following its own advice it runs close to the best."""
    belief, n = ShapeBelief(32), 5
    for _ in range(8):
        belief.learn(n, log(scale * curve(n, knee, crowd)), 4.0)
        n = (
            min(2 * n, belief.best_at(0.6, EVEN))
            if belief.best_at(0.6, EVEN) > n
            else (belief.best_at(0.4, EVEN))
        )
    gains = belief.gains()
    chosen = gains.index(max(gains)) + 1
    assert curve(chosen, knee, crowd) >= 0.8 * max(curve(m, knee, crowd) for m in range(1, 33))


def test_weather_moves_the_level_and_not_the_shape():
    """The link fades to a third and comes back: nothing is learnt about N."""
    belief = ShapeBelief(32)
    for n in (5, 10, 7, 5):
        belief.learn(n, log(curve(n, 5, 0.05)), 4.0)
    before = belief.best_at(0.5, EVEN)
    for fade in (1.0, 0.7, 0.4, 0.3, 0.5, 0.8, 1.0):
        belief.learn(5, log(fade * curve(5, 5, 0.05)), 4.0)
    assert abs(belief.best_at(0.5, EVEN) - before) <= 1


def test_old_evidence_ages():
    """An hour at one N leaves what lies elsewhere open again."""
    belief = ShapeBelief(32)
    for n in (5, 10, 3, 2, 5, 2):
        belief.learn(n, log(curve(n, 2, 0.1)), 4.0)
    sure = max(belief.gains())
    for _ in range(900):
        belief.learn(2, log(2.0), 4.0)
    assert max(belief.gains()) < sure


def test_an_outlier_is_not_believed():
    belief = ShapeBelief(32)
    for n in (5, 10, 7, 5, 7):
        belief.learn(n, log(curve(n, 5, 0.05)), 4.0)
    before = belief.gains()
    belief.learn(7, log(40.0 * curve(7, 5, 0.05)), 4.0)
    assert belief.gains() == pytest.approx(before, abs=0.1)


def test_it_learns_how_noisy_this_link_is():
    quiet, noisy = ShapeBelief(32), ShapeBelief(32)
    for epoch in range(40):
        quiet.learn(4, 1.0, 4.0)
        noisy.learn(4, 1.0 + 0.3 * (-1) ** epoch, 4.0)
    assert quiet.noise < 0.03
    assert noisy.noise > 0.2


def test_it_knows_how_few_uploads_would_do():
    belief = ShapeBelief(32)
    assert belief.enough_for(log(1.0)) == 32  # nothing known yet
    for n in (5, 10, 3, 8):
        belief.learn(n, log(1e6 * curve(n, 20, 0.0)), 4.0)
    assert belief.enough_for(log(2.5e6)) in (2, 3, 4)
    assert belief.enough_for(log(1e12)) == 32


@given(st.lists(st.tuples(st.floats(0.5, 40.0), st.floats(-20.0, 25.0)), max_size=20))
@settings(deadline=None, max_examples=30)
def test_the_belief_stays_a_belief(epochs):
    """Weights sum to one whatever is learnt; gains are shares."""
    belief = ShapeBelief(32)
    for n, value in epochs:
        belief.learn(n, value, 4.0)
        belief.doubt(0.1)
    assert sum(belief.weights) == pytest.approx(1.0)
    assert all(0.0 < gain <= 1.0 + 1e-9 for gain in belief.gains())
