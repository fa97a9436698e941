"""Import drives for the daemon.

One desk serves all: opened when a drive comes, kept while the server's queues
still have their turn, closed when nothing is left to do.
"""

import logging
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from piuploader.config import Settings, UploadOptions, cache_folder, state_folder
from piuploader.core.appliance import ServerLook
from piuploader.core.flow import Flow
from piuploader.core.session import AT_REST, Phase
from piuploader.core.status import ImportStatus, ServerWork
from piuploader.errors import PermissionMissing, PiUploaderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from piuploader.adapters.cleaner import WritableDrive
    from piuploader.adapters.immich import ImmichClient
    from piuploader.app.importer import Importer
    from piuploader.wiring.desk import Desk

log = logging.getLogger(__name__)

CLEANS = "deletes what the server holds"
RECOVER_EVERY_S = 600.0  # what cannot be given back now is tried again
LOOK_S = (5.0, 15.0)  # seconds to connect, seconds of silence: a look must not take long


class Door:
    """The way to one server, for imports and for looks."""

    def __init__(
        self,
        found: Settings,
        *,
        delete_confirmed: bool,
        writable: "Callable[[str], WritableDrive] | None" = None,
    ) -> None:
        """Prepare; nothing is sent. Raise ConfigError without a server or a key.

        `writable` opens a drive for deleting, by its name; None: with root's part as installed.
        """
        found.require()
        self.delete_confirmed = delete_confirmed
        self.writable = writable
        self._options = UploadOptions(
            folders=(),
            url=found.url,
            key=found.key,
            ca_file=found.ca_file,
            upload=found.config.upload,
            queues=found.config.queues,
            state=state_folder(),
            cache=cache_folder(),
        )
        self._lock = Lock()
        self._desk: Desk | None = None
        self._importing = False
        self._client: ImmichClient | None = None  # for looks
        self._reads_queues = True
        self._key_is_good = False
        self._flow = Flow()
        self._recover_at_s = 0.0

    @property
    def is_importing(self) -> bool:
        """Tell whether the desk is in use."""
        return self._importing

    def begin(self, folder: Path) -> "DriveImport":
        """Return the import of a drive, to be run in a thread of its own."""
        return DriveImport(self, folder)

    def look(self) -> ServerLook:
        """Look at the server; raise one of our errors if it does not answer as it should."""
        with self._lock:
            if self._importing:  # who imports knows better, and waits for the server itself
                return ServerLook(reachable=True, work=self._work_of_desk())
            self._close_idle_desk()
            client = self._client or self.new_client()
            self._client = client
            try:
                client.ping()
                if not self._key_is_good:
                    client.permissions()
                    self._key_is_good = True
                self._give_back_what_was_left(client)
                return ServerLook(reachable=True, work=self._work(client))
            except PiUploaderError:
                self._key_is_good = False
                client.close()
                self._client = None  # its address may lead elsewhere by then
                raise

    def take(self) -> "Desk":
        """Open the desk, or take the open one, for an import."""
        from piuploader.wiring.desk import Desk

        with self._lock:
            self._importing = True
            self._flow.forget()  # its pace would count what is uploaded now
            if self._desk is None:
                self._desk = Desk(self._options)
            return self._desk

    def give_back(self, *, is_good: bool) -> None:
        """End the use of the desk. A good one stays open: the queues get their turn in order."""
        with self._lock:
            self._importing = False
            if self._desk and self._desk.yielding:
                self._desk.yielding.uploads_over()
            if not is_good:
                self._close_desk()

    def new_client(self) -> "ImmichClient":
        """Open a client for short questions; who asks for it closes it."""
        from piuploader.adapters.immich import ImmichClient, resolve  # as above

        options = self._options
        url = resolve(options.url, options.ca_file)
        return ImmichClient(url, options.key, ca_file=options.ca_file, timeout_s=LOOK_S)

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            self._close_desk()
            if self._client:
                self._client.close()
                self._client = None

    def _give_back_what_was_left(self, client: "ImmichClient") -> None:
        """Give back what a service that was cut off held; no drive may ever come for it."""
        from piuploader.wiring.queues import recovered  # as above

        now_s = monotonic()
        if now_s < self._recover_at_s:
            return
        self._recover_at_s = now_s + RECOVER_EVERY_S
        recovered(client, state=self._options.state, queues=self._options.queues)

    def _work_of_desk(self) -> ServerWork | None:
        return self._desk.yielding.server_work() if self._desk and self._desk.yielding else None

    def _work(self, client: "ImmichClient") -> ServerWork | None:
        from piuploader.adapters.immich.admin import ImmichAdmin  # as above

        if not self._reads_queues:
            return None
        try:
            queues = ImmichAdmin(client.call).queues()
        except PermissionMissing:
            self._reads_queues = False  # asked once: the key is what it is
            return None
        work = self._flow.look(monotonic(), queues).work
        # Only those that hold work back: an empty one says nothing of what is still to come.
        held = sum(queue.is_paused and queue.held_up > 0 for queue in queues)
        return replace(work, paused_queues=held)

    def _close_idle_desk(self) -> None:
        if self._desk and (self._desk.yielding is None or self._desk.yielding.idle):
            self._close_desk()

    def _close_desk(self) -> None:
        desk, self._desk = self._desk, None
        if desk:
            desk.close()


