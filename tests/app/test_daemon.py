"""The service plays its rules: against drives, imports and a clock that behave."""

import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Condition, Event, Thread
from time import monotonic

import pytest

from piuploader import errors
from piuploader.app.daemon import Daemon, Setup, World
from piuploader.core.appliance import ServerLook, Vitals
from piuploader.core.drives import FoundDrive
from piuploader.core.session import Phase
from piuploader.core.signals import SIGNALS, Light
from piuploader.core.status import ImportStatus, ServerWork
from piuploader.core.tally import Ending, Tally
from tests.waiting import wait_until

FAST = 50.0  # how much faster than life the daemon's clock goes


class FakeDrives:
    """A box with slots: plug and pull from the test."""

    def __init__(self):
        self.inside = {}
        self.bell = Condition()
        self.rung = False

    def plug(self, name, *, problem=""):
        with self.bell:
            key = f"{name}@{monotonic()}"
            self.inside[name] = FoundDrive(key, name, f"/drives/{name}", problem)
            self._ring()

    def pull(self, name):
        with self.bell:
            del self.inside[name]
            self._ring()

    def look(self):
        return list(self.inside.values())

    def wait(self, timeout_s):
        with self.bell:
            self.bell.wait_for(lambda: self.rung, timeout=timeout_s / FAST)
            self.rung = False

    def wake(self):
        with self.bell:
            self._ring()

    def _ring(self):
        self.rung = True
        self.bell.notify_all()


class FakeImport:
    """Uploads when told, and ends when told, stopped, or when its drive is gone."""

    def __init__(self, box, folder):
        self.box, self.folder = box, folder
        self.may_end = Event()
        self.stopped = ""
        self.now = None
        self.error = box.errors.pop(0) if box.errors else None
        self.ending = Phase.COMPLETE

    def run(self):
        if self.error:
            raise self.error
        self.move(Phase.UPLOADING)
        while not self.may_end.wait(0.002):
            if not self.box.frozen:
                self.move(self.now.phase)
            if self.folder.name not in self.box.drives.inside and not self.box.blind:
                raise errors.DriveRemoved(f"{self.folder} is gone")
        return replace(self.now, phase=Phase.FAILED if self.stopped else self.ending)

    def status(self):
        return self.now

    def stop(self, sentence):
        self.stopped = sentence
        self.may_end.set()

    def move(self, phase, **rest):
        self.now = ImportStatus(
            phase=phase,
            drive=f"CARD {self.folder.name}",
            tally=Tally(3, Counter({Ending.CONFIRMED: 2, Ending.DUPLICATE: 1})),
            scanned=True,
            seconds=monotonic(),
            media_found=self.box.media,
            media_bytes=100,
            settled_bytes=50,
            read_bytes=0 if self.box.frozen else int(monotonic() * 1e6),
            **rest,
        )


