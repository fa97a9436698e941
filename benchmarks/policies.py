"""Which policy serves people best: time to unplug, to see the photos, and to be done.

    python -m benchmarks.policies            the table, on the screen
    python -m benchmarks.policies --write    and into benchmarks/RESULTS-policies.md

The sandbox's model of a weak server (uploads and jobs share its cores) runs in virtual time,
and the product's own `Yielding` holds its queues. It is a model: the loads are
plausible, not measured, so only the ratios mean something.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

from piuploader.app.yielding import Yielding
from piuploader.core.policy import Holding, Policy
from piuploader.core.queues import Queue
from piuploader.sandbox.machine import FIXED_AT_ONE, MODELS, QUEUES, Machine

RESULTS = Path(__file__).parent / "RESULTS-policies.md"
PHOTOS, PHOTO_MIB, CONNECTIONS = 2000, 4.0, 4
BACKLOG = {"thumbnailGeneration": 400, "smartSearch": 2200, "faceDetection": 2200, "ocr": 2200}
HEAD = (
    "| policy | safe to unplug | new photos visible | settled "
    "| unplug: off / this | visible: pause / this | settled: off / this |"
)
ABOUT = """\
# What the server's queues do during an import

{photos:,} photos of {mib:g} MiB over {connections} connections, into a server where {jobs:,} jobs
wait ({waiting}). Virtual time, the sandbox's model of the machine, the product's own policy
code. The loads are plausible, not measured: only the ratios mean something.

`pause` is what other uploaders do: all heavy queues wait, then all run at once. `staged` is what
the service does, and `upload --stay`. Ratios above 1 are better than what they compare with.

Made by `python -m benchmarks.policies --write`.
"""
STEP_S, POLL_S = 0.01, 5.0  # an upload takes 0.4 s and more: a coarse step would round it up
CONCURRENCY = {
    "metadataExtraction": 5,
    "thumbnailGeneration": 3,
    "smartSearch": 2,
    "faceDetection": 2,
    "ocr": 1,
    "videoConversion": 1,
}


@dataclass
class Journal:
    """No disk: nobody is killed here."""

    held: Holding = field(default_factory=Holding)

    def write(self, holding):
        self.held = holding

    def others(self):
        return Holding()

    def abandoned(self):
        yield from ()

    def close(self):
        pass


class Server:
    """The model behind the port that the product uses."""

    def __init__(self, kind):
        self.now_s = 0.0
        self.flat = {f"job.{name}.concurrency": n for name, n in CONCURRENCY.items()}
        self.thumbnails_at_s = None
        self._thumbnails = 0
        self.machine = Machine(
            now=0.0,
            model=MODELS[kind],
            concurrency=self._concurrency,
            ml_enabled=lambda: True,
            is_film=lambda _: False,
            done=self._done,
        )
        for name, jobs in BACKLOG.items():
            self.machine.add(name, [None] * jobs)

    def advance(self, seconds):
        self.now_s += seconds
        self.machine.advance(self.now_s)

    def queues(self):
        found = []
        for name in QUEUES:
            counts = self.machine.counts(name)
            is_paused = self.machine.queues[name].is_paused
            found.append(
                Queue(
                    name,
                    is_paused,
                    active=counts.active,
                    waiting=counts.waiting,
                    paused=counts.paused,
                )
            )
        return tuple(found)

    def pause(self, name):
        self.machine.pause(name, paused=True)

    def resume(self, name):
        self.machine.pause(name, paused=False)

    def settings(self):
        return dict(self.flat)

    def change(self, wanted):
        self.flat |= wanted
        return self.settings()

    def _concurrency(self, name):
        if name in FIXED_AT_ONE:
            return 1
        return self.flat.get(f"job.{name}.concurrency", 5)

    def _done(self, queue, _):
        if queue == "thumbnailGeneration":
            self._thumbnails += 1
            if self._thumbnails == PHOTOS:
                self.thumbnails_at_s = self.machine._now  # noqa: SLF001 - between two steps


@dataclass
class Run:
    """One policy on one machine, in seconds."""

    unplug_s: float
    thumbnails_s: float
    settled_s: float


def play(kind, policy):
    """Import 2,000 photos into a server with 7,000 jobs waiting."""
    server = Server(kind)
    yielding = Yielding(server, Journal(), policy=policy, clock=lambda: server.now_s)
    yielding.uploads_begun()
    works, sent, done, unplug_s, next_look_s = {}, 0, 0, None, 0.0
    while True:
        if server.now_s >= next_look_s:
            yielding.look()
            next_look_s = server.now_s + POLL_S
            if unplug_s is not None and server.machine.is_settled() and yielding.idle:
                return Run(unplug_s, server.thumbnails_at_s, server.now_s)
        while len(works) < CONNECTIONS and sent < PHOTOS:
            work = server.machine.begin_upload()
            server.machine.owe(work, size_bytes=int(PHOTO_MIB * 2**20), with_base=True)
            works[sent] = work
            sent += 1
        server.advance(STEP_S if unplug_s is None else POLL_S)
        for number in [n for n, work in works.items() if work.remaining_s <= 0]:
            server.machine.end_upload(works.pop(number))
            server.machine.add("metadataExtraction", [str(number)])
            done += 1
        if done == PHOTOS and unplug_s is None:
            unplug_s = server.now_s
            yielding.uploads_over()


def table(kind):
    """Return the lines of one machine's table."""
    runs = {policy: play(kind, policy) for policy in Policy}
    off, pause = runs[Policy.OFF], runs[Policy.PAUSE]
    lines = [
        f"### {kind}, {MODELS[kind].cores:.0f} cores, Immich on the same machine",
        "",
        HEAD,
        "|---|---|---|---|---|---|---|",
    ]
    for policy, run in runs.items():
        lines.append(
            f"| {policy.value} | {run.unplug_s / 60:.1f} min | {run.thumbnails_s / 60:.1f} min "
            f"| {run.settled_s / 3600:.2f} h | {off.unplug_s / run.unplug_s:.2f}x "
            f"| {pause.thumbnails_s / run.thumbnails_s:.2f}x "
            f"| {off.settled_s / run.settled_s:.2f}x |"
        )
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.name}")
    parser.add_argument("kinds", nargs="*", help="pi4, pi5 (default: both)")
    options = parser.parse_args()
    waiting = ", ".join(f"{jobs:,} {name}" for name, jobs in BACKLOG.items())
    about = ABOUT.format(
        photos=PHOTOS,
        mib=PHOTO_MIB,
        connections=CONNECTIONS,
        jobs=sum(BACKLOG.values()),
        waiting=waiting,
    )
    lines = about.splitlines()
    for kind in options.kinds or ("pi4", "pi5"):
        lines += ["", *table(kind)]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
