"""The outbox: what waits to be sent, and what waits to be tried again.

A file that is to be tried again comes before the others once its time has come.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from threading import Condition

from piuploader.app.item import Item


class Outbox:
    """A queue that many threads take from."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._queue: deque[Item] = deque()
        self._later: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count()
        self._arrived = Condition()
        self._closed = False
        self._idle = 0

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._queue) + len(self._later)

    @property
    def unattended(self) -> int:
        """How many items could be sent now and have no thread that waits for them."""
        return 0 if self._closed else max(0, len(self._queue) - self._idle)

    def put(self, items: list[Item]) -> None:
        """Queue items, in this order."""
        with self._arrived:
            self._queue.extend(items)
            self._arrived.notify(len(items))

    def put_back(self, item: Item) -> None:
        """Queue an item before all others: it was begun, or about to."""
        with self._arrived:
            self._queue.appendleft(item)
            self._arrived.notify()

    def put_later(self, item: Item, pause_s: float) -> None:
        """Have an item tried again after a pause."""
        with self._arrived:
            due = self._clock() + pause_s
            heapq.heappush(self._later, (due, next(self._numbers), item))
            self._arrived.notify()

    def take(self, before_waiting: Callable[[], object]) -> Item | None:
        """Take the next item, or wait for one; None when the outbox is closed.

        `before_waiting` is called when there is none at once.
        """
        try:
            if not self._later and not self._closed:
                return self._queue.popleft()  # without the lock: this is asked for every file
        except IndexError:
            pass
        before_waiting()
        with self._arrived:
            while not self._closed:
                now = self._clock()
                if self._later and self._later[0][0] <= now:
                    return heapq.heappop(self._later)[2]
                if self._queue:
                    return self._queue.popleft()
                self._idle += 1
                self._arrived.wait(self._later[0][0] - now if self._later else None)
                self._idle -= 1
        return None

    def close(self) -> None:
        """Give out nothing more."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def drain(self) -> list[Item]:
        """Return what was not taken, once the outbox is closed."""
        left = [*self._queue, *(item for _, _, item in sorted(self._later))]
        self._queue.clear()
        self._later.clear()
        return left
