"""The sockets of the daemon: what it needs of the importer, the lamps and the world."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Protocol

from piuploader.core.appliance import ApplianceStatus, ServerLook, Vitals
from piuploader.core.drives import FoundDrive
from piuploader.core.signals import Colour, Signal
from piuploader.core.status import ImportStatus


class ImportDrive(Protocol):
    """Imports one mounted drive."""

    def __call__(
        self, folder: Path, *, stop: Event, show: Callable[[ImportStatus], object]
    ) -> ImportStatus:
        """Return the last status, in a phase at rest; raise one of `piuploader.errors`.

        `show` hears where it stands every few seconds, also in a pause. Once
        `stop` is set it ends in order, soon.
        """


class Clean(Protocol):
    """Deletes from one drive what the server surely holds."""

    def __call__(self, drive: FoundDrive, *, stop: Event) -> int:
        """Return how many files were deleted; raise one of `piuploader.errors`."""


LookAtServer = Callable[[], ServerLook]
ReadVitals = Callable[[], Vitals]


class Drives(Protocol):
    """Tells which drives are there."""

    def look(self) -> list[FoundDrive]:
        """Return those that are there now."""

    def wait(self, timeout_s: float) -> None:
        """Return when something may have changed, when woken, or after the time."""

    def wake(self) -> None:
        """End the wait; may be called from any thread and from a signal handler."""


class Lamp(Protocol):
    """One lamp. It is told when to be lit, and in which colour."""

    def light(self, colour: Colour | None) -> None:
        """Be lit in this colour, or dark."""

    def play(self, signal: Signal) -> bool:
        """Play the whole rhythm alone, if the lamp can; else return False."""

    def fill(self, share: float | None) -> None:
        """Show how much is done, 0 to 1, if the lamp has room for it; None: not known."""

    def close(self) -> None:
        """Go dark and give the hardware back."""


class Supervisor(Protocol):
    """systemd, or nobody."""

    def ready(self) -> None:
        """Say that the service has started, or has reloaded its configuration."""

    def reloading(self) -> None:
        """Say that the configuration is being read again."""

    def stopping(self) -> None:
        """Say that the service ends."""

    def say(self, line: str) -> None:
        """Show one line in `systemctl status`."""

    def alive(self) -> None:
        """Feed the watchdog."""


class StatusBoard(Protocol):
    """Where the status is shown to others."""

    def write(self, status: ApplianceStatus) -> None:
        """Show this from now on."""
