"""The server's machine: job queues that take time, and a CPU that they share.

A model in continuous time, without sleeping: `advance(now)` plays all that
happened since the last call, from one finished job to the next. Each job
has an amount of work (seconds on an idle machine) and wants a number of
cores. While everything together wants more cores than there are, all of it
slows down in proportion: that is how thumbnails starve an upload, and how
pausing them frees it. Without a CPU model there is always a free core.

The way of an asset (Immich's own order):

    metadataExtraction → storageTemplateMigration → thumbnailGeneration
        → smartSearch → duplicateDetection
        → faceDetection → facialRecognition
        → ocr
        → videoConversion (films)
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

QUEUES = (
    "thumbnailGeneration",
    "metadataExtraction",
    "videoConversion",
    "faceDetection",
    "facialRecognition",
    "smartSearch",
    "duplicateDetection",
    "backgroundTask",
    "storageTemplateMigration",
    "migration",
    "search",
    "sidecar",
    "library",
    "notifications",
    "backupDatabase",
    "ocr",
    "workflow",
    "integrityCheck",
    "editor",
)
FIXED_AT_ONE = frozenset(
    {"facialRecognition", "storageTemplateMigration", "duplicateDetection", "backupDatabase"}
)
NEEDS_ML = frozenset(
    {"smartSearch", "faceDetection", "ocr", "facialRecognition", "duplicateDetection"}
)
FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "metadataExtraction": ("storageTemplateMigration",),
    "storageTemplateMigration": ("thumbnailGeneration",),
    "thumbnailGeneration": ("smartSearch", "faceDetection", "ocr", "videoConversion"),
    "smartSearch": ("duplicateDetection",),
    "faceDetection": ("facialRecognition",),
}
_ENDS_AT_ONCE_S = 0.001
_NEVER = math.inf


class Load(NamedTuple):
    """What one job takes on an idle machine: seconds, and the cores that it keeps busy."""

    seconds: float
    cores: float


_FREE = Load(0.0, 1.0)
# Shares are plausible, not measured: the ratios between them are what matters.
LIGHT = Load(0.02, 0.5)
QUICK: Mapping[str, Load] = {
    "metadataExtraction": Load(0.02, 0.5),
    "storageTemplateMigration": Load(0.002, 0.2),
    "thumbnailGeneration": Load(0.1, 1.3),
    "smartSearch": Load(0.1, 2.0),
    "faceDetection": Load(0.1, 2.0),
    "ocr": Load(0.15, 2.5),
    "videoConversion": Load(1.0, 4.0),
}
PI4: Mapping[str, Load] = {
    "metadataExtraction": Load(0.15, 0.5),
    "storageTemplateMigration": Load(0.01, 0.2),
    "thumbnailGeneration": Load(1.0, 1.33),
    "smartSearch": Load(1.5, 2.0),
    "faceDetection": Load(1.5, 2.0),
    "ocr": Load(2.5, 2.5),
    "facialRecognition": Load(0.1, 0.5),
    "duplicateDetection": Load(0.02, 0.5),
    "videoConversion": Load(30.0, 4.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A kind of machine. Without `cores` nothing ever waits for a core."""

    cores: float = _NEVER
    loads: Mapping[str, Load] = field(default_factory=lambda: QUICK)
    upload: Load = _FREE
    upload_s_per_mib: float = 0.0


MODELS: Mapping[str, Model] = {
    "off": Model(),
    # 2,000 photos of 3 MiB take 3.7 minutes over 4 connections, and 4 times that beside all jobs.
    "pi4": Model(cores=4, loads=PI4, upload=Load(0.3, 1.0), upload_s_per_mib=0.02),
    "pi5": Model(
        cores=4,
        loads={name: Load(load.seconds / 2.6, load.cores) for name, load in PI4.items()},
        upload=Load(0.115, 1.0),
        upload_s_per_mib=0.008,
    ),
}


@dataclass(slots=True, eq=False)  # two uploads that look alike are two uploads
class Work:
    """Something that runs: a job, or an upload being received."""

    remaining_s: float
    cores: float
    asset_id: str | None = None


@dataclass(slots=True)
class Queue:
    """One of the server's queues."""

    is_paused: bool = False
    waiting: deque[str | None] = field(default_factory=deque)
    active: list[Work] = field(default_factory=list)


class Counts(NamedTuple):
    """Immich's six counts, less failed and completed, which stay 0."""

    active: int
    waiting: int
    paused: int
    delayed: int = 0


