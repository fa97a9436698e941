"""Processes that write to one ledger, and are killed at any moment."""

import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from piuploader.adapters.ledger import SqliteLedger
from piuploader.adapters.ledger.history import INTERRUPTED, RUNNING, History
from tests.waiting import wait_until

BATCH = 20
# Writes batch after batch into a folder of its own, and tells of each that is committed.
WRITER = f"""
import sys
from itertools import count
from pathlib import Path
from piuploader.adapters.ledger import SqliteLedger
from piuploader.core.tally import Ending, Fate, Tally

path, identity, first, batches = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = SqliteLedger(path)
session = ledger.begin(identity=identity, label=identity, server="http://x")
print("ready", flush=True)
for n in range(first, first + batches):
    names = [f"DCIM/{{n * {BATCH} + i:07d}}.jpg" for i in range({BATCH})]
    ledger.record(session, [
        Fate(name, 1, 2, Ending.CONFIRMED, checksum="ab" * 20, asset_id=name * 5) for name in names
    ])
    print(n + 1, flush=True)
ledger.end(session, outcome="complete", tally=Tally(), problems=[])
ledger.close()
"""


class Writer:
    """A process that writes, and what it said that it has committed."""

    def __init__(self, path, *, identity="uuid:1", first=0, batches=1_000_000):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path, identity, str(first), str(batches)],
            stdout=subprocess.PIPE,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.said = ""
        self.first = first

    def committed(self):
        """How many batches it told of, so far."""
        self.said += (self.process.stdout.read() or b"").decode()
        lines = self.said.rpartition("\n")[0].splitlines()
        return int(lines[-1]) if lines[1:] else self.first

    def wait_for(self, batches):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            wait_until(lambda: selector.select(0.1) and self.committed() >= batches)

    def end(self, signal_=signal.SIGKILL):
        self.process.send_signal(signal_)
        self.process.wait(20)

    def close(self):
        self.process.kill()
        self.process.wait(20)
        self.process.stdout.close()


@contextmanager
def writer(path, **options):
    with closing(Writer(path, **options)) as found:
        yield found


def known(path, identity="uuid:1"):
    """Open a ledger as an import does; return how many whole batches it knows."""
    with closing(SqliteLedger(path)) as ledger:
        names = sorted(ledger.known(identity, "DCIM"))
    assert names == [f"{n:07d}.jpg" for n in range(len(names))]  # no gap: in the order of commits
    assert len(names) % BATCH == 0
    return len(names) // BATCH


def states(path):
    with closing(History(path)) as history:
        return [each.state for each in history.sessions(100)]


def test_a_kill_at_any_moment_loses_nothing_that_was_committed(tmp_path, caplog):
    path = tmp_path / "ledger.db"
    luck = random.Random(7)
    batches = 0
    for _ in range(6):
        with writer(path, first=batches) as process:
            process.wait_for(batches + luck.randrange(1, 150))
            process.end()
            told = process.committed()
        found = known(path)
        assert told <= found <= told + 1
        batches = found
    assert states(path) == [INTERRUPTED] * 6
    assert not caplog.records
    assert not list(tmp_path.glob("*.damaged*"))


def test_a_copy_of_any_instant_opens_and_holds_whole_batches(tmp_path, caplog):
    """As the power left it: the process is held still while the files are copied."""
    path = tmp_path / "ledger.db"
    copied = tmp_path / "copy" / "ledger.db"
    luck = random.Random(8)
    with writer(path) as process:
        at = 0
        for _ in range(12):
            at += luck.randrange(1, 60)
            process.wait_for(at)
            process.process.send_signal(signal.SIGSTOP)
            copied.parent.mkdir()
            for suffix in ("", "-wal"):
                shutil.copy(f"{path}{suffix}", f"{copied}{suffix}")
            at = process.committed()
            process.process.send_signal(signal.SIGCONT)
            assert at <= known(copied) <= at + 1
            shutil.rmtree(copied.parent)
    assert not caplog.records


def test_several_processes_write_at_once_and_none_is_lost(tmp_path, caplog):
    path = tmp_path / "ledger.db"  # that is not there yet: they make it at once, too
    writers = [Writer(path, identity=f"uuid:{n}", batches=60) for n in range(4)]
    try:
        for each in writers:
            assert each.process.wait(60) == 0
    finally:
        for each in writers:
            each.close()
    assert [known(path, f"uuid:{n}") for n in range(4)] == [60] * 4
    assert states(path) == ["complete"] * 4
    assert not caplog.records
    assert not list(tmp_path.glob("*.session-*"))


def test_one_of_two_is_killed_and_the_other_goes_on(tmp_path):
    path = tmp_path / "ledger.db"
    with writer(path, identity="uuid:a") as one, writer(path, identity="uuid:b") as other:
        one.wait_for(5)
        other.wait_for(5)
        one.end()
        at = other.committed()
        other.wait_for(at + 5)
        assert sorted(states(path)) == [INTERRUPTED, RUNNING]
        other.end()
        assert states(path) == [INTERRUPTED] * 2
        assert other.committed() <= known(path, "uuid:b") <= other.committed() + 1
    assert known(path, "uuid:a") >= 5


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGTERM])
def test_a_session_runs_until_its_process_is_gone(tmp_path, ends):
    path = tmp_path / "ledger.db"
    with writer(path) as process:
        process.wait_for(1)
        assert states(path) == [RUNNING]
        with closing(History(path)) as history:
            (running,) = history.running()
            assert running.tally.found > 0  # what was written down so far
        process.end(ends)
        assert states(path) == [INTERRUPTED]
        with closing(History(path)) as history:
            assert history.running() == []
