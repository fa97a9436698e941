"""Try a few values of one setting in turn, and judge by the server's own pace.

The server warms up, its caches fill, other work comes and goes: so each value
is tried several times, forth and back (1 2 3 3 2 1), and a steady drift falls
on all alike. The noise is what trials of one value differ among themselves,
and never less than counting allows. A value is better only if it is so
beyond the noise and by enough to matter; else things stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from piuploader.core.queues import Queue, backlog, upstream

# Student's t, two-sided 5 %, for 1 to 10 degrees of freedom; above, the normal one is near.
T95 = (12.7, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
T95_MANY = 2.1
WORTH_IT = 0.05  # less gain than this is not worth a change
HOT_C = 80.0  # where a Raspberry Pi begins to slow itself down
MEMORY_LEFT_MIB = 150.0  # below, the next job may bring the machine to swap


@dataclass(frozen=True, slots=True)
class Trial:
    """One stretch with one value."""

    value: int
    seconds: float
    jobs: int  # that ended meanwhile
    hottest_c: float | None = None  # of the server, where it is this machine
    memory_left_mib: float | None = None  # at the least, likewise

    @property
    def per_min(self) -> float:
        """The pace, in jobs a minute."""
        return 60 * self.jobs / self.seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What all trials of one value say together."""

    value: int
    per_min: float
    error_per_min: float  # standard error
    trials: int
    unfit: str = ""  # why it cannot be kept, however quick


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which value to keep, and why."""

    keep: int
    why: str
    results: tuple[Result, ...]  # by value


def schedule(values: Sequence[int], rounds: int) -> tuple[int, ...]:
    """Return the order of trials: forth and back, `rounds` times. Two values: A B B A."""
    forth = tuple(dict.fromkeys(values))
    return (*forth, *reversed(forth)) * rounds


def ended(name: str, before: Sequence[Queue], after: Sequence[Queue]) -> int:
    """Count the jobs of a queue that ended between two looks, while nothing was uploaded.

    What its forerunners brought into it meanwhile is no loss of pace, so
    they are counted with it.
    """
    chain = upstream(name)
    return backlog(before, chain) - backlog(after, chain)


def judge(trials: Sequence[Trial], current: int) -> Verdict:
    """Compare the values; the current one stays unless another is surely better."""
    results = _results(trials)
    by_value = {result.value: result for result in results}
    now = by_value.get(current)
    fit = [result for result in results if not result.unfit]
    if now is None or not fit:
        why = "it was not tried long enough" if now is None else "no value was fit"
        return Verdict(current, f"{current} stays: {why}", results)
    best = max(fit, key=lambda result: result.per_min)
    if now.unfit:
        return Verdict(best.value, f"{best.value} takes over: with {current} {now.unfit}", results)
    if best.value == current:
        return Verdict(current, f"{current} stays: no other was quicker", results)
    gain = best.per_min - now.per_min
    noise = _t95(len(trials) - len(results)) * sqrt(best.error_per_min**2 + now.error_per_min**2)
    share = gain / now.per_min if now.per_min > 0 else 1.0
    if gain <= noise:
        why = f"{best.value} was {share:.0%} quicker, within the noise (±{noise:.1f} a minute)"
        return Verdict(current, f"{current} stays: {why}", results)
    if share < WORTH_IT:
        why = f"{best.value} was only {share:.0%} quicker"
        return Verdict(current, f"{current} stays: {why}", results)
    why = f"{share:.0%} quicker than {current}, beyond the noise (±{noise:.1f} a minute)"
    return Verdict(best.value, f"{best.value} takes over: {why}", results)


def plot(results: Sequence[Result], width: int = 40) -> list[str]:
    """Draw the results as bars with the noise (one standard error each way) at their ends."""
    top = max((r.per_min + r.error_per_min for r in results), default=0.0) or 1.0
    lines = []
    for result in results:
        low, mid, high = (
            round(width * max(0.0, pace) / top)
            for pace in (
                result.per_min - result.error_per_min,
                result.per_min,
                result.per_min + result.error_per_min,
            )
        )
        bar = "█" * low + "▓" * (mid - low) + "░" * (high - mid)
        figures = f"{result.per_min:7.1f} ±{result.error_per_min:.1f}"
        lines.append(f"{result.value:>4}  {bar:<{width}} {figures}  {result.unfit}".rstrip())
    return lines


def _results(trials: Sequence[Trial]) -> tuple[Result, ...]:
    groups: dict[int, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.value, []).append(trial)
    spread = _spread(groups)
    return tuple(_result(value, groups[value], spread) for value in sorted(groups))


def _spread(groups: Mapping[int, Sequence[Trial]]) -> float:
    """Return the standard deviation of one trial, pooled over all values."""
    free = sum(len(group) - 1 for group in groups.values())
    if free < 1:
        return 0.0
    total = 0.0
    for group in groups.values():
        mean = sum(trial.per_min for trial in group) / len(group)
        total += sum((trial.per_min - mean) ** 2 for trial in group)
    return sqrt(total / free)


def _result(value: int, group: Sequence[Trial], spread: float) -> Result:
    jobs, seconds = sum(t.jobs for t in group), sum(t.seconds for t in group)
    counted = 60 * sqrt(max(1, jobs)) / seconds
    return Result(
        value=value,
        per_min=60 * jobs / seconds,
        error_per_min=max(spread / sqrt(len(group)), counted),
        trials=len(group),
        unfit=_unfit(group),
    )


def _unfit(group: Sequence[Trial]) -> str:
    hottest = max((t.hottest_c for t in group if t.hottest_c is not None), default=0.0)
    if hottest >= HOT_C:
        return f"it gets too hot ({hottest:.0f} °C)"
    least = min((t.memory_left_mib for t in group if t.memory_left_mib is not None), default=1e9)
    if least < MEMORY_LEFT_MIB:
        return f"memory runs out ({least:.0f} MiB left)"
    return ""


def _t95(free: int) -> float:
    return T95[max(1, free) - 1] if free <= len(T95) else T95_MANY
