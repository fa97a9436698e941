"""Do something every so often, in a thread, until told to stop."""

from collections.abc import Callable
from threading import Event, Thread


class Pulse:
    """Calls a function at a steady pace. May be stopped twice."""

    def __init__(self, beat: Callable[[], object], *, every_s: float) -> None:
        self._beat = beat
        self._every_s = every_s
        self._over = Event()
        self._thread = Thread(target=self._run, name="display", daemon=True)

    def start(self) -> None:
        """Begin; the first beat comes after one pause."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for a beat that is under way."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self._beat()
