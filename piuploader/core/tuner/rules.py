"""The governor's rules: what keeps the Pi, the link and the server well.

Each rule is a pure function `rule(memory, sample) -> (memory, cap)`:
what it must remember goes in and comes out, as a value. A cap is an
upper bound with its reason; `None` means that the rule has nothing to
say. Rules do not know of each other; `governor.py` takes the strictest.
"""

from dataclasses import dataclass, replace
from math import floor

from piuploader.core.limit import Reason
from piuploader.core.tuner.sample import Sample

MB = 1e6


@dataclass(frozen=True, slots=True)
class Cap:
    """An upper bound, its reason, and whether seconds under it teach anything."""

    reason: Reason
    says: str
    uploads: int | None = None
    pace_bytes_per_s: float | None = None
    teaches: bool = True
    drop_surplus: bool = False


# --- The server is gone: one upload knocks, the others wait. ---------------

GONE_WINDOW_S = 5.0
GONE_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Gone:
    """When connections failed, and whether the server counts as gone."""

    failed_at_s: tuple[float, ...] = ()
    gone: bool = False


def server_gone(memory: Gone, sample: Sample) -> tuple[Gone, Cap | None]:
    """Knock with one upload after two refused connections in 5 s without a byte."""
    failed = (*memory.failed_at_s, *[sample.t_s] * min(sample.connection_errors, GONE_ERRORS))
    failed = tuple(t for t in failed if sample.t_s - t < GONE_WINDOW_S)[-GONE_ERRORS:]
    if sample.acked_bytes > 0.0:
        return Gone(), None
    gone = memory.gone or len(failed) >= GONE_ERRORS
    cap = Cap(Reason.SERVER_GONE, "the server is away: one upload knocks", 1, teaches=False)
    return Gone(failed, gone), cap if gone else None


# --- The server is overloaded: cut, hold, and come back slowly. ------------

REFUSES = "the server refuses more at once"
OVERLOAD_WINDOW_S = 20.0
OVERLOAD_SHARE = 0.01
OVERLOAD_MANY = 2  # a single refusal is no overload
OVERLOAD_HOLD_S = 60.0
OVERLOAD_HOLD_MOST_S = 960.0
OVERLOAD_STEP_S = 30.0
OVERLOAD_GRACE_S = 3.0  # after a cut; what was under way is still refused
OVERLOAD_WARNED_S = 240.0  # after a hold; so long one refusal is enough to hold again


@dataclass(frozen=True, slots=True)
class Overload:
    """The last 20 s of answers, and the cap that they led to."""

    answers: tuple[tuple[float, int, int], ...] = ()
    cap: int | None = None
    hold_s: float = OVERLOAD_HOLD_S
    next_step_s: float = 0.0
    until_s: float = 0.0
    cut_at_s: float | None = None


def overload(memory: Overload, sample: Sample) -> tuple[Overload, Cap | None]:
    """Cut by up to half when over 1 % of 20 s fail; hold 60 s, then one more every 30 s."""
    now = sample.t_s
    if memory.cut_at_s is not None and now - memory.cut_at_s < OVERLOAD_GRACE_S:
        return memory, Cap(Reason.OVERLOAD, REFUSES, memory.cap)
    answers = memory.answers
    if sample.files_done or sample.overload_errors:
        answers = (*answers, (now, sample.files_done, sample.overload_errors))
    answers = tuple(a for a in answers if now - a[0] < OVERLOAD_WINDOW_S)
    bad = sum(a[2] for a in answers)
    share = bad / max(1, bad + sum(a[1] for a in answers))
    memory = replace(memory, answers=answers)
    many = bad >= OVERLOAD_MANY and share > OVERLOAD_SHARE
    # A refused worker may be waiting to try again: what was allowed is what was too much.
    running = max(1, sample.uploads_allowed or sample.uploads_active)
    warned = memory.cap is not None and now < memory.until_s
    if sample.overload_errors and (many or warned):
        if memory.cap is None:
            # 1 % of failures asks for a tenth less, a third and more for half.
            cut, hold = floor(running * max(0.5, 0.92 - 1.4 * share)), OVERLOAD_HOLD_S
        else:
            # We know the bound now: a step below it, for longer.
            cut, hold = min(running, memory.cap) - 1, min(memory.hold_s * 2, OVERLOAD_HOLD_MOST_S)
        until = now + hold + OVERLOAD_WARNED_S
        memory = Overload((), max(1, cut), hold, now + hold, until, now)
    elif memory.cap is not None and now >= memory.next_step_s:
        if now >= memory.until_s:
            return replace(memory, cap=None, hold_s=OVERLOAD_HOLD_S), None
        memory = replace(memory, cap=memory.cap + 1, next_step_s=now + OVERLOAD_STEP_S)
    elif memory.cap is None and bad:
        # A first refusal: no growth until it is clear whether there are more.
        return memory, Cap(Reason.OVERLOAD, "the server refused one: no more for now", running)
    if memory.cap is None:
        return memory, None
    return memory, Cap(Reason.OVERLOAD, REFUSES, memory.cap)


# --- The server answers slowly: no growth. ---------------------------------

