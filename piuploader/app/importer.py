"""Import one drive: every photo on it ends up on the server, and is confirmed there.

    reader ──> clerk ──> senders ──> clerk ──> account
    scan,      check     upload      confirm   ledger,
    identify                                   whoever watches

The stages overlap. The reader and the senders have threads of their own; the
clerk is the thread that calls `run`. Nothing is remembered about a pause or
a stop: asking the server again is cheap, and always right.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Thread

from piuploader import errors
from piuploader.app.account import Account
from piuploader.app.clerk import Clerk
from piuploader.app.gate import Gate
from piuploader.app.item import Item
from piuploader.app.lifeline import Lifeline
from piuploader.app.organise import Filing
from piuploader.app.progress import Progress
from piuploader.app.reader import AT_BYTES, Look, Reader
from piuploader.app.senders import Senders
from piuploader.app.stop import Stop
from piuploader.app.survey import Survey
from piuploader.app.window import Window
from piuploader.core import films
from piuploader.core.media import MediaTypes
from piuploader.core.patience import judge
from piuploader.core.session import Phase, phase_at_end
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending, Fate, Tally
from piuploader.ports import Drive, Ledger, Server, Wire

log = logging.getLogger(__name__)

TICK_S = 0.2
# Given whom to tell of problems, and who knows whether the run was stopped.
MakeFilings = Callable[[Callable[[str], object], Callable[[], bool]], Sequence[Filing]]
SURVEY_AFTER_S = 3.0  # shorter imports are over before anyone wonders how long they take


@dataclass(frozen=True, slots=True)
class Plan:
    """How an import is to go."""

    dry_run: bool = False
    restore_trashed: bool = False
    max_failed: int | None = None  # stop when more files than this failed; None: never
    wait_s: float = 600.0  # how long to wait for a server that is away
    look: Look = AT_BYTES


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an import ended."""

    phase: Phase
    tally: Tally
    exit_code: int
    problems: tuple[str, ...]
    error: errors.PiUploaderError | None = None


