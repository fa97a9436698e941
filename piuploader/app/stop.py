"""Why and when a run stops before its end: one switch that all stages look at."""

from threading import Event, Lock

from piuploader.core.tally import Reason
from piuploader.errors import PiUploaderError


class Stop:
    """Off at first. The first one who pulls it says why."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._event = Event()
        self.error: BaseException | None = None
        self.reason = Reason.STOPPED
        self.detail = ""

    def pull(self, *, reason: Reason = Reason.STOPPED, detail: str = "") -> None:
        """Stop in order, as asked by a person or by a rule."""
        with self._lock:
            if not self._event.is_set():
                self.reason, self.detail = reason, detail
                self._event.set()

    def fail(self, error: BaseException, reason: Reason = Reason.STOPPED) -> None:
        """Stop because of an error. A bug overrides an error that was foreseen."""
        with self._lock:
            bug = not isinstance(error, PiUploaderError)
            if not self._event.is_set() or (bug and self.error is None):
                self.error, self.reason, self.detail = error, reason, str(error)
                self._event.set()

    @property
    def pulled(self) -> bool:
        """Tell whether the run is to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but not longer than until the stop; tell whether it came."""
        return self._event.wait(seconds)
