"""The reader: scan the drive, and identify its files, ahead of the uploads.

    drive -> listings -> (ledger: known?) -> SHA-1 -> parcels -> clerk

One thread, for one reader is what a drive does best. Photos come first, so
that most of a drive is safe early; films follow, the largest first, so that
none is left running alone at the end. Large films are not read here: who
sends them decides (`core/films.py`).
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from piuploader import errors
from piuploader.app.account import Account
from piuploader.app.item import Bundle, Item, Stage
from piuploader.app.stacking import bundles
from piuploader.app.stop import Stop
from piuploader.app.window import Window
from piuploader.core.films import is_large
from piuploader.core.media import Kind, MediaFile, MediaTypes
from piuploader.core.patience import Action, judge
from piuploader.core.stacks import Wanted
from piuploader.core.tally import Ending
from piuploader.ports import Drive, Known, Ledger, Listing

log = logging.getLogger(__name__)

# Parcels grow from the first, so that the first upload starts at once, to a
# size at which handing them over costs nothing.
FIRST_PARCEL = 4
LARGEST_PARCEL = 256
PARCEL_BYTES = 32 * 1024 * 1024
PARCEL_S = 0.1
# Films put aside until the photos are through; beyond so many they are taken as they come.
MAX_ASIDE = 20_000
NO_MORE = 99  # tries, when there is to be no further one


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader looks at besides a file's bytes."""

    for_stacks: Wanted = Wanted()  # noqa: RUF009  it is frozen
    at_names: bool = False  # for dates


AT_BYTES = Look()


class Parcel(list[Item]):
    """Items handed from one stage to the next in one go."""


