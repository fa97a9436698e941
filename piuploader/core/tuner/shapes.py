"""Learn the shape of goodput against the number of uploads.

Every link, drive and server we know gives one curve: it rises in
proportion to the number of uploads N, bends at some knee k where a
resource is full, and then stays flat or falls because of the crowd:

    v(N) = (N^-p + k^-p)^(-1/p) / (1 + d * max(0, N - k))

p is how sharply it bends, d how much each upload too many costs. We
hold a belief over a few hundred such shapes and update it with each
measured epoch. How high the curve lies is weather, not shape: each
shape carries a level (of log goodput) that follows a random walk, so a
fading link moves the level and leaves the belief alone. Only goodput
measured at *different* N tells shapes apart.
"""

from collections.abc import Sequence
from math import exp, log, sqrt

KNEES = tuple(0.5 * 1.28**i for i in range(20))  # 0.5 ... 54
SHARPNESS = (1.0, 3.0, 10.0)
CROWDING = (0.0, 0.01, 0.03, 0.1, 0.3)

TYPICAL_KNEE = 5.0
TEMPER = 0.6  # epochs are not independent: believe each a little less
AGEING_PER_S = 0.0005  # the chance that by now another shape holds
TAIL = 4.0  # degrees of freedom of the Student-t: outliers happen
QUIETEST = 0.02  # log goodput; no epoch is measured better than this
NEGLIGIBLE = 1e-4  # a shape so unlikely is left out of sums
NOISE_AT_FIRST = 0.06
DRIFT = 0.1  # from one epoch to the next the level walks by this share of the noise (variance)
EPOCH_S = 4.0  # the noise is told for an epoch of this length


