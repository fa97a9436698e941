"""Under a pace limit, run as few uploads as fill it.

While the heat or a person limits the bytes a second, more uploads bring
nothing: they only hold memory and crowd the drive and the server. And
what is measured then says nothing about N, so the explorer rests.
"""

from dataclasses import dataclass, replace

LOOK_EVERY_S = 10.0
FULL = 0.9  # of the pace; below it one more upload is tried
BINDS = 0.85  # of the pace; above it the pace is what limits
LOWER = 0.85  # of a pace; clearly lower
MARGIN = 1.1  # the belief must promise this much more than the pace


@dataclass(frozen=True, slots=True)
class Thrift:
    """How many uploads fill the pace, and what was counted towards the next look.

    `floor` uploads it took to fill `floor_pace`: fewer are not tried
    again before the pace is clearly lower.
    """

    uploads: int
    seconds: float = 0.0
    acked_bytes: float = 0.0
    floor: int = 1
    floor_pace: float = 0.0


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
        return replace(memory, seconds=seconds, acked_bytes=total)
    if total < FULL * pace_bytes_per_s * seconds:
        more = memory.uploads + 1
        return None if more > wanted else Thrift(more, floor=more, floor_pace=pace_bytes_per_s)
    floor = memory.floor if pace_bytes_per_s > LOWER * memory.floor_pace else 1
    uploads = min(memory.uploads, max(enough, floor))
    return Thrift(uploads, floor=floor, floor_pace=memory.floor_pace)
