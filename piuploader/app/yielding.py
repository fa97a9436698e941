"""Let the server's heavy queues give way to our uploads, and give them back.

Runs beside an import in a thread of its own, looks at the queues every few
seconds and has the `Keeper` carry out what `core.policy` orders. One
`Yielding` may serve many imports, one after the other (the service), or one:

    yielding.start()            the thread looks; nothing is paused yet
    yielding.uploads_begun()    something is to be uploaded: from any thread, any number of times
    yielding.uploads_over()     all is confirmed: thumbnails first, then the rest
    yielding.stay(...)          wait for the thumbnails, where somebody wants to
    yielding.close()            give all back now, whatever the stage
"""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from piuploader.app.keeper import AWAY, BARRED, Keeper
from piuploader.core.flow import Flow, View
from piuploader.core.policy import Limits, Moment, Policy, Stage, decide
from piuploader.core.prudence import nearly_full
from piuploader.core.queues import Queue
from piuploader.core.server import Storage
from piuploader.core.status import ServerWork
from piuploader.errors import PiUploaderError, ServerError
from piuploader.ports import Journal, QueueServer

log = logging.getLogger(__name__)

POLL_S = 5.0
PATIENCE_S = 60.0  # how long `close` tries to reach a server that is away
RETRY_S = 2.0
AWAY_AT_END = (
    "The server is away and some of its queues are paused: trying to give them back"
    " (Ctrl-C leaves that to the next start)"
)
DISK_S = 60.0  # how often the server is asked how full its disk is