class DriveImport:
    """One import of one drive through the door."""

    def __init__(self, door: Door, folder: Path) -> None:
        self._door = door
        self._folder = folder
        self._lock = Lock()
        self._importer: Importer | None = None
        self._stopped = ""
        self._cleaning: ImportStatus | None = None

    def run(self) -> ImportStatus:
        """Import, and return the last status, at rest; raise one of our errors."""
        is_good = False
        try:
            desk = self._door.take()
            importer = desk.importer(self._folder, lambda _fate, _root: None)
            with self._lock:
                self._importer = importer
                if self._stopped:
                    importer.stop(self._stopped)
            outcome = importer.run()
            if outcome.error:
                raise outcome.error
            is_good = True
        finally:
            self._door.give_back(is_good=is_good)
        status = importer.status()
        wanted = self._door.delete_confirmed and status.tally.safe > 0
        if wanted and not self._stopped and status.phase in AT_REST:
            status = self._clean(status)
        return status

    def status(self) -> ImportStatus | None:
        """Return where it stands; None before it has reached the server."""
        importer = self._importer
        return self._cleaning or (importer.status() if importer else None)

    def stop(self, sentence: str) -> None:
        """Have it end in order, soon."""
        with self._lock:
            self._stopped = sentence
            if self._importer:
                self._importer.stop(sentence)

    def _clean(self, status: ImportStatus) -> ImportStatus:
        """Delete what the server surely holds; what goes wrong is told, and no harm is done."""
        from piuploader.adapters.cleaner import WritableDrive  # only who wants it
        from piuploader.adapters.folder import open_drive  # as above
        from piuploader.app.cleaning import clean  # as above

        now = replace(status, phase=Phase.CONFIRMING, limits=CLEANS, limit_reason=None)
        self._cleaning = now

        def moved(count: int) -> None:
            nonlocal now
            now = replace(now, read_bytes=now.read_bytes + count)  # the watchdog's sign of life
            self._cleaning = now

        try:
            client = self._door.new_client()
            try:
                with (self._door.writable or WritableDrive)(self._folder.name) as writable:
                    cleaned = clean(
                        open_drive(self._folder),
                        client,
                        client.media_types(),
                        delete=writable.delete,
                        moved=moved,
                        stopped=lambda: bool(self._stopped),
                    )
                said = cleaned.sentence
            finally:
                client.close()
        except PiUploaderError as error:
            said = f"not everything that is safe was deleted: {error}"
        finally:
            self._cleaning = None
        log.info("Cleaning over: drive=%s %s", status.drive, said)
        return replace(status, problems=(*status.problems, said))
