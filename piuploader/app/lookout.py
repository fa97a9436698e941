"""The lookout tells whether the server is there, and still works on what we sent.

Looks are taken in a thread of their own, for a server that is away can keep
one waiting for a while.
"""

import logging
from collections.abc import Callable
from threading import Condition, Thread

from piuploader.app.daemon_ports import LookAtServer
from piuploader.core.appliance import ServerLook
from piuploader.errors import PiUploaderError, ServerBusy, ServerUnreachable

log = logging.getLogger(__name__)

SOON_S = 10.0  # while somebody waits for what the look will show


class Lookout:
    """Looks now and then. `on_news` is called, from its thread, when something changed."""

    def __init__(
        self, look: LookAtServer, *, every_s: float, on_news: Callable[[], object]
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._on_news = on_news
        self._changed = Condition()
        self._curious = False
        self._now = False
        self._closed = False
        self.last: ServerLook | None = None
        self._thread = Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def be_curious(self, curious: bool) -> None:  # noqa: FBT001 - reads as a sentence
        """Look more often, or not."""
        with self._changed:
            if curious and not self._curious:
                self._now = True
                self._changed.notify_all()
            self._curious = curious

    def look_now(self) -> None:
        """Take a look at once."""
        with self._changed:
            self._now = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop looking. A look that hangs is left behind."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._closed:
            news = self._taken()
            before, self.last = self.last, news
            if news != before:
                if before is None or news.reachable != before.reachable:
                    said = "answers" if news.reachable else "does not answer"
                    log.info("The server %s. %s", said, news.sentence)
                self._on_news()
            with self._changed:
                # Away: look often, for a drive may wait. Else as somebody is curious.
                soon = self._curious or not news.reachable
                pause_s = min(SOON_S, self._every_s) if soon else self._every_s
                self._changed.wait_for(lambda: self._closed or self._now, timeout=pause_s)
                self._now = False

    def _taken(self) -> ServerLook:
        try:
            return self._look()
        except (ServerUnreachable, ServerBusy) as error:
            return ServerLook(reachable=False, sentence=f"no server: {error}")
        except PiUploaderError as error:
            said = f"{error}. {error.hint}".rstrip(". ") + "."
            return ServerLook(reachable=True, needs_person=True, sentence=said)
