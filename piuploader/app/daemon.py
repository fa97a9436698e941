"""The service: wait for drives, import each, show where it stands, repeat.

One loop, one thing at a time:

    hear    what button and signals asked for
    look    which drives are there
    move    end a session that is over, begin the next
    show    light, buzzer, status file, systemd

Everything that can take long (an import, a look at the server, a rhythm)
has a thread of its own and wakes the loop when it has news.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from piuploader.app.daemon_ports import (
    BeginImport,
    Buzzer,
    Clock,
    Drives,
    LookAtServer,
    ReadVitals,
    Show,
    StatusBoard,
    Supervisor,
)
from piuploader.app.lookout import Lookout
from piuploader.app.roster import Roster
from piuploader.core.appliance import ApplianceStatus, ServerLook, progress, summary
from piuploader.core.liveness import Liveness
from piuploader.core.signals import BEEPS, SIGNALS, Light
from piuploader.core.visits import seconds_to_due, state_of
from piuploader.errors import PiUploaderError

log = logging.getLogger(__name__)

BUSY_S = 1.0  # between two rounds while something is imported
IDLE_S = 2.0  # and while nothing is: root's notes ring no bell
REWRITE_S = 30.0  # the status file shows by its age that somebody is at home
FIRST_LOOK_S = 20.0  # after so long the box has started, whether the server was seen or not
PATIENCE_S = 40.0  # for an import to end in order; the unit allows 60


@dataclass(frozen=True, slots=True)
class Setup:
    """What follows from the configuration; a reload brings another one."""

    begin: BeginImport
    look_at_server: LookAtServer
    show: Show
    clock_wait_s: float
    stall_s: float  # without a move, and an import is stuck
    longest_pause_s: float  # after which an import gives up a server that is away
    server_look_s: float


@dataclass(frozen=True, slots=True)
class World:
    """What stays while the service runs."""

    drives: Drives
    supervisor: Supervisor
    board: StatusBoard
    clock: Clock
    vitals: ReadVitals
    now: Callable[[], float]  # a steady clock, in seconds
    buzzer: Buzzer | None = None
    problem: str = ""  # of the boot configuration: a person is needed


class Daemon:
    """The service. `ask_...` may be called from any thread and from signal handlers."""

    def __init__(self, setup: Setup, world: World, *, reload: Callable[[Setup], Setup]) -> None:
        self._setup = setup
        self._world = world
        self._reload = reload
        self._asked: deque[Callable[[], None]] = deque()
        self._roster = Roster(clock=world.clock, now=world.now, on_end=world.drives.wake)
        self._lookout = self._open_lookout()
        self._liveness = _liveness_of(setup)
        self._began_s = world.now()
        self._problem = ""  # of the configuration that could not be read again
        self._server: ServerLook | None = None
        self._shown: ApplianceStatus | None = None
        self._beeped: Light | None = None
        self._written_at_s = float("-inf")
        self._ending = False
        self._stalled = False

    def run(self) -> None:
        """Serve until `ask_to_end`. A bug in an import ends the service: it is raised here."""
        supervisor = self._world.supervisor
        self._show()
        supervisor.ready()
        self._lookout.start()
        try:
            while not self._ending:
                self._round()
                self._world.drives.wait(self._pause_s())
        finally:
            supervisor.stopping()
            self._lookout.close()
            self._roster.shut("the service ends", within_s=PATIENCE_S)
            self._setup.show.close()

    def ask_to_end(self) -> None:
        """End in order."""
        self._ask(self._end)

    def ask_to_reload(self) -> None:
        """Read the configuration again."""
        self._ask(self._read_again)

    def ask_by_press(self) -> None:
        """Cancel the import that runs; if none does, import again what is in."""
        self._ask(self._roster.press)

    def ask_by_hold(self) -> None:
        """Finish with what is being sent, and let go of all drives."""
        self._ask(lambda: self._roster.let_go("let go by the button"))

    def _ask(self, act: Callable[[], None]) -> None:
        self._asked.append(act)
        self._world.drives.wake()

    def _round(self) -> None:
        while self._asked:
            self._asked.popleft()()
        if self._ending:
            return
        self._roster.meet(self._world.drives.look())
        self._hear_lookout()
        if self._roster.collect():
            self._lookout.look_now()
        self._roster.begin_next(self._setup.begin, clock_wait_s=self._setup.clock_wait_s)
        self._show()
        self._feed()

    def _end(self) -> None:
        self._ending = True

    def _read_again(self) -> None:
        self._world.supervisor.reloading()
        try:
            self._setup = self._reload(self._setup)
        except PiUploaderError as error:
            log.error("The configuration was not read again: %s", error)  # noqa: TRY400 - a person's fault, not a bug
            self._problem = str(error)
        else:
            log.info("The configuration was read again.")
            self._problem = ""
            self._liveness = _liveness_of(self._setup)
            self._lookout.close()
            self._lookout = self._open_lookout()
            self._lookout.start()
            self._roster.try_failed_again()
            self._shown = None
        self._world.supervisor.ready()

    def _open_lookout(self) -> Lookout:
        return Lookout(
            self._setup.look_at_server,
            every_s=self._setup.server_look_s,
            on_news=self._world.drives.wake,
        )

    def _hear_lookout(self) -> None:
        news = self._lookout.last
        if news and news.reachable and not (self._server and self._server.reachable):
            self._roster.server_is_back()
        self._server = news or self._server

    def _status(self) -> ApplianceStatus:
        waited_s = self._world.now() - self._began_s
        return ApplianceStatus(
            started=self._server is not None or waited_s >= FIRST_LOOK_S,
            drives=tuple(map(state_of, self._roster.visits)),
            server=self._server,
            vitals=self._world.vitals(),
            problem=self._problem or self._world.problem,
            last_error=self._roster.last_error,
        )

    def _show(self) -> None:
        """Tell everyone where the box stands, if that is news."""
        status = self._status()
        light = status.light
        self._lookout.be_curious(light is Light.SERVER_WORKS or self._roster.is_waiting_for_server)
        self._setup.show.show(SIGNALS[light], _steps(progress(status)))
        self._beep(light)
        self._world.supervisor.say(summary(status))
        now_s = self._world.now()
        if status != self._shown or now_s - self._written_at_s >= REWRITE_S:
            try:
                self._world.board.write(status)
            except OSError as error:
                if self._shown is None or status.last_error != self._shown.last_error:
                    log.warning("The status cannot be written: error=%s", error)
            self._shown, self._written_at_s = status, now_s

    def _beep(self, light: Light) -> None:
        # A server that is still at work, or not, is no new end of a session.
        light = Light.COMPLETE if light is Light.SERVER_WORKS else light
        if light is not self._beeped:
            self._beeped = light
            if self._world.buzzer and light in BEEPS:
                self._world.buzzer.beep(BEEPS[light])

    def _feed(self) -> None:
        """Feed the watchdog, unless the import is stuck."""
        running = self._roster.running
        if running is None:
            self._liveness.idle()
        elif not self._liveness.is_alive(running.status(), now_s=self._world.now()):
            if not self._stalled:
                log.error("The import is stuck: the watchdog will start the service again.")
            self._stalled = True
            return
        self._stalled = False
        self._world.supervisor.alive()

    def _pause_s(self) -> float:
        if self._ending:
            return 0.0
        if self._roster.running:
            return BUSY_S
        due_s = seconds_to_due(self._roster.visits, now_s=self._world.now())
        return IDLE_S if due_s is None else min(IDLE_S, due_s)


def _liveness_of(setup: Setup) -> Liveness:
    return Liveness(stall_s=setup.stall_s, longest_pause_s=setup.longest_pause_s)


def _steps(share: float | None) -> float | None:
    """Round to whole percents: a lamp need not hear of less."""
    return None if share is None else round(share, 2)
