"""What the tuner sees once a second, and what it answers.

Both are plain values. A reading that a machine cannot give is `None`,
and every rule does without it. Time comes in with the sample: the
tuner has no clock of its own.
"""

from dataclasses import dataclass

from piuploader.core.limit import Reason

MOST_UPLOADS = 32
"""Uploads at once that are never exceeded; few links gain beyond 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the sensors of this machine say about the last second."""

    cores: int | None = None
    cpu_cores: float | None = None
    cpu_own_cores: float | None = None
    clock_hz: float | None = None
    temperature_c: float | None = None
    throttled: bool | None = None
    under_voltage: bool | None = None
    memory_total_bytes: float | None = None
    memory_available_bytes: float | None = None
    own_memory_bytes: float | None = None
    psi_memory: float | None = None
    psi_io: float | None = None
    psi_cpu: float | None = None
    drive_busy: float | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """What the kernel says about the uploads' connections in the last second."""

    acked_bytes: float | None = None
    rtt_s: float | None = None
    rtt_base_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One second of the machine, the link and the server."""

    t_s: float
    """When the second ended, on any steady clock."""
    dt_s: float = 1.0
    uploads_allowed: int | None = None
    """What the last decision allowed; fewer may run, for lack of files or after a refusal."""
    uploads_active: int = 0
    """Uploads that had a place when the second ended."""
    uploads_paused: int = 0
    """Begun uploads that are held back and still own memory."""
    acked_bytes: float = 0.0
    """Bytes that the server's kernel acknowledged in this second."""
    files_done: int = 0
    overload_errors: int = 0
    """Answers 429 and 5xx, and answers that never came; never a 413."""
    connection_errors: int = 0
    """Refused, reset or unreachable: nobody was there."""
    response_times_s: tuple[float, ...] = ()
    """From a body's last byte to its answer, for the files just done."""
    rtt_s: float | None = None
    """The round trip to the server now, smoothed by the kernel."""
    rtt_base_s: float | None = None
    """The shortest round trip that the kernel saw lately."""
    cores: int | None = None
    cpu_cores: float | None = None
    """Busy cores of the whole machine."""
    cpu_own_cores: float | None = None
    """Busy cores of this process."""
    clock_hz: float | None = None
    temperature_c: float | None = None
    throttled: bool | None = None
    """The firmware slows the CPU down now (not the harmless soft limit)."""
    under_voltage: bool | None = None
    memory_total_bytes: float | None = None
    memory_available_bytes: float | None = None
    memory_per_upload_bytes: float | None = None
    psi_memory: float | None = None
    """Share of the time in which some task waited for memory, 0 to 1."""
    psi_io: float | None = None
    psi_cpu: float | None = None
    drive_busy: float | None = None
    """Share of the time in which the drive had work, 0 to 1."""
    same_host: bool = False
    """The server runs on this very machine."""
    queue_jobs: int | None = None
    """Jobs that the server has waiting and active, where it tells."""
    bandwidth_limit_bytes_per_s: float | None = None
    """What a person allows now; `None` is no limit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many uploads may run, how fast together, and why."""

    uploads: int
    pace_bytes_per_s: float | None = None
    """What all uploads together may send; `None` is as fast as they can."""
    reason: Reason = Reason.SEARCHING
    limits: tuple[str, ...] = ()
    """In plain words, what limits now; the strongest first."""
    drop_surplus: bool = False
    """Give up and queue again what is paused: its memory is needed."""
