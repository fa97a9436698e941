"""Change a server's settings on a person's word, and undo it exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from piuploader.core.policy import Change, Setting, restorations
from piuploader.errors import ServerError
from piuploader.ports import ConfigBook, ConfigServer


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a change."""

    saved: Path | None  # the whole configuration as it was before
    changed: tuple[Change, ...]  # now as we wanted, the new value in `ours`
    refused: tuple[str, ...] = ()  # keys that the server kept as they were
    theirs: tuple[str, ...] = ()  # keys that somebody changed meanwhile: left alone


def apply(server: ConfigServer, book: ConfigBook, wanted: Mapping[str, Setting]) -> Applied:
    """Set these keys and no other, and return what the server made of it.

    The whole configuration is saved first, and the change is noted before it is
    made: whatever happens then, `undo` knows what to restore.
    """
    before = server.settings()
    if missing := [key for key in wanted if key not in before]:
        raise ServerError(f"the server's configuration has no {missing[0]}")
    changes = [Change(k, before[k], (v,)) for k, v in wanted.items() if before[k] != v]
    if not changes:
        return Applied(None, ())
    saved = book.keep(server.document())
    book.note(changes)
    after = server.change({change.key: change.ours[0] for change in changes})
    took = tuple(change for change in changes if after.get(change.key) == change.ours[0])
    return Applied(saved, took, tuple(c.key for c in changes if c not in took))


def undo(server: ConfigServer, book: ConfigBook) -> Applied | None:
    """Restore the keys of the last change, but those that somebody changed since.

    Returns None if there is nothing to undo.
    """
    changes = book.last()
    if not changes:
        return None
    now = server.settings()
    back, theirs = restorations(now, changes)
    restored = [Change(key, now[key], (was,)) for key, was in back.items()]
    refused: Sequence[Change] = ()
    if back:
        after = server.change(back)
        refused = [change for change in restored if after.get(change.key) != change.ours[0]]
    if not refused:
        book.forget()
    return Applied(
        None,
        tuple(change for change in restored if change not in refused),
        tuple(change.key for change in refused),
        theirs,
    )
