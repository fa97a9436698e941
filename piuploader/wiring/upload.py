"""Run the imports of one command, while somebody watches, and say how they ended."""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from types import FrameType

from piuploader import errors
from piuploader.app.importer import Importer, Outcome
from piuploader.app.observe import Observer
from piuploader.app.yielding import Yielding
from piuploader.config import UploadOptions
from piuploader.core import outlook
from piuploader.core.policy import Policy
from piuploader.core.status import ImportStatus, combined
from piuploader.core.tally import Fate
from piuploader.wiring.desk import Desk

log = logging.getLogger(__name__)


def upload(
    options: UploadOptions,
    observers: Sequence[Observer],
    tell: Callable[[str], object] = lambda _: None,
) -> int:
    """Import the folders of a command, one after the other, and return the exit code.

    `tell` hears, once the account is given, what becomes of the server's queues.
    """

    def on_fate(fate: Fate, root: str) -> None:
        for observer in observers:
            observer.fate(fate, root)

    desk = Desk(options)
    try:
        importers = [desk.importer(folder, on_fate) for folder in options.folders]

        def status() -> ImportStatus:
            return combined([importer.status() for importer in importers])

        for observer in observers:
            observer.begin(status)
        code = errors.EXIT_BUG
        with _stopping(importers) as caught:
            try:
                code = _exit_code(_run(importers), caught)
            finally:
                if desk.yielding:
                    desk.yielding.uploads_over()
                for observer in observers:
                    observer.end(status(), code)
            if desk.yielding and not caught and code in {errors.EXIT_OK, errors.EXIT_SOME_FAILED}:
                _leave(desk.yielding, options, tell, stop=lambda: bool(caught))
    finally:
        _close(desk, tell)
    return code


def _close(desk: Desk, tell: Callable[[str], object]) -> None:
    """Close the desk, and say what became of the server's queues if that was not seen before.

    Who interrupts it leaves the queues to the next start.
    """
    held = desk.yielding is not None and desk.yielding.holds
    with suppress(KeyboardInterrupt):
        desk.close()
    if desk.yielding and held:
        if desk.yielding.holds:
            log.error("%s", outlook.LEFT_TO_NEXT_START)
        elif desk.options.upload.policy == Policy.STAGED.value and not desk.options.queues.stay:
            tell(outlook.LEFT_AT_ONCE)


def _leave(
    yielding: Yielding,
    options: UploadOptions,
    tell: Callable[[str], object],
    *,
    stop: Callable[[], bool],
) -> None:
    """Let the queues have their turn in order, if somebody stays for that."""
    if yielding.holds and options.queues.stay and options.upload.policy == Policy.STAGED.value:
        tell(outlook.STAYING)
        yielding.stay(tell=lambda view: tell(outlook.thumbnails(view)), stop=stop)


def _run(importers: Sequence[Importer]) -> list[Outcome]:
    """Run imports in turn. What stops one for the server's sake, or a person's, stops the rest."""
    outcomes: list[Outcome] = []
    for importer in importers:
        if outcomes and _ends_all(outcomes[-1]):
            importer.stop("not begun: an earlier import was stopped")
        outcomes.append(importer.run())
    return outcomes


def _ends_all(outcome: Outcome) -> bool:
    return outcome.exit_code == errors.EXIT_INTERRUPTED or isinstance(
        outcome.error, errors.ServerError
    )


def _exit_code(outcomes: Sequence[Outcome], caught: Sequence[int]) -> int:
    if signal.SIGTERM in caught:
        return errors.EXIT_TERMINATED
    # The first that went wrong says why; those after it may only have been stopped with it.
    return next((outcome.exit_code for outcome in outcomes if outcome.exit_code), errors.EXIT_OK)


@contextmanager
def _stopping(importers: Sequence[Importer]) -> Iterator[list[int]]:
    """Let SIGINT and SIGTERM end the imports in order; a second one drops what still runs.

    A handler may come at any moment, also while its thread holds a lock that
    stopping needs. So it only notes the signal, and a thread does the rest.
    """
    caught: list[int] = []
    signals: SimpleQueue[int | None] = SimpleQueue()  # its `put` may be interrupted by another

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        signals.put(number)

    def stop() -> None:
        for count, number in enumerate(iter(signals.get, None)):
            for importer in importers:
                importer.stop(f"stopped by {signal.Signals(number).name}")
                if count:
                    importer.drop()

    if current_thread() is not main_thread():
        yield caught
        return
    thread = Thread(target=stop, name="signals", daemon=True)
    thread.start()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield caught
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        signals.put(None)
        thread.join()
