"""The rivals: what others do to find a number of parallel requests.

All see the same samples as the tuner. None has a governor.
"""

from typing import Protocol

from piuploader.core.tuner import Decision, Reason, Sample, Tuner

MOST = 32


class Controller(Protocol):
    """Whoever chooses the number of uploads."""

    def first(self) -> Decision:
        """Return what to begin with."""

    def decide(self, sample: Sample) -> Decision:
        """Return what to run in the next second."""


def _run(uploads: float, pace: float | None = None) -> Decision:
    return Decision(max(1, min(MOST, int(uploads))), pace, Reason.SETTLED)


class Fixed:
    """A number that a person wrote into a file, with or without a pace."""

    def __init__(self, uploads: int, pace: float | None = None) -> None:
        self._decision = _run(uploads, pace)

    def first(self) -> Decision:
        return self._decision

    def decide(self, sample: Sample) -> Decision:
        del sample
        return self._decision


class Aimd:
    """One more every 4 s, half after an error: what TCP Reno does with its window."""

    def __init__(self) -> None:
        self._uploads, self._seconds, self._errors = 1.0, 0.0, 0

    def first(self) -> Decision:
        return _run(self._uploads)

    def decide(self, sample: Sample) -> Decision:
        self._seconds += sample.dt_s
        self._errors += sample.overload_errors + sample.connection_errors
        if self._seconds >= 4.0:
            grown = min(float(MOST), self._uploads + 1.0)
            self._uploads = max(1.0, self._uploads / 2.0) if self._errors else grown
            self._seconds, self._errors = 0.0, 0
        return _run(self._uploads)


class Gradient2:
    """Netflix's concurrency-limits: compare the request time now with a long average of it."""

    def __init__(self) -> None:
        self._uploads = 4.0
        self._long_s: float | None = None
        self._seen = 0

    def first(self) -> Decision:
        return _run(self._uploads)

    def decide(self, sample: Sample) -> Decision:
        if sample.overload_errors or sample.connection_errors:
            self._uploads = max(1.0, 0.9 * self._uploads)
        if not sample.files_done:
            return _run(self._uploads)
        # Files differ in size: the time of one is what all running ones need for it together.
        request_s = sample.uploads_active * sample.dt_s / sample.files_done
        self._seen += 1
        window = min(self._seen, 600)
        long_s = request_s if self._long_s is None else self._long_s
        long_s += (request_s - long_s) / window
        self._long_s = 0.9 * long_s if long_s > 2.0 * request_s else long_s
        if sample.uploads_active >= self._uploads / 2.0:
            gradient = max(0.5, min(1.0, 1.5 * long_s / request_s))
            goal = self._uploads * gradient + 4.0
            self._uploads = max(1.0, min(float(MOST), 0.8 * self._uploads + 0.2 * goal))
        return _run(self._uploads)


class HillClimbing:
    """Go on while goodput grows by more than 2 %, turn round when it does not."""

    def __init__(self) -> None:
        self._uploads, self._step = 2, 1
        self._before: float | None = None
        self._seconds, self._bytes = 0.0, 0.0

    def first(self) -> Decision:
        return _run(self._uploads)

    def decide(self, sample: Sample) -> Decision:
        self._seconds += sample.dt_s
        if self._seconds > 1.0:
            self._bytes += sample.acked_bytes
        if self._seconds >= 4.0:
            goodput = self._bytes / (self._seconds - 1.0)
            if self._before is not None and goodput < self._before * (1.0 + 0.02 * self._step):
                self._step = -self._step
            self._before, self._seconds, self._bytes = goodput, 0.0, 0.0
            self._uploads = max(1, min(MOST, self._uploads + self._step))
            if self._uploads == 1:
                self._step = 1
        return _run(self._uploads)


RIVALS = {
    "fixed 1": lambda: Fixed(1),
    "fixed 2": lambda: Fixed(2),
    "fixed 3": lambda: Fixed(3),
    "fixed 4": lambda: Fixed(4),
    "fixed 5": lambda: Fixed(5),
    "fixed 8": lambda: Fixed(8),
    "fixed 16": lambda: Fixed(16),
    "AIMD": Aimd,
    "Gradient2": Gradient2,
    "hill climbing": HillClimbing,
    "tuner": Tuner,
}