class Yielding:
    """Watches one server's queues, and holds the heavy ones back while we upload."""

    def __init__(
        self,
        server: QueueServer,
        journal: Journal,
        *,
        policy: Policy,
        limits: Limits | None = None,
        clock: Callable[[], float],
        is_quiet: Callable[[], bool] = lambda: False,
        storage: Callable[[], Storage] | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        """Prepare. `server` must be this object's own, for its thread uses it.

        `clock` is monotonic, in seconds. `storage` asks the server how full its disk is.
        """
        self._server = server
        self._journal = journal
        self._keeper = Keeper(server, journal, say=self._say)
        self._policy = policy
        self._limits = limits or Limits()
        self._clock = clock
        self._is_quiet = is_quiet
        self._storage = storage
        self._disk_low = False
        self._disk_asked_s: float | None = None
        self._poll_s = poll_s
        self._flow = Flow()
        self._view: View | None = None
        self._notes: list[str] = []
        self._uploading = Event()
        self._leaving = False
        self._barred = False  # the last look ended at the key's rights
        self._wake = Event()
        self._looked = Event()
        self._one = Lock()  # one look at a time
        self._thread: Thread | None = None

    # -- what the import tells us --------------------------------------------------------

    def start(self) -> None:
        """Start to look, in a thread."""
        self._thread = Thread(target=self._run, name="yielding", daemon=True)
        self._thread.start()

    def uploads_begun(self) -> None:
        """Tell that there is something to upload; the queues give way from now on."""
        if not self._uploading.is_set():
            self._uploading.set()
            self._wake.set()

    def uploads_over(self) -> None:
        """Tell that all is confirmed; the queues get their turn, in the policy's order."""
        if self._uploading.is_set():
            self._uploading.clear()
            self._wake.set()

    def stay(self, *, tell: Callable[[View], object], stop: Callable[[], bool]) -> None:
        """Wait until the queues have had their turn in the policy's order, or `stop` says so.

        `tell` hears of each look. To be called after `uploads_over`, and before `close`.
        """
        while self._thread and self._thread.is_alive() and not (self.idle or stop()):
            if self._looked.wait(self._poll_s) and self._view is not None:
                tell(self._view)
            self._looked.clear()

    def close(self, *, patience_s: float = PATIENCE_S) -> bool:
        """Give everything back, and stop. May be called twice.

        Tries for `patience_s` seconds while the server is away. Returns False if
        something is left: it stays written down, and the next start gives it back.
        """
        self._leaving = True
        self._uploading.clear()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        until_s = self._clock() + patience_s
        while self.holds:
            self.look()
            if not self.holds or self._barred or self._clock() >= until_s:
                break
            self._say_once_loudly(f"{AWAY_AT_END}; {patience_s:.0f} s at most.")
            self._wake.clear()
            self._wake.wait(min(RETRY_S, self._poll_s))
        if self.holds:
            self._say("Not given back yet: the next start of piuploader will do it.")
        self._keeper.close()
        return not self.holds

    # -- what others may know ------------------------------------------------------------

    def server_work(self) -> ServerWork | None:
        """Return the server's two layers, None while they are not known."""
        view = self._view
        return None if view is None else view.work

    @property
    def view(self) -> View | None:
        """The last look at the queues, None while there was none."""
        return self._view

    @property
    def stage(self) -> Stage:
        """Where the queues stand in this visit."""
        return self._keeper.standing.stage

    @property
    def idle(self) -> bool:
        """Whether nothing is held and nothing is to be held: closing it changes nothing."""
        return not self.holds and self.stage is Stage.WATCHING and not self._uploading.is_set()

    @property
    def holds(self) -> bool:
        """Whether anything of the server's is held back now."""
        return bool(self._keeper.standing.holding)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, oldest first."""
        return tuple(self._notes)

    # -- one look ------------------------------------------------------------------------

    def look(self) -> View | None:
        """Look at the queues once and do what is due. Raises nothing of ours."""
        with self._one:
            self._barred = False
            try:
                self._look()
            except AWAY as error:
                log.debug("queues not seen: %s", error)
            except BARRED as error:
                self._stop_taking(error)
            except ServerError as error:
                self._say(f"The server's queues cannot be used: {error}")
            self._looked.set()
            return self._view

    def _look(self) -> None:
        queues = self._server.queues()
        self._view = self._flow.look(self._clock(), queues)
        policy = self._policy if self._keeper.takes else Policy.OFF
        before = self.stage
        orders = decide(policy, self._limits, self._keeper.standing, self._moment(queues))
        for note in orders.notes:
            self._say(note)
        self._keeper.carry_out(orders)
        if self.stage is not before:
            self._flow.forget()  # the pace of the last stage says nothing of this one

    def _moment(self, queues: tuple[Queue, ...]) -> Moment:
        uploading = self._uploading.is_set()
        others = self._journal.others() if uploading else None
        return Moment(
            now_s=self._clock(),
            queues=queues,
            uploading=uploading,
            leaving=self._leaving,
            quiet=self._is_quiet(),
            disk_low=uploading and self._is_disk_low(),
            lent=others.paused if others else frozenset(),
            taken=others.theirs if others else frozenset(),
        )

    def _is_disk_low(self) -> bool:
        """Ask the server for its room now and then; who may not ask, does not know."""
        now_s = self._clock()
        due = self._disk_asked_s is None or now_s - self._disk_asked_s >= DISK_S
        if self._storage is None or not due:
            return self._disk_low
        self._disk_asked_s = now_s
        try:
            self._disk_low = nearly_full(self._storage())
        except BARRED:
            self._storage = None
        if self._disk_low:
            self._say("The server's disk is nearly full: its queues are not paused.")
        return self._disk_low

    def _stop_taking(self, error: PiUploaderError) -> None:
        self._barred = True
        if self._view is None:
            self._say(f"The server's own work is not shown and does not give way: {error}.")
        elif self._policy is not Policy.OFF:
            self._say(f"The server's queues do not give way to the uploads: {error}.")
        self._keeper.barred()

    def _say(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)
            log.info("%s", note)

    def _say_once_loudly(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)
            log.error("%s", note)  # whoever waits for our end should know why

    def _run(self) -> None:
        while not self._leaving:
            self.look()
            if self._barred and self._view is None:
                return  # the key may not even look
            self._wake.wait(self._poll_s)
            self._wake.clear()