class Box:
    """A daemon with everything around it made up."""

    def __init__(self):
        self.drives = FakeDrives()
        self.imports = []
        self.errors = []
        self.lights = []
        self.shares = []
        self.said = []
        self.fed = 0
        self.beeps = []
        self.written = []
        self.server = ServerLook(reachable=True)
        self.year_now = 2026
        self.synchronised = True
        self.media = 3
        self.frozen = False
        self.blind = False  # imports do not notice that their drive is gone
        self.reload_error = None
        self.closed = 0
        self.problem = ""

    # the import
    def begin(self, folder):
        self.imports.append(FakeImport(self, Path(folder)))
        return self.imports[-1]

    # the show
    def show(self, signal, share=None):
        light = next(each for each in Light if SIGNALS[each] == signal)
        if not self.lights or self.lights[-1] is not light:
            self.lights.append(light)
        self.shares.append(share)

    def close(self):
        self.closed += 1

    # the supervisor
    def ready(self):
        self.said.append("READY")

    def reloading(self):
        self.said.append("RELOADING")

    def stopping(self):
        self.said.append("STOPPING")

    def say(self, line):
        self.line = line

    def alive(self):
        self.fed += 1

    # the others
    def beep(self, times):
        self.beeps.append(times)

    def write(self, status):
        self.written.append(status)

    def year(self):
        return self.year_now

    def is_synchronised(self):
        return self.synchronised

    def setup(self, **rest):
        return Setup(
            begin=self.begin,
            look_at_server=lambda: self.server,
            show=self,
            clock_wait_s=rest.pop("clock_wait_s", 120.0),
            stall_s=rest.pop("stall_s", 900.0),
            longest_pause_s=600.0,
            server_look_s=1.0,
        )

    def reload(self, setup):
        if self.reload_error:
            raise self.reload_error
        return setup

    @contextmanager
    def running(self, **rest):
        world = World(
            drives=self.drives,
            supervisor=self,
            board=self,
            clock=self,
            vitals=Vitals,
            now=lambda: monotonic() * FAST,
            buzzer=self,
            problem=self.problem,
        )
        self.daemon = Daemon(self.setup(**rest), world, reload=self.reload)
        self.bug = None

        def run():
            try:
                self.daemon.run()
            except RuntimeError as bug:
                self.bug = bug

        thread = Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            self.daemon.ask_to_end()
            thread.join(10)
            assert not thread.is_alive()

    def until(self, light):
        wait_until(lambda: self.lights and self.lights[-1] is light, what=f"{light} {self.lights}")

    @property
    def current(self):
        return self.imports[-1]

    def until_imports(self, count):
        wait_until(lambda: len(self.imports) >= count, what=f"{len(self.imports)} imports")
        wait_until(lambda: self.current.now or self.current.error)


@pytest.fixture
def box():
    return Box()


def test_a_drive_is_imported_and_the_light_tells_the_story(box):
    with box.running():
        box.until(Light.READY)
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        assert box.shares[-1] == 0.5
        box.current.may_end.set()
        box.until(Light.COMPLETE)
        assert box.written[-1].drives[0].sentence.startswith("3 files are safe")
        box.drives.pull("sda1")
        box.until(Light.READY)
    assert box.lights[0] is Light.STARTING
    assert box.beeps == [1]
    assert box.said == ["READY", "STOPPING"]
    assert box.closed == 1


def test_a_drive_that_is_in_at_boot_is_imported_too(box):
    box.drives.plug("sda1")
    with box.running():
        box.until(Light.UPLOADING)


def test_several_drives_are_imported_in_turn_and_the_one_at_work_speaks_for_all(box):
    box.drives.plug("sda1")
    box.drives.plug("sdb1")
    with box.running():
        box.until_imports(1)
        box.current.may_end.set()
        box.until_imports(2)
        assert [each.folder.name for each in box.imports] == ["sda1", "sdb1"]
        assert not box.written[-1].drives[1].may_remove
        box.current.may_end.set()
        box.until(Light.COMPLETE)
    assert Light.COMPLETE not in box.lights[:-1]


def test_plugged_again_it_is_imported_again(box):
    with box.running():
        for count in (1, 2):
            box.drives.plug("sda1")
            box.until_imports(count)
            box.current.may_end.set()
            box.until(Light.COMPLETE)
            box.drives.pull("sda1")
            box.until(Light.READY)


def test_pulled_in_mid_import_the_light_calls_until_it_returns(box):
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.drives.pull("sda1")
        box.until(Light.FAILED)
        (gone,) = box.written[-1].drives
        assert not gone.present
        assert "plug it in again" in gone.sentence
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.current.may_end.set()
        box.until(Light.COMPLETE)
        assert len(box.written[-1].drives) == 1


def test_an_import_that_waits_for_the_server_hears_that_its_drive_is_gone(box):
    """It would not touch the drive for minutes, and the light would say: leave it in."""
    box.blind = True
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.current.move(Phase.PAUSED, pause_reason="the server is away")
        box.until(Light.WAITING)
        box.drives.pull("sda1")
        box.until(Light.FAILED)
        assert box.current.stopped == "the drive was pulled out"


