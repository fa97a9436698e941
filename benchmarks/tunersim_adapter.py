"""Put the product's tuner, unchanged, into the reference simulator of the tuner.

    PYTHONPATH=.:PROJECT python3 -m pisim.goals benchmarks.tunersim_adapter:Controller

run in the folder of the simulator. Only names and units are translated;
the scenario is never read.
"""

from typing import Any

from piuploader.core.tuner import Decision, Sample, Tuner

MB = 1e6
NOMINAL_HZ = 1.5e9
FREQUENCY_CAPPED = 0b0010
THROTTLED = 0b0100
UNDER_VOLTAGE = 0b0001


class Controller:
    """What the simulator calls once a second."""

    def __init__(self) -> None:
        self.tuner = Tuner()
        self.abort_surplus = False

    def start(self, scenario: object) -> int:
        """Return the uploads to begin with."""
        del scenario
        return self.tuner.first().uploads

    def observe(self, seen: Any) -> tuple[int, float | None]:
        """Translate what was seen, decide, and return streams and bytes a second."""
        decision = self.tuner.decide(sample(seen))
        self.abort_surplus = decision.drop_surplus
        return streams(decision)


def streams(decision: Decision) -> tuple[int, float | None]:
    """Return the decision in the simulator's terms; a rate of 1.0 and less is a share there."""
    pace = decision.pace_bytes_per_s
    return decision.uploads, None if pace is None else max(2.0, pace)


def sample(seen: Any) -> Sample:
    """Translate one second."""
    bits = seen.throttled
    cores = seen.cores
    jobs = None
    if seen.queue_waiting is not None:
        jobs = 0 if seen.jobs_paused else int(seen.queue_waiting)
    return Sample(
        t_s=seen.t,
        dt_s=seen.dt,
        uploads_allowed=None if seen.n_target is None else max(1, int(seen.n_target)),
        uploads_active=seen.n_active,
        uploads_paused=seen.n_paused,
        acked_bytes=_first(seen.bytes_acked, seen.bytes_written, seen.bytes_done),
        files_done=seen.files_done,
        overload_errors=seen.err_5xx + seen.err_timeout,
        connection_errors=seen.err_conn,
        response_times_s=tuple(seen.latencies or ()),
        rtt_s=seen.rtt,
        cores=cores,
        cpu_cores=None if seen.cpu_util is None or cores is None else seen.cpu_util * cores,
        cpu_own_cores=seen.cpu_own,
        clock_hz=None if seen.cpu_freq is None else seen.cpu_freq * NOMINAL_HZ,
        temperature_c=seen.temp,
        throttled=None if bits is None else bool(bits & (FREQUENCY_CAPPED | THROTTLED)),
        under_voltage=None if bits is None else bool(bits & UNDER_VOLTAGE),
        memory_total_bytes=_bytes(seen.mem_total),
        memory_available_bytes=_bytes(seen.mem_avail),
        memory_per_upload_bytes=_bytes(seen.mem_per_stream),
        psi_memory=seen.psi_mem,
        psi_io=seen.psi_io,
        psi_cpu=seen.psi_cpu,
        drive_busy=seen.usb_util,
        same_host=bool(seen.same_host),
        queue_jobs=jobs,
    )


def _bytes(megabytes: float | None) -> float | None:
    return None if megabytes is None else megabytes * MB


def _first(*readings: float | None) -> float:
    return next((reading for reading in readings if reading is not None), 0.0)
