"""Play all rules and take the strictest: safety is never outvoted."""

from dataclasses import dataclass

from piuploader.core.tuner import rules
from piuploader.core.tuner.heat import Heat, heat
from piuploader.core.tuner.rules import Cap
from piuploader.core.tuner.sample import Sample


@dataclass(frozen=True, slots=True)
class Verdict:
    """The strictest of all caps, and every cap with its reason."""

    uploads: int
    pace_bytes_per_s: float | None
    teaches: bool
    drop_surplus: bool
    caps: tuple[Cap, ...]


class Governor:
    """Remembers for each rule what it asked to have remembered."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._gone = rules.Gone()
        self._overload = rules.Overload()
        self._latency = rules.Latency()
        self._memory = rules.Memory()
        self._voltage = rules.Voltage()
        self._heat = Heat()

    def judge(self, sample: Sample) -> Verdict:
        """Return what is allowed in the next second."""
        self._gone, gone = rules.server_gone(self._gone, sample)
        self._overload, overload = rules.overload(self._overload, sample)
        self._latency, latency = rules.latency(self._latency, sample)
        self._memory, memory = rules.memory(self._memory, sample)
        self._voltage, voltage = rules.under_voltage(self._voltage, sample)
        self._heat, heat_cap = heat(self._heat, sample)
        _, backlog = rules.backlog(None, sample)
        _, bandwidth = rules.bandwidth(None, sample)
        every = (gone, voltage, heat_cap, memory, overload, latency, backlog, bandwidth)
        caps = tuple(cap for cap in every if cap is not None)
        paces = [cap.pace_bytes_per_s for cap in caps if cap.pace_bytes_per_s is not None]
        return Verdict(
            uploads=min([self.most, *(cap.uploads for cap in caps if cap.uploads is not None)]),
            pace_bytes_per_s=min(paces, default=None),
            teaches=all(cap.teaches for cap in caps),
            drop_surplus=any(cap.drop_surplus for cap in caps),
            caps=caps,
        )
