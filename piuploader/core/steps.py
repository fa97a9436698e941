"""What an import would do with each file: the fates of a dry run, put in the words of a plan."""

from enum import Enum
from typing import NamedTuple

from piuploader.core.labels import Labels
from piuploader.core.tally import Ending, Fate, Reason


class Action(Enum):
    """What would be done with a file."""

    UPLOAD = "upload"
    SAME = "same"  # its bytes are those of a file that is uploaded: once is enough
    THERE = "there"  # on the server already
    RESTORE = "restore"  # taken out of the server's trash
    SKIP = "skip"
    FAIL = "fail"


# What is safe in the end, and gets its albums and tags.
SAFE = frozenset({Action.UPLOAD, Action.SAME, Action.THERE, Action.RESTORE})


class Step(NamedTuple):
    """What would be done with one file, and what it gets."""

    fate: Fate
    action: Action
    same_as: str | None = None  # path of the file with the same bytes
    albums: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Steps:
    """Turns the fates of a dry run into steps. For one thread at a time."""

    def __init__(self, labels: Labels, *, restore_trashed: bool) -> None:
        self._labels = labels
        self._restore_trashed = restore_trashed
        self._uploads: dict[bytes, str] = {}  # SHA-1 -> path

    def step(self, fate: Fate) -> Step:
        """Return what would be done with a file that ended so in a dry run."""
        action, same_as = self._action(fate)
        if action not in SAFE:
            return Step(fate._replace(cover=None), action)
        if action is not Action.UPLOAD:
            fate = fate._replace(named_at=None)  # nothing is sent
        labels = self._labels
        return Step(fate, action, same_as, labels.albums(fate.path), labels.tags(fate.path))

    def _action(self, fate: Fate) -> tuple[Action, str | None]:
        match fate.ending, fate.reason:
            case Ending.DUPLICATE | Ending.CONFIRMED, _:
                return Action.THERE, None
            case Ending.SKIPPED, Reason.DRY_RUN:
                return self._upload(fate)
            case Ending.SKIPPED, _:
                return Action.SKIP, None
            case Ending.FAILED, Reason.TRASHED if self._restore_trashed:
                return Action.RESTORE, None
        return Action.FAIL, None

    def _upload(self, fate: Fate) -> tuple[Action, str | None]:
        checksum = bytes.fromhex(fate.checksum or "")
        first = self._uploads.setdefault(checksum, fate.path)
        return (Action.UPLOAD, None) if first == fate.path else (Action.SAME, first)
