"""What we would change at a server, and why: rules as data, evaluated purely.

The rules are in `piuploader/data/advice.toml`, read by an adapter. What is
known of the server's machine comes from the machine itself when it is ours,
from a person's answers, or from the pace of its work; never from our own
processor when the server is elsewhere. What is not known makes no rule true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from piuploader.core.policy import Setting

GIB_MIB = 1024
CLASSES = "ABCDEF"
DISK_BOUND = ("hdd", "sd")


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of the server's machine; None and "" where it is not."""

    cores: int | None = None
    memory_mib: int | None = None
    disk: str = ""  # ssd, hdd or sd
    board: str = ""  # as in "Raspberry Pi 5 Model B Rev 1.0"
    cpu: str = ""  # intel, amd, rk3588, arm
    known_by: str = ""  # how we know, in words
    is_guess: bool = False  # good enough to talk about, not to act on

    @property
    def classes(self) -> frozenset[str]:
        """The classes of the table in `advice.toml`; none where nothing is known."""
        found = {_size_class(self)} if self.memory_mib is not None else set()
        return frozenset(found | ({"F"} if self.disk in DISK_BOUND else set()))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that rules may ask about."""

    classes: frozenset[str]
    host: Host
    settings: Mapping[str, Setting]
    defaults: Mapping[str, Setting] = field(default_factory=dict)
    behind: bool = False  # the server has a backlog
    thumbnails_per_min: float | None = None  # seen now

    @property
    def ml_remote(self) -> bool:
        """Whether machine learning runs on another machine: an address that is no container's."""
        urls = self.settings.get("machineLearning.urls")
        if not isinstance(urls, tuple):
            return False
        hosts = [_host(str(url)) for url in urls]
        return any("." in host and not host.startswith("127.") for host in hosts)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A setting that we would change."""

    setting: str
    now: Setting
    recommended: Setting
    why: str
    source: str
    effect: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to do that no API can."""

    do: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Table:
    """The rules, as the file holds them."""

    rules: Sequence[Mapping[str, Any]]
    advice: Sequence[Mapping[str, Any]]
    about: Sequence[Mapping[str, Any]]
    pace: Sequence[Mapping[str, Any]]


def recommend(table: Table, facts: Facts) -> tuple[Recommendation, ...]:
    """Return what we would change, in the order of the table; nothing that is so already."""
    chosen: dict[str, tuple[Setting, Mapping[str, Any]]] = {}
    caps: dict[str, Mapping[str, Any]] = {}
    for rule in table.rules:
        if not _holds(rule, facts):
            continue
        for key in _keys(rule["setting"], facts.settings):
            if "at_most" in rule:
                caps[key] = rule
            elif (value := _value(rule, key, facts)) is not None:
                chosen[key] = value, rule
    for key, rule in caps.items():
        now = chosen[key][0] if key in chosen else facts.settings[key]
        if isinstance(now, int) and now > rule["at_most"]:
            chosen[key] = rule["at_most"], rule
    return tuple(
        Recommendation(key, facts.settings[key], value, rule["why"], rule["source"], rule["effect"])
        for key, (value, rule) in chosen.items()
        if facts.settings[key] != value
    )


def advise(table: Table, facts: Facts) -> tuple[Advice, ...]:
    """Return what a person should do where no API can."""
    return tuple(
        Advice(entry["do"], entry["why"], entry["source"])
        for entry in table.advice
        if _holds(entry, facts)
    )


def machine(
    table: Table, *, said: str | None, host: Host | None, pace_per_min: float | None
) -> tuple[frozenset[str], Host]:
    """Settle what the server's machine is: a person's word, else what was read, else a guess.

    `host`: read or answered, None where it is not known. `pace_per_min`: of its thumbnails.
    Raises ValueError if `said` is no class.
    """
    if said is not None:
        return classes_of(said), Host(known_by="as you say")
    if host is not None:
        return host.classes, host
    if pace_per_min is not None:
        how = f"a guess from {pace_per_min:.0f} thumbnails a minute"
        return _guess(table, pace_per_min), Host(known_by=how, is_guess=True)
    return frozenset(), Host()


def classes_of(text: str) -> frozenset[str]:
    """Read a person's `C`, `C,F` or `cf`. Raises ValueError."""
    letters = frozenset(text.upper()) - frozenset(", ")
    if not letters or not letters <= frozenset(CLASSES) or len(letters - {"F"}) > 1:
        raise ValueError(f"{text!r} is no class: one of A to E, and F for a hard disk or SD card")
    return letters


def _guess(table: Table, thumbnails_per_min: float) -> frozenset[str]:
    """Guess the class of a server from the pace of its thumbnails."""
    fits = (
        entry["class"]
        for entry in table.pace
        if thumbnails_per_min < entry.get("below_per_min", float("inf"))
    )
    return frozenset(next(fits))


def _size_class(host: Host) -> str:
    """Sort a machine by its memory first, for want of that is what kills.

    A machine sold with 4 GB shows 3.7: the limits lie between the sizes on sale.
    """
    memory_gib = (host.memory_mib or 0) / GIB_MIB
    small_board = any(name in host.board for name in ("Pi Zero", "Pi 3", "Pi 2"))
    if memory_gib < 3.5 or small_board:  # noqa: PLR2004 - under 4 GB
        return "A"
    if memory_gib < 7:  # noqa: PLR2004 - 4 to 6 GB
        return "B"
    if memory_gib < 14:  # noqa: PLR2004 - 8 to 12 GB
        return "C"
    many = (host.cores or 0) >= 8 and host.disk == "ssd"  # noqa: PLR2004 - class E's own words
    return "E" if many else "D"


def _holds(rule: Mapping[str, Any], facts: Facts) -> bool:
    """Tell whether a rule counts: its class, and each of its conditions."""
    if not facts.classes & frozenset(rule["classes"]):
        return False
    return all(_is_so(what, wanted, facts) for what, wanted in rule.get("when", {}).items())


def _is_so(what: str, wanted: Any, facts: Facts) -> bool:
    match what:
        case "disk":
            return facts.host.disk in wanted
        case "cpu":
            return facts.host.cpu in wanted
        case "board":
            return any(facts.host.board.startswith(name) for name in wanted)
        case "behind":
            return facts.behind is wanted
        case "ml_remote":
            return facts.ml_remote is wanted
        case "setting":
            return all(facts.settings.get(key) in values for key, values in wanted.items())
    raise ValueError(f"advice.toml: nothing is known of {what!r}")


def _keys(pattern: str, settings: Mapping[str, Setting]) -> list[str]:
    """Return the settings that a rule names, of those that this server has."""
    return [key for key in settings if fnmatchcase(key, pattern)]


def _value(rule: Mapping[str, Any], key: str, facts: Facts) -> Setting:
    """Return what a rule would set, None where the server does not tell its defaults."""
    if "value" in rule:
        value: Setting = rule["value"]
        return value
    if "default" in rule:
        return facts.defaults.get(key)
    cores = rule["cores"]
    there = facts.host.cores or cores["unknown"]  # the least that the class has
    return int(max(1, min(there - cores["less"], cores["at_most"])))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]
