"""The desk: one server and one ledger, ready to import folder after folder."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from socket import socket
from threading import Lock
from types import TracebackType
from typing import Self

from piuploader import errors
from piuploader.adapters.folder import open_drive
from piuploader.adapters.host import is_same_host
from piuploader.adapters.immich import ImmichClient, resolve, ssl_context
from piuploader.adapters.ledger import SqliteLedger
from piuploader.adapters.wire import UploadWire, endpoint
from piuploader.app.gate import Gate
from piuploader.app.importer import Importer, MakeFilings, Plan
from piuploader.app.reader import Look
from piuploader.app.tuning import Tuning
from piuploader.app.yielding import Yielding
from piuploader.config import UploadOptions, UploadSettings
from piuploader.core.selection import Filter
from piuploader.core.server import Version
from piuploader.core.tally import Fate
from piuploader.ports import Drive
from piuploader.wiring.filing import filings
from piuploader.wiring.queues import yielding as queues_yielding
from piuploader.wiring.tuning import Connections, tuned

log = logging.getLogger(__name__)

OLDEST = Version(2, 0, 0)
NO_DEVICE_FIELDS = Version(3, 0, 0)  # from here on deviceAssetId and deviceId are not wanted
LEDGER = "ledger.db"


class Desk:
    """One server and one ledger, ready to import folder after folder."""

    def __init__(self, options: UploadOptions) -> None:
        """Reach the server and open the ledger; raise one of our errors if either cannot be had."""
        self.options = options
        self._stack = ExitStack()
        try:
            self._open(options)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, options: UploadOptions) -> None:
        self._context = ssl_context(options.ca_file)
        self.url = resolve(options.url, context=self._context)
        self._same_host = is_same_host(self.url)
        self._client = self._new_client()
        self._pinger = self._new_client()  # the lifeline asks from other threads
        self._ping_lock = Lock()
        version = self._client.version()
        if version < OLDEST:
            raise errors.ServerTooOld(f"the server runs Immich {version}; {OLDEST} is needed")
        self._device_fields = version < NO_DEVICE_FIELDS
        self._permissions = (
            self._client.permissions()
        )  # a wrong key ends it here, before anything is read
        self._types = self._client.media_types()
        self.ledger = SqliteLedger(options.state / LEDGER)
        self._stack.callback(self.ledger.close)
        self.yielding = None if options.dry_run else self._yielding()

    def _yielding(self) -> Yielding:
        """Let the server's queues give way, and watch them, for as long as the desk is open."""
        options = self.options
        yielding = queues_yielding(
            self._new_client(),
            state=options.state,
            policy=options.upload.policy,
            queues=options.queues,
        )
        self._stack.callback(yielding.close)
        yielding.start()
        return yielding

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the queues back and close everything."""
        self._stack.close()

    def importer(self, folder: Path, on_fate: Callable[[Fate, str], object]) -> Importer:
        """Put together the import of one folder.

        `on_fate` hears how each file ended, and the absolute folder that its path is below.
        """
        upload = self.options.upload
        drive = open_drive(folder, wanted=_filter(upload), time_zone=upload.timezone)
        connections = Connections(self._wire)
        root = drive.absolute("").rstrip("/") or "/"
        importer = Importer(
            drive,
            self._client,
            self.ledger,
            connections.open,
            types=self._types,
            gate=Gate(1, clock=time.monotonic),
            plan=Plan(
                dry_run=self.options.dry_run,
                restore_trashed=upload.restore_trashed,
                max_failed=_max_failed(upload),
                wait_s=upload.wait_s,
                look=Look(upload.stack, at_names=upload.date_from_name),
            ),
            server_name=self.url,
            ping=self._ping,
            filings=self._filings(drive),
            on_fate=lambda fate: on_fate(fate, root),
            on_sending=self.yielding.uploads_begun if self.yielding else lambda: None,
            beside=lambda importer: self._tuned(importer, connections, folder, drive.identity),
        )
        if self.yielding:
            importer.progress.server_work = self.yielding.server_work
            importer.progress.notes = lambda: self.yielding.notes if self.yielding else ()
        return importer

    def _tuned(
        self, importer: Importer, connections: Connections, folder: Path, identity: str
    ) -> AbstractContextManager[Tuning]:
        upload = self.options.upload
        return tuned(
            importer,
            flow=connections.flow,
            memory=self.ledger,
            memory_key=f"uploads:{self.url}:{identity.partition(':')[0]}",
            schedule=upload.bandwidth_limit,
            fixed=None if upload.jobs == "auto" else int(upload.jobs),
            drive=folder,
            same_host=self._same_host,
            queue_jobs=self._queue_jobs,
            record=self.options.tuner_log,
        )

    def _queue_jobs(self) -> int | None:
        """Return how many jobs the server works on or will start: what is paused takes no CPU."""
        view = self.yielding.view if self.yielding else None
        if view is None:
            return None
        running = [each.queue for each in view.busy if not each.queue.is_paused]
        return sum(queue.active + queue.waiting for queue in running)

    def _filings(self, drive: Drive) -> MakeFilings:
        """Say what becomes of what is safe: nothing in a dry run."""
        if self.options.dry_run:
            return lambda _problem, _is_stopped: ()
        return filings(
            self._client,
            lambda: ImmichClient(self.url, self.options.key, context=self._context),
            self.options.upload,
            drive_label=drive.label,
        )

    def _new_client(self) -> ImmichClient:
        client = ImmichClient(self.url, self.options.key, context=self._context)
        self._stack.callback(client.close)
        return client

    def _wire(self, leaving: Callable[[socket], object]) -> UploadWire:
        return UploadWire(
            endpoint(self.url, self._context),
            self.options.key,
            device_fields=self._device_fields,
            leaving=leaving,
        )

    def _ping(self) -> None:
        with self._ping_lock:
            self._pinger.ping()


def _filter(upload: UploadSettings) -> Filter:
    return Filter(
        include=upload.include,
        exclude=upload.exclude,
        extensions=upload.extensions,
        since=upload.since,
        until=upload.until,
        min_size=upload.min_size,
    )


def _max_failed(upload: UploadSettings) -> int | None:
    match upload.on_errors:
        case "continue":
            return None
        case "stop":
            return 0
        case number:
            return int(number)