def test_pulled_as_it_was_just_done_it_is_done(box):
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.blind = True
        box.frozen = True
        box.current.stop = lambda sentence: box.current.may_end.set()
        box.drives.pull("sda1")
        box.until(Light.READY)


def test_a_plug_that_wobbles_is_tried_again(box):
    """The drive went away and came back between two looks."""
    box.errors = [errors.DriveRemoved("I/O error")] * 2
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.WAITING)
        box.until(Light.UPLOADING)
        box.current.may_end.set()
        box.until(Light.COMPLETE)


def test_a_drive_that_goes_away_again_and_again_needs_a_person(box):
    box.errors = [errors.DriveRemoved("I/O error")] * 9
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.FAILED)
        assert "I/O error. Plug it in again" in box.written[-1].drives[0].sentence


def test_pulled_while_it_waits_its_turn_somebody_is_told(box):
    with box.running():
        box.drives.plug("sda1")
        box.until_imports(1)
        box.drives.plug("sdb1")
        wait_until(lambda: len(box.written[-1].drives) == 2)
        box.drives.pull("sdb1")
        wait_until(lambda: not box.written[-1].drives[1].present)
        box.current.may_end.set()
        box.until(Light.FAILED)
        box.daemon.ask_by_press()
        box.until_imports(2)
        assert len(box.written[-1].drives) == 1


def test_a_drive_that_cannot_be_read_has_a_light_and_a_sentence(box):
    with box.running():
        box.drives.plug("sda1", problem="its file system is broken")
        box.until(Light.FAILED)
        assert box.written[-1].drives[0].sentence == "its file system is broken"
        box.drives.pull("sda1")
        box.until(Light.READY)
    assert box.imports == []


def test_a_drive_with_nothing_on_it_asks_for_a_look(box):
    box.media = 0
    with box.running():
        box.drives.plug("sda1")
        box.until_imports(1)
        box.current.may_end.set()
        box.until(Light.INCOMPLETE)
        assert "no photos" in box.written[-1].drives[0].sentence
    assert box.beeps == [2]


def test_without_a_server_the_box_says_so_and_a_drive_waits_for_it(box):
    """No network at boot: nothing is lost, and nobody has to come back."""
    box.server = ServerLook(reachable=False, sentence="no server: no route")
    box.errors = [errors.ServerUnreachable("no route")] * 3
    with box.running():
        box.until(Light.NO_SERVER)
        box.drives.plug("sda1")
        box.until(Light.WAITING)
        assert "no route" in box.written[-1].drives[0].sentence
        box.until_imports(4)
        box.server = ServerLook(reachable=True)
        box.until(Light.UPLOADING)
        box.current.may_end.set()
        box.until(Light.COMPLETE)


def test_a_wrong_key_needs_a_person_and_a_new_configuration_is_tried_at_once(box):
    box.errors = [errors.ServerRefusedKey("the server refuses the key")]
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.FAILED)
        assert "refuses the key. Make a new API key" in box.written[-1].drives[0].sentence
        assert box.written[-1].last_error == "the server refuses the key"
        box.daemon.ask_to_reload()
        box.until_imports(2)
        box.until(Light.UPLOADING)
    assert box.said == ["READY", "RELOADING", "READY", "STOPPING"]


def test_a_wrong_key_is_seen_before_any_drive_comes(box):
    box.server = ServerLook(reachable=True, needs_person=True, sentence="wrong key")
    with box.running():
        box.until(Light.FAILED)


def test_a_configuration_that_is_wrong_at_a_reload_leaves_the_old_one_at_work(box):
    box.reload_error = errors.ConfigError("config.toml: unknown key 'kidn'")
    with box.running():
        box.until(Light.READY)
        box.daemon.ask_to_reload()
        box.until(Light.FAILED)
        assert "kidn" in box.written[-1].problem
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.reload_error = None
        box.daemon.ask_to_reload()
        box.current.may_end.set()
        box.until(Light.COMPLETE)


def test_a_problem_of_the_boot_configuration_is_on_the_light(box):
    box.problem = "piuploader.toml: line 3"
    with box.running():
        box.until(Light.FAILED)
        assert "piuploader.toml" in box.line


