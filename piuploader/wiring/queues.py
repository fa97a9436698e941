"""Reach the server's queues and settings: for their own commands, and beside an import."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from piuploader.adapters.config_book import ConfigBook
from piuploader.adapters.holdings import Holdings
from piuploader.adapters.host import is_same_host, memory_free_mib, read_host, temperature_c
from piuploader.adapters.immich import ImmichClient, resolve
from piuploader.adapters.immich.admin import ImmichAdmin
from piuploader.app.measure import Vitals
from piuploader.app.recovery import recover
from piuploader.app.yielding import Yielding
from piuploader.config import QueueSettings, Settings, state_folder
from piuploader.core.advice import Facts, Host
from piuploader.core.experiment import ended
from piuploader.core.policy import THUMBNAILS, Limits, Policy
from piuploader.core.prudence import NEVER, NIGHT, QuietHours, night_of, quiet_hours
from piuploader.core.queues import Queue, backlog
from piuploader.errors import PiUploaderError

T = TypeVar("T")

HOUR_S = 3600.0
QUICK_S = (5.0, 20.0)  # seconds to connect, seconds of silence: queues are small


@dataclass(frozen=True, slots=True)
class Reach:
    """A server within reach: what to call, and what this device holds of it."""

    url: str
    client: ImmichClient
    admin: ImmichAdmin
    journal: Holdings
    book: ConfigBook
    notes: tuple[str, ...]  # what the recovery had to say


@contextmanager
def reach(settings: Settings) -> Iterator[Reach]:
    """Open the server that the settings name, and give back first what a dead run left paused."""
    settings.require()
    url = resolve(settings.url, settings.ca_file)
    state = state_folder()
    with ImmichClient(url, settings.key, ca_file=settings.ca_file, timeout_s=QUICK_S) as client:
        admin = ImmichAdmin(client.call)
        with closing(holdings(state, client, settings.config.queues)) as journal:
            book = ConfigBook(state / "config", url)
            yield Reach(url, client, admin, journal, book, recover(admin, journal))


def facts(
    at: Reach, host: Host, classes: frozenset[str], *, thumbnails_per_min: float | None
) -> Facts:
    """Put together what rules may ask about. Raises PermissionMissing if the key may not read."""
    settings = at.admin.settings()
    return Facts(
        classes=classes,
        host=host,
        settings=settings,
        defaults=_or_else(at.admin.defaults, {}),
        behind=backlog(_queues(at)) > 0,
        thumbnails_per_min=thumbnails_per_min,
    )


def own_host(at: Reach) -> Host | None:
    """Return this machine if it is the server's too, None if the server is elsewhere."""
    if not is_same_host(at.url):
        return None
    storage = _or_else(at.client.storage, None)
    return read_host(photos_size_bytes=storage.size_bytes if storage else None)


def own_vitals() -> Vitals:
    """Return how this machine is."""
    return Vitals(temperature_c(), memory_free_mib())


def thumbnails_per_min(at: Reach, *, seconds: float) -> float | None:
    """Measure the pace of thumbnails; None if none are made, or the key may not look."""
    name, every_s = THUMBNAILS, 2.0
    before = _queues(at)
    if not backlog(before, (name,)):
        return None
    begun_s = monotonic()
    after = before
    while monotonic() - begun_s < seconds:
        sleep(every_s)
        after = _queues(at) or after
    jobs = ended(name, before, after)
    return 60 * jobs / (monotonic() - begun_s) if jobs > 0 else None


def _queues(at: Reach) -> tuple[Queue, ...]:
    nothing: tuple[Queue, ...] = ()
    return _or_else(at.admin.queues, nothing)


def _or_else(ask: Callable[[], T], otherwise: T) -> T:
    """Ask for what is good to know; a key that may not, or an old server, is no reason to end."""
    try:
        return ask()
    except PiUploaderError:
        return otherwise


def holdings(state: Path, client: ImmichClient, queues: QueueSettings) -> Holdings:
    """Return the journal of what this device holds of a server."""
    return Holdings(
        state / "queues",
        client.url,
        key_id=_or_else(client.key_id, ""),
        lease_s=queues.lease_h * HOUR_S,
    )


def recovered(client: ImmichClient, *, state: Path, queues: QueueSettings) -> tuple[str, ...]:
    """Give back what a dead run left paused, and return what a person should know of it."""
    if not any((state / "queues").glob("*")):
        return ()  # as a rule: then the server need not be asked who it is
    with closing(holdings(state, client, queues)) as journal:
        return recover(ImmichAdmin(client.call), journal)


def yielding(client: ImmichClient, *, state: Path, policy: str, queues: QueueSettings) -> Yielding:
    """Return what lets the server's queues give way beside an import.

    The client must be its own: another thread uses it. What a dead run left
    paused is given back here, before anything else.
    """
    admin = ImmichAdmin(client.call)
    journal = holdings(state, client, queues)
    recover(admin, journal)
    return Yielding(
        admin,
        journal,
        policy=Policy(policy),
        limits=Limits(lease_s=queues.lease_h * HOUR_S, turn_s=queues.turn_h * HOUR_S),
        clock=monotonic,
        is_quiet=is_quiet(_hours(admin, queues.quiet_hours) if policy != "off" else NEVER),
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
    return _or_else(lambda: night_of(admin.settings()), NIGHT)
