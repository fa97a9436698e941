"""Play the tuner: every second gather a sample, ask, and apply what it says.

The workers tell the `Meter` what they do; the sensors, the kernel's
view of the connections and the timetable are asked through callables.
Time comes from a clock that is handed in, so that a test can play an
hour in a moment; only the thread waits for real seconds.
"""

import csv
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol, TextIO

from piuploader.core.tuner import Decision, Flow, Machine, Sample
from piuploader.core.tuner.record import COLUMNS, as_row, beginning
from piuploader.errors import UsageError

log = logging.getLogger(__name__)

PERIOD_S = 1.0
LEAST_PER_UPLOAD_BYTES = 4e6
"""Buffers in user space and in the kernel; an upload never needs less."""

_MACHINE = tuple(one.name for one in fields(Machine) if one.name != "own_memory_bytes")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the workers told the meter since it was last read."""

    sent_bytes: int = 0
    files_done: int = 0
    overload_errors: int = 0
    connection_errors: int = 0
    response_times_s: tuple[float, ...] = ()


class Meter:
    """Counts what the workers do. All of it may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clear()

    def sent(self, count: int) -> None:
        """Count bytes that were handed to the kernel."""
        with self._lock:
            self._sent += count

    def done(self, response_s: float) -> None:
        """Count a file, answered so long after its last byte."""
        with self._lock:
            self._times.append(response_s)

    def refused(self) -> None:
        """Count a 429, a 5xx, or an answer that never came. Never a 413: that is the file's."""
        with self._lock:
            self._refused += 1

    def lost(self) -> None:
        """Count a connection that was refused, reset or led nowhere."""
        with self._lock:
            self._lost += 1

    def take(self) -> Traffic:
        """Return what was counted, and begin anew."""
        with self._lock:
            times = tuple(self._times)
            traffic = Traffic(self._sent, len(times), self._refused, self._lost, times)
            self._clear()
        return traffic

    def _clear(self) -> None:
        self._sent = self._refused = self._lost = 0
        self._times: list[float] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a sample comes from. What is not given is not known."""

    clock: Callable[[], float]
    traffic: Callable[[], Traffic]
    running: Callable[[], tuple[int, int]]
    """How many uploads are active, and how many are paused."""
    machine: Callable[[float], Machine] = lambda _now_s: Machine()
    flow: Callable[[], Flow] = Flow
    bandwidth_limit: Callable[[], float | None] = lambda: None
    queue_jobs: Callable[[], int | None] = lambda: None
    same_host: bool = False


class Chooser(Protocol):
    """Who decides: the tuner, or what a person set."""

    @property
    def learnt(self) -> int | None:
        """The number of uploads that is worth remembering; None: nothing learnt."""

    def first(self) -> Decision:
        """Return what to run before anything has been measured."""

    def decide(self, sample: Sample) -> Decision:
        """Judge one second and choose for the next."""


@dataclass(slots=True)
class _Memory:
    """How much memory an upload takes, learnt from how ours grows."""

    at_rest: float | None = None
    each: float | None = None

    def learn(self, own: float | None, uploads: int) -> float | None:
        """Return the bytes that one upload takes; None before any ran."""
        if own is None:
            return None
        if uploads == 0 or self.at_rest is None:
            self.at_rest = own if self.at_rest is None else min(self.at_rest, own)
            return self.each
        now = max(LEAST_PER_UPLOAD_BYTES, (own - self.at_rest) / uploads)
        self.each = now if self.each is None else self.each + 0.1 * (now - self.each)
        return self.each


class Tuning:
    """Runs the tuner beside the workers. `learnt` is worth remembering afterwards."""

    def __init__(
        self,
        tuner: Chooser,
        *,
        sources: Sources,
        set_uploads: Callable[[int], object],
        set_pace: Callable[[float | None], object],
        drop_surplus: Callable[[], object] = lambda: None,
        record: Path | None = None,
        period_s: float = PERIOD_S,
    ) -> None:
        self._tuner = tuner
        self._sources = sources
        self._set_uploads = set_uploads
        self._set_pace = set_pace
        self._drop_surplus = drop_surplus
        self._period_s = period_s
        self._memory = _Memory()
        self._stop = Event()
        self._thread: Thread | None = None
        self._failure: Exception | None = None
        self._file, self._rows = _open_record(record)
        self._now_s = sources.clock()
        # The tuner answers to samples, but a person's limit holds from the first byte.
        self.decision = replace(tuner.first(), pace_bytes_per_s=sources.bandwidth_limit())

    @property
    def learnt(self) -> int | None:
        """The number of uploads to begin with next time in the like case; None: nothing learnt."""
        return self._tuner.learnt

    def begin(self) -> None:
        """Apply the first decision, before anything is measured."""
        self._apply(self.decision, before=None)
        if self._rows is not None:
            self._rows(beginning(self._now_s, self.decision))

    def start(self) -> None:
        """Begin, and decide every second in a thread of its own."""
        self.begin()
        self._thread = Thread(target=self._run, name="tuner", daemon=True)
        self._thread.start()

    def tick(self) -> Decision:
        """Gather one sample, decide and apply. The thread calls this; so may a test."""
        sample = self._gather()
        before, self.decision = self.decision, self._tuner.decide(sample)
        if self._rows is not None:
            self._rows(as_row(sample, self.decision))
        self._apply(self.decision, before=before)
        return self.decision

    def close(self) -> None:
        """Stop deciding; the last decision stays in force. Raise what ended the thread early."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._file is not None:
            self._file.close()
            self._file = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001 - raised again in close(), where it is seen
                self._failure = error
                return

    def _gather(self) -> Sample:
        sources = self._sources
        before_s, self._now_s = self._now_s, sources.clock()
        traffic, flow = sources.traffic(), sources.flow()
        machine = sources.machine(self._now_s)
        active, paused = sources.running()
        return Sample(
            t_s=self._now_s,
            dt_s=max(1e-3, self._now_s - before_s),
            uploads_allowed=self.decision.uploads,
            uploads_active=active,
            uploads_paused=paused,
            acked_bytes=float(traffic.sent_bytes if flow.acked_bytes is None else flow.acked_bytes),
            files_done=traffic.files_done,
            overload_errors=traffic.overload_errors,
            connection_errors=traffic.connection_errors,
            response_times_s=traffic.response_times_s,
            rtt_s=flow.rtt_s,
            rtt_base_s=flow.rtt_base_s,
            memory_per_upload_bytes=self._memory.learn(machine.own_memory_bytes, active + paused),
            same_host=sources.same_host,
            queue_jobs=sources.queue_jobs(),
            bandwidth_limit_bytes_per_s=sources.bandwidth_limit(),
            **{name: getattr(machine, name) for name in _MACHINE},
        )

    def _apply(self, decision: Decision, *, before: Decision | None) -> None:
        if before is None or decision.uploads != before.uploads:
            self._set_uploads(decision.uploads)
        if before is None or decision.pace_bytes_per_s != before.pace_bytes_per_s:
            self._set_pace(decision.pace_bytes_per_s)
        if decision.drop_surplus:
            self._drop_surplus()
        if before is None or (decision.uploads, decision.reason) != (before.uploads, before.reason):
            log.debug(
                "tuner decided: uploads=%d pace=%s reason=%s",
                decision.uploads,
                decision.pace_bytes_per_s,
                decision.reason,
            )


def _open_record(
    path: Path | None,
) -> tuple[TextIO | None, Callable[[list[str]], object] | None]:
    if path is None:
        return None, None
    try:
        # A line is written as it comes: the log is wanted most when something breaks.
        file = path.open("w", encoding="utf-8", newline="", buffering=1)
    except OSError as error:
        raise UsageError(f"cannot write the tuner log {path}: {error.strerror}") from error
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    return file, rows.writerow
