"""The server's job queues: what each holds, and what that means together.

Immich reports six counts a queue. `failed` and `completed` stay at zero,
for it removes jobs that ended; and pausing a queue moves its waiting jobs
into `paused`. So a queue's backlog is active + waiting + paused + delayed,
and nothing less.

A job that ends may put others into queues further down:

    sidecar, metadataExtraction → storageTemplateMigration → thumbnailGeneration
        → smartSearch → duplicateDetection
        → faceDetection → facialRecognition
        → ocr
        → videoConversion

(order: read in Immich 3.1). A job can sit between two queues for a moment,
so an empty server is *settled* only after several empty looks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PIPELINE = (
    "sidecar",
    "metadataExtraction",
    "storageTemplateMigration",
    "thumbnailGeneration",
    "smartSearch",
    "duplicateDetection",
    "faceDetection",
    "facialRecognition",
    "ocr",
    "videoConversion",
    "editor",
    "library",
    "migration",
    "search",
    "workflow",
    "notifications",
    "backgroundTask",
    "backupDatabase",
    "integrityCheck",
)

# What starves an upload: minutes of CPU for each minute of photos. What is not
# here stays: metadataExtraction and sidecar are quick and race with uploads,
# the others keep the server itself in order.
HEAVY = (
    "thumbnailGeneration",
    "smartSearch",
    "duplicateDetection",
    "faceDetection",
    "facialRecognition",
    "ocr",
    "videoConversion",
)

# Immich's words are for its programmers; these say what a person gets of it.
PLAIN = {
    "sidecar": "sidecar files",
    "metadataExtraction": "dates and places",
    "storageTemplateMigration": "moving files into their folders",
    "thumbnailGeneration": "thumbnails",
    "smartSearch": "search by content",
    "duplicateDetection": "finding duplicates",
    "faceDetection": "finding faces",
    "facialRecognition": "naming faces",
    "ocr": "reading text in photos",
    "videoConversion": "converting films",
    "backupDatabase": "database backup",
}

EMPTY_POLLS = 3  # looks in a row that must find nothing; two are the least that can be right


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue, as the server counts it."""

    name: str  # the server's own word
    is_paused: bool = False
    active: int = 0
    waiting: int = 0
    delayed: int = 0
    paused: int = 0
    failed: int = 0
    completed: int = 0

    @property
    def held_up(self) -> int:
        """Jobs that do not run yet: waiting, delayed and paused together."""
        return self.waiting + self.delayed + self.paused

    @property
    def backlog(self) -> int:
        """Jobs that have not ended."""
        return self.active + self.held_up

    @property
    def plain(self) -> str:
        """What the queue does, in words for a person; its own name where we know none."""
        return PLAIN.get(self.name, self.name)


def in_pipeline_order(queues: Iterable[Queue]) -> tuple[Queue, ...]:
    """Sort as work flows through the server; names that we do not know come last, by name."""
    place = {name: number for number, name in enumerate(PIPELINE)}
    return tuple(sorted(queues, key=lambda q: (place.get(q.name, len(PIPELINE)), q.name)))


def backlog(queues: Iterable[Queue], names: Sequence[str] | None = None) -> int:
    """Count the jobs that have not ended, in all queues or in these."""
    return sum(queue.backlog for queue in queues if names is None or queue.name in names)


@dataclass(slots=True)
class Settling:
    """Tells "empty for a moment" from "finished", by counting empty looks in a row."""

    names: tuple[str, ...] | None = None  # None: all queues
    needed: int = EMPTY_POLLS
    empty: int = 0

    def look(self, queues: Iterable[Queue]) -> bool:
        """Take one look at the queues, and return whether they are settled now."""
        self.empty = 0 if backlog(queues, self.names) else self.empty + 1
        return self.settled

    def forget(self) -> None:
        """Start over: new work was sent."""
        self.empty = 0

    @property
    def settled(self) -> bool:
        """Whether enough looks in a row found nothing."""
        return self.empty >= self.needed


def upstream(name: str) -> tuple[str, ...]:
    """Return the queue itself and those whose jobs end up in it, one for one."""
    chain = [name]
    while chain[-1] in PARENT:
        chain.append(PARENT[chain[-1]])
    return tuple(chain)


PARENT = {
    "storageTemplateMigration": "metadataExtraction",
    "thumbnailGeneration": "storageTemplateMigration",
    "smartSearch": "thumbnailGeneration",
    "faceDetection": "thumbnailGeneration",
    "ocr": "thumbnailGeneration",
    "duplicateDetection": "smartSearch",
    "facialRecognition": "faceDetection",
}


def jobs_to_come(queue: str) -> int:
    """Return how many jobs one job of this queue stands for: itself and all that follow it.

    Films alone go to videoConversion, so it is not counted as following.
    """
    return 1 + sum(jobs_to_come(child) for child, parent in PARENT.items() if parent == queue)


def work_left(queues: Iterable[Queue]) -> int:
    """Count the jobs that have not ended, with those that they will bring forth.

    While nothing is uploaded this falls by one for each job that ends, in
    whatever queue, because what a job brings forth was counted with it. So
    its fall is the server's true pace, which the bare counts hide.
    """
    return sum(queue.backlog * jobs_to_come(queue.name) for queue in queues)
