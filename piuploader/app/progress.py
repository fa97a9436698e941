"""Where an import stands: the snapshot that every display shows."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from piuploader.app.account import Account
from piuploader.app.clerk import Clerk
from piuploader.app.gate import Gate
from piuploader.app.lifeline import Lifeline
from piuploader.app.reader import Reader
from piuploader.app.senders import Senders
from piuploader.app.survey import Survey
from piuploader.core.session import Phase, phase_of
from piuploader.core.status import ImportStatus, ServerWork

if TYPE_CHECKING:
    from piuploader.core.tuner import Decision

RATE_S = 10.0  # speed is what moved in so many seconds


class Progress:
    """Reads the stages' counters, and makes a snapshot of them."""

    def __init__(
        self,
        label: str,
        *,
        account: Account,
        reader: Reader,
        clerk: Clerk,
        senders: Senders,
        gate: Gate,
        lifeline: Lifeline,
        survey: Survey,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._account = account
        self._reader = reader
        self._clerk = clerk
        self._senders = senders
        self._gate = gate
        self._lifeline = lifeline
        self._survey = survey
        self._clock = clock
        self._began = clock()
        self._lock = Lock()
        self._marks: deque[tuple[float, int, int]] = deque([(self._began, 0, 0)])
        self._settled_bytes = 0
        self._over: Phase | None = None
        # The tuner's: what limits now.
        self.decision: Callable[[], Decision | None] = lambda: None
        self.notes: Callable[[], tuple[str, ...]] = tuple  # about the server's queues
        self.server_work: Callable[[], ServerWork | None] = lambda: None

    @property
    def read_bytes_per_s(self) -> float:
        """How fast the drive was read, while it was read."""
        seconds = self._reader.read_seconds
        return self._reader.read_bytes / seconds if seconds else 0.0

    @property
    def send_bytes_per_s(self) -> float:
        """How fast files were sent lately."""
        began, sent, _ = self._marks[0]
        seconds = self._clock() - began
        return (self._senders.total_sent_bytes - sent) / seconds if seconds > 0 else 0.0

    def end(self, phase: Phase) -> None:
        """Freeze the phase: the import is over."""
        self._over = phase

    def snapshot(self) -> ImportStatus:
        """Return where the import stands now."""
        with self._lock:
            return self._snapshot()

    def _snapshot(self) -> ImportStatus:
        account, senders = self._account, self._senders
        now = self._clock()
        transfers = senders.transfers()
        sent_bytes = senders.total_sent_bytes
        so_far = account.ended_bytes + sum(transfer.sent for transfer in transfers)
        self._settled_bytes = max(self._settled_bytes, min(so_far, account.media_bytes))
        self._marks.append((now, sent_bytes, self._settled_bytes))
        while len(self._marks) > 1 and now - self._marks[1][0] > RATE_S:
            self._marks.popleft()
        files = max(account.media_found, self._survey.files)
        total = max(account.media_bytes, self._survey.bytes)
        scanned = self._reader.scanned
        decision = self.decision()
        pause = ""
        if self._lifeline.away_since is not None:
            pause = f"the server is away: {self._lifeline.away_because}"
        return ImportStatus(
            phase=self._over or self._phase(len(transfers), paused=bool(pause)),
            drive=self._label,
            tally=account.snapshot(),
            scanned=scanned,
            seconds=now - self._began,
            media_found=files,
            media_bytes=total,
            settled_bytes=self._settled_bytes,
            sent_bytes=sent_bytes,
            read_bytes=self._reader.read_bytes,
            bytes_per_s=self.send_bytes_per_s,
            eta_s=self._eta_s(now, total) if scanned or self._survey.complete else None,
            uploads_active=len(transfers),
            uploads_queued=senders.queued,
            uploads_target=self._gate.width,
            limits=", ".join(decision.limits) if decision else "",
            limit_reason=decision.reason if decision else None,
            pause_reason=pause,
            transfers=transfers,
            server=self.server_work(),
            notes=self.notes(),
            problems=tuple(account.problems),
        )

    def _phase(self, active: int, *, paused: bool) -> Phase:
        return phase_of(
            scanned=self._reader.scanned,
            unidentified=0 if self._reader.done else 1,
            unchecked=self._clerk.waiting,
            unsent=active + self._senders.queued,
            unconfirmed=self._account.media_open,
            paused=paused,
        )

    def _eta_s(self, now: float, total: int) -> float | None:
        began, _, settled = self._marks[0]
        moved, seconds = self._settled_bytes - settled, now - began
        if seconds < 1 or moved <= 0:
            return None
        return (total - self._settled_bytes) * seconds / moved
