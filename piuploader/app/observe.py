"""Who watches an import: a terminal, a log, a light, another program."""

from collections.abc import Callable
from typing import Protocol

from piuploader.core.status import ImportStatus
from piuploader.core.tally import Fate


class Observer(Protocol):
    """Watches one import. It is told how it goes, and has no say in it."""

    def begin(self, status: Callable[[], ImportStatus]) -> None:
        """Start to watch. `status` gives a fresh snapshot and may be called from any thread."""

    def fate(self, fate: Fate, root: str = "") -> None:
        """Hear how one file ended. Called from the import's own threads: be quick, do not raise.

        `root`: the folder that the file's path is below, absolute.
        """

    def end(self, status: ImportStatus, exit_code: int) -> None:
        """Stop to watch, and tell the account. Called once, also when `begin` never was."""
