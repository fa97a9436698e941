"""What a person is told about the server's queues, in plain sentences.

Two moments are told apart everywhere: *safe to unplug* (all of a drive is
confirmed) and *server settled* (all queues empty over several looks). The
first is the one that people wait for; the second needs nobody.
"""

from enum import Enum

from piuploader.core.flow import QueueView, View
from piuploader.core.queues import EMPTY_POLLS


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


def sentences(view: View, uploads: Uploads = Uploads.UNKNOWN) -> tuple[str, ...]:
    """Say what runs, what is left, what does not move, and whether the drive may go."""
    if view.settled:
        said = ["The server has finished: nothing runs and nothing waits."]
    elif not view.busy:
        said = [f"The server's queues are empty; {EMPTY_POLLS} looks in a row will prove it."]
    else:
        said = [_work(view), *_halted(view)]
    last = (FAREWELL if view.busy else DONE)[uploads]
    return (*said, last) if last else tuple(said)


def blocked(view: View) -> tuple[QueueView, ...]:
    """Return the queues without which the server never settles: paused with jobs, or stuck."""
    return tuple(each for each in view.busy if each.queue.is_paused or each.stuck)


def never_settles(view: View) -> bool:
    """Tell whether all that is left is paused or stuck: waiting for it would not end."""
    return bool(view.busy) and len(blocked(view)) == len(view.busy)


def _work(view: View) -> str:
    running = [each.queue.plain for each in view.busy if each.queue.active]
    now = f"The server works on {_listed(running)}" if running else "No job runs at the server"
    work = view.work
    left = f"{now}: {number(work.active, 'job')} active, {number(work.waiting, 'job')} waiting"
    if blocked(view):
        return f"{left}."
    if view.eta is None or view.pace is None:
        return f"{left}; how long that takes is not known yet."
    return f"{left}, done in {view.eta}." if view.eta.seconds else f"{left}."


def _halted(view: View) -> list[str]:
    said = []
    if paused := [each.queue for each in view.busy if each.queue.is_paused]:
        jobs = sum(queue.backlog for queue in paused)
        names = _listed([queue.name for queue in paused])
        said.append(f"Paused until somebody resumes: {names} ({number(jobs, 'job')}).")
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
