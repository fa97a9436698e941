"""The gate: how many uploads run, and how fast, where both may change at any time.

Upward a change takes effect at once. Downward the uploads that are one too
many finish their file, or, in the middle of a large one, pause. A paused
upload still sends a block now and then, or proxies would cut it off.
"""

from collections.abc import Callable
from threading import Condition

from piuploader.core.pace import TokenBucket

# A file with more than this left to send is paused rather than finished.
PAUSE_BYTES = 8 * 1024 * 1024
SIGN_OF_LIFE_S = 15.0  # proxies and servers cut off at 30 s of silence or more


class Aborted(Exception):
    """An upload is dropped in the middle, because the run stops."""


class Gate:
    """Lets `width` of the workers through, who are numbered from 0."""

    def __init__(self, width: int, *, clock: Callable[[], float]) -> None:
        self._width = width
        self._clock = clock
        self._bucket: TokenBucket | None = None
        self._open = True
        self._dropping = False
        self._changed = Condition()
        self.paused: set[int] = set()
        self._surplus: set[int] = set()

    @property
    def width(self) -> int:
        """How many uploads may run."""
        return self._width

    def resize(self, width: int) -> None:
        """Let this many through from now on."""
        with self._changed:
            self._width = width
            self._changed.notify_all()

    def pace(self, bytes_per_s: float | None) -> None:
        """Hold all uploads together to this rate; None: no limit."""
        with self._changed:
            if bytes_per_s is None:
                self._bucket = None
            elif self._bucket is None:
                self._bucket = TokenBucket(bytes_per_s)
            elif bytes_per_s != self._bucket.bytes_per_s:
                self._bucket.retune(self._clock(), bytes_per_s)
            self._changed.notify_all()

    def admit(self, worker: int, before_waiting: Callable[[], object] = lambda: None) -> bool:
        """Wait until this worker may take another file; False when the gate is closed.

        `before_waiting` is called when it may not at once.
        """
        if worker < self._width and self._open:
            return True  # without the lock: this is asked for every file
        before_waiting()
        with self._changed:
            while self._open and worker >= self._width:
                self._changed.wait()
            return self._open

    def moved(self, worker: int, count: int, left: int) -> None:
        """Wait until this worker may send `count` bytes more; `left` are left of its file.

        Raise Aborted when uploads are dropped.
        """
        if worker >= self._width and left > PAUSE_BYTES:
            self._hold(worker)
        bucket = self._bucket
        if bucket is not None:
            self._slow(bucket, count)
        if self._dropping:
            raise Aborted

    def close(self) -> None:
        """Let no further file through; running uploads go on."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def drop(self) -> None:
        """End running uploads at their next block."""
        with self._changed:
            self._open = False
            self._dropping = True
            self._changed.notify_all()

    def drop_surplus(self) -> None:
        """End the uploads that are paused, for their memory is needed: they are queued again."""
        with self._changed:
            self._surplus |= self.paused
            self._changed.notify_all()

    def _hold(self, worker: int) -> None:
        with self._changed:
            self.paused.add(worker)
            self._changed.wait_for(
                lambda: worker < self._width or not self._open or worker in self._surplus,
                timeout=SIGN_OF_LIFE_S,
            )
            self.paused.discard(worker)
            if worker in self._surplus:
                self._surplus.discard(worker)
                raise Aborted

    def _slow(self, bucket: TokenBucket, count: int) -> None:
        with self._changed:
            wait_s = bucket.take(self._clock(), count)
            ends = self._clock() + wait_s
            while wait_s > 0 and not self._dropping and self._bucket is bucket:
                self._changed.wait(wait_s)
                wait_s = ends - self._clock()
