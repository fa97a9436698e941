"""The sockets of the daemon: what it needs of the importer, the lamps and the world."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from piuploader.core.appliance import ApplianceStatus, ServerLook, Vitals
from piuploader.core.drives import FoundDrive
from piuploader.core.signals import Colour, Signal
from piuploader.core.status import ImportStatus


class Import(Protocol):
    """One import of one drive, to be run once."""

    def run(self) -> ImportStatus:
        """Import, and return the last status, at rest; raise one of `piuploader.errors`."""

    def status(self) -> ImportStatus | None:
        """Return where it stands, from any thread; None before it has reached the server."""

    def stop(self, sentence: str) -> None:
        """Have it end in order, soon; from any thread, also before it runs."""


class Clock(Protocol):
    """The time of day, and whether it can be trusted."""

    def year(self) -> int:
        """Return the year by the system's clock, in UTC."""

    def is_synchronised(self) -> bool:
        """Tell whether a time server was heard."""


BeginImport = Callable[[Path], Import]
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


class Show(Protocol):
    """All lamps together."""

    def show(self, signal: Signal, share: float | None = None) -> None:
        """Play this signal from now on, and show how much is done, 0 to 1."""

    def close(self) -> None:
        """Go dark and give the lamps back."""


class Buzzer(Protocol):
    """Something that beeps."""

    def beep(self, times: int) -> None:
        """Beep so many times and return at once."""


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
