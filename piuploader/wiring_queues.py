"""Reach the server's queues and settings: for their own commands, and beside an import."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from piuploader.adapters.holdings import Holdings
from piuploader.adapters.immich import ImmichClient, resolve
from piuploader.adapters.immich.admin import ImmichAdmin
from piuploader.app.recovery import recover
from piuploader.app.yielding import Yielding
from piuploader.config import QueueSettings, Settings, state_folder
from piuploader.core.policy import Limits, Policy
from piuploader.core.prudence import NIGHT, QuietHours, night_of, quiet_hours
from piuploader.errors import PiUploaderError

HOUR_S = 3600.0
QUICK_S = (5.0, 20.0)  # seconds to connect, seconds of silence: queues are small


@dataclass(frozen=True, slots=True)
class Reach:
    """A server within reach: what to call, and what this device holds of it."""

    url: str
    client: ImmichClient
    admin: ImmichAdmin
    journal: Holdings
    state: Path
    notes: tuple[str, ...]  # what the recovery had to say


@contextmanager
def reach(settings: Settings) -> Iterator[Reach]:
    """Open the server that the settings name, and give back first what a dead run left paused."""
    settings.require()
    url = resolve(settings.url, settings.ca_file)
    state = state_folder()
    with ImmichClient(url, settings.key, ca_file=settings.ca_file, timeout_s=QUICK_S) as client:
        admin = ImmichAdmin(client.call)
        with closing(holdings(state, url, settings.config.queues)) as journal:
            yield Reach(url, client, admin, journal, state, recover(admin, journal))


def holdings(state: Path, url: str, queues: QueueSettings) -> Holdings:
    """Return the journal of what this device holds of a server."""
    return Holdings(state / "queues", url, lease_s=queues.lease_h * HOUR_S)


def yielding(client: ImmichClient, *, state: Path, policy: str, queues: QueueSettings) -> Yielding:
    """Return what lets the server's queues give way beside an import.

    The client must be its own: another thread uses it. What a dead run left
    paused is given back here, before anything else.
    """
    admin = ImmichAdmin(client.call)
    journal = holdings(state, client.url, queues)
    recover(admin, journal)
    return Yielding(
        admin,
        journal,
        policy=Policy(policy),
        limits=Limits(lease_s=queues.lease_h * HOUR_S, turn_s=queues.turn_h * HOUR_S),
        clock=monotonic,
        is_quiet=is_quiet(_hours(admin, queues.quiet_hours)),
        storage=client.storage,
    )


def is_quiet(hours: QuietHours) -> Callable[[], bool]:
    """Return a function that tells whether it is that time now, by our clock."""

    def now() -> bool:
        at = datetime.now().astimezone()
        return at.hour * 60 + at.minute in hours

    return now


def _hours(admin: ImmichAdmin, text: str) -> QuietHours:
    """Return the hours that were set, or those of the server, or the usual ones."""
    if text != "auto":
        return quiet_hours(text)
    try:
        return night_of(admin.settings())
    except PiUploaderError:  # the key may not read them, or the server is away just now
        return NIGHT
