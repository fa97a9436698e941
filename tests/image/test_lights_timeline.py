"""Reading what an emulated LED did, and telling rhythms apart."""

import random

import pytest

from image.boottest.lights import Change, draw, plays, read_changes
from piuploader.core.rhythm import is_steady
from piuploader.core.signals import SIGNALS, Light

BUSY_S = 0.08  # how late an emulated timer may come


def played(beats, *, from_s=100.0, until_s=140.0, seed=1):
    """Play a rhythm as a busy machine does."""
    chance = random.Random(seed)
    changes = []
    at, index = from_s, 0
    while at < until_s:
        if beats[index % len(beats)]:
            changes.append(Change(at + chance.random() * BUSY_S, lit=index % 2 == 0))
        at += beats[index % len(beats)]
        index += 1
    return changes


@pytest.mark.parametrize("light", Light)
def test_knows_a_rhythm_when_it_sees_it(light):
    """Also when the timers come late."""
    beats = SIGNALS[light].beats
    changes = [Change(99.0, lit=True)] if is_steady(beats) else played(beats)

    assert plays(changes, beats, since_s=105.0, until_s=135.0)


@pytest.mark.parametrize("light", Light)
def test_takes_no_rhythm_for_another(light):
    """Else the boot test proves nothing."""
    beats = SIGNALS[light].beats
    changes = [Change(99.0, lit=True)] if is_steady(beats) else played(beats)
    others = [signal.beats for other, signal in SIGNALS.items() if other is not light]

    assert not any(plays(changes, other, since_s=105.0, until_s=135.0) for other in others)


def test_dark_is_not_steady():
    """An LED that nobody lights is no sign."""
    beats = SIGNALS[Light.COMPLETE].beats

    assert not plays([], beats, since_s=0.0, until_s=10.0)
    assert not plays([Change(1.0, lit=False)], beats, since_s=2.0, until_s=10.0)


def test_reads_the_emulators_log(tmp_path):
    """Other lines of the chip, and other messages, are passed over."""
    log = tmp_path / "lights.log"
    log.write_text(
        "812@1767225601.250000:pl061_set_output pl061 setting output 1 to 1\n"
        "812@1767225601.500000:pl061_set_output pl061 setting output 3 to 1\n"
        "qemu-system-aarch64: warning: something\n"
        "812@1767225602.250000:pl061_set_output pl061 setting output 1 to 0\n",
        encoding="utf-8",
    )

    assert read_changes(log, line=1) == [
        Change(1767225601.25, lit=True),
        Change(1767225602.25, lit=False),
    ]


def test_draws_the_timeline():
    """A row for each minute, and what was done at the time."""
    picture = draw([Change(1.0, lit=True), Change(3.0, lit=False)], [(2.0, "a & b")], from_s=0.0,
                   until_s=70.0)  # fmt: skip

    assert picture.count("#3ddc84") == 1
    assert "a &amp; b" in picture
    assert picture.count(" s</text>") == 2
