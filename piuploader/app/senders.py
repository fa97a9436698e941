"""The senders: a number of uploads at a time, each over its own connection.

    clerk -> queue -> senders -> (sent) -> clerk

A failure is met by the table in `core/patience.py`. What is to be tried again
waits in a heap until its time comes; meanwhile its sender takes another file.
"""

import logging
import random
import time
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread

from piuploader import errors
from piuploader.app.account import Account
from piuploader.app.gate import PAUSE_BYTES, Aborted, Gate
from piuploader.app.item import Item, Stage
from piuploader.app.lifeline import Lifeline
from piuploader.app.outbox import Outbox
from piuploader.app.packing import pack
from piuploader.app.stop import Stop
from piuploader.app.tuning import Meter
from piuploader.core.media import Receipt, Upload
from piuploader.core.patience import HOPELESS, Action, is_about_server, judge
from piuploader.core.status import Transfer
from piuploader.core.tally import Reason
from piuploader.ports import Drive, Wire

log = logging.getLogger(__name__)

MAX_SENDERS = 64
HAND_OVER_FILES = 32
HAND_OVER_S = 0.05
NO_MORE = 99  # tries, when there is to be no further one
GRACE_S = 5.0  # what running uploads get to finish when the run stops


class Senders:
    """Threads that take items from a queue and send them."""

    def __init__(
        self,
        drive: Drive,
        wires: Callable[[], Wire],
        *,
        gate: Gate,
        account: Account,
        lifeline: Lifeline,
        stop: Stop,
        hand_over: Callable[[list[Item]], object],
        hash_first: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hash_first()`: tell, for a large film, whether to ask the server before it is sent."""
        self._drive = drive
        self._new_wire = wires
        self._gate = gate
        self._account = account
        self._lifeline = lifeline
        self._stop = stop
        self._hand_over = hand_over
        self._hash_first = hash_first
        self._clock = clock
        self._outbox = Outbox(clock)
        self.meter = Meter()
        self._threads: list[Thread] = []
        self._staffing = Lock()
        self._given_up_in_a_row = 0
        self.wires: dict[int, Wire] = {}
        self.busy: dict[int, tuple[Item, int]] = {}  # sender -> its item, bytes sent of it
        self.sent_bytes: list[int] = []  # by sender, so that none needs a lock
        self._last_moved: dict[int, float] = {}  # sender -> when it last had bytes to send

    def put(self, items: list[Item]) -> None:
        """Queue items to be sent, in this order."""
        self._outbox.put(items)
        self.staff()

    def staff(self) -> None:
        """Have as many threads as the gate lets through, if there is work for them."""
        with self._staffing:
            most = min(self._gate.width, MAX_SENDERS, len(self._threads) + self._outbox.unattended)
            while len(self._threads) < most:
                number = len(self._threads)
                self.sent_bytes.append(0)
                thread = Thread(target=self._run, args=(number,), name=f"sender-{number}")
                thread.daemon = True
                self._threads.append(thread)
                thread.start()

    @property
    def queued(self) -> int:
        """How many items wait to be sent, or to be tried again."""
        return len(self._outbox)

    @property
    def total_sent_bytes(self) -> int:
        """Bytes sent by all senders."""
        return sum(self.sent_bytes)

    def transfers(self) -> tuple[Transfer, ...]:
        """Return the uploads that run now."""
        return tuple(
            Transfer(item.file.path, item.file.size, sent, number in self._gate.paused)
            for number, (item, sent) in sorted(self.busy.copy().items())
        )

    def close(self) -> None:
        """Stop: running uploads get a moment to end, and are broken off then."""
        self._gate.close()
        self._outbox.close()
        deadline = self._clock() + GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock()))
        self._gate.drop()
        for number, thread in enumerate(self._threads):
            if thread.is_alive() and (wire := self.wires.get(number)):
                wire.abort()
            thread.join()

    def drop(self) -> None:
        """Break off running uploads now, from any thread. Nothing is sent any more."""
        self._gate.drop()
        for wire in self.wires.copy().values():
            wire.abort()

    def drain(self) -> list[Item]:
        """Return what was not sent, once the senders are closed."""
        return self._outbox.drain()

    # ---- one sender

    def _run(self, number: int) -> None:
        done: list[Item] = []
        try:
            wire = self.wires[number] = self._new_wire()
            since = self._clock()
            flush = partial(self._flush, done)
            while self._gate.admit(number, before_waiting=flush):
                item = self._outbox.take(before_waiting=flush)
                if item is None:
                    break
                if item.file.size > PAUSE_BYTES:
                    flush()  # it may take long
                self._send(item, wire, number, done)
                now = self._clock()
                if len(done) >= HAND_OVER_FILES or now - since > HAND_OVER_S or not self._outbox:
                    self._flush(done)
                    since = now
        except BaseException as error:  # noqa: BLE001 - a bug must end the run, not one thread of it
            self._stop.fail(error)
        finally:
            self._flush(done)
            if number in self.wires:
                self.wires[number].close()

    def _flush(self, done: list[Item]) -> None:
        if done:
            self._hand_over(done.copy())
            done.clear()

    def _send(self, item: Item, wire: Wire, number: int, done: list[Item]) -> None:
        film = item.film
        if film and film.stage is Stage.TO_SEND:
            hidden = self._drive.is_live_photo(item.file, film.file)
            self._try(film, wire, number, done, hidden=hidden, carrier=item)
            if film.stage is Stage.TO_SEND:
                return  # the film is to be tried again, and its still after it
        self._try(item, wire, number, done, hidden=False, carrier=item)

    def _try(
        self, item: Item, wire: Wire, number: int, done: list[Item], *, hidden: bool, carrier: Item
    ) -> None:
        """Send one item; if it fails, the carrier is what waits for its next turn."""
        began = self._clock()
        try:
            if item.checksum is None and self._hash_first():
                self._identify(item, done)
                return
            upload = pack(item, self._drive, hidden=hidden, problem=self._account.problem)
            receipt = self._transfer(upload, item, wire, number)
        except Aborted:
            self._outbox.put_back(carrier)
        except errors.PiUploaderError as error:
            self._failed(item, error, began, done, carrier=carrier)
        else:
            item.checksum = receipt.checksum
            item.asset_id = receipt.asset_id
            item.sent_duplicate = receipt.duplicate
            item.stage = Stage.SENT
            self._account.sent(item)
            self._given_up_in_a_row = 0
            self.meter.done(self._clock() - self._last_moved.get(number, began))
            done.append(item)
        finally:
            self.busy.pop(number, None)

    def _transfer(self, upload: Upload, item: Item, wire: Wire, number: int) -> Receipt:
        moved = self._gate.moved
        clock, last_moved = self._clock, self._last_moved
        sent_bytes, busy = self.sent_bytes, self.busy
        so_far = 0

        def count(size: int) -> None:
            nonlocal so_far
            moved(number, size, upload.size - so_far)
            so_far += size
            last_moved[number] = clock()
            sent_bytes[number] += size
            busy[number] = (item, so_far)

        busy[number] = (item, 0)
        return wire.send(upload, count)

    def _identify(self, item: Item, done: list[Item]) -> None:
        """Read a large film before it is sent, and let the clerk ask for it."""
        item.checksum = self._drive.checksum(item.file, lambda _: self._end_if_stopped())
        item.stage = Stage.IDENTIFIED
        done.append(item)

    def _end_if_stopped(self) -> None:
        if self._stop.pulled:
            raise Aborted

    # ---- failures

    def _failed(
        self,
        item: Item,
        error: errors.PiUploaderError,
        began: float,
        done: list[Item],
        *,
        carrier: Item,
    ) -> None:
        if self._stop.pulled:
            self._outbox.put_back(carrier)
            return
        self._count(error)
        if isinstance(error, errors.FileUnreadable) and not self._drive.is_present():
            error = errors.DriveRemoved(f"the drive is gone: {error}")
        try:
            if is_about_server(error) and self._lifeline.check(error, failed_at=began):
                self._outbox.put_later(carrier, 0.0)  # not this file's fault
                return
        except errors.ServerUnreachable:
            self._outbox.put_back(carrier)
            return
        item.tried += 1
        verdict = judge(error, tried=item.tried, luck=random.random())  # noqa: S311 - only jitter
        if verdict.action is Action.RETRY:
            log.info("Will try again: path=%r tried=%d error=%s", item.file.path, item.tried, error)
            if isinstance(error, errors.FileChanged):
                self._refresh(item)
            self._outbox.put_later(carrier, verdict.pause_s)
        elif verdict.action is Action.STOP:
            self._stop.fail(error, verdict.reason)
            self._outbox.put_back(carrier)
        else:
            self._give_up(item, verdict.reason, error, done)

    def _count(self, error: errors.PiUploaderError) -> None:
        """Tell the tuner of failures that say something about the server or the way to it."""
        if isinstance(error, errors.ServerBusy):
            self.meter.refused()
        elif isinstance(error, errors.ServerUnreachable):
            self.meter.lost()

    def _refresh(self, item: Item) -> None:
        """Look at a changed file anew; it is then read while it is sent."""
        try:
            item.file = self._drive.refreshed(item.file)
            item.checksum = None
        except errors.FileUnreadable:
            item.tried = NO_MORE

    def _give_up(
        self, item: Item, reason: Reason, error: errors.PiUploaderError, done: list[Item]
    ) -> None:
        log.warning("Not sent: path=%r error=%s", item.file.path, error)
        if reason is Reason.GAVE_UP:
            self._given_up_in_a_row += 1
            if self._given_up_in_a_row >= HOPELESS:
                hopeless = errors.ServerError(f"the server fails every upload, lately with {error}")
                self._stop.fail(hopeless, reason)
        item.stage = Stage.GIVEN_UP
        item.refusal = (reason, str(error))
        done.append(item)
