"""The light show: one thread plays the current signal on all lamps.

A lamp that can play a rhythm alone is told once; all others are switched
on and off from here. A lamp that breaks is left out, and said so once.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from piuploader.app.daemon_ports import Lamp
from piuploader.core import rhythm
from piuploader.core.signals import Signal

log = logging.getLogger(__name__)


class LightShow:
    """Plays signals. `step` is one look at the clock; `start` lets a thread take the steps."""

    def __init__(self, lamps: Sequence[Lamp], *, clock: Callable[[], float]) -> None:
        self._lamps = list(lamps)
        self._clock = clock
        self._changed = Condition()
        self._signal: Signal | None = None
        self._share: float | None = None
        self._began_s = 0.0
        self._by_hand: list[Lamp] = []  # lamps that do not play alone
        self._closed = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Let a thread play from now on."""
        self._thread = Thread(target=self._run, name="lights", daemon=True)
        self._thread.start()

    def show(self, signal: Signal, share: float | None = None) -> None:
        """Play this signal from now on, and show how much is done, 0 to 1."""
        with self._changed:
            if (signal, share) == (self._signal, self._share):
                return  # beginning anew would make the rhythm stumble
            if share != self._share:
                self._share = share
                self._each(lambda lamp: lamp.fill(share))
            if signal != self._signal:
                self._signal = signal
                self._began_s = self._clock()
                self._by_hand = [lamp for lamp in self._lamps if not self._plays(lamp, signal)]
            self._changed.notify_all()

    def step(self) -> float | None:
        """Light what is due now; return the seconds to the next change, None: no change."""
        with self._changed:
            if self._signal is None or not self._by_hand:
                return None
            beats = self._signal.beats
            at_s = self._clock() - self._began_s
            colour = self._signal.colour if rhythm.is_lit(beats, at_s) else None
            self._each(lambda lamp: lamp.light(colour), self._by_hand)
            return rhythm.seconds_to_change(beats, at_s)

    def close(self) -> None:
        """Go dark and give the lamps back."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()
        self._each(lambda lamp: lamp.close())
        self._lamps.clear()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                self._changed.wait(self.step())

    def _plays(self, lamp: Lamp, signal: Signal) -> bool:
        try:
            return lamp.play(signal)
        except OSError:
            return False

    def _each(self, act: Callable[[Lamp], object], lamps: Sequence[Lamp] | None = None) -> None:
        for lamp in list(self._lamps if lamps is None else lamps):
            try:
                act(lamp)
            except OSError as error:
                log.warning("A lamp does not work any more: error=%s", error)
                for kept in (self._lamps, self._by_hand):
                    if lamp in kept:
                        kept.remove(lamp)
