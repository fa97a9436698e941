"""Keep the Pi just below the heat at which its firmware slows it down.

The number of uploads is too coarse a handle: from one to two the heat
doubles. So the handle is the pace, in bytes a second, and it is turned
a little every second by how far the temperature *in ten seconds* (by
its present slope) is from the set point. That foresight is what keeps
it from overshooting: the case is warm long after the chip was busy.
"""

from dataclasses import dataclass
from math import exp

from piuploader.core.limit import Reason
from piuploader.core.tuner.rules import MB, Cap
from piuploader.core.tuner.sample import Sample

SET_POINT_C = 79.0  # the firmware starts to slow down at 80
TOO_HOT_C = 84.0  # it slows down hard at 85
FORESIGHT_S = 10.0
SMOOTH = 0.3  # the sensor steps by half a degree
SMOOTH_SLOPE = 0.15
GAIN_PER_S = 0.02  # per degree
FASTEST_RISE = 0.03  # log pace a second
FASTEST_FALL = 0.12
ENGAGE_BELOW_C = 1.0  # start pacing this far below the set point
HEADROOM = 1.15  # a pace this far above what is sent does not bind
RELEASE_C = 5.0  # stop pacing this far below the set point
LEAST_CORES = 0.01  # below it there is no load to share
OWN_SHARE = 0.3  # of the CPU load; the further below it, the less of the heat is ours
SLOWEST_BYTES_PER_S = 0.1 * MB


@dataclass(frozen=True, slots=True)
class Heat:
    """The smoothed temperature, its slope, and the pace in force."""

    temperature_c: float | None = None
    slope_c_per_s: float = 0.0
    goodput: float = 0.0
    unpaced: float = 0.0
    pace: float | None = None


def heat(memory: Heat, sample: Sample) -> tuple[Heat, Cap | None]:
    """Pace the uploads so that the temperature settles at 79 °C."""
    temperature, slope = _follow(memory, sample)
    rate = sample.acked_bytes / sample.dt_s
    goodput = rate if not memory.goodput else memory.goodput + 0.2 * (rate - memory.goodput)
    unpaced = goodput if memory.pace is None else memory.unpaced
    pace = _steer(memory.pace, goodput, temperature, slope, sample)
    if pace is not None:
        pace = max(pace, SLOWEST_BYTES_PER_S)
        pace = max(pace, _foreign_share(sample) * unpaced)
    memory = Heat(temperature, slope, goodput, unpaced, pace)
    if pace is None:
        return memory, None
    binds = goodput > 0.85 * pace
    if temperature is None:
        return memory, Cap(
            Reason.HEAT, "the firmware throttles: pacing", pace_bytes_per_s=pace, teaches=not binds
        )
    says = f"{temperature:.0f} °C: pacing"
    alarm = temperature >= TOO_HOT_C
    return memory, Cap(Reason.HEAT, says, 1 if alarm else None, pace, teaches=not binds)


def _follow(memory: Heat, sample: Sample) -> tuple[float | None, float]:
    """Smooth the reading and its slope (Holt's two exponential filters)."""
    reading, before = sample.temperature_c, memory.temperature_c
    if reading is None or before is None:
        return reading, 0.0
    expected = before + memory.slope_c_per_s * sample.dt_s
    now = expected + SMOOTH * (reading - expected)
    slope = (now - before) / sample.dt_s
    return now, memory.slope_c_per_s + SMOOTH_SLOPE * (slope - memory.slope_c_per_s)


def _steer(
    pace: float | None, goodput: float, temperature: float | None, slope: float, sample: Sample
) -> float | None:
    if temperature is None:
        if sample.throttled:
            return 0.8 * min(pace or goodput, goodput)
        return None if pace is None or pace > 2.0 * goodput else pace * exp(FASTEST_RISE / 6.0)
    ahead = temperature + FORESIGHT_S * slope
    error = SET_POINT_C - ahead
    if pace is None:
        if error > ENGAGE_BELOW_C and not sample.throttled:
            return None
        pace = goodput
    elif error > RELEASE_C and pace > HEADROOM * goodput:
        return None
    if temperature >= TOO_HOT_C:
        return min(pace, 0.5 * goodput)
    step = min(max(GAIN_PER_S * error, -FASTEST_FALL), FASTEST_RISE)
    if sample.throttled:
        step = min(step, -FASTEST_FALL / 2.0)
    return min(pace * exp(step * sample.dt_s), max(HEADROOM * goodput, SLOWEST_BYTES_PER_S))


def _foreign_share(sample: Sample) -> float:
    """Return how far the heat is not ours: so much of our goodput we do not give up for it."""
    total, own = sample.cpu_cores, sample.cpu_own_cores
    if total is None or own is None or total < LEAST_CORES:
        return 0.0
    return max(0.0, 1.0 - own / (OWN_SHARE * total))