class ShapeBelief:
    """A belief over shapes; feed it epochs, ask it for the gain of any N."""

    def __init__(self, most: int) -> None:
        self.most = most
        shapes = [(k, p, d) for k in KNEES for p in SHARPNESS for d in CROWDING]
        curves = [[_value(n, k, p, d) for n in range(1, most + 1)] for k, p, d in shapes]
        self._log_curves = [[log(v) for v in curve] for curve in curves]
        self._gains = [[v / max(curve) for v in curve] for curve in curves]
        self._prior = _normalise([_prior(k, d) for k, _, d in shapes])
        self.weights = list(self._prior)
        self._levels = [0.0] * len(shapes)
        self._level_variance: float | None = None
        self._last: tuple[float, float] | None = None
        self._square = NOISE_AT_FIRST**2

    @property
    def noise(self) -> float:
        """How far two neighbouring epochs at the same N differ (log goodput)."""
        return sqrt(self._square)

    def expect(self, uploads: float) -> tuple[float, float] | None:
        """Return the log goodput expected at this N, and how sure that is (1 sigma)."""
        if self._level_variance is None:
            return None
        at = [_between(curve, uploads) for curve in self._log_curves]
        values = [level + v for level, v in zip(self._levels, at, strict=True)]
        mean = sum(w * v for w, v in zip(self.weights, values, strict=True))
        square = sum(w * (v - mean) ** 2 for w, v in zip(self.weights, values, strict=True))
        return mean, sqrt(square + self._level_variance + self._square)

    def learn(self, uploads: float, log_goodput: float, seconds: float) -> None:
        """Take in one epoch of so many seconds."""
        at = [_between(curve, uploads) for curve in self._log_curves]
        noise = self._square * EPOCH_S / seconds
        if self._level_variance is None:
            self._levels = [log_goodput - v for v in at]
            self._level_variance = noise
            self._last = (uploads, log_goodput)
            return
        self._listen(uploads, log_goodput)
        self.doubt(AGEING_PER_S * seconds)
        variance = self._level_variance + DRIFT * self._square
        spread = variance + noise
        residuals = [log_goodput - v - lv for v, lv in zip(at, self._levels, strict=True)]
        mean = sum(w * r for w, r in zip(self.weights, residuals, strict=True))
        trust = (TAIL + 1.0) / (TAIL + mean * mean / spread)
        gain = variance / (variance + noise / trust)
        self._level_variance = (1.0 - gain) * variance
        self._levels = [lv + gain * r for lv, r in zip(self._levels, residuals, strict=True)]
        power = -0.5 * (TAIL + 1.0) * TEMPER
        self.weights = _normalise(
            [
                w * (1.0 + r * r / (TAIL * spread)) ** power
                for w, r in zip(self.weights, residuals, strict=True)
            ]
        )

    def doubt(self, share: float) -> None:
        """Believe for this share what we believed before we measured anything."""
        pairs = zip(self.weights, self._prior, strict=True)
        self.weights = [(1.0 - share) * w + share * p for w, p in pairs]

    def forget_level(self) -> None:
        """Let the next epoch tell anew how high the curve lies."""
        self._level_variance = None

    def gains(self) -> list[float]:
        """Return, for N = 1, 2 ..., the expected share of the best goodput."""
        totals = [0.0] * self.most
        for weight, gains in zip(self.weights, self._gains, strict=True):
            if weight > NEGLIGIBLE:
                for i, gain in enumerate(gains):
                    totals[i] += weight * gain
        return totals

    def best_at(self, quantile: float, politeness: Sequence[float]) -> int:
        """Return the N that is best enough for this share of the belief."""
        chance = [0.0] * self.most
        for weight, gains in zip(self.weights, self._gains, strict=True):
            if weight > NEGLIGIBLE:
                scores = [g * p for g, p in zip(gains, politeness, strict=True)]
                chance[scores.index(max(scores))] += weight
        total = 0.0
        goal = quantile * sum(chance)
        for i, share in enumerate(chance):
            total += share
            if total >= goal:
                return i + 1
        return self.most

    def enough_for(self, log_goodput: float) -> int:
        """Return the fewest uploads that are expected to reach this goodput."""
        if self._level_variance is None:
            return self.most
        pairs = list(zip(self.weights, self._levels, self._log_curves, strict=True))
        likely = [pair for pair in pairs if pair[0] > NEGLIGIBLE]
        for i in range(self.most):
            if sum(w * (lv + curve[i] - log_goodput) for w, lv, curve in likely) >= 0.0:
                return i + 1
        return self.most

    def visits(
        self, uploads: int, reach: int, politeness: Sequence[float]
    ) -> tuple[list[float], list[float]]:
        """Return, for N up to `reach`, what going there from `uploads` may win and may cost.

        Both are expected shares of the best goodput: the win counts only
        the shapes for which N is better, the cost only the others.
        """
        win = [0.0] * reach
        cost = [0.0] * reach
        for weight, gains in zip(self.weights, self._gains, strict=True):
            if weight > NEGLIGIBLE:
                here = gains[uploads - 1] * politeness[uploads - 1]
                for i in range(reach):
                    change = weight * (gains[i] * politeness[i] - here)
                    if change > 0.0:
                        win[i] += change
                    else:
                        cost[i] -= change
        return win, cost

    def _listen(self, uploads: float, log_goodput: float) -> None:
        """Learn how noisy epochs are from neighbours at the same N."""
        if self._last is not None and self._last[0] == uploads:
            square = min(0.5 * (log_goodput - self._last[1]) ** 2, 6.0 * self._square)
            self._square = max(self._square + 0.15 * (square - self._square), QUIETEST**2)
        self._last = (uploads, log_goodput)


def _value(n: float, k: float, p: float, d: float) -> float:
    """Return the height of a shape at n uploads."""
    return float((n**-p + k**-p) ** (-1.0 / p) / (1.0 + d * max(0.0, n - k)))


def _prior(k: float, d: float) -> float:
    """Favour a knee near five uploads and a crowd that costs little."""
    return exp(-0.5 * (log(k / TYPICAL_KNEE) / 0.9) ** 2 - 4.0 * d)


def _normalise(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [w / total for w in weights]


def _between(curve: Sequence[float], uploads: float) -> float:
    """Read a curve that is tabled for 1, 2 ... between its entries."""
    place = min(max(uploads - 1.0, 0.0), len(curve) - 1.0)
    low = int(place)
    if low == place:
        return curve[low]
    return curve[low] + (curve[low + 1] - curve[low]) * (place - low)
