"""Stack on the server what belongs together, once all of it is safe there.

It has a thread and a connection of its own, so that no upload waits for it.
Each stack is looked up before: what a person arranged stays as it is.

    on the server              what is done
    none of it in a stack      it is stacked
    all of it in one stack     nothing
    some of it in one stack    the rest is added, the cover stays
    in several stacks          nothing: a person did that
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Queue
from threading import Thread
from typing import Protocol

from piuploader import errors
from piuploader.app.item import Bundle, Item
from piuploader.core.media import MediaFile
from piuploader.core.server import Stack
from piuploader.core.stacks import Wanted, find

# Stacks that wait to be made, some 300 bytes each. Beyond, it is the clerk that waits.
MOST_WAITING = 10_000


class Stacks(Protocol):
    """The stacks of a server."""

    def stack_of(self, asset_id: str) -> Stack | None:
        """Return the stack that an asset is in."""

    def create_stack(self, asset_ids: Sequence[str]) -> None:
        """Make a stack, the first is its cover. A stack whose cover is among them joins it."""

    def close(self) -> None:
        """Hang up."""


def bundles(media: Iterable[MediaFile], wanted: Wanted) -> Mapping[str, Bundle]:
    """Return the stacks among the files of one folder, by the path of each file in one."""
    found: dict[str, Bundle] = {}
    for stack in find(media, wanted):
        bundle = Bundle(tuple(file.path for file in stack))
        found |= dict.fromkeys(bundle.paths, bundle)
    return found


class Stacker:
    """Collects what is safe, and makes each stack as soon as it is complete."""

    def __init__(
        self, server: Stacks, *, problem: Callable[[str], object], is_stopped: Callable[[], bool]
    ) -> None:
        """`server` is for this stacker alone, and is closed by it."""
        self._server = server
        self._problem = problem
        self._is_stopped = is_stopped
        self._complete: Queue[list[str] | None] = Queue(MOST_WAITING)
        self._again: list[list[str]] = []
        self._thread: Thread | None = None
        self._bug: BaseException | None = None

    def add(self, item: Item) -> None:
        """Take an item that the server holds."""
        bundle = item.bundle
        if bundle is None or item.asset_id is None:
            return
        bundle.held[item.file.path] = item.asset_id
        if len(bundle.held) == len(bundle.paths):
            ids = list(dict.fromkeys(bundle.held[path] for path in bundle.paths))
            if len(ids) > 1:  # the same bytes are one asset
                self._complete.put(ids)
                self._start()

    def flush(self) -> None:
        """Make the stacks that are left, unless the run was stopped. Nothing may be added then."""
        self._complete.put(None)
        if self._thread:
            self._thread.join()
        else:
            self._server.close()
        if self._bug:
            raise self._bug

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="stacker", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - a bug must end the run, not this thread
            self._bug = error
            for _ in iter(self._complete.get, None):
                pass  # nobody shall wait for room
        finally:
            self._server.close()

    def _work(self) -> None:
        for ids in iter(self._complete.get, None):
            if self._is_stopped() or self._try(ids):
                self._again.append(ids)
        error: errors.ServerError | None = None
        undone = 0
        for ids in self._again:  # the server may have been away or busy
            hopeless = isinstance(error, errors.ServerUnreachable | errors.ServerRefusedKey)
            if not hopeless and not self._is_stopped():
                failed = self._try(ids)
                if failed is None:
                    continue
                error = failed
            undone += 1
        if undone:
            stacks = "1 stack was" if undone == 1 else f"{undone} stacks were"
            why = str(error) if error else "the run was stopped"
            self._problem(
                f"Photos are safe, but {stacks} not made: {why}. The next import makes them."
            )

    def _try(self, ids: Sequence[str]) -> errors.ServerError | None:
        try:
            self._stack(ids)
        except errors.ServerError as error:
            return error
        return None

    def _stack(self, ids: Sequence[str]) -> None:
        first = self._server.stack_of(ids[0])
        if first and first.size >= len(ids):
            return  # one question is enough where all was done before
        found = [first, *(self._server.stack_of(each) for each in ids[1:])]
        there = {stack.id: stack for stack in found if stack}
        if not there:
            self._server.create_stack(ids)
        elif len(there) == 1 and not all(found):
            (stack,) = there.values()
            rest = [each for each, in_one in zip(ids, found, strict=True) if not in_one]
            self._server.create_stack([stack.cover, *rest])
