"""What a person is told about the server's queues, in plain sentences.

Two moments are told apart everywhere: *safe to unplug* (all of a drive is
confirmed) and *server settled* (all queues empty over several looks). The
first is the one that people wait for; the second needs nobody.
"""

from collections.abc import Collection
from enum import Enum

from piuploader.core.flow import View
from piuploader.core.policy import BEFORE_THUMBNAILS, THUMBNAILS
from piuploader.core.queues import EMPTY_POLLS, backlog


class Uploads(Enum):
    """Where our own uploads stand, as far as the teller knows."""

    UNKNOWN = "unknown"  # this program does not upload
    OPEN = "open"  # an import is not confirmed yet
    SAFE = "safe"  # all is confirmed


FAREWELL = {
    Uploads.UNKNOWN: "The server works by itself, from its own copy: a drive whose import is"
    " complete may go, and this program may be closed.",
    Uploads.OPEN: "The drive must stay in until its import is complete.",
    Uploads.SAFE: "All is safe: the drive may go and this program may be closed;"
    " the server goes on by itself.",
}
DONE = {
    Uploads.UNKNOWN: "",
    Uploads.OPEN: FAREWELL[Uploads.OPEN],
    Uploads.SAFE: "All is safe: the drive may go.",
}


STAYING = (
    "This program stays until the server has made the thumbnails,"
    " and then lets its other work run; Ctrl-C lets everything run at once."
)
LEFT_AT_ONCE = (
    "The server's queues run again, all at once; with --stay, the thumbnails would run first."
)
LEFT_TO_NEXT_START = (
    "Some queues of the server are still paused: the next start of piuploader gives them back."
)


def sentences(
    view: View, uploads: Uploads = Uploads.UNKNOWN, held: Collection[str] = ()
) -> tuple[str, ...]:
    """Say what runs, what is left, what does not move, and whether the drive may go.

    `held`: queues that a piuploader of this device paused and will give back.
    """
    if view.settled:
        said = ["The server has finished: nothing runs and nothing waits."]
    elif not view.busy:
        said = [f"The server's queues are empty; {EMPTY_POLLS} looks in a row will prove it."]
    else:
        said = [_work(view), *_halted(view, held)]
    last = (FAREWELL if view.busy else DONE)[uploads]
    return (*said, last) if last else tuple(said)


def thumbnails(view: View) -> str:
    """Say how far the thumbnails are, to those who stay for them."""
    left = backlog((each.queue for each in view.queues), BEFORE_THUMBNAILS)
    etas = [each.eta for each in view.queues if each.queue.name == THUMBNAILS and each.eta]
    when = f", done in {etas[0]}" if left and etas and etas[0].seconds else ""
    return f"The server makes the thumbnails: {left:,} left{when}."


def never_settles(view: View, held: Collection[str] = ()) -> bool:
    """Tell whether all that is left is stuck, or paused by others: waiting would not end."""
    blocked = [
        each
        for each in view.busy
        if each.stuck or (each.queue.is_paused and each.queue.name not in held)
    ]
    return bool(view.busy) and len(blocked) == len(view.busy)


def _work(view: View) -> str:
    running = [each.queue.plain for each in view.busy if each.queue.active]
    now = f"The server works on {_listed(running)}" if running else "No job runs at the server"
    work = view.work
    left = f"{now}: {number(work.active, 'job')} active, {number(work.waiting, 'job')} waiting"
    if any(each.queue.is_paused or each.stuck for each in view.busy):
        return f"{left}."
    if view.eta is None or view.pace is None:
        return f"{left}; how long that takes is not known yet."
    return f"{left}, done in {view.eta}." if view.eta.seconds else f"{left}."


def _halted(view: View, held: Collection[str]) -> list[str]:
    said = []
    paused = [each.queue for each in view.busy if each.queue.is_paused]
    for queues, how in (
        ([queue for queue in paused if queue.name in held], "Held back for the uploads"),
        ([queue for queue in paused if queue.name not in held], "Paused until somebody resumes"),
    ):
        if queues:
            jobs = sum(queue.backlog for queue in queues)
            names = _listed([queue.name for queue in queues])
            said.append(f"{how}: {names} ({number(jobs, 'job')}).")
    if stuck := [each.queue for each in view.busy if each.stuck]:
        names = _listed([queue.name for queue in stuck])
        said.append(f"Stuck, nothing moves: {names}. Look at the server's log.")
    return said


def _listed(names: list[str]) -> str:
    if len(names) < 2:  # noqa: PLR2004 - "a", or "a and b"
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def number(count: int, thing: str) -> str:
    """Write a count with its noun: 1 job, 7,000 jobs."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
