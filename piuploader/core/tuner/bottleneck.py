"""Say in plain words what keeps the uploads from going faster.

Nothing is decided by this: the explorer judges by goodput alone. It is
what a person reads while N stands still.
"""

from piuploader.core.limit import Reason
from piuploader.core.tuner.sample import Sample

BUSY = 0.9  # share of the time, or of the cores
PRESSED = 0.5  # share of the time in which some task waited for the drive
SLOW_ANSWER_S = 0.5


def bottleneck(sample: Sample, *, queued: bool) -> tuple[Reason, str]:
    """Return the likeliest limit of a settled search."""
    if (sample.drive_busy or 0.0) > BUSY or (sample.psi_io or 0.0) > PRESSED:
        return Reason.DRIVE, "the drive reads no faster"
    if sample.cores and (sample.cpu_cores or 0.0) > BUSY * sample.cores:
        return Reason.CPU, "the processor is busy"
    if queued:
        return Reason.LINK, "the link is full"
    times = sorted(sample.response_times_s)
    if times and times[len(times) // 2] > SLOW_ANSWER_S:
        return Reason.SERVER, "the server takes its time"
    return Reason.SETTLED, "more uploads bring no more"
