"""The lifeline: when a call fails, find out whether the server is there at all.

One thread asks, all others wait with it. So a server that is away costs no
file a try, and one ping at a time knocks on its door.
"""

import logging
from collections.abc import Callable
from threading import Lock

from piuploader import errors
from piuploader.app.stop import Stop
from piuploader.core.patience import pause_s

log = logging.getLogger(__name__)

LONGEST_KNOCK_S = 30.0


class Lifeline:
    """Waits for a server that is away, up to a limit."""

    def __init__(
        self,
        ping: Callable[[], object],
        stop: Stop,
        *,
        wait_s: float,
        clock: Callable[[], float],
        luck: Callable[[], float],
    ) -> None:
        self._ping = ping
        self._stop = stop
        self._wait_s = wait_s
        self._clock = clock
        self._luck = luck
        self._lock = Lock()
        self._back_at = float("-inf")
        self.away_since: float | None = None
        self.away_because = ""

    def check(self, error: errors.PiUploaderError, *, failed_at: float) -> bool:
        """Return once the server answers; tell whether it had been away.

        `failed_at` is when the failed call began: if the server came back
        since then, the failure belongs to that absence, and nobody asks again.
        Raise ServerUnreachable, and stop the run, when it stays away too long.
        """
        with self._lock:
            if self._stop.pulled:  # nobody waits any more, nor tells of it again
                raise errors.ServerUnreachable(f"the server is away: {error}") from error
            if self._back_at > failed_at:
                return True
            if self._answers():
                return False
            self.away_since, self.away_because = self._clock(), str(error)
            log.warning("The server is away: error=%s", error)
            try:
                self._knock(error)
            finally:
                self.away_since = None
            self._back_at = self._clock()
            log.info("The server is back.")
            return True

    def _knock(self, error: errors.PiUploaderError) -> None:
        began, knocks = self._clock(), 0
        while True:
            knocks += 1
            if self._stop.wait(min(LONGEST_KNOCK_S, pause_s(knocks, luck=self._luck()))):
                raise errors.ServerUnreachable(f"the server is away: {error}") from error
            if self._answers():
                return
            if self._clock() - began >= self._wait_s:
                away = errors.ServerUnreachable(
                    f"the server stayed away for {self._wait_s:.0f} s: {error}"
                )
                self._stop.fail(away)
                raise away from error

    def _answers(self) -> bool:
        try:
            self._ping()
        except errors.ServerError:
            return False
        return True
