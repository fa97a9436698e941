"""The drives that are in, and the one import that runs: the rules of `core.visits`, played.

Used by the daemon's one thread only.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from piuploader.app.daemon_ports import BeginImport, Clock
from piuploader.app.visit import RunningImport
from piuploader.core import visits as rules
from piuploader.core.clock import must_wait
from piuploader.core.drives import FoundDrive
from piuploader.core.session import AT_REST, Phase
from piuploader.core.visits import Visit

log = logging.getLogger(__name__)

CLOCK_LOOK_S = 5.0


class Roster:
    """Who is in, who is next. `on_end` is called, from the import's thread, when one is over."""

    def __init__(
        self, *, clock: Clock, now: Callable[[], float], on_end: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._now = now
        self._on_end = on_end
        self._began_s = now()
        self.visits: tuple[Visit, ...] = ()
        self.running: RunningImport | None = None
        self.last_error = ""

    @property
    def is_waiting_for_server(self) -> bool:
        """Tell whether a drive waits for the server, so that its return is news."""
        return any(each.phase is Phase.PAUSED and each.present for each in self.visits)

    def meet(self, found: Sequence[FoundDrive]) -> None:
        """Take note of who came and who left."""
        before = {visit.drive.key: visit for visit in self.visits if visit.present}
        running = self.running.key if self.running else ""
        self.visits = rules.arrive_and_leave(self.visits, found, running=running)
        there = {drive.key for drive in found}
        if self.running and running not in there:
            # It may wait for a server, and never touch the drive: tell it.
            self.running.stop("the drive was pulled out")
        for drive in found:
            if drive.key not in before:
                if drive.problem:
                    log.warning("Drive arrived: name=%s problem=%s", drive.name, drive.problem)
                else:
                    log.info("Drive arrived: name=%s folder=%s", drive.name, drive.folder)
        for key in before.keys() - there:
            log.info("Drive left: name=%s phase=%s", before[key].label, before[key].phase.value)

    def collect(self) -> bool:
        """Take note of how the running import goes; tell whether it is over. Raise its bug."""
        running = self.running
        if running is None:
            return False
        visit = next(each for each in self.visits if each.drive.key == running.key)
        over = running.is_over
        status = running.result or running.status() or visit.status
        # Only an import that is over is at rest: its last snapshot may be so a moment earlier.
        phase = status.phase if status and status.phase not in AT_REST else visit.phase
        now = replace(visit, status=status, phase=phase, sentence="" if status else visit.sentence)
        if not over:
            self._put(now)
            return False
        self.running = None
        if running.bug:
            raise running.bug
        end = self._ended(now, running)
        self._put(end)
        if not end.present and end.phase is Phase.COMPLETE:  # pulled as it was just done
            self.visits = tuple(each for each in self.visits if each is not end)
        if end.phase in AT_REST:
            for line in rules.account_lines(end):
                log.info("%s", line)
        else:
            log.warning("Session paused: drive=%s %s", end.label, end.sentence)
        return True

    def begin_next(self, begin: BeginImport, *, clock_wait_s: float) -> None:
        """Begin the import of whose turn it is, unless the clock forbids it."""
        now_s = self._now()
        visit = rules.next_due(self.visits, now_s=now_s)
        if self.running or visit is None:
            return
        wait = must_wait(
            year=self._clock.year(),
            is_synchronised=self._clock.is_synchronised(),
            waited_s=now_s - self._began_s,
            longest_wait_s=clock_wait_s,
        )
        if wait:
            if visit.sentence != wait:
                log.warning("The drive waits: name=%s %s", visit.label, wait)
            self._put(rules.paused(visit, wait, tries=visit.tries, due_s=now_s + CLOCK_LOOK_S))
            return
        self._put(replace(visit, phase=Phase.MOUNTING, sentence="its import begins"))
        log.info("Session begins: drive=%s tried=%d", visit.label, visit.tries)
        self.running = RunningImport(visit.drive.key, Path(visit.drive.folder), begin, self._on_end)

    def server_is_back(self) -> None:
        """Let those that wait for the server have their turn at once."""
        self.visits = tuple(
            replace(each, due_s=0.0) if each.phase is Phase.PAUSED else each for each in self.visits
        )

    def press(self) -> None:
        """Cancel the import that runs; if none does, import again what is in."""
        if self.running:
            log.info("The button was pressed: the import is cancelled.")
            self.running.stop("cancelled by the button")
        else:
            log.info("The button was pressed: all drives are imported again.")
            self.visits = rules.again(self.visits)

    def let_go(self, sentence: str) -> None:
        """Finish with what is being sent, and let go of all drives."""
        log.info("All drives are let go: %s", sentence)
        if self.running:
            self.running.stop(sentence)
        running = self.running.key if self.running else ""
        self.visits = tuple(
            rules.let_go(each, sentence) if each.is_waiting and each.drive.key != running else each
            for each in self.visits
        )

    def try_failed_again(self) -> None:
        """Import again what failed: the configuration has changed."""
        self.visits = tuple(
            Visit(each.drive)
            if each.phase is Phase.FAILED and each.present and not each.drive.problem
            else each
            for each in self.visits
        )

    def shut(self, sentence: str, *, within_s: float) -> None:
        """End the import that runs."""
        if self.running:
            self.running.stop(sentence)
            self.running.join(within_s)
            if self.running.is_over:
                self.collect()

    def _ended(self, visit: Visit, running: RunningImport) -> Visit:
        if running.result and running.result.phase is Phase.COMPLETE:
            return rules.ended(visit, running.result)  # whatever was asked for meanwhile
        if running.stopped_because and visit.present:
            return rules.let_go(visit, running.stopped_because)
        if running.stopped_because or (running.error and not visit.present):
            return rules.pulled(visit)
        if running.error:
            self.last_error = str(running.error)
            return rules.failed(
                visit,
                running.error,
                now_s=self._now(),
                luck=random.random(),  # noqa: S311 - spreads retries, keeps no secret
            )
        if running.result is None:
            raise RuntimeError("an import ended with neither result nor error")
        return rules.ended(visit, running.result)

    def _put(self, visit: Visit) -> None:
        self.visits = tuple(
            visit if each.drive.key == visit.drive.key else each for each in self.visits
        )
