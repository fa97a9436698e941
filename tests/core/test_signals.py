"""The light can be read without colour, and never hurts anyone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core import rhythm
from piuploader.core.lamps import GREEN_RED, NEEDED_PINS, TRAFFIC, LampKind, rgb
from piuploader.core.rhythm import Kind
from piuploader.core.session import AT_REST, Phase
from piuploader.core.signals import BEEPS, LOUDEST, SIGNALS, Colour, Light, loudest

WORK = {
    Light.STARTING,
    Light.READING,
    Light.UPLOADING,
    Light.WAITING,
    Light.HOT,
    Light.WEAK_POWER,
}
LIGHTS = list(Light)


def test_every_light_has_a_signal():
    """The lamp never falls silent."""
    assert SIGNALS.keys() == set(Light)


@pytest.mark.parametrize("light", LIGHTS)
def test_rest_and_work_look_different(light):
    """Steady or mostly dark is rest; evenly blinking or mostly lit is work."""
    assert SIGNALS[light].look.at_rest == (light not in WORK)


@pytest.mark.parametrize("light", LIGHTS)
def test_nothing_flashes_faster_than_twice_a_second(light):
    """Three flashes a second is where harm starts; keep well below."""
    assert rhythm.fastest_per_s(SIGNALS[light].beats) <= rhythm.FASTEST_PER_S


def test_no_two_signals_look_the_same_in_grey():
    """A colour-blind eye and a one-colour LED must be able to tell them apart."""
    looks = [signal.look for signal in SIGNALS.values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(LIGHTS, 2)))
def test_any_two_rhythms_differ_for_a_good_part_of_the_time(one, other):
    """Wherever the eye falls in: shifted as well as can be, they still differ visibly."""
    step = 0.05
    window = 400  # 20 s: whole periods of nearly all
    first = [rhythm.is_lit(SIGNALS[one].beats, n * step) for n in range(window)]
    period = round(rhythm.period_s(SIGNALS[other].beats) / step)
    differences = []
    for shift in range(period):
        second = [rhythm.is_lit(SIGNALS[other].beats, (n + shift) * step) for n in range(window)]
        differences.append(sum(a != b for a, b in zip(first, second, strict=True)))
    assert min(differences) * step >= 0.4  # within 20 s, and at best: two blinks of an eye


def test_the_words_fit_on_the_card():
    """The card in the box has room for short words."""
    assert all(0 < len(signal.says) <= 32 for signal in SIGNALS.values())


def test_the_words_of_work_say_leave_it_in_and_those_of_rest_never_do():
    for light, signal in SIGNALS.items():
        assert ("leave it in" in signal.says) == (light in WORK - {Light.STARTING})


def test_what_must_stay_in_is_louder_than_what_may_go():
    """With several drives in, nobody is told to pull while one is at work."""
    assert set(LOUDEST) == set(Light)
    assert set(LOUDEST[: len(WORK)]) == WORK


@given(st.sets(st.sampled_from(LIGHTS), min_size=1))
def test_one_drive_at_work_makes_the_whole_box_say_leave_it_in(lights):
    said = SIGNALS[loudest(lights)].look.at_rest
    assert said == (not lights & WORK)


def test_nothing_to_say_is_ready():
    assert loudest([]) is Light.READY


def test_the_buzzer_counts_like_the_light():
    """One complete, two look, three act."""
    for light, beeps in BEEPS.items():
        look = SIGNALS[light].look
        assert beeps == (1 if look.kind is Kind.STEADY else len(look.count))


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.integers(0, 2000),
)
def test_a_rhythm_changes_exactly_when_it_says(pairs, at):
    """Between two changes the light stays as it is; at the change it turns."""
    beats = tuple(beat / 10 for pair in pairs for beat in (pair, pair + 1))
    at_s = at / 20 + 0.01
    left_s = rhythm.seconds_to_change(beats, at_s)
    lit = rhythm.is_lit(beats, at_s)
    assert left_s > 0
    assert rhythm.is_lit(beats, at_s + left_s * 0.99) == lit
    assert rhythm.is_lit(beats, at_s + left_s + 0.001) != lit


def test_a_rhythm_that_an_eye_cannot_name_is_refused():
    with pytest.raises(ValueError, match="cannot name"):
        rhythm.look((0.4, 0.5))


def test_every_board_shows_every_colour():
    for table in (TRAFFIC, GREEN_RED):
        assert table.keys() == set(Colour)
        assert all(any(levels) for levels in table.values())
    assert NEEDED_PINS.keys() == set(LampKind)


def test_colours_without_pwm_are_fully_on_or_off():
    """Amber turns yellow, but never red or green."""
    assert rgb(Colour.AMBER, brightness=0.5, dimmable=False) == (1, 1, 0)
    assert rgb(Colour.AMBER, brightness=0.5, dimmable=True) == (0.5, 0.2, 0)


def test_phases_at_rest_are_the_ones_with_lights_at_rest():
    """The table of phases and that of lights agree on what may be pulled."""
    assert {Phase.COMPLETE, Phase.INCOMPLETE, Phase.FAILED, Phase.IDLE} == AT_REST
