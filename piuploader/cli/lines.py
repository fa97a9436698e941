"""Plain lines: for logs, pipes, cron, and terminals that can do no better."""

import contextlib
from collections.abc import Callable
from threading import Lock
from typing import TextIO

from piuploader.cli import account, words
from piuploader.cli.pulse import Pulse
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending, Fate

LINE_EVERY_S = 10.0
LOOK_EVERY_S = 1.0


class Lines:
    """Writes a line at each change of phase and every ten seconds, then the account.

    `quiet` leaves failures, problems and the last sentence; `verbose` adds each
    file's fate. A reader who went away is no reason to stop an import.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        quiet: bool = False,
        verbose: bool = False,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._out = out
        self._quiet = quiet
        self._verbose = verbose
        self._look_every_s = look_every_s
        self._lock = Lock()
        self._status: Callable[[], ImportStatus] | None = None
        self._pulse: Pulse | None = None
        self._phase = ""
        self._next_line_s = 0.0
        self._problems: set[str] = set()
        self._failures: list[Fate] = []

    def begin(self, status: Callable[[], ImportStatus]) -> None:
        """Start to write."""
        self._status = status
        self._pulse = Pulse(self._look, every_s=self._look_every_s)
        self._look()
        self._pulse.start()

    def fate(self, fate: Fate, root: str = "") -> None:  # noqa: ARG002  the port's
        """Write how one file ended: always a failure, others if asked for."""
        if fate.ending is Ending.FAILED and len(self._failures) < account.FIRST_FAILURES:
            self._failures.append(fate)
        if self._verbose or (self._quiet and fate.ending is Ending.FAILED):
            why = account.failure(fate) if fate.reason.value else words.plain(fate.path)
            self._write(f"{fate.ending.value:<9} {why}")

    def end(self, status: ImportStatus, exit_code: int) -> None:  # noqa: ARG002  part of the port
        """Write the account."""
        if self._pulse:
            self._pulse.stop()
        self._tell_problems(status)
        if not self._quiet:
            self._write_account(status)
        self._write(account.verdict(status))

    def _look(self) -> None:
        if self._status is None:
            return
        status = self._status()
        self._tell_problems(status)
        if self._quiet:
            return
        if status.phase.value != self._phase or status.seconds >= self._next_line_s:
            self._phase = status.phase.value
            self._next_line_s = status.seconds + LINE_EVERY_S
            self._write(line(status))

    def _tell_problems(self, status: ImportStatus) -> None:
        said = [f"problem: {words.plain(problem)}" for problem in status.problems]
        if not self._quiet:
            said += [words.plain(note) for note in status.notes]
        for sentence in said:
            if sentence not in self._problems:
                self._problems.add(sentence)
                self._write(sentence)

    def _write_account(self, status: ImportStatus) -> None:
        took = words.duration(status.seconds)
        self._write(f"{words.counted(status.tally.found, 'file')} found, in {took}:")
        for row in account.rows(status.tally):
            size = f"  {words.size(row.size)}" if row.size else ""
            self._write(f"  {row.files:>9,}  {row.text}{size}")
        if self._failures and not self._verbose:
            self._write("First failures:")
            for failed in self._failures:
                self._write(f"  {account.failure(failed)}")
        for sentence in account.advice(status.tally):
            self._write(sentence)

    def _write(self, text: str) -> None:
        # A pipe that nobody reads, or a full disk below a log.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._out.write(text + "\n")
            self._out.flush()


def line(status: ImportStatus) -> str:
    """Return where an import stands, in one line."""
    tally = status.tally
    parts = [f"{status.phase.value:<10} {words.number(status.media_found)}"]
    parts[0] += " media files found" if status.scanned else " media files so far"
    parts += [
        f"{words.number(tally.endings[ending])} {ending.value}"
        for ending in (Ending.CONFIRMED, Ending.DUPLICATE, Ending.FAILED)
        if tally.endings[ending]
    ]
    if status.uploads_active or status.uploads_queued:
        parts.append(f"{status.uploads_active} uploading, {status.uploads_queued:,} queued")
    if status.bytes_per_s:
        parts.append(f"{words.size(status.bytes_per_s)}/s")
    if status.eta_s is not None:
        parts.append(f"about {words.duration(status.eta_s)} left")
    if status.pause_reason:
        parts.append(words.plain(status.pause_reason))
    return ", ".join(parts)
