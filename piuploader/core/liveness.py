"""Does the work go on? The watchdog is only fed while it does.

An import lives as long as something in it moves: a file found, a byte read
or sent, an ending. A pause is no stall, for it waits for a server or for the
box to cool down, and says so.
"""

from piuploader.core.session import Phase
from piuploader.core.status import ImportStatus


class Liveness:
    """Judges by what changed between looks."""

    def __init__(self, *, stall_s: float) -> None:
        self._stall_s = stall_s
        self._signs: tuple[object, ...] | None = None
        self._moved_at_s = 0.0

    def idle(self) -> None:
        """Nothing is imported: nothing can stall."""
        self._signs = None

    def is_alive(self, status: ImportStatus | None, *, now_s: float) -> bool:
        """Look at a running import (None: it has not reached the server yet); tell if it lives."""
        signs = _signs(status)
        if signs != self._signs or (status and status.phase is Phase.PAUSED):
            self._signs, self._moved_at_s = signs, now_s
        return now_s - self._moved_at_s < self._stall_s


def _signs(status: ImportStatus | None) -> tuple[object, ...]:
    """Return what changes while an import does anything at all."""
    if status is None:
        return ("begins",)
    return (
        status.tally.found,
        status.tally.endings.total(),
        status.read_bytes,
        status.sent_bytes,
        status.media_found,
        status.uploads_queued,
        sum(each.sent for each in status.transfers),
    )
