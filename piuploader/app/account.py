"""The account of one import: every file found, and its one ending.

All stages report here. What they report is counted at once, shown to whoever
watches, and written to the ledger by the one thread that calls `flush`.
"""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from piuploader.app.item import NOT_ENTERED, Item, Stage
from piuploader.app.window import Window
from piuploader.core.tally import Ending, Fate, Reason, Tally
from piuploader.errors import LedgerError
from piuploader.ports import Ledger, Listing

# What has ended is written in batches: each is a transaction, and a kill forgets only the last.
WRITE_FILES = 500
WRITE_S = 0.5
MAX_PROBLEMS = 100  # sentences kept; a broken drive could make thousands


class Account:
    """Counts, tells and remembers how files end."""

    def __init__(
        self,
        ledger: Ledger,
        session: int,
        window: Window,
        on_fate: Callable[[Fate], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._session = session
        self._window = window
        self._on_fate = on_fate
        self._clock = clock
        self._written_at = clock()
        self._lock = Lock()
        self._unwritten: list[Fate] = []
        self.tally = Tally()
        self.media_found = 0
        self.media_bytes = 0
        self.media_ended = 0
        self.ended_bytes = 0
        self.problems: list[str] = []

    def found(self, listing: Listing) -> None:
        """Take note of what a folder holds."""
        with self._lock:
            self.tally.found += len(listing.media) + len(listing.skipped)
            self.media_found += len(listing.media)
            self.media_bytes += sum(file.size for file in listing.media)
        for path, size, mtime_ns, reason in listing.skipped:
            self._settle(Fate(path, size, mtime_ns, _ending(reason), reason))

    def end(
        self, item: Item, ending: Ending, reason: Reason = Reason.NONE, detail: str = ""
    ) -> None:
        """Take note of how a media file ended, and let the next one into the window."""
        if item.stage is Stage.ENDED:
            raise RuntimeError(f"{item.file.path!r} ended twice")
        fate = item.fate(ending, reason, detail)
        with self._lock:
            self.media_ended += 1
            self.ended_bytes += fate.size
        self._settle(fate)
        if item.weight != NOT_ENTERED:
            self._window.leave(files=1, size=item.weight)

    def sent(self, item: Item) -> None:
        """Let the next ones be read: the bytes of this file are not needed any more."""
        if item.weight > 0:
            self._window.leave(size=item.weight)
            item.weight = 0

    def problem(self, sentence: str) -> None:
        """Take note of something that a person should know, once."""
        with self._lock:
            if sentence not in self.problems and len(self.problems) < MAX_PROBLEMS:
                self.problems.append(sentence)

    def flush_if_due(self) -> None:
        """Write what ended to the ledger, if it is much or long ago."""
        if len(self._unwritten) >= WRITE_FILES or self._clock() - self._written_at >= WRITE_S:
            self.flush()

    def flush(self) -> None:
        """Write what ended since the last time to the ledger."""
        with self._lock:
            fates, self._unwritten = self._unwritten, []
            self._written_at = self._clock()
        if not fates:
            return
        try:
            self._ledger.record(self._session, fates)
        except LedgerError as error:
            # The photos are safe without it; only the time to read them again is lost.
            self.problem(f"Not remembered for the next time: {error}")

    def snapshot(self) -> Tally:
        """Return a copy of the tally as it is now."""
        with self._lock:
            return Tally(
                self.tally.found,
                Counter(self.tally.endings),
                Counter(self.tally.reasons),
                Counter(self.tally.bytes_by_ending),
            )

    @property
    def media_open(self) -> int:
        """How many media files have no ending yet."""
        return self.media_found - self.media_ended

    def _settle(self, fate: Fate) -> None:
        with self._lock:
            self.tally.add(fate)
            self._unwritten.append(fate)
        self._on_fate(fate)


def _ending(reason: Reason) -> Ending:
    """Call it a failure, not a choice, when a file was wanted but is empty or unreadable."""
    return Ending.FAILED if reason in {Reason.EMPTY, Reason.UNREADABLE} else Ending.SKIPPED
