"""What a scenario is made of. Bytes, seconds, degrees, bytes a second."""

from dataclasses import dataclass, field, replace

MB = 1e6
MBIT = 1e6 / 8.0


@dataclass(frozen=True, slots=True)
class World:
    """A Pi, its drive, a link and a server."""

    # Files: (share, median, sigma of the logarithm, largest)
    files: tuple[tuple[float, float, float, float], ...] = ((1.0, 4 * MB, 0.5, 40 * MB),)
    # The drive
    drive: float = 150 * MB
    drive_crowd: float = 0.03  # each reader beyond the first costs this share
    drive_seek_s: float = 0.0
    # The Pi
    cores: int = 4
    usable_cores: float = 2.2
    core_s_per_byte: float = 13e-9
    core_s_per_file: float = 0.012
    memory_total: float = 2000 * MB
    memory_free: float = 1200 * MB
    memory_each: float = 14 * MB
    ambient_c: float = 25.0
    fast_k_per_w: float = 3.5
    slow_k_per_w: float = 6.0
    fast_s: float = 6.0
    slow_s: float = 150.0
    idle_w: float = 2.2
    full_w: float = 5.8
    begins_at_c: float | None = None
    # The link
    link: float = 112 * MB
    rtt_s: float = 0.001
    per_connection: float = 1e12
    spread: float = 0.15  # of the per-connection bound, log-normal
    weather: float = 0.02  # sigma of the link's log-noise
    weather_s: float = 10.0
    fades_per_s: float = 0.0
    fade_depth: float = 0.3
    fade_s: float = 8.0
    queue_s: float = 0.0  # delay in the queue when the link is full
    # The server
    answer_s: float = 0.05  # costs nothing but time
    server: float = 280 * MB  # bytes a second that it can take in
    server_crowd: float = 0.0
    server_s_per_file: float = 0.01  # one at a time
    refuses_beyond: int = 1000
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world, what changes in it, and for how long it is watched."""

    name: str
    world: World
    seconds: int = 600
    changes: tuple[tuple[int, dict[str, object]], ...] = field(default=())
    blind: frozenset[str] = frozenset()  # fields of the sample that this machine lacks
    says: str = ""

    def at(self, second: int) -> World:
        """Return the world of this second."""
        world = self.world
        for since, change in self.changes:
            if second >= since:
                world = replace(world, **change)  # type: ignore[arg-type]
        return world