class Reader:
    """Turns a drive into parcels of identified items."""

    def __init__(
        self,
        drive: Drive,
        ledger: Ledger,
        types: MediaTypes,
        *,
        account: Account,
        window: Window,
        stop: Stop,
        hand_over: Callable[[Parcel], object],
        send_blindly: bool,
        look: Look = AT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send_blindly`: large films may go to the senders before they are identified."""
        self._drive = drive
        self._ledger = ledger
        self._types = types
        self._account = account
        self._window = window
        self._stop = stop
        self._hand_over = hand_over
        self._send_blindly = send_blindly
        self._look = look
        self._clock = clock
        self._parcel = Parcel()
        self._parcel_bytes = 0
        self._parcel_began = 0.0
        self._parcel_files = FIRST_PARCEL
        self._aside: list[Item] = []
        self.scanned = False  # the scan is over
        self.done = False  # and everything was handed over
        self.read_bytes = 0
        self.read_seconds = 0.0

    def run(self) -> None:
        """Read the whole drive, or until the run stops."""
        try:
            for listing in self._drive.listings(self._types):
                self._account.found(listing)
                self._take(listing)
                if self._stop.pulled:
                    break
            self.scanned = True
            self._aside.sort(key=lambda item: item.file.size, reverse=True)
            for item in self._aside:
                self._take_one(item)
            self._aside.clear()
            self._flush()
        finally:
            self.done = True
            self._hand_over(Parcel())  # who waits for the next one shall not wait in vain

    def _take(self, listing: Listing) -> None:
        start = len(listing.folder) + 1 if listing.folder else 0
        names = [file.path[start:] for file in listing.media] if listing.is_part else None
        known = self._ledger.known(self._drive.identity, listing.folder, names)
        pairs = {still.path: film for still, film in listing.live_pairs if not is_large(film.size)}
        paired = {film.path for film in pairs.values()}
        in_stacks = bundles(listing.media, self._look.for_stacks)
        unchanged: list[Item] = []
        for file in listing.media:
            if paired and file.path in paired:
                continue  # its still takes it along
            item = _item(file, known, start)
            if in_stacks or self._look.at_names:
                self._note(item, in_stacks)
            if pairs and (film := pairs.get(file.path)):
                film_item = _item(film, known, start)
                self._note(film_item, in_stacks)
                self._take_pair(item, film_item)
            elif item.known:
                unchanged.append(item)
            elif file.kind is Kind.VIDEO and not item.known and len(self._aside) < MAX_ASIDE:
                self._aside.append(item)
            else:
                self._take_one(item)
        self._take_unchanged(unchanged)

    def _note(self, item: Item, in_stacks: Mapping[str, Bundle]) -> None:
        """Note what is known of a file besides its bytes."""
        item.bundle = in_stacks.get(item.file.path)
        if self._look.at_names:
            item.named_at = self._drive.named_at(item.file)

    def _take_unchanged(self, items: list[Item]) -> None:
        """Pass on, many at a time, what the ledger knows: on a re-plugged drive that is all."""
        for start in range(0, len(items), LARGEST_PARCEL):
            some = items[start : start + LARGEST_PARCEL]
            if self._stop.pulled:
                for item in some:
                    self._end_unread(item)
                continue
            self._make_room(0)
            self._window.enter(0, files=len(some))
            for item in some:
                item.weight = 0
            self._put(some)

    def _take_one(self, item: Item) -> None:
        for_senders = self._send_blindly and is_large(item.file.size)
        self._enter(item, 0 if for_senders else item.file.size)
        if for_senders or self._identify(item):
            self._put([item])

    def _take_pair(self, still: Item, film: Item) -> None:
        self._enter(film, film.file.size)
        self._enter(still, 0)  # or the two together might never fit
        film_read = self._identify(film)
        still_read = self._identify(still)
        if still_read:
            still.film = film if film_read else None
        if still_read or film_read:
            self._put([still if still_read else film])

    def _enter(self, item: Item, weight: int) -> None:
        if item.known:
            weight = 0
        self._make_room(weight)
        self._window.enter(weight)
        item.weight = weight

    def _make_room(self, weight: int) -> None:
        if not self._window.fits(weight):
            self._flush()  # or we would wait for what we hold in our own hand

    def _identify(self, item: Item) -> bool:
        """Learn the checksum of a file; False if the file ended here, unread."""
        if self._stop.pulled:
            self._end_unread(item)
            return False
        return item.checksum is not None or self._read(item)

    def _end_unread(self, item: Item) -> None:
        self._account.end(item, Ending.FAILED, self._stop.reason, self._stop.detail)

    def _read(self, item: Item) -> bool:
        """Learn the checksum of one file; False if the file ended here, unread."""
        began = self._clock()
        try:
            item.checksum = self._read_patiently(item)
        except errors.DriveError as error:
            reason = judge(error, tried=NO_MORE, luck=0).reason
            if isinstance(error, errors.DriveRemoved):
                self._stop.fail(error, reason)
            log.warning("A file cannot be read: path=%r error=%s", item.file.path, error)
            self._account.end(item, Ending.FAILED, reason, str(error))
            return False
        item.stage = Stage.IDENTIFIED
        item.tried = 0
        self.read_seconds += self._clock() - began
        return True

    def _read_patiently(self, item: Item) -> str:
        while True:
            try:
                return self._drive.checksum(item.file, self._moved)
            except (errors.FileUnreadable, errors.FileChanged) as error:
                item.tried += 1
                verdict = judge(error, tried=item.tried, luck=0.5)
                if verdict.action is not Action.RETRY or self._stop.wait(verdict.pause_s):
                    raise
                item.file = self._drive.refreshed(item.file)

    def _moved(self, count: int) -> None:
        self.read_bytes += count

    def _put(self, items: list[Item]) -> None:
        if not self._parcel:
            self._parcel_began = self._clock()
        self._parcel += items
        for item in items:
            self._parcel_bytes += item.weight
        if self._is_due():
            self._flush()

    def _is_due(self) -> bool:
        return (
            len(self._parcel) >= self._parcel_files
            or self._parcel_bytes >= PARCEL_BYTES
            or (bool(self._parcel) and self._clock() - self._parcel_began >= PARCEL_S)
        )

    def _flush(self) -> None:
        if self._parcel:
            parcel, self._parcel, self._parcel_bytes = self._parcel, Parcel(), 0
            self._parcel_files = min(LARGEST_PARCEL, self._parcel_files * 2)
            self._hand_over(parcel)


def _item(file: MediaFile, known: Mapping[str, Known], start: int) -> Item:
    """Make the item of a file, with its checksum if the ledger knows it unchanged."""
    memory = known.get(file.path[start:])
    if memory:
        size, mtime_ns, checksum = memory
        if size == file.size and mtime_ns == file.mtime_ns:
            return Item(file, checksum, known=True)
    return Item(file)
