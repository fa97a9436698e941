"""Under a pace limit, run as few uploads as fill it.

While the heat or a person limits the bytes a second, more uploads bring
nothing: they only hold memory and crowd the drive and the server. And
what is measured then says nothing about N, so the explorer rests.
"""

from dataclasses import dataclass

LOOK_EVERY_S = 10.0
FULL = 0.9  # of the pace; below it one more upload is tried
BINDS = 0.85  # of the pace; above it the pace is what limits
MARGIN = 1.1  # the belief must promise this much more than the pace


@dataclass(frozen=True, slots=True)
class Thrift:
    """How many uploads fill the pace, and what was counted towards the next look."""

    uploads: int
    seconds: float = 0.0
    acked_bytes: float = 0.0


def economise(
    memory: Thrift | None,
    *,
    pace_bytes_per_s: float,
    acked_bytes: float,
    dt_s: float,
    running: int,
    enough: int,
    wanted: int,
) -> Thrift | None:
    """Return how many uploads fill the pace, or `None` when the pace does not bind.

    `enough` is what the explorer's belief says would do, `wanted` what
    it would run without a pace.
    """
    if memory is None:
        if acked_bytes < BINDS * pace_bytes_per_s * dt_s:
            return None
        return Thrift(max(1, min(running, enough)))
    seconds, total = memory.seconds + dt_s, memory.acked_bytes + acked_bytes
    if seconds < LOOK_EVERY_S:
        return Thrift(memory.uploads, seconds, total)
    if total >= FULL * pace_bytes_per_s * seconds:
        return Thrift(min(memory.uploads, enough))
    return Thrift(memory.uploads + 1) if memory.uploads < wanted else None
