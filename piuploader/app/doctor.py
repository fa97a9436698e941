"""Look at everything that an import needs, and name a remedy for each fault.

The order is that of causes: without a configuration there is no address,
without an address no server, without a key no permissions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from piuploader import errors
from piuploader.core.media import MediaTypes
from piuploader.core.permissions import missing
from piuploader.core.server import Storage, User, Version

OLDEST = (2, 0)
NEWEST_KNOWN = (3, 2)
# Made in 2026: a clock that says less was never set. A Pi has no battery for it.
FIRST_YEAR = 2026
CLOCKS_APART_S = 120.0
LOW_SHARE, LOW_BYTES = 0.05, 10_000_000_000
FULL_BYTES = 1_000_000_000
STATE_LOW_BYTES = 100_000_000  # a ledger of 100,000 files has about 30 MB
GB = 1e9


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    level: Level
    says: str
    remedy: str = ""
    exit_code: int = errors.EXIT_OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this machine is like, looked up beforehand. None: could not be told."""

    config_file: str | None
    key_from: str
    warnings: tuple[str, ...]
    state: str
    state_writable: bool
    state_free_bytes: int | None
    now: datetime  # aware
    time_zone: str


class Patient(Protocol):
    """The server, as far as it is looked at."""

    url: str

    def ping(self) -> None:
        """Raise ServerUnreachable if it is not there."""

    def date(self) -> datetime | None:
        """Return its time."""

    def front(self) -> str:
        """Return what stands before it."""

    def version(self) -> Version:
        """Return its version."""

    def media_types(self) -> MediaTypes:
        """Return what it takes."""

    def permissions(self) -> frozenset[str]:
        """Return what the key may do."""

    def me(self) -> User:
        """Return the key's owner."""

    def storage(self) -> Storage:
        """Return its room."""


def examine(machine: Machine, server: Callable[[], Patient]) -> Iterator[Finding]:
    """Yield what is found, in order; `server` is called once, and may raise what is wrong."""
    yield from examine_machine(machine)
    try:
        patient = server()
        patient.ping()
    except errors.PiUploaderError as error:
        yield fault("server", error)
        return
    yield Finding("server", Level.OK, f"an Immich server answers at {patient.url}")
    yield from _each(
        ("version", lambda: _version(patient.version())),
        ("clocks", lambda: _clocks(machine.now, patient.date())),
        ("media types", lambda: _types(patient.media_types())),
        ("proxy", lambda: _proxy(patient.front())),
    )
    yield from examine_key(patient)


def examine_machine(machine: Machine) -> Iterator[Finding]:
    """Yield what is found without a server."""
    if machine.config_file:
        yield Finding("configuration", Level.OK, machine.config_file)
    else:
        yield Finding("configuration", Level.OK, "no file: options and environment only")
    for warning in machine.warnings:
        says, _, remedy = warning.partition(": ")
        yield Finding("configuration", Level.WARN, says, remedy)
    yield _state(machine)
    if machine.now.year < FIRST_YEAR:
        says = f"this machine's clock says {machine.now:%Y-%m-%d}: it was not set since it started"
        yield Finding("clock", Level.FAIL, says, "wait for the time to be synchronised", 75)
    else:
        yield Finding("clock", Level.OK, f"{machine.now:%Y-%m-%d %H:%M} {machine.time_zone}")


def examine_key(patient: Patient) -> Iterator[Finding]:
    """Yield what the key can and cannot do, and what follows for room and quota."""
    try:
        granted = patient.permissions()
    except errors.PiUploaderError as error:
        yield fault("API key", error)
        return
    user: User | None = None
    if granted & {"all", "user.read"}:
        try:
            user = patient.me()
        except errors.PiUploaderError as error:
            yield fault("user", error)
    owner = f", it is {user.name}'s" if user else ""
    yield Finding("API key", Level.OK, f"the server knows it{owner}")
    lacking = missing(granted, is_admin=user.is_admin if user else None)
    for permission in lacking:
        yield Finding(
            "permission",
            Level.FAIL if permission.needed else Level.WARN,
            f"{permission.name} is missing: cannot {permission.gives}",
            f"give the key {permission.name} (Account Settings > API Keys)",
            errors.PermissionMissing.exit_code if permission.needed else errors.EXIT_OK,
        )
    if not lacking:
        yield Finding("permission", Level.OK, "the key has every permission that we can use")
    if granted & {"all", "server.storage"}:
        yield from _each(("storage", lambda: _storage(patient.storage())))
    if user and user.quota_bytes is not None:
        yield _quota(user.quota_bytes, user.used_bytes or 0)