def test_a_full_disk_under_the_ledger_is_told(box):
    box.errors = [errors.LedgerError("no space left on device")]
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.FAILED)
        assert "Make room on the disk" in box.written[-1].drives[0].sentence


def test_nothing_is_uploaded_while_the_clock_is_wrong(box):
    box.year_now = 1970
    with box.running(clock_wait_s=0):
        box.drives.plug("sda1")
        box.until(Light.WAITING)
        assert "clock is not set" in box.written[-1].drives[0].sentence
        assert box.imports == []
        box.year_now = 2026
        box.until(Light.UPLOADING)


def test_a_network_without_a_time_server_gets_its_time_and_then_goes_on(box):
    box.synchronised = False
    with box.running(clock_wait_s=30.0):
        box.drives.plug("sda1")
        box.until(Light.WAITING)
        box.until(Light.UPLOADING)


def test_the_server_s_own_work_is_shown_after_the_drive_may_go(box):
    with box.running():
        box.drives.plug("sda1")
        box.until_imports(1)
        box.server = ServerLook(reachable=True, work=ServerWork(active=2, waiting=9))
        box.current.may_end.set()
        box.until(Light.SERVER_WORKS)
        box.server = ServerLook(reachable=True, work=ServerWork(active=0, waiting=0))
        box.until(Light.COMPLETE)
    assert box.beeps == [1]


def test_a_press_cancels_and_another_one_imports_again(box):
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.daemon.ask_by_press()
        box.until(Light.INCOMPLETE)
        assert box.written[-1].drives[0].sentence == "cancelled by the button"
        box.daemon.ask_by_press()
        box.until(Light.UPLOADING)
        assert len(box.imports) == 2


def test_a_hold_lets_go_of_all_drives(box):
    with box.running():
        box.drives.plug("sda1")
        box.drives.plug("sdb1")
        box.until(Light.UPLOADING)
        wait_until(lambda: len(box.written[-1].drives) == 2)
        box.daemon.ask_by_hold()
        box.until(Light.INCOMPLETE)
        assert all(drive.may_remove for drive in box.written[-1].drives)
        assert len(box.imports) == 1


def test_the_end_of_the_service_ends_the_import_in_order(box):
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
    assert box.current.stopped == "the service ends"


def test_the_watchdog_is_fed_while_the_work_goes_on_and_not_when_it_is_stuck(box):
    with box.running(stall_s=60.0):
        wait_until(lambda: box.fed > 2)
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        fed = box.fed
        wait_until(lambda: box.fed > fed + 2)
        box.frozen = True
        wait_until(lambda: box.daemon._stalled)
        fed = box.fed
        box.drives.wake()
        assert box.fed == fed
        box.frozen = False
        wait_until(lambda: box.fed > fed)


def test_a_bug_in_an_import_ends_the_service_loudly(box):
    """systemd starts it again; a service that limps is worse."""
    box.errors = [RuntimeError("a bug")]
    with box.running():
        box.drives.plug("sda1")
        wait_until(lambda: box.bug)
    assert str(box.bug) == "a bug"
    assert box.said[-1] == "STOPPING"


def test_a_session_is_told_to_the_journal_in_about_ten_lines(box, caplog):
    with caplog.at_level(logging.INFO), box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
        box.current.may_end.set()
        box.until(Light.COMPLETE)
        box.drives.pull("sda1")
        box.until(Light.READY)
    lines = [record.getMessage() for record in caplog.records]
    assert 5 <= len(lines) <= 12
    assert any(line.startswith("Files: found=3 confirmed=2 duplicate=1") for line in lines)


def test_a_status_that_cannot_be_written_is_no_reason_to_stop(box, caplog, monkeypatch):
    def broken(status):
        raise OSError("no space")

    box.write = broken
    with box.running():
        box.drives.plug("sda1")
        box.until(Light.UPLOADING)
    assert [r.getMessage() for r in caplog.records if "cannot be written" in r.getMessage()]