SLOW_FACTOR = 4.0
SLOW_EXTRA_S = 1.0
LATENCY_SMOOTH = 0.2
LATENCY_DRIFT = 1.002  # the base may rise by 0.2 % a second: a slower server is no alarm for ever


@dataclass(frozen=True, slots=True)
class Latency:
    """The base of the response time, and the response time now."""

    base_s: float | None = None
    now_s: float | None = None


def latency(memory: Latency, sample: Sample) -> tuple[Latency, Cap | None]:
    """Stop growing while answers take over four times their base and a second."""
    times = sorted(sample.response_times_s)
    base, now = memory.base_s, memory.now_s
    if times:
        middle = times[len(times) // 2]
        now = middle if now is None else now + LATENCY_SMOOTH * (middle - now)
        base = now if base is None else min(now, base * LATENCY_DRIFT)
    memory = Latency(base, now)
    if now is None or base is None or now <= SLOW_FACTOR * base + SLOW_EXTRA_S:
        return memory, None
    says = f"the server answers slowly ({now:.1f} s)"
    return memory, Cap(Reason.LATENCY, says, max(1, sample.uploads_active))


# --- Memory: as many as fit, and less when the kernel waits for pages. -----

MEMORY_FLOOR_BYTES = 24 * MB
MEMORY_FLOOR_SHARE = 0.04
MEMORY_WAIT_S = 10.0
EASE_EVERY_S = 3.0  # what was given up shows in the pressure only after a while
PSI_UNEASY = 0.08
PSI_ALARM = 0.30


@dataclass(frozen=True, slots=True)
class Memory:
    """The cap in force, and since when it could be higher."""

    cap: int | None = None
    room_since_s: float | None = None
    eased_at_s: float | None = None


def memory(memory: Memory, sample: Sample) -> tuple[Memory, Cap | None]:
    """Allow what fits above the floor; fall at once, rise after 10 s of room."""
    now, held = sample.t_s, sample.uploads_active + sample.uploads_paused
    fits, drop = None, False
    available, each = sample.memory_available_bytes, sample.memory_per_upload_bytes
    if available is not None and each is not None and each >= 1.0:
        reserve = MEMORY_FLOOR_BYTES
        if sample.memory_total_bytes is not None:
            reserve = max(reserve, MEMORY_FLOOR_SHARE * sample.memory_total_bytes)
        fits = max(1, held + floor((available - reserve) / each))
        if available < 0.5 * reserve:
            drop, fits = True, min(fits, max(1, held // 2))
    pressure, eased_at = sample.psi_memory or 0.0, memory.eased_at_s
    if pressure > PSI_UNEASY and (eased_at is None or now - eased_at >= EASE_EVERY_S):
        eased = max(1, floor(held * (0.5 if pressure > PSI_ALARM else 0.8)))
        fits, eased_at = (eased if fits is None else min(fits, eased)), now
    cap, since = memory.cap, memory.room_since_s
    if fits is None and cap is None:
        return memory, None
    if fits is not None and (cap is None or fits <= cap):
        cap, since = fits, None
    elif since is None or pressure > PSI_UNEASY:
        since = now
    elif now - since >= MEMORY_WAIT_S:
        cap, since = ((cap or 0) + 1 if fits is None else fits), None
    drop = drop and cap is not None and held > cap
    says = "no memory for more uploads"
    return Memory(cap, since, eased_at), Cap(Reason.MEMORY, says, cap, drop_surplus=drop)


# --- Under-voltage: one upload, and say so. --------------------------------

VOLTAGE_HOLD_S = 30.0


@dataclass(frozen=True, slots=True)
class Voltage:
    """When the supply was last seen to sag."""

    low_at_s: float | None = None


def under_voltage(memory: Voltage, sample: Sample) -> tuple[Voltage, Cap | None]:
    """Run one upload until the supply has held for 30 s."""
    if sample.under_voltage:
        memory = Voltage(sample.t_s)
    if memory.low_at_s is None or sample.t_s - memory.low_at_s >= VOLTAGE_HOLD_S:
        return Voltage(), None
    return memory, Cap(Reason.VOLTAGE, "under-voltage: use a stronger power supply", 1)


# --- The server's own jobs, when it shares this machine. -------------------

FEWEST_BESIDE_JOBS = 2


def backlog(memory: None, sample: Sample) -> tuple[None, Cap | None]:
    """Leave a core to the server's jobs while they share this machine."""
    if not sample.same_host or not sample.queue_jobs:
        return memory, None
    cap = max(FEWEST_BESIDE_JOBS, (sample.cores or 0) - 1)
    return memory, Cap(Reason.BACKLOG, "the server's own jobs need the cores", cap)


# --- What a person allows. -------------------------------------------------


def bandwidth(memory: None, sample: Sample) -> tuple[None, Cap | None]:
    """Pass on the bandwidth limit of this hour."""
    pace = sample.bandwidth_limit_bytes_per_s
    if pace is None:
        return memory, None
    says = f"limited to {pace / MB:.1f} MB/s"
    return memory, Cap(Reason.BANDWIDTH, says, pace_bytes_per_s=pace)
