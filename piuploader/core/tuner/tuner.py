"""The tuner: the governor says how many at most, the explorer how many."""

from dataclasses import dataclass
from math import log

from piuploader.core.limit import Reason
from piuploader.core.tuner.bottleneck import bottleneck
from piuploader.core.tuner.explorer import Explorer, Mode
from piuploader.core.tuner.governor import Governor, Verdict
from piuploader.core.tuner.rules import Cap
from piuploader.core.tuner.sample import MOST_UPLOADS, Decision, Sample
from piuploader.core.tuner.thrift import MARGIN, Thrift, economise

QUEUED_FACTOR = 1.5
QUEUED_EXTRA_S = 0.025  # both: so far above its base the round trip stands in a queue
QUEUED_SMOOTH_PER_S = 0.1
QUEUED_ON, QUEUED_OFF = 0.6, 0.3  # share of the time
BASE_DRIFT_PER_S = 0.001  # the base may rise: routes change


class Tuner:
    """Give it a sample every second; run what it decides.

    `start` is a number of uploads that served before in the like case:
    where to begin, never a limit. `most` is never exceeded.
    """

    def __init__(self, *, start: int | None = None, most: int = MOST_UPLOADS) -> None:
        if most < 1:
            raise ValueError(f"at least one upload must be allowed, not {most}")
        self._explorer = Explorer(start=start, most=most)
        self._governor = Governor(most)
        self._path = Path()
        self._thrift: Thrift | None = None

    @property
    def learnt(self) -> int | None:
        """What the search found best and is worth remembering; None before it found anything."""
        return self._explorer.learnt

    def first(self) -> Decision:
        """Return what to run before anything has been measured."""
        return Decision(self._explorer.uploads)

    def decide(self, sample: Sample) -> Decision:
        """Judge one second and choose for the next."""
        verdict = self._governor.judge(sample)
        self._path = watch_path(self._path, sample)
        self._thrift = self._economise(sample, verdict)
        if self._thrift is not None:
            uploads = self._explorer.rest(min(verdict.uploads, self._thrift.uploads))
        elif not verdict.teaches:
            uploads = self._explorer.rest(verdict.uploads)
        else:
            uploads = self._explorer.observe(
                dt_s=sample.dt_s,
                acked_bytes=sample.acked_bytes,
                active=sample.uploads_active,
                cap=verdict.uploads,
                queued=self._path.queued,
            )
        reason, limits = self._explain(sample, verdict, uploads)
        return Decision(uploads, verdict.pace_bytes_per_s, reason, limits, verdict.drop_surplus)

    def _economise(self, sample: Sample, verdict: Verdict) -> Thrift | None:
        pace = verdict.pace_bytes_per_s
        if pace is None:
            return None
        return economise(
            self._thrift,
            pace_bytes_per_s=pace,
            acked_bytes=sample.acked_bytes,
            dt_s=sample.dt_s,
            running=self._explorer.uploads,
            enough=self._explorer.belief.enough_for(log(MARGIN * pace)),
            wanted=min(self._explorer.wanted, verdict.uploads),
        )

    def _explain(
        self, sample: Sample, verdict: Verdict, uploads: int
    ) -> tuple[Reason, tuple[str, ...]]:
        binding = [cap for cap in verdict.caps if self._binds(cap, verdict, uploads)]
        if binding:
            return binding[0].reason, tuple(cap.says for cap in binding)
        if self._explorer.starved:
            return Reason.STARVED, ("files come no faster than they are sent",)
        if self._explorer.mode is not Mode.STEADY:
            return Reason.SEARCHING, ("looking for the best number of uploads",)
        reason, says = bottleneck(sample, queued=self._path.queued)
        return reason, (says,)

    def _binds(self, cap: Cap, verdict: Verdict, uploads: int) -> bool:
        if cap.uploads is not None and cap.uploads <= uploads < self._explorer.wanted:
            return True
        paced = self._thrift is not None and cap.pace_bytes_per_s is not None
        return paced and cap.pace_bytes_per_s == verdict.pace_bytes_per_s


@dataclass(frozen=True, slots=True)
class Path:
    """The round trip at rest, how often it is longer, and what we make of it."""

    base_s: float | None = None
    inflated: float = 0.0
    queued: bool = False


def watch_path(memory: Path, sample: Sample) -> Path:
    """Tell whether our own packets, or a neighbour's, stand in a queue on the way."""
    rtt = sample.rtt_s
    if rtt is None:
        return memory
    base = rtt if memory.base_s is None else min(rtt, memory.base_s * (1.0 + BASE_DRIFT_PER_S))
    if sample.rtt_base_s is not None:
        base = min(base, sample.rtt_base_s)
    inflated = rtt > max(QUEUED_FACTOR * base, base + QUEUED_EXTRA_S)
    share = memory.inflated + QUEUED_SMOOTH_PER_S * (inflated - memory.inflated)
    queued = share > (QUEUED_OFF if memory.queued else QUEUED_ON)
    return Path(base, share, queued)
