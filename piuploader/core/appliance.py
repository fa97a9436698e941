"""Where the appliance as a whole stands, and the one light that says so.

The daemon makes a new `ApplianceStatus` whenever something changed; lights,
status file and systemd's status line are drawn from it and know nothing else.
"""

from dataclasses import dataclass, field

from piuploader.core.limit import Reason
from piuploader.core.session import Phase, may_remove_drive
from piuploader.core.signals import Light, loudest
from piuploader.core.status import ImportStatus, ServerWork
from piuploader.core.tally import Ending


@dataclass(frozen=True, slots=True)
class ServerLook:
    """What a look at the server showed."""

    reachable: bool
    sentence: str = ""  # what is wrong, if anything is
    needs_person: bool = False  # waiting will not help: a wrong key, too old a server
    work: ServerWork | None = None  # None: the key may not read the queues


@dataclass(frozen=True, slots=True)
class DriveState:
    """One drive that is, or was, plugged in."""

    name: str
    phase: Phase
    sentence: str = ""
    present: bool = True  # False: it was pulled out before its time
    status: ImportStatus | None = None  # None: its import has not begun

    @property
    def may_remove(self) -> bool:
        """Tell whether pulling it out leaves nothing half done."""
        return may_remove_drive(self.phase)


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the box itself is; None where it cannot tell."""

    temperature_c: float | None = None
    throttled: bool | None = None
    under_voltage: bool | None = None
    memory_available_mib: float | None = None


@dataclass(frozen=True, slots=True)
class ApplianceStatus:
    """The whole box at one moment."""

    started: bool = False
    drives: tuple[DriveState, ...] = ()
    server: ServerLook | None = None  # None: not looked yet
    vitals: Vitals = field(default_factory=Vitals)
    problem: str = ""  # a person is needed, whatever the drives do: boot configuration, ledger
    last_error: str = ""

    @property
    def light(self) -> Light:
        """What the lamps show."""
        return light_of(self)

    @property
    def working(self) -> DriveState | None:
        """The drive that is being imported now."""
        return next((each for each in self.drives if each.status and not each.may_remove), None)


def light_of(status: ApplianceStatus) -> Light:
    """Choose the one light that speaks for all drives, the server and the box."""
    lights = [_of_drive(drive, status.server, status.vitals) for drive in status.drives]
    if not status.started:
        lights.append(Light.STARTING)
    if status.problem or (status.server and status.server.needs_person):
        lights.append(Light.FAILED)
    elif status.server and not status.server.reachable:
        lights.append(Light.NO_SERVER)
    return loudest(lights)


def _of_drive(drive: DriveState, server: ServerLook | None, vitals: Vitals) -> Light:
    status = drive.status
    match drive.phase:
        case Phase.IDLE:
            return Light.READY
        case Phase.FAILED:
            return Light.FAILED
        case Phase.INCOMPLETE:
            return Light.INCOMPLETE
        case Phase.COMPLETE:
            if status and not status.media_found:
                return Light.INCOMPLETE  # nothing was found: a person should know before formatting
            return Light.SERVER_WORKS if _is_busy(server) else Light.COMPLETE
        case Phase.PAUSED:
            return Light.WAITING
        case Phase.UPLOADING | Phase.CONFIRMING:
            return _ailing(status, vitals) or Light.UPLOADING
        case _:
            return _ailing(status, vitals) or Light.READING


def _ailing(status: ImportStatus | None, vitals: Vitals) -> Light | None:
    """Tell whether weak power or heat troubles the work; weak power counts before it slows us."""
    limit = status.limit_reason if status else None
    if vitals.under_voltage or limit is Reason.VOLTAGE:
        return Light.WEAK_POWER
    return Light.HOT if limit is Reason.HEAT else None


def _is_busy(server: ServerLook | None) -> bool:
    """Tell whether the server's queues move; a paused queue may wait for ever and is no work."""
    work = server.work if server else None
    return work is not None and bool(work.active or (work.waiting and not work.paused_queues))


def account_sentence(status: ImportStatus) -> str:
    """Say in one sentence how a session ended."""
    tally = status.tally
    sent, there = tally.endings[Ending.CONFIRMED], tally.endings[Ending.DUPLICATE]
    failed = tally.endings[Ending.FAILED]
    if not status.media_found:
        return "no photos or films on this drive"
    files = "1 file is" if tally.safe == 1 else f"{tally.safe} files are"
    said = f"{files} safe on the server: {sent} sent now, {there} there already"
    return f"{said}; {failed} failed" if failed else said


def summary(status: ApplianceStatus) -> str:
    """Say in one line where the box stands, for systemd and the log."""
    working = status.working
    if working and working.status:
        done, total = progress_counts(working.status)
        return f"{working.name}: {working.phase.value}, {done} of {total} files"
    if status.problem:
        return status.problem
    if status.drives:
        return "; ".join(
            f"{each.name}: {each.sentence or each.phase.value}" for each in status.drives
        )
    if status.server and not status.server.reachable:
        return status.server.sentence or "no server"
    return "ready: plug in a drive" if status.started else "starting"


def progress_counts(status: ImportStatus) -> tuple[int, int]:
    """Return how many media files are safe or failed, and how many there are so far."""
    endings = status.tally.endings
    return status.tally.safe + endings[Ending.FAILED], status.media_found


def progress(status: ApplianceStatus) -> float | None:
    """Return the share, 0 to 1, of the bytes that are done; None while nothing is imported."""
    working = status.working
    if not working or not working.status or not working.status.media_bytes:
        return None
    return min(1.0, working.status.settled_bytes / working.status.media_bytes)
