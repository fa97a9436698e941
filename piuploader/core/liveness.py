"""Does the work go on? The watchdog is only fed while it does.

An import lives as long as something in it moves: a file found, a byte read
or sent, an ending, a pause that begins or ends. A pause waits for a server,
and says so; it may last longer, but the import itself ends it after its time.
"""

from piuploader.core.session import Phase
from piuploader.core.status import ImportStatus


class Liveness:
    """Judges by what changed between looks."""

    def __init__(self, *, stall_s: float, longest_pause_s: float) -> None:
        """Allow so many seconds without a move, and so many more in a pause."""
        self._stall_s = stall_s
        self._longest_pause_s = longest_pause_s
        self._signs: tuple[object, ...] | None = None
        self._moved_at_s = 0.0

    def idle(self) -> None:
        """Nothing is imported: nothing can stall."""
        self._signs = None

    def is_alive(self, status: ImportStatus | None, *, now_s: float) -> bool:
        """Look at a running import (None: it has not reached the server yet); tell if it lives."""
        signs = _signs(status)
        if signs != self._signs:
            self._signs, self._moved_at_s = signs, now_s
        is_paused = status is not None and status.phase is Phase.PAUSED
        allowed_s = self._stall_s + (self._longest_pause_s if is_paused else 0.0)
        return now_s - self._moved_at_s < allowed_s


def _signs(status: ImportStatus | None) -> tuple[object, ...]:
    """Return what changes while an import does anything at all."""
    if status is None:
        return ("begins",)
    return (
        status.phase is Phase.PAUSED,
        status.tally.found,
        status.tally.endings.total(),
        status.read_bytes,
        status.sent_bytes,
        status.media_found,
        status.uploads_queued,
        sum(each.sent for each in status.transfers),
    )
