"""The survey: walk ahead of the reader, to tell how much is to come.

The reader goes no faster than the uploads, so it cannot tell. A second walk
costs a second, and only an import that takes longer than that gets one.
"""

from threading import Event, Thread

from piuploader import errors
from piuploader.ports import Drive


class Survey:
    """Counts the media on a drive, beside the import."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._stop = Event()
        self._thread: Thread | None = None
        self.files = 0
        self.bytes = 0
        self.complete = False

    def start(self) -> None:
        """Begin, if it has not begun yet."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="survey", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            for files, size in self._drive.survey():
                self.files += files
                self.bytes += size
                if self._stop.is_set():
                    return
        except errors.DriveError:
            return  # the reader meets the same, and says so
        self.complete = True
