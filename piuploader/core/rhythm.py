"""Rhythms: when a light is lit, and how an eye reads that.

A rhythm is a tuple of beats in seconds, lit, dark, lit, dark ..., that
repeats. An eye without colour tells five kinds apart:

    STEADY        always lit
    MOSTLY DARK   count the flashes, tell short from long ones
    EVEN          lit and dark for equally long: slow or quick
    MOSTLY LIT    count the gaps

Steady and mostly dark mean rest, even and mostly lit mean work.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

Beats = tuple[float, ...]

LONG_S = 0.7  # a flash from here on is a long one
SHORT_S = 0.25  # a flash up to here is a short one
MOSTLY_DARK = 0.3  # lit for less than this share
MOSTLY_LIT = 0.7  # lit for this share or more
HAIR_S = 1e-6  # so close to a change it has happened: floats of large times are that coarse
FASTEST_PER_S = 2.0  # flashes; above three a second they can harm (WCAG 2.3.1)


class Kind(Enum):
    """How a rhythm looks at first sight."""

    STEADY = "steady"
    MOSTLY_DARK = "mostly dark"
    EVEN = "even"
    MOSTLY_LIT = "mostly lit"


@dataclass(frozen=True, slots=True)
class Look:
    """What an eye without colour sees; two signals must never look the same."""

    kind: Kind
    count: str  # the flashes or gaps, one sign each: "." short, "-" long
    speed: int  # even rhythms: 0 very slow, 1 slow, 2 quick

    @property
    def at_rest(self) -> bool:
        """Tell whether this means that the drive may be pulled."""
        return self.kind in {Kind.STEADY, Kind.MOSTLY_DARK}


def period_s(beats: Beats) -> float:
    """Return after how long the rhythm repeats."""
    return sum(beats)


def lit_share(beats: Beats) -> float:
    """Return the share of the time, 0 to 1, in which it is lit."""
    return sum(beats[::2]) / period_s(beats)


def is_steady(beats: Beats) -> bool:
    """Tell whether it is always lit."""
    return not any(beats[1::2])


def is_lit(beats: Beats, at_s: float) -> bool:
    """Tell whether it is lit at a moment, counted from when the rhythm began."""
    if is_steady(beats):
        return True
    return _beat_at(beats, at_s) % 2 == 0


def seconds_to_change(beats: Beats, at_s: float) -> float | None:
    """Return how long the light stays as it is at this moment; None: for ever."""
    if is_steady(beats):
        return None
    within = at_s % period_s(beats)
    beat = _beat_at(beats, at_s)
    if beat == 0 and within > beats[0]:
        within -= period_s(beats)  # a hair before the rhythm begins anew
    return list(accumulate(beats))[beat] - within


def fastest_per_s(beats: Beats) -> float:
    """Return how many flashes a second the quickest two in a row would make."""
    if is_steady(beats):
        return 0.0
    pairs = zip(beats[::2], beats[1::2], strict=True)
    return 1.0 / min(lit + dark for lit, dark in pairs)


def look(beats: Beats) -> Look:
    """Read a rhythm as an eye does; ValueError if it is between two kinds."""
    lit, dark = beats[::2], beats[1::2]
    if is_steady(beats):
        return Look(Kind.STEADY, "", 0)
    if lit_share(beats) < MOSTLY_DARK:
        return Look(Kind.MOSTLY_DARK, "".join(map(_length, lit)), 0)
    if lit_share(beats) >= MOSTLY_LIT:
        return Look(Kind.MOSTLY_LIT, "".join(map(_length, dark)), 0)
    if set(beats) == {beats[0]}:
        return Look(Kind.EVEN, "", _speed(period_s(beats)))
    raise ValueError(f"an eye cannot name the rhythm {beats}")


def drawn(beats: Beats, *, cell_s: float, cells: int) -> str:
    """Draw a rhythm as signs, one per cell of time: lit "█" or dark "·"."""
    middles = ((cell + 0.5) * cell_s for cell in range(cells))
    return "".join("█" if is_lit(beats, at_s) else "·" for at_s in middles)


def _beat_at(beats: Beats, at_s: float) -> int:
    within = at_s % period_s(beats)
    for index, end in enumerate(accumulate(beats)):
        if within + HAIR_S < end:
            return index
    return 0


def _length(beat_s: float) -> str:
    if beat_s <= SHORT_S:
        return "."
    if beat_s >= LONG_S:
        return "-"
    raise ValueError(f"a beat of {beat_s} s is neither short nor long")


def _speed(period: float) -> int:
    # Each step is at least twice as quick as the one before, or it could not be told.
    return sum(period < limit for limit in (4.0, 1.2))
