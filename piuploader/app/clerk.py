"""The clerk: ask the server what it holds, before and after the uploads.

    reader ──identified──┐                     ┌── missing ──> senders
                         ├──> ask, once for ───┤
    senders ───sent──────┘    all that wait    └── held ─────> ended

One question serves both: whether a file is missing (then it is sent), and
whether a file that was sent is there (then it is confirmed). The clerk alone
ends what was asked for, writes the ledger, and files assets in albums.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue

from piuploader import errors
from piuploader.app.account import Account
from piuploader.app.item import Item, Stage
from piuploader.app.lifeline import Lifeline
from piuploader.app.stop import Stop
from piuploader.core.media import Holding
from piuploader.core.patience import Action, judge
from piuploader.core.tally import Ending, Reason
from piuploader.ports import Server

log = logging.getLogger(__name__)

# While there is enough to send, questions wait for company.
ASK_FILES = 500
ASK_S = 0.25
# A server that answers 200 to an upload and then lacks the file gets two more chances.
MAX_UNHELD = 2
NO_MORE = 99  # tries, when there is to be no further one


class Clerk:
    """Takes items in, asks the server about them, and decides what follows."""

    def __init__(
        self,
        server: Server,
        *,
        account: Account,
        lifeline: Lifeline,
        stop: Stop,
        send: Callable[[list[Item]], object],
        is_starving: Callable[[], bool],
        is_all: Callable[[int], bool],
        on_held: Callable[[Item], object],
        dry_run: bool,
        restore_trashed: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_starving()`: the senders have nothing to do. `on_held`: this item is safe.

        `is_all(waiting)`: these are all that is left, so no company will come.
        """
        self._server = server
        self._account = account
        self._lifeline = lifeline
        self._stop = stop
        self._send = send
        self._is_starving = is_starving
        self._is_all = is_all
        self._on_held = on_held
        self._dry_run = dry_run
        self._restore_trashed = restore_trashed
        self._clock = clock
        self._inbox: SimpleQueue[list[Item]] = SimpleQueue()
        self._waiting: list[Item] = []
        self._waiting_since = 0.0
        self._has_unchecked = False  # among those that wait: the senders may want them
        self._in_flight: dict[str, Item] = {}  # by checksum: what is being sent
        self.checked = 0
        self.duplicates = 0

    def take(self, items: list[Item]) -> None:
        """Take items in, from any thread."""
        self._inbox.put(items)

    @property
    def waiting(self) -> int:
        """How many items wait for an answer of the server."""
        return len(self._waiting)

    def work(self, patience_s: float) -> None:
        """Wait up to `patience_s` for items, and ask the server if it is time to."""
        if self._waiting:
            patience_s = max(0.0, min(patience_s, self._due_in()))
        try:
            self._receive(self._inbox.get(timeout=patience_s))
        except Empty:
            pass
        else:
            self.receive_all()
        if self._waiting and self._is_time():
            self.ask()

    def ask(self) -> None:
        """Ask about all that waits, now."""
        items, self._waiting = self._waiting, []
        self._has_unchecked = False
        if not items:
            return
        wanted = [each.checksum for each in _with_films(items) if each.checksum]
        answer = self._ask_patiently(wanted)
        if answer is None:
            self._waiting = items  # the run stops; whoever stops it ends them
            return
        to_send: list[Item] = []
        to_restore: list[Item] = []
        for item in items:
            self._decide(item, answer, to_send, to_restore)
        if to_restore:
            self._restore(to_restore)
        if to_send:
            self._send(to_send)
        self._account.flush_if_due()

    def ask_last(self) -> None:
        """Ask about what was sent, now that the senders are at rest, so that it counts."""
        self.receive_all()
        sent = [item for item in self._waiting if item.stage is Stage.SENT]
        rest = [item for item in self._waiting if item.stage is not Stage.SENT]
        self._waiting = sent
        self.ask()
        self._waiting.extend(rest)

    def end_unfinished(self, left: Iterable[Item]) -> None:
        """End what waits for an answer that will not come, and what will not be sent any more."""
        for item in (*left, *self._waiting):
            for each in (item.film, item, *item.twins):
                if each and each.stage is not Stage.ENDED:
                    self._account.end(each, Ending.FAILED, self._stop.reason, self._stop.detail)
        self._waiting = []
        self._account.flush()

    # ---- taking in

    def _receive(self, items: list[Item]) -> None:
        for item in items:
            if item.stage is Stage.GIVEN_UP:
                reason, detail = item.refusal
                self._land(item, held=False)
                self._account.end(item, Ending.FAILED, reason, detail)
            elif item.stage is Stage.FOUND:
                item.stage = Stage.TO_SEND  # a large film: who sends it decides
                self._send([item])
            else:
                if not self._waiting:
                    self._waiting_since = self._clock()
                self._waiting.append(item)
                self._has_unchecked |= item.stage is Stage.IDENTIFIED

    def receive_all(self) -> None:
        """Take in all that was handed over so far."""
        try:
            while True:
                self._receive(self._inbox.get_nowait())
        except Empty:
            pass

    def _is_time(self) -> bool:
        """Tell whether to ask now. What was sent is in no hurry; what may be sent is."""
        return (
            len(self._waiting) >= ASK_FILES
            or self._due_in() <= 0
            or (self._has_unchecked and self._is_starving())
            or self._is_all(len(self._waiting))
        )

    def _due_in(self) -> float:
        return self._waiting_since + ASK_S - self._clock()

    def _ask_patiently(self, checksums: list[str]) -> Mapping[str, Holding] | None:
        """Ask until there is an answer; None if the run stops before."""
        tried = 0
        while True:
            began = self._clock()
            try:
                return self._server.check(checksums)
            except errors.ServerError as error:
                try:
                    away = self._lifeline.check(error, failed_at=began)
                except errors.ServerUnreachable:
                    return None
                tried += not away
                verdict = judge(error, tried=max(1, tried), luck=0.5)
                if verdict.action is not Action.RETRY:
                    self._stop.fail(error, judge(error, tried=NO_MORE, luck=0).reason)
                    return None
                if self._stop.wait(verdict.pause_s):
                    return None

    # ---- deciding

    def _decide(
        self,
        item: Item,
        answer: Mapping[str, Holding],
        to_send: list[Item],
        to_restore: list[Item],
    ) -> None:
        film = item.film if item.stage is Stage.IDENTIFIED else None
        if film and film.stage is Stage.IDENTIFIED:
            self._decide_one(film, answer, to_restore)
        self._decide_one(item, answer, to_restore)
        if item.stage is Stage.TO_SEND:
            to_send.append(item)
            return
        item.film = None  # the still is there or under way already: the film goes its own way
        if film and film.stage is Stage.TO_SEND:
            to_send.append(film)

    def _decide_one(
        self, item: Item, answer: Mapping[str, Holding], to_restore: list[Item]
    ) -> None:
        holding = answer.get(item.checksum or "")
        if holding:
            item.asset_id = holding.asset_id
            if holding.trashed:
                self._trashed(item, to_restore)
            else:
                self._held(item)
        elif item.stage is Stage.SENT:
            self._unheld(item)
        elif self._dry_run:
            self._account.end(item, Ending.SKIPPED, Reason.DRY_RUN)
        else:
            self._missing(item)

    def _held(self, item: Item) -> None:
        fresh = item.stage is Stage.SENT and not item.sent_duplicate
        if not fresh:
            self.duplicates += 1
        self.checked += 1
        self._on_held(item)
        self._land(item, held=True)
        self._account.end(item, Ending.CONFIRMED if fresh else Ending.DUPLICATE)

    def _trashed(self, item: Item, to_restore: list[Item]) -> None:
        if self._restore_trashed and not self._dry_run and not item.restored:
            item.restored = True
            to_restore.append(item)
        else:
            self._land(item, held=False)
            self._account.end(item, Ending.FAILED, Reason.TRASHED)

    def _missing(self, item: Item) -> None:
        self.checked += 1
        checksum = item.checksum or ""
        first = self._in_flight.setdefault(checksum, item)
        if first is item:
            item.flight = checksum
            item.stage = Stage.TO_SEND
        else:
            first.twins.append(item)  # its fate follows that of its twin

    def _unheld(self, item: Item) -> None:
        item.unheld += 1
        log.warning("Sent, but the server lacks it: path=%r", item.file.path)
        if item.unheld > MAX_UNHELD:
            self._land(item, held=False)
            self._account.end(item, Ending.FAILED, Reason.NOT_HELD)
        else:
            item.stage = Stage.TO_SEND

    def _land(self, item: Item, *, held: bool) -> None:
        """Take an item out of the air, and let its twins share its luck, or try their own."""
        if item.flight is not None:
            del self._in_flight[item.flight]
            held = held and item.checksum == item.flight  # it may have changed in between
            item.flight = None
        twins, item.twins = item.twins, []
        for twin in twins:
            if held:
                twin.asset_id = item.asset_id
                self.duplicates += 1
                self._on_held(twin)
                self._account.end(twin, Ending.DUPLICATE)
            else:
                self._receive([twin])

    def _restore(self, items: list[Item]) -> None:
        try:
            self._server.restore([item.asset_id for item in items if item.asset_id])
        except errors.ServerError as error:
            self._account.problem(f"Could not restore from the server's trash: {error}")
        self._waiting_since = self._clock()
        self._waiting.extend(items)  # asked for again: only then are they safe


def _with_films(items: Iterable[Item]) -> Iterable[Item]:
    """Yield items, and the films that they take along and that nobody asked for yet."""
    for item in items:
        yield item
        if item.film and item.film.stage is Stage.IDENTIFIED:
            yield item.film