def worst(findings: Sequence[Finding]) -> int:
    """Return the exit code: that of the first failure, for the others may follow from it."""
    return next((found.exit_code for found in findings if found.level is Level.FAIL), 0)


def fault(topic: str, error: errors.PiUploaderError) -> Finding:
    """Return what an error means to a person."""
    remedy = error.hint or "run `piuploader setup`, or correct what is named here"
    return Finding(topic, Level.FAIL, str(error), remedy, error.exit_code)


def _each(*looks: tuple[str, Callable[[], Finding]]) -> Iterator[Finding]:
    for topic, look in looks:
        try:
            yield look()
        except errors.PiUploaderError as error:
            yield fault(topic, error)


def _version(version: Version) -> Finding:
    if version[:2] < OLDEST:
        says = f"Immich {version} lacks calls that we need"
        hint = errors.ServerTooOld.hint
        return Finding("version", Level.FAIL, says, hint, errors.ServerTooOld.exit_code)
    if version[:2] > NEWEST_KNOWN:
        says = f"Immich {version} is newer than this piuploader was tried with (3.2)"
        return Finding("version", Level.WARN, says, "look for an update of piuploader")
    return Finding("version", Level.OK, f"Immich {version}")


def _clocks(ours: datetime, theirs: datetime | None) -> Finding:
    if theirs is None or theirs.tzinfo is None:
        return Finding("clocks", Level.OK, "the server does not tell its time")
    apart_s = (ours - theirs).total_seconds()
    if abs(apart_s) <= CLOCKS_APART_S:
        return Finding("clocks", Level.OK, "this machine and the server agree on the time")
    which = "ahead of" if apart_s > 0 else "behind"
    says = f"this machine's clock is {abs(apart_s) / 60:.0f} minutes {which} the server's"
    return Finding("clocks", Level.WARN, says, "set both by NTP: timedatectl set-ntp true")


def _types(types: MediaTypes) -> Finding:
    says = f"{len(types.image)} kinds of photo and {len(types.video)} kinds of film are taken"
    if types.image and types.video:
        return Finding("media types", Level.OK, says)
    return Finding("media types", Level.FAIL, says, errors.ServerError.hint, 69)


def _proxy(front: str) -> Finding:
    if not front:
        return Finding("proxy", Level.OK, "nothing seems to stand before the server")
    if front == "cloudflare":
        says = "Cloudflare stands before the server and refuses uploads over 100 MB"
        return Finding("proxy", Level.WARN, says, "use the server's address inside the network")
    says = f"a proxy stands before the server ({front}): its limit must exceed your largest film"
    remedy = "for nginx: client_max_body_size 0" if "nginx" in front.lower() else ""
    return Finding("proxy", Level.OK, says, remedy)


def _storage(storage: Storage) -> Finding:
    free, size = storage.available_bytes, storage.size_bytes
    says = f"{free / GB:,.1f} of {size / GB:,.1f} GB are free on the server"
    if free < FULL_BYTES:
        return Finding("storage", Level.FAIL, says, errors.ServerFull.hint, 69)
    if free < min(LOW_BYTES, LOW_SHARE * size):
        return Finding("storage", Level.WARN, says, errors.ServerFull.hint)
    return Finding("storage", Level.OK, says)


def _quota(quota: int, used: int) -> Finding:
    left = max(0, quota - used)
    says = f"{left / GB:,.1f} of {quota / GB:,.1f} GB are left of the user's quota"
    if not left:
        return Finding("quota", Level.FAIL, says, errors.ServerFull.hint, 69)
    level = Level.WARN if left < LOW_SHARE * quota else Level.OK
    return Finding("quota", level, says, errors.ServerFull.hint if level is Level.WARN else "")


def _state(machine: Machine) -> Finding:
    code, hint = errors.LedgerError.exit_code, errors.LedgerError.hint
    if not machine.state_writable:
        return Finding("state", Level.FAIL, f"{machine.state} cannot be written", hint, code)
    free = machine.state_free_bytes
    if free is not None and free < STATE_LOW_BYTES:
        says = f"{free / 1e6:.0f} MB are free where the ledger is ({machine.state})"
        return Finding("state", Level.WARN, says, hint)
    return Finding("state", Level.OK, f"the ledger is in {machine.state}")
