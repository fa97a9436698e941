"""One import in a thread of its own, so that the daemon can look after the rest."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from piuploader.app.daemon_ports import BeginImport, Import
from piuploader.core.status import ImportStatus
from piuploader.errors import PiUploaderError

log = logging.getLogger(__name__)


class RunningImport:
    """The import of the drive with this key; `on_end` is called from its thread at its end."""

    def __init__(
        self, key: str, folder: Path, begin: BeginImport, on_end: Callable[[], object]
    ) -> None:
        self.key = key
        self.stopped_because = ""  # by a person, in their words
        self.result: ImportStatus | None = None
        self.error: PiUploaderError | None = None
        self.bug: Exception | None = None
        self._on_end = on_end
        self._import: Import = begin(folder)
        self._thread = Thread(target=self._run, name="import", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether result, error or bug is there."""
        return not self._thread.is_alive()

    def status(self) -> ImportStatus | None:
        """Return where it stands."""
        return self._import.status()

    def stop(self, sentence: str) -> None:
        """Have it end in order."""
        self.stopped_because = self.stopped_because or sentence
        self._import.stop(sentence)

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self.result = self._import.run()
        except PiUploaderError as error:
            self.error = error
        except Exception as bug:  # noqa: BLE001 - the daemon raises it again, in its own thread
            self.bug = bug
        finally:
            self._on_end()
