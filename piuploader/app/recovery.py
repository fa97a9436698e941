"""Give back what a piuploader took from the server and could not give back itself.

It was killed, the power went, or the server was away when it ended. Every
command that talks to a server calls `recover` first, so does the service at
boot. `piuploader queues resume` calls it by hand.
"""

import logging
from collections.abc import Callable, Collection

from piuploader.core.policy import Holding, in_order, restorations
from piuploader.errors import PermissionMissing, PiUploaderError, ServerRefusedKey, UsageError
from piuploader.ports import Journal, QueueServer

log = logging.getLogger(__name__)


def recover(server: QueueServer, journal: Journal) -> tuple[str, ...]:
    """Give back what dead processes hold, and return what a person should know of it.

    Raises nothing: what cannot be given back now stays written down, and is
    tried again by the next that comes.
    """
    notes: list[str] = []
    try:
        for entry in journal.abandoned():
            left = give_back(server, entry.holding, notes.append)
            entry.settle(left)
    except PiUploaderError as error:
        notes.append(f"What an earlier run paused is not given back yet: {error}")
    for note in notes:
        log.warning("%s", note)
    return tuple(notes)


def give_back(server: QueueServer, holding: Holding, say: Callable[[str], object]) -> Holding:
    """Give back what can be, queue by queue, and return what is left. Raises nothing of ours."""
    try:
        paused = {queue.name for queue in server.queues() if queue.is_paused}
        kept, resumed = set(), []
        for name in in_order(holding.paused):
            if name not in paused:
                continue  # it runs already, or is no more
            try:
                server.resume(name)
                resumed.append(name)
            except PiUploaderError as error:
                kept.add(name)
                say(_still(name, error))
        if resumed:
            say(f"Resumed what an earlier run had paused: {', '.join(resumed)}.")
        changed = holding.changed
        if changed:
            changed = _restore(server, holding, say)
        return Holding(frozenset(kept), changed, holding.theirs)
    except PiUploaderError as error:
        say(_still("what an earlier run paused", error))
        return holding


def _restore(server: QueueServer, holding: Holding, say: Callable[[str], object]) -> tuple[()]:
    back, theirs = restorations(server.settings(), holding.changed)
    if back:
        server.change(back)
        say(f"Put back what an earlier run had lowered: {', '.join(back)}.")
    if theirs:
        say(f"Changed by somebody meanwhile, left as it is: {', '.join(theirs)}.")
    return ()


def _still(what: str, error: PiUploaderError) -> str:
    if isinstance(error, PermissionMissing | ServerRefusedKey):
        return f"Not given back, for the key may not do it any more: {what} ({error})"
    return f"Not given back yet, will be tried again: {what} ({error})"


def resume_by_hand(server: QueueServer, names: Collection[str] | None) -> list[str]:
    """Resume these queues, or all that are paused, because a person says so.

    Raises UsageError for a name that the server does not have.
    """
    queues = {queue.name: queue for queue in server.queues()}
    if unknown := set(names or ()) - queues.keys():
        raise UsageError(
            f"the server has no queue {min(unknown)!r}; it has {', '.join(sorted(queues))}"
        )
    said = []
    for name, queue in queues.items():
        if queue.is_paused and (names is None or name in names):
            server.resume(name)
            said.append(f"Resumed: {name}.")
        elif name in (names or ()):
            said.append(f"Runs already: {name}.")
    return said or ["No queue is paused."]
