"""Seek the number of uploads that brings the most bytes home.

    RAMP ──> STEADY <──> PROBE
      ^________|  the level jumped

Measure in epochs: after each change of N let the streams settle, then
count acknowledged bytes for a few seconds. Each epoch teaches the
belief over shapes (`shapes.py`); the belief says which N to run.

RAMP starts from a remembered or a middling N and asks for the N that
is enough for 60 % of the belief, at most twice the present one. STEADY
runs the N with the best expected gain and now and then visits another
one that might be better (PROBE). When the level jumps and stays there,
the world has changed: the belief is doubted and the ramp runs again.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import log

from piuploader.core.tuner.sample import MOST_UPLOADS
from piuploader.core.tuner.shapes import ShapeBelief

FIRST_GUESS = 5  # the most common knee
SETTLE_S = 1.0
RAMP_EPOCH_S = 2.0
EPOCH_S = 4.0
RAMP_EPOCHS = 6
RAMP_UP = 0.6  # go up to what is enough for this share of the belief ...
RAMP_DOWN = 0.4  # ... and down when this share says that less is better
POLITE = 0.02  # a stream more must bring its share, or we do without it
POLITE_WHEN_QUEUED = 0.2  # our packets queue up: someone else may wait behind them
DOUBT_ON_CHANGE = 0.8
JUMP = 0.2  # log goodput: a fifth more or less ...
JUMP_SIGMAS = 4.0  # ... and well out of the noise
STEADY_BEFORE_PROBE = 2  # epochs, so that the probe has something to be compared with
HORIZON_S = 80.0  # what a probe teaches is of use for about so long
DISTURBANCE_S = 0.4  # what any visit costs besides, in seconds of goodput
FED = 0.8  # of the uploads must have had files for an epoch to count
STICKY = 0.003  # gain below which N is not worth a change


class Mode(StrEnum):
    """What the explorer is about."""

    RAMP = "ramp"
    STEADY = "steady"
    PROBE = "probe"


@dataclass(slots=True)
class Epoch:
    """What has been counted since the last change."""

    settle_s: float = SETTLE_S
    seconds: float = 0.0
    acked_bytes: float = 0.0
    active: float = 0.0


class Explorer:
    """Choose N from what was measured; give it one second at a time."""

    def __init__(self, *, start: int | None = None, most: int = MOST_UPLOADS) -> None:
        self.most = most
        self.wanted = max(1, min(most, start or FIRST_GUESS))
        self.uploads = self.wanted
        self.mode = Mode.RAMP
        self.belief = ShapeBelief(most)
        self._epoch = Epoch()
        self._ramp_left = RAMP_EPOCHS
        self._steady_epochs = 0
        self._astonished = 0
        self.learnt: int | None = None
        self.starved = False
        self._queued = False
        self._politeness = {
            e: [(n + 1.0) ** -e for n in range(1, most + 1)] for e in (POLITE, POLITE_WHEN_QUEUED)
        }

    def observe(
        self, *, dt_s: float, acked_bytes: float, active: float, cap: int, queued: bool
    ) -> int:
        """Count one undisturbed second and return the N to run next."""
        self._queued = queued
        epoch = self._epoch
        if epoch.settle_s > 0.0:
            epoch.settle_s -= dt_s
            return self._apply(cap)
        epoch.seconds += dt_s
        epoch.acked_bytes += acked_bytes
        epoch.active += active * dt_s
        wanted = RAMP_EPOCH_S if self.mode is Mode.RAMP else EPOCH_S
        if epoch.seconds < wanted - 0.5 * dt_s:
            return self._apply(cap)
        self._epoch = Epoch(settle_s=0.0)
        active = epoch.active / epoch.seconds
        self.starved = active < FED * self.uploads
        if self.starved or epoch.acked_bytes < 1.0:
            return self._apply(cap)
        self.wanted = self._judge(epoch, max(1.0, active), cap)
        return self._apply(cap)

    def rest(self, cap: int) -> int:
        """Let a second pass from which nothing can be learnt."""
        self._epoch = Epoch()
        return self._apply(cap)

    def _judge(self, epoch: Epoch, active: float, cap: int) -> int:
        value = log(epoch.acked_bytes / epoch.seconds)
        if abs(active - round(active)) < 0.15:  # noqa: PLR2004
            active = round(active)
        step = self._astonishment(active, value)
        if step and step != self._astonished:
            # Once is an outlier: look again before believing anything.
            self._astonished = step
            return self.uploads
        if step:
            self.belief.doubt(DOUBT_ON_CHANGE)
            self.belief.forget_level()
            self.mode, self._ramp_left = Mode.RAMP, RAMP_EPOCHS
        self._astonished = 0
        self.belief.learn(active, value, epoch.seconds)
        if self.mode is Mode.RAMP:
            self._ramp_left -= 1
            if self._ramp_left > 0:
                return self._ramp()
            self.mode = Mode.STEADY
        elif self.mode is Mode.PROBE:
            self.mode = Mode.STEADY
        return self._steady(cap)

    def _ramp(self) -> int:
        up = self.belief.best_at(RAMP_UP, self._polite)
        if up > self.uploads:
            return min(up, 2 * self.uploads)
        return min(self.uploads, self.belief.best_at(RAMP_DOWN, self._polite))

    def _steady(self, cap: int) -> int:
        gains = self.belief.gains()[:cap]
        scores = [g * p for g, p in zip(gains, self._polite, strict=False)]
        best = scores.index(max(scores)) + 1
        here = min(self.wanted, cap)
        if scores[best - 1] - scores[here - 1] < STICKY:
            best = here
        self.learnt = best
        self._steady_epochs += 1
        if self._steady_epochs > STEADY_BEFORE_PROBE and best == self.uploads:
            probe = self._probe(best, min(2 * best, cap))
            if probe is not None:
                self._steady_epochs = 0
                self.mode = Mode.PROBE
                return probe
        return best

    def _probe(self, best: int, reach: int) -> int | None:
        """Return the N whose visit would pay most, if any would."""
        unit = self._polite[best - 1]
        win, cost = self.belief.visits(best, reach, [min(1.0, p / unit) for p in self._polite])
        visit = EPOCH_S + 2.0 * SETTLE_S
        nets = [HORIZON_S * w - visit * c - DISTURBANCE_S for w, c in zip(win, cost, strict=True)]
        lowest = (best + 1) // 2
        probe = max(range(lowest, reach + 1), key=lambda n: nets[n - 1])
        return probe if nets[probe - 1] > 0.0 and probe != best else None

    def _astonishment(self, active: float, value: float) -> int:
        """Return +1 or -1 for an epoch far above or below all that we believe, else 0."""
        expected = self.belief.expect(active)
        if expected is None or self.mode is Mode.RAMP:
            return 0
        mean, sigma = expected
        if abs(value - mean) < max(JUMP, JUMP_SIGMAS * sigma):
            return 0
        return 1 if value > mean else -1

    def _apply(self, cap: int) -> int:
        uploads = max(1, min(self.wanted, cap, self.most))
        if uploads != self.uploads:
            self.uploads = uploads
            self._epoch = Epoch()
        return uploads

    @property
    def _polite(self) -> list[float]:
        return self._politeness[POLITE_WHEN_QUEUED if self._queued else POLITE]
