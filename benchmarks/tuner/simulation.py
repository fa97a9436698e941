"""Play one scenario second by second, with real files on simulated streams.

Inside a second twenty steps are taken. In each step the sending streams
share the narrowest of drive, processor, link and server; a stream that
has sent its file waits for the answer and then prepares the next. The
weather and the files depend on the seed alone, so that every controller
meets the same ones.
"""

import math
import random
from dataclasses import dataclass, replace

from benchmarks.tuner.world import MB, Scenario, World
from piuploader.core.tuner import Decision, Sample

STEPS = 20
STEP_S = 1.0 / STEPS
THROTTLES_AT_C = 80.0
KILLED_AFTER_S = 4
KILLED_FOR_S = 12.0
PREPARING, SENDING, ANSWERING, WAITING = range(4)


@dataclass(slots=True)
class Stream:
    """One worker of the uploader."""

    state: int = WAITING
    until_s: float = 0.0
    left: float = 0.0
    size: float = 0.0
    bound: float = 1.0
    sent_at_s: float = 0.0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Second:
    """What is remembered of one second for the judgement."""

    uploads: int
    goodput: float
    temperature_c: float
    decision: Decision | None


class Simulation:
    """A world in motion; `second(uploads, pace)` plays one second and returns its sample."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        label = f"{scenario.name.split('~')[0]}/{seed}"
        self._sizes = random.Random(label + "/files")
        self._sky = random.Random(label + "/sky")
        self._luck = random.Random(label + "/luck")
        self.now_s = 0.0
        self._streams: list[Stream] = []
        self._mood = 0.0
        self._fade_until_s = -1.0
        self._server_free_at_s = 0.0
        world = scenario.world
        watts = world.idle_w + 0.1 * (world.full_w - world.idle_w)
        self._fast_c, self._slow_c = watts * world.fast_k_per_w, watts * world.slow_k_per_w
        if world.begins_at_c is not None:
            self._slow_c = world.begins_at_c - world.ambient_c - self._fast_c
        self._short_of_memory_s = 0
        self._dead_until_s = -1.0
        self.temperature_c = world.ambient_c + self._fast_c + self._slow_c
        self.killed = self.refused = self.files = 0
        self.hot_s = self.memory_low_s = 0
        self.history: list[Second] = []

    def second(
        self, uploads: int, pace: float | None, *, drop: bool, decision: Decision | None = None
    ) -> Sample:
        """Play one second with so many uploads and return what was seen."""
        world = self.scenario.at(round(self.now_s))
        link = world.link * self._weather(world)
        clock = 1.0 - 0.12 * max(0.0, min(5.0, self.temperature_c - THROTTLES_AT_C))
        core = clock / world.core_s_per_byte
        most = min(link, world.usable_cores * core, math.inf if pace is None else pace)
        seen = _Counts()
        for _ in range(STEPS):
            self._fill(uploads, drop=drop)
            self._step(world, uploads, most=most, core=core, seen=seen)
            self.now_s += STEP_S
        busy = seen.sent * world.core_s_per_byte / clock + seen.started * world.core_s_per_file
        self._warm(world, busy * clock / world.cores)
        held = [s for s in self._streams if s.state != WAITING]
        self._remember_memory(world, len(held) * world.memory_each)
        self.history.append(Second(uploads, seen.sent, self.temperature_c, decision))
        active = min(len(held), uploads)
        free = world.memory_free - len(held) * world.memory_each
        full = seen.sent > 0.9 * link
        sample = Sample(
            t_s=round(self.now_s, 6),
            uploads_allowed=uploads,
            uploads_active=active,
            uploads_paused=len(held) - active,
            acked_bytes=seen.sent * (1.0 + 0.02 * self._luck.gauss(0.0, 1.0)),
            files_done=seen.done,
            overload_errors=seen.refused,
            connection_errors=seen.lost,
            response_times_s=tuple(seen.answers),
            rtt_s=world.rtt_s + (world.queue_s * min(1.0, uploads / 6.0) if full else 0.0),
            cores=world.cores,
            cpu_cores=min(world.cores, busy + 0.1),
            cpu_own_cores=busy,
            temperature_c=round(self.temperature_c + 0.25 * self._luck.gauss(0.0, 1.0), 1),
            throttled=self.temperature_c >= THROTTLES_AT_C,
            memory_total_bytes=world.memory_total,
            memory_available_bytes=max(4 * MB, free),
            memory_per_upload_bytes=world.memory_each,
            psi_memory=max(0.0, min(1.0, 4.0 * (0.1 - free / world.memory_free))),
            drive_busy=min(1.0, seen.sent / _drive(world, max(1, active))),
        )
        return replace(sample, **dict.fromkeys(self.scenario.blind))

    # --- one step ---

    def _step(
        self, world: World, uploads: int, *, most: float, core: float, seen: "_Counts"
    ) -> None:
        """Play a step: all streams together send at most `most`, each at most what a core can."""
        for place, stream in enumerate(self._streams):
            if stream.state == SENDING and world.is_down:
                self._lose(stream, seen)
            elif stream.state != SENDING and self.now_s >= stream.until_s:
                self._advance(world, stream, uploads, seen, go_on=place < uploads)
        sending = [stream for stream in self._streams[:uploads] if stream.state == SENDING]
        left = len(sending)
        if not left:
            return
        server = world.server / (1.0 + world.server_crowd * (left - 1))
        room = min(most, server, _drive(world, left))
        for stream in sorted(sending, key=lambda s: s.bound):
            rate = min(world.per_connection * stream.bound, core, room / left)
            room -= rate
            left -= 1
            amount = min(stream.left, rate * STEP_S)
            stream.left -= amount
            seen.sent += amount
            if stream.left <= 0.0:
                self._await_answer(world, stream)

    def _await_answer(self, world: World, stream: Stream) -> None:
        """Queue at the server, which does one file at a time."""
        begin = max(self.now_s, self._server_free_at_s)
        self._server_free_at_s = begin + world.server_s_per_file * self._luck.uniform(0.6, 1.4)
        stream.state, stream.sent_at_s = ANSWERING, self.now_s
        stream.until_s = self._server_free_at_s + world.answer_s + world.rtt_s

    def _advance(
        self, world: World, stream: Stream, uploads: int, seen: "_Counts", *, go_on: bool
    ) -> None:
        """Take a stream whose time has come to its next state; a surplus one ends there."""
        if stream.state == PREPARING and not go_on:
            stream.state = WAITING
        elif stream.state == PREPARING:
            if world.is_down:
                self._lose(stream, seen)
                return
            running = sum(s.state in (SENDING, ANSWERING) for s in self._streams[:uploads]) + 1
            beyond = (running - world.refuses_beyond) / world.refuses_beyond
            if beyond > 0.0 and self._luck.random() < min(0.95, 0.6 * beyond):
                seen.refused += 1
                self.refused += 1
                self._back_off(stream)
                return
            stream.state, stream.left, stream.failures = SENDING, stream.size, 0
        elif stream.state == ANSWERING:
            seen.done += 1
            self.files += 1
            seen.answers.append(stream.until_s - stream.sent_at_s)
            stream.state = WAITING
        if stream.state == WAITING and go_on:
            self._prepare(world, stream, seen)

    def _prepare(self, world: World, stream: Stream, seen: "_Counts") -> None:
        stream.state, stream.size = PREPARING, self._size(world)
        stream.bound = math.exp(world.spread * self._luck.gauss(0.0, 1.0))
        seen.started += 1
        first = 3.0 * world.rtt_s if world.rtt_s > 0.01 else world.rtt_s  # the window opens slowly
        stream.until_s = self.now_s + world.core_s_per_file + world.drive_seek_s + first

    def _lose(self, stream: Stream, seen: "_Counts") -> None:
        seen.lost += 1
        self._back_off(stream)

    def _back_off(self, stream: Stream) -> None:
        stream.failures += 1
        stream.state = WAITING
        wait = min(8.0, 2.0**stream.failures) * self._luck.uniform(0.8, 1.2)
        stream.until_s = self.now_s + wait

    def _fill(self, uploads: int, *, drop: bool) -> None:
        if self.now_s < self._dead_until_s:
            for stream in self._streams:
                stream.state, stream.until_s = WAITING, self._dead_until_s
            return
        while len(self._streams) < uploads:
            self._streams.append(Stream(until_s=self.now_s))
        if drop:
            del self._streams[uploads:]

    # --- the surroundings ---

    def _size(self, world: World) -> float:
        dice, kind = self._sizes.random(), 0
        while dice > world.files[kind][0] and kind < len(world.files) - 1:
            dice -= world.files[kind][0]
            kind += 1
        _, median, sigma, largest = world.files[kind]
        return max(2000.0, min(largest, median * math.exp(sigma * self._sizes.gauss(0.0, 1.0))))

    def _weather(self, world: World) -> float:
        keep = math.exp(-1.0 / world.weather_s)
        self._mood = keep * self._mood + math.sqrt(1.0 - keep * keep) * self._sky.gauss(0.0, 1.0)
        begins, length = self._sky.random(), self._sky.uniform(0.5, 1.5)
        if begins < world.fades_per_s:
            self._fade_until_s = self.now_s + world.fade_s * length
        fade = world.fade_depth if self.now_s < self._fade_until_s else 1.0
        return math.exp(world.weather * self._mood) * fade

    def _warm(self, world: World, load: float) -> None:
        watts = world.idle_w + (world.full_w - world.idle_w) * min(1.0, load)
        self._fast_c += (watts * world.fast_k_per_w - self._fast_c) / world.fast_s
        self._slow_c += (watts * world.slow_k_per_w - self._slow_c) / world.slow_s
        self.temperature_c = world.ambient_c + self._fast_c + self._slow_c
        self.hot_s += self.temperature_c >= THROTTLES_AT_C

    def _remember_memory(self, world: World, used: float) -> None:
        self.memory_low_s += world.memory_free - used < 24 * MB
        self._short_of_memory_s = (
            self._short_of_memory_s + 1 if used > 1.1 * world.memory_free else 0
        )
        if self._short_of_memory_s >= KILLED_AFTER_S:
            self._short_of_memory_s = 0
            self.killed += 1
            self._streams = []
            self._dead_until_s = self.now_s + KILLED_FOR_S


@dataclass(slots=True)
class _Counts:
    """What happened in this second."""

    sent: float = 0.0
    done: int = 0
    started: int = 0
    refused: int = 0
    lost: int = 0
    answers: list[float] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.answers = []


def _drive(world: World, readers: int) -> float:
    return world.drive / (1.0 + world.drive_crowd * (readers - 1))
