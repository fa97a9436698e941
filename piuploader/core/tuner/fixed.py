"""A number of uploads that a person chose: kept, unless the machine or the server would suffer."""

from piuploader.core.limit import Reason
from piuploader.core.tuner.governor import Governor
from piuploader.core.tuner.sample import Decision, Sample


class Fixed:
    """Stands where the tuner stands, and only guards."""

    def __init__(self, uploads: int) -> None:
        self._uploads = uploads
        self._governor = Governor(uploads)

    @property
    def learnt(self) -> None:
        """Nothing: it was told, not learnt."""

    def first(self) -> Decision:
        """Return what to run before anything has been measured."""
        return Decision(self._uploads, reason=Reason.SETTLED)

    def decide(self, sample: Sample) -> Decision:
        """Judge one second and choose for the next."""
        verdict = self._governor.judge(sample)
        binding = [
            cap
            for cap in verdict.caps
            if (cap.uploads is not None and cap.uploads < self._uploads)
            or cap.pace_bytes_per_s is not None
        ]
        return Decision(
            verdict.uploads,
            verdict.pace_bytes_per_s,
            binding[0].reason if binding else Reason.SETTLED,
            tuple(cap.says for cap in binding),
            verdict.drop_surplus,
        )
