"""Run the benchmark: `python -m benchmarks.engine`.

The parts are independent; `--only photos,tls` runs some and keeps what was
measured of the others. Everything that is made or measured is in .cache/bench.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.engine import CACHE, pi, replug, report, rounds, startup
from benchmarks.engine.contenders import Contender, curl, floor, official, ours
from benchmarks.engine.corpora import corpus
from benchmarks.engine.programs import CannotBuild
from benchmarks.engine.rounds import Part
from benchmarks.engine.sink import Wire
from tests.sandbox.peers import Offline

RESULTS = CACHE / "results.json"
UPLOADS = 4
TRIED = (4, 8, 16)  # for the best of @immich/cli
CURVE = (1, 2, 4, 8, 16)


class Bench:
    """How this run of the benchmark is to be."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.scale: float = 0.1 if arguments.quick else 1
        self.rounds: int = arguments.rounds or (2 if arguments.quick else 5)
        self.has_official = _has_official()

    def say(self, line: str) -> None:
        """Tell what goes on."""
        print(line, flush=True)

    def official(self, part: Part) -> list[Contender]:
        """Return @immich/cli at its default and at its best."""
        if not self.has_official:
            return []
        some = [official(uploads) for uploads in TRIED]
        best = rounds.fastest(some, part.corpus, part.wire, self.say)
        return [official(), best]

    def compare(
        self,
        name: str,
        *,
        wire: Wire = Wire(),  # noqa: B008  frozen
        scale: float = 1,
        mine: tuple[int | None, ...] = (UPLOADS,),
        has_floor: bool = True,
    ) -> dict[str, Any]:
        """Compare ours with all peers on a corpus."""
        given = corpus(name, scale=scale * self.scale)
        part = Part(name=name, corpus=given, wire=wire, contenders=())
        peers = [*([floor(UPLOADS)] if has_floor else []), curl(UPLOADS), *self.official(part)]
        contenders = (*(ours(uploads) for uploads in mine), *peers)
        part = Part(name=name, corpus=given, wire=wire, contenders=contenders)
        return {"rows": rounds.play(part, rounds=self.rounds, say=self.say)}

    def as_pi(self) -> dict[str, Any]:
        """Compare ours with @immich/cli on a slow drive, with little memory."""
        given = corpus("mixed", scale=self.scale)
        wire = Wire(bytes_per_s=pi.WIRE_BYTES_PER_S)
        some = [official(), official(UPLOADS)] if self.has_official else []
        part = Part(name="pi", corpus=given, wire=wire, contenders=(ours(UPLOADS), *some))
        with pi.Pi(given) as drive:
            rows = rounds.play(part, rounds=self.rounds, say=self.say, once=drive.send_once)
        return {"rows": rows}

    def known(self) -> dict[str, Any]:
        """Import drives of 100,000 files, and import them again."""
        result = {}
        for layout in ("known", "known-flat"):
            given = corpus(layout, scale=self.scale)
            played = replug.play(given, rounds=self.rounds, say=self.say)
            result[layout] = {"files": given.files, **played}
        return result

    def concurrency(self) -> dict[str, Any]:
        """Try each number of uploads, at once and with 20 ms of delay."""
        given = corpus("photos", scale=0.2 * self.scale)
        result = {}
        for name, wire in (("no delay", Wire()), ("20 ms", Wire(delay_ms=20))):
            makers = [ours, curl, *([official] if self.has_official else [])]
            contenders = [make(uploads) for uploads in CURVE for make in makers]
            part = Part(name=name, corpus=given, wire=wire, contenders=contenders)
            result[name] = rounds.play(part, rounds=min(3, self.rounds), say=self.say)
        return result


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "startup": lambda bench: startup.play(rounds=3 * bench.rounds, say=bench.say),
    "photos": lambda bench: bench.compare("photos"),
    "films": lambda bench: bench.compare("films"),
    "tiny": lambda bench: bench.compare("tiny"),
    "mixed": lambda bench: bench.compare("mixed"),
    "tls": lambda bench: bench.compare("photos", wire=Wire(tls=True), has_floor=False),
    "known": Bench.known,
    "pi": Bench.as_pi,
    "photos-20": lambda bench: bench.compare(
        "photos", wire=Wire(delay_ms=20), scale=0.25, mine=(UPLOADS, None)
    ),
    "photos-100": lambda bench: bench.compare(
        "photos", wire=Wire(delay_ms=100), scale=0.1, mine=(UPLOADS, None)
    ),
    "tiny-20": lambda bench: bench.compare(
        "tiny", wire=Wire(delay_ms=20), scale=0.1, mine=(UPLOADS, None)
    ),
    "tiny-100": lambda bench: bench.compare(
        "tiny", wire=Wire(delay_ms=100), scale=0.02, mine=(UPLOADS, None)
    ),
    "mixed-112": lambda bench: bench.compare("mixed", wire=Wire(bytes_per_s=112e6)),
    "photos-12": lambda bench: bench.compare("photos", wire=Wire(bytes_per_s=12e6), scale=0.05),
    "concurrency": Bench.concurrency,
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, two rounds")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (5)")
    parser.add_argument("--only", default="", metavar="PART,PART", help=", ".join(PARTS))
    parser.add_argument("--save", action="store_true", help="write the tables to RESULTS.md")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    bench = Bench(arguments)
    path = RESULTS.with_stem("quick") if arguments.quick else RESULTS
    results = json.loads(path.read_text()) if path.exists() and arguments.only else {}
    for name in wanted:
        bench.say(f"{name}:")
        try:
            results[name] = PARTS[name](bench)
        except pi.NotHere as error:
            bench.say(f"  left out: {error}")
            results.pop(name, None)
        except CannotBuild as error:
            bench.say(str(error))
            return 1
        results |= {"machine": report.machine(), "when": f"{datetime.now(UTC):%Y-%m-%d}"}
        path.write_text(json.dumps(results))
    print("\n" + report.tables(results))
    if arguments.save:
        report.write(results)
    return 0


def _has_official() -> bool:
    try:
        official()
    except Offline as error:
        print(f"@immich/cli is left out: {error}")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