class Importer:
    """One import, to be run once."""

    def __init__(
        self,
        drive: Drive,
        server: Server,
        ledger: Ledger,
        wires: Callable[[], Wire],
        *,
        types: MediaTypes,
        gate: Gate,
        plan: Plan,
        server_name: str,
        ping: Callable[[], object],
        filings: MakeFilings = lambda _problem, _is_stopped: (),
        on_fate: Callable[[Fate], object] = lambda _: None,
        on_sending: Callable[[], object] = lambda: None,
        beside: Callable[["Importer"], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put the stages together.

        `ping` is called from any thread. `filings` says what becomes of what is safe.
        `on_sending` hears, again and again, that there is something to be sent. `beside` is
        entered while the import runs: the tuner.
        """
        self._drive = drive
        self._ledger = ledger
        self._plan = plan
        self._clock = clock
        self._began = clock()
        self._stop = Stop()
        self._window = Window()
        self._session = ledger.begin(identity=drive.identity, label=drive.label, server=server_name)
        self._on_fate = on_fate
        self._on_sending = on_sending
        self._beside = beside
        self.account = Account(ledger, self._session, self._window, self._heard, clock=clock)
        self._filings = filings(self.account.problem, lambda: self._stop.pulled)
        self._lifeline = Lifeline(
            ping, self._stop, wait_s=plan.wait_s, clock=clock, luck=random.random
        )
        self.gate = gate
        self.senders = Senders(
            drive,
            wires,
            gate=gate,
            account=self.account,
            lifeline=self._lifeline,
            stop=self._stop,
            hand_over=self._take,
            hash_first=self._hash_first,
            clock=clock,
        )
        self._clerk = Clerk(
            server,
            account=self.account,
            lifeline=self._lifeline,
            stop=self._stop,
            send=self._send,
            is_starving=lambda: self.senders.queued < gate.width,
            is_all=lambda waiting: self._reader.done and self.account.media_open <= waiting,
            on_held=self._file,
            dry_run=plan.dry_run,
            restore_trashed=plan.restore_trashed,
            clock=clock,
        )
        self._reader = Reader(
            drive,
            ledger,
            types,
            account=self.account,
            window=self._window,
            stop=self._stop,
            hand_over=self._clerk.take,
            send_blindly=not plan.dry_run,
            look=plan.look,
            clock=clock,
        )
        self._survey = Survey(drive)
        self.progress = Progress(
            drive.label,
            account=self.account,
            reader=self._reader,
            clerk=self._clerk,
            senders=self.senders,
            gate=gate,
            lifeline=self._lifeline,
            survey=self._survey,
            clock=clock,
        )

    def status(self) -> ImportStatus:
        """Return a snapshot, from any thread."""
        return self.progress.snapshot()

    def stop(self, sentence: str = "stopped by request") -> None:
        """End in order, from any thread or signal handler: running uploads get a moment."""
        self._stop.pull(detail=sentence)
        self._window.close()

    def drop(self) -> None:
        """Break off running uploads too, from any thread."""
        self.stop()
        self.senders.drop()

    def resize(self, uploads: int) -> None:
        """Have this many uploads at a time from now on."""
        self.gate.resize(uploads)
        self.senders.staff()

    def run(self) -> Outcome:
        """Import the drive, and return when every file found has its ending."""
        log.info("Import begins: drive=%s", self._drive.label)
        with self._beside(self):
            self._work()
        return self._conclude()

    def _work(self) -> None:
        thread = Thread(target=self._read, name="reader", daemon=True)
        thread.start()
        try:
            while not self._is_over():
                self._clerk.work(TICK_S)
                if self._takes_long() and not self._reader.scanned:
                    self._survey.start()
        except Exception as error:  # noqa: BLE001 - whatever it was, the threads must end first
            self._stop.fail(error)
        finally:
            self._wind_up(thread)

    def _file(self, item: Item) -> None:
        for filing in self._filings:
            filing.add(item)

    def _takes_long(self) -> bool:
        return self._window.was_full and self._clock() - self._began > SURVEY_AFTER_S

    def _read(self) -> None:
        try:
            self._reader.run()
        except errors.PiUploaderError as error:
            self._stop.fail(error, judge(error, tried=1, luck=0).reason)
        except BaseException as error:  # noqa: BLE001 - a bug must end the run, not one thread of it
            self._stop.fail(error)

    def _is_over(self) -> bool:
        if self._stop.pulled:
            return True
        return self._reader.done and not self.account.media_open

    def _wind_up(self, reader: Thread) -> None:
        """Bring every stage to rest, and give an ending to all that has none."""
        self._window.close()
        self._survey.stop()
        reader.join()
        self.senders.close()
        try:
            if not isinstance(self._stop.error, errors.ServerUnreachable):
                self._clerk.ask_last()  # what was sent shall count
        except Exception as error:  # noqa: BLE001 - as above
            self._stop.fail(error)
        self._clerk.receive_all()  # it may pass on to the senders what comes in only now
        self._clerk.end_unfinished(self.senders.drain())
        for filing in self._filings:
            filing.flush()
        self.account.flush()

    def _conclude(self) -> Outcome:
        tally = self.account.snapshot()
        error = self._stop.error
        if isinstance(error, errors.PiUploaderError):
            self.account.problem(f"{error}. {error.hint}" if error.hint else str(error))
        failed = tally.endings[Ending.FAILED]
        phase = phase_at_end(stopped=self._stop.pulled, failed=failed)
        self.progress.end(phase)
        self._close_session(phase, tally)
        log.info("Import ends: %s, %s", phase.value, tally)
        if error is not None and not isinstance(error, errors.PiUploaderError):
            raise error
        if tally.open:
            raise RuntimeError(f"the account does not balance: {tally.open} files have no ending")
        return Outcome(
            phase, tally, self._exit_code(error, failed), tuple(self.account.problems), error
        )

    def _close_session(self, phase: Phase, tally: Tally) -> None:
        problems = tuple(self.account.problems)
        try:
            self._ledger.end(self._session, outcome=phase.value, tally=tally, problems=problems)
        except errors.LedgerError as error:
            self.account.problem(f"This import is not in the history: {error}")

    def _exit_code(self, error: errors.PiUploaderError | None, failed: int) -> int:
        if error:
            return error.exit_code
        if self._stop.pulled and self._too_many(failed):
            return errors.EXIT_SOME_FAILED
        if self._stop.pulled:
            return errors.EXIT_INTERRUPTED
        return errors.EXIT_SOME_FAILED if failed else errors.EXIT_OK

    def _heard(self, fate: Fate) -> None:
        self._on_fate(fate)
        if fate.ending is Ending.FAILED and not self._stop.pulled:
            failed = self.account.tally.endings[Ending.FAILED]
            if self._too_many(failed):
                self._stop.pull(detail=f"stopped after {failed} failed files")
                self._window.close()

    def _too_many(self, failed: int) -> bool:
        return self._plan.max_failed is not None and failed > self._plan.max_failed

    def _take(self, items: list[Item]) -> None:
        self._clerk.take(items)

    def _send(self, items: list[Item]) -> None:
        self._on_sending()
        self.senders.put(items)

    def _hash_first(self) -> bool:
        return films.hash_first(
            duplicates=self._clerk.duplicates,
            checked=self._clerk.checked,
            read_bytes_per_s=self.progress.read_bytes_per_s,
            send_bytes_per_s=self.progress.send_bytes_per_s,
        )
