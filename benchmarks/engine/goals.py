"""What was promised, against what was measured: medians over rounds, ratios within a round."""

# ruff: noqa: RUF001  (the sign for "times" is meant)

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.engine.pi import DRIVE_BYTES_PER_S, WIRE_BYTES_PER_S
from benchmarks.engine.rounds import Rows, by_contender, middle, ratio

OURS, OFFICIAL, CURL, FLOOR = "piuploader", "@immich/cli", "curl", "floor"
PEAK_MIB = 45e6 / 2**20
FLAT = 1.15  # the peak of the heaviest corpus against that of the lightest
Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table of goals."""

    what: str
    wanted: str
    measured: float
    met: bool
    unit: str = "×"

    @classmethod
    def at_least(cls, what: str, wanted: float, measured: float, unit: str = "×") -> "Goal":
        """Return a goal where more is better."""
        return cls(what, f"≥ {wanted:g} {unit}".strip(), measured, measured >= wanted, unit)

    @classmethod
    def at_most(cls, what: str, wanted: float, measured: float, unit: str = "×") -> "Goal":
        """Return a goal where less is better."""
        return cls(what, f"≤ {wanted:.3g} {unit}".strip(), measured, measured <= wanted, unit)


def goals(results: Results) -> list[Goal]:
    """Return all goals for which there are measurements."""
    found: list[Goal] = []
    for part, judge in JUDGES.items():
        if part in results:
            found += judge(results[part])
    return found + list(_memory(results))


def of(rows: Rows, who: str) -> Rows:
    """Return the rows of one contender; of several settings, those of the fastest."""
    mine = {name: runs for name, runs in by_contender(rows).items() if name.startswith(who)}
    return min(mine.values(), key=lambda runs: middle(runs, lambda row: row["wall_s"]))


def _against_official(part: str, speed: float, cpu: float | None) -> Callable[..., Iterator[Goal]]:
    def judge(result: Results) -> Iterator[Goal]:
        ours, theirs = of(result["rows"], OURS), of(result["rows"], OFFICIAL)
        what = f"{part}: speed against @immich/cli at its best"
        yield Goal.at_least(what, speed, ratio(theirs, ours, "wall_s"))
        if cpu:
            what = f"{part}: CPU against @immich/cli at its best"
            yield Goal.at_most(what, cpu, ratio(ours, theirs, "cpu_s"))

    return judge


def _cpu_against(part: str, who: str, most: float, named: str) -> Callable[..., Iterator[Goal]]:
    def judge(result: Results) -> Iterator[Goal]:
        ours, theirs = of(result["rows"], OURS), of(result["rows"], who)
        what = f"{part}: CPU against {named}"
        yield Goal.at_most(what, most, ratio(ours, theirs, "cpu_s"))

    return judge


def _speed_against_curl(part: str) -> Callable[..., Iterator[Goal]]:
    def judge(result: Results) -> Iterator[Goal]:
        ours, theirs = of(result["rows"], OURS), of(result["rows"], CURL)
        what = f"{part}: speed against curl, which neither hashes nor checks (an aim)"
        yield Goal.at_least(what, 0.8, ratio(theirs, ours, "wall_s"))

    return judge


def _pi(result: Results) -> Iterator[Goal]:
    ours, theirs = of(result["rows"], OURS), of(result["rows"], OFFICIAL)
    what = "Pi-like: speed against @immich/cli at its best"
    yield Goal.at_least(what, 1.7, ratio(theirs, ours, "wall_s"))
    slower = min(DRIVE_BYTES_PER_S, WIRE_BYTES_PER_S)
    share = middle(ours, lambda row: row["bytes"] / row["wall_s"] / slower * 100)
    yield Goal.at_least("Pi-like: of the slower of drive and wire", 95, share, "%")
    read = middle(ours, lambda row: row["read_ratio"])
    yield Goal.at_most("Pi-like: how often each byte is read", 1.02, read)


def _known(result: Results) -> Iterator[Goal]:
    for layout, name in (("known", "folders of 1,000"), ("known-flat", "one folder")):
        rows = by_contender(result[layout]["rows"])
        what = f"re-plugged ({name}): scan and ledger against find, CPU"
        yield Goal.at_most(what, 2.5, ratio(rows["scan"], rows["find"], "cpu_s"))
        files = result[layout]["files"]
        speed = files / middle(rows["all"], lambda row: row["wall_s"])
        what = f"re-plugged ({name}): with the server's check"
        yield Goal.at_least(what, 20_000, speed, "files/s")
        read = max(row["read_bytes"] for row in rows["scan"])
        yield Goal.at_most(f"re-plugged ({name}): bytes read of files", 0, read, "")


def _startup(result: Results) -> Iterator[Goal]:
    rows = by_contender(result["rows"])
    for asked in ("piuploader --help", "piuploader status"):
        taken = ratio(rows[asked], rows["python and click"], "cpu_s")
        yield Goal.at_most(f"`{asked}` against python and click, CPU", 2.5, taken)


def _memory(results: Results) -> Iterator[Goal]:
    peaks = peaks_mib(results)
    if peaks:
        yield Goal.at_most("peak RSS of any corpus", PEAK_MIB, max(peaks.values()), "MiB")
        if len(peaks) > 1:
            spread = max(peaks.values()) / min(peaks.values())
            yield Goal.at_most("peak RSS, heaviest corpus against lightest", FLAT, spread)


def peaks_mib(results: Results) -> dict[str, float]:
    """Return the highest peak of our process by part."""
    peaks: dict[str, float] = {}
    for part, result in results.items():
        if part == "known":
            for layout in ("known", "known-flat"):
                kib = [row["peak_kib"] for row in result[layout]["rows"] if "peak_kib" in row]
                peaks[f"{layout}, first import"] = result[layout]["first"]["peak_kib"] / 1024
                peaks[f"{layout}, again"] = max(kib) / 1024
        elif part not in {"startup", "concurrency"}:
            mine = [row for row in result["rows"] if row["contender"].startswith(OURS)]
            peaks[part] = max(row["peak_mib"] for row in mine)
    return peaks


def _all(*judges: Callable[..., Iterator[Goal]]) -> Callable[[Results], list[Goal]]:
    return lambda result: [goal for judge in judges for goal in judge(result)]


JUDGES: dict[str, Callable[[Results], list[Goal]]] = {
    "photos": _all(
        _against_official("photos", 5, 0.2),
        _cpu_against("photos", FLOOR, 1.3, "a C program that reads, hashes and sends"),
        _speed_against_curl("photos"),
    ),
    "films": _all(
        _against_official("films", 4.5, 0.25),
        _cpu_against("films", FLOOR, 1.15, "a C program that reads, hashes and sends"),
    ),
    "tiny": _all(
        _against_official("tiny", 7, 0.15),
        _cpu_against("tiny", CURL, 1.2, "curl, per file"),
    ),
    "pi": _all(_pi),
    "known": _all(_known),
    "tls": _all(
        _against_official("TLS, photos", 4, None),
        _cpu_against("TLS, photos", CURL, 1.3, "curl over TLS"),
    ),
    "startup": _all(_startup),
}
