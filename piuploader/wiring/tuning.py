"""Let the tuner choose how many uploads run, and how fast, beside an import."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from socket import socket

from piuploader.adapters.sensors import Sensors
from piuploader.adapters.tcp_info import TcpWatch
from piuploader.adapters.wire import UploadWire
from piuploader.app.importer import Importer
from piuploader.app.tuning import Sources, Traffic, Tuning
from piuploader.core.pace import Schedule, limit_at
from piuploader.core.tuner import MOST_UPLOADS, Fixed, Flow, Tuner
from piuploader.ports import Memory


def bandwidth_limit(schedule: Schedule) -> Callable[[], float | None]:
    """Return what tells how many bytes a second a person allows now."""
    return lambda: limit_at(schedule, datetime.now().astimezone().time())


class Connections:
    """The connections of one import, and what the kernel knows of them."""

    def __init__(self, wire: Callable[[Callable[[socket], object]], UploadWire]) -> None:
        self._wire = wire
        self._watch = TcpWatch()
        self._wires: list[UploadWire] = []

    def open(self) -> UploadWire:
        """Return a new connection."""
        wire = self._wire(self._watch.leave)
        self._wires.append(wire)
        return wire

    def flow(self) -> Flow:
        """Return what moved since the last call."""
        sockets = (wire.socket for wire in self._wires.copy())
        return self._watch.read(sock for sock in sockets if sock)


@contextmanager
def tuned(
    importer: Importer,
    *,
    flow: Callable[[], Flow],
    memory: Memory,
    memory_key: str,
    schedule: Schedule,
    fixed: int | None = None,
    drive: Path,
    same_host: bool = False,
    queue_jobs: Callable[[], int | None] = lambda: None,
    record: Path | None = None,
) -> Iterator[Tuning]:
    """Tune an import while it runs, and remember what was learnt.

    `fixed`: a person chose the number of uploads; the tuner then only guards the machine.
    """
    chooser = Fixed(fixed) if fixed else Tuner(start=_remembered(memory, memory_key))
    senders = importer.senders
    sent_before = 0

    def traffic() -> Traffic:
        nonlocal sent_before
        sent, sent_before = senders.total_sent_bytes - sent_before, senders.total_sent_bytes
        return replace(senders.meter.take(), sent_bytes=sent)

    def running() -> tuple[int, int]:
        paused = len(importer.gate.paused)
        return len(senders.busy) - paused, paused

    tuning = Tuning(
        chooser,
        sources=Sources(
            clock=time.monotonic,
            traffic=traffic,
            running=running,
            machine=Sensors(drive=drive).read,
            flow=flow,
            bandwidth_limit=bandwidth_limit(schedule),
            queue_jobs=queue_jobs,
            same_host=same_host,
        ),
        set_uploads=importer.resize,
        set_pace=importer.gate.pace,
        drop_surplus=importer.gate.drop_surplus,
        record=record,
    )
    importer.progress.decision = lambda: tuning.decision
    tuning.start()
    try:
        yield tuning
    finally:
        tuning.close()
        if tuning.learnt is not None:
            memory.remember(memory_key, tuning.learnt)


def _remembered(memory: Memory, key: str) -> int | None:
    """Return what was learnt before: where to begin, never a limit."""
    found = memory.recall(key)
    return found if isinstance(found, int) and 1 <= found <= MOST_UPLOADS else None
