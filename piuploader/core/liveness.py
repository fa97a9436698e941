"""Does the work go on? The watchdog is only fed while it does.

An import lives as long as its status is still told and something in it
moves. A pause is no stall: it waits for a server, or for the box to cool
down, and says so. But whoever is silent altogether is stuck.
"""

from piuploader.core.session import Phase
from piuploader.core.status import ImportStatus

SILENT_S = 120.0  # the importer's clock stands still: it is stuck, pause or not


class Liveness:
    """Judges by what changed between looks."""

    def __init__(self, *, stall_s: float) -> None:
        self._stall_s = stall_s
        self._moved: tuple[object, ...] | None = None
        self._moved_at_s = 0.0
        self._told: float | None = None
        self._told_at_s = 0.0

    def idle(self) -> None:
        """Nothing is imported: nothing can stall."""
        self._moved = None
        self._told = None

    def is_alive(self, status: ImportStatus | None, *, now_s: float) -> bool:
        """Look at a running import (None: it has not told anything yet); tell whether it lives."""
        told = status.seconds if status else -1.0
        if told != self._told:
            self._told, self._told_at_s = told, now_s
        signs = _signs(status)
        if signs != self._moved or (status and status.phase is Phase.PAUSED):
            self._moved, self._moved_at_s = signs, now_s
        return now_s - self._told_at_s < SILENT_S and now_s - self._moved_at_s < self._stall_s


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