class Machine:
    """The queues and the CPU, played forward in time."""

    def __init__(
        self,
        *,
        now: float,
        model: Model,
        concurrency: Callable[[str], int],
        ml_enabled: Callable[[], bool],
        is_film: Callable[[str], bool],
        done: Callable[[str, str], None],
        names: Iterable[str] = QUEUES,
    ) -> None:
        self.queues = {name: Queue() for name in names}
        self._now = now
        self._model = model
        self._concurrency = concurrency
        self._ml_enabled = ml_enabled
        self._is_film = is_film
        self._done = done
        self._uploads: list[Work] = []

    def advance(self, now: float) -> None:
        """Play everything that happens until `now`."""
        while True:
            self._start_waiting()
            works = self._running()
            speed = self.speed()
            step_s = min((work.remaining_s for work in works), default=_NEVER) / speed
            left_s = now - self._now
            if step_s > left_s:
                break
            self._pass(works, step_s * speed)
            self._now += step_s
            self._finish()
        if left_s > 0:
            self._pass(works, left_s * speed)
            self._now = now

    def speed(self) -> float:
        """Return how fast everything runs: 1 on a machine with a core for each."""
        wanted = sum(work.cores for work in self._running())
        return min(1.0, self._model.cores / wanted) if wanted else 1.0

    def add(self, queue: str, asset_ids: Iterable[str | None]) -> None:
        """Put jobs at the end of a queue; None is a job for nothing that we know."""
        self.queues[queue].waiting.extend(asset_ids)

    def pause(self, queue: str, *, paused: bool) -> None:
        """Pause or resume a queue. What is active goes on."""
        self.queues[queue].is_paused = paused

    def empty(self, queue: str) -> None:
        """Drop all that waits in a queue."""
        self.queues[queue].waiting.clear()

    def counts(self, queue: str) -> Counts:
        """Count a queue as Immich does: a paused queue's jobs are paused, not waiting."""
        one = self.queues[queue]
        idle = len(one.waiting)
        if one.is_paused:
            return Counts(active=len(one.active), waiting=0, paused=idle)
        return Counts(active=len(one.active), waiting=idle, paused=0)

    def is_settled(self) -> bool:
        """Tell whether no queue has anything left."""
        return not any(queue.waiting or queue.active for queue in self.queues.values())

    def begin_upload(self) -> Work:
        """Let an upload take its share of the CPU, until `end_upload`."""
        work = Work(0.0, 0.0)
        self._uploads.append(work)
        return work

    def owe(self, work: Work, *, size_bytes: int, with_base: bool) -> float:
        """Charge an upload for bytes received, and say how long that takes as things are."""
        base_s = self._model.upload.seconds if with_base else 0.0
        work.remaining_s += base_s + size_bytes / 2**20 * self._model.upload_s_per_mib
        if work.remaining_s <= 0:
            return 0.0
        work.cores = self._model.upload.cores
        return work.remaining_s / self.speed()

    def end_upload(self, work: Work) -> None:
        """Give an upload's share back."""
        self._uploads.remove(work)

    # --- one step of the model ---

    def _running(self) -> list[Work]:
        works = [work for queue in self.queues.values() for work in queue.active]
        works += [work for work in self._uploads if work.remaining_s > 0]
        return works

    def _start_waiting(self) -> None:
        for name, queue in self.queues.items():
            if queue.is_paused or not queue.waiting:
                continue
            free = self._concurrency(name) - len(queue.active)
            for _ in range(min(free, len(queue.waiting))):
                queue.active.append(self._work(name, queue.waiting.popleft()))

    def _work(self, name: str, asset_id: str | None) -> Work:
        load = self._model.loads.get(name, LIGHT)
        if name in NEEDS_ML and not self._ml_enabled():
            load = Load(_ENDS_AT_ONCE_S, 0.1)
        return Work(load.seconds, load.cores, asset_id)

    @staticmethod
    def _pass(works: list[Work], seconds: float) -> None:
        for work in works:
            work.remaining_s -= seconds
            if work.remaining_s < 1e-9:  # noqa: PLR2004 - rounding, not a size
                work.remaining_s = 0.0

    def _finish(self) -> None:
        for work in self._uploads:
            if work.remaining_s <= 0:
                work.cores = 0.0
        for name, queue in self.queues.items():
            if not any(work.remaining_s <= 0 for work in queue.active):
                continue
            ended = [work for work in queue.active if work.remaining_s <= 0]
            queue.active = [work for work in queue.active if work.remaining_s > 0]
            for work in ended:
                self._follow(name, work.asset_id)

    def _follow(self, name: str, asset_id: str | None) -> None:
        if asset_id is None:  # a backlog's job: its followers are a backlog of their own
            return
        self._done(name, asset_id)
        for follower in FOLLOWERS.get(name, ()):
            if follower != "videoConversion" or self._is_film(asset_id):
                self.queues[follower].waiting.append(asset_id)
