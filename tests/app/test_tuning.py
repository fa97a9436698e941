"""The tuner at work beside the workers, with a clock of our own."""

import csv
import logging
from threading import Event, Thread

import pytest

from piuploader.app.tuning import Meter, Sources, Traffic, Tuning
from piuploader.core.tuner import Flow, Machine, Reason, Tuner
from piuploader.core.tuner.record import from_row, replay
from piuploader.errors import UsageError

MB = 1_000_000


class Link:
    """A link that gives each upload 1 MB/s, to six at most; it obeys what the tuner sets."""

    def __init__(self):
        self.now_s = 100.0
        self.meter = Meter()
        self.uploads, self.pace = 0, None
        self.set_to, self.dropped = [], 0
        self.machine = Machine()
        self.limit = None

    def sources(self, **more):
        return Sources(
            clock=lambda: self.now_s,
            traffic=self.meter.take,
            running=lambda: (self.uploads, 0),
            machine=lambda _now_s: self.machine,
            bandwidth_limit=lambda: self.limit,
            **more,
        )

    def tuning(self, tuner=None, *, record=None, **more):
        return Tuning(
            tuner or Tuner(),
            sources=self.sources(**more),
            set_uploads=self.set_uploads,
            set_pace=self.set_pace,
            drop_surplus=self.drop,
            record=record,
        )

    def set_uploads(self, uploads):
        self.uploads = uploads
        self.set_to.append(uploads)

    def set_pace(self, pace):
        self.pace = pace

    def drop(self):
        self.dropped += 1

    def play(self, tuning, seconds):
        for _ in range(seconds):
            rate = min(self.uploads, 6) * MB
            self.meter.sent(int(rate if self.pace is None else min(rate, self.pace)))
            self.now_s += 1.0
            tuning.tick()


def test_the_workers_follow_at_once():
    link = Link()
    tuning = link.tuning(Tuner(start=2))
    tuning.begin()
    assert link.uploads == 2
    link.play(tuning, 120)
    assert 6 <= link.uploads <= 20
    assert link.uploads == tuning.decision.uploads
    assert 6 <= tuning.learnt <= 16
    tuning.close()


def test_only_changes_are_applied():
    link = Link()
    tuning = link.tuning()
    tuning.begin()
    link.play(tuning, 60)
    assert all(a != b for a, b in zip(link.set_to, link.set_to[1:], strict=False))


def test_the_timetable_is_obeyed_from_second_to_second():
    link = Link()
    tuning = link.tuning()
    tuning.begin()
    link.limit = 2 * MB
    link.play(tuning, 20)
    assert link.pace == 2 * MB
    assert tuning.decision.reason is Reason.BANDWIDTH
    link.limit = None
    link.play(tuning, 1)
    assert link.pace is None


def test_bytes_acknowledged_count_more_than_bytes_written(tmp_path):
    link = Link()
    tuning = link.tuning(record=tmp_path / "log.csv", flow=lambda: Flow(123.0, 0.02, 0.01))
    tuning.begin()
    link.play(tuning, 1)
    tuning.close()
    sample, _ = read(tmp_path / "log.csv")[-1]
    assert (sample.acked_bytes, sample.rtt_s, sample.rtt_base_s) == (123.0, 0.02, 0.01)


def test_memory_of_an_upload_is_learnt_from_how_ours_grows(tmp_path):
    link = Link()
    tuning = link.tuning(record=tmp_path / "log.csv")
    link.machine = Machine(own_memory_bytes=50.0 * MB)
    link.play(tuning, 1)
    tuning.begin()
    link.machine = Machine(own_memory_bytes=100.0 * MB, memory_available_bytes=900.0 * MB)
    link.play(tuning, 5)
    tuning.close()
    last, _ = read(tmp_path / "log.csv")[-1]
    assert last.memory_per_upload_bytes == pytest.approx(10.0 * MB, rel=0.2)


def test_when_memory_runs_out_what_is_paused_is_dropped():
    link = Link()
    tuning = link.tuning()
    link.machine = Machine(own_memory_bytes=50.0 * MB)
    link.play(tuning, 1)
    tuning.begin()
    link.machine = Machine(own_memory_bytes=150.0 * MB, memory_available_bytes=4.0 * MB)
    link.play(tuning, 2)
    assert link.dropped > 0
    assert link.uploads < 5


def test_the_log_replays_to_the_same_decisions(tmp_path):
    link = Link()
    log = tmp_path / "log.csv"
    tuning = link.tuning(Tuner(start=3), record=log)
    tuning.begin()
    link.play(tuning, 90)
    tuning.close()
    seconds = read(log)
    assert len(seconds) == 91
    assert list(replay(seconds)) == seconds


def test_each_change_is_in_the_log_once_at_debug(caplog):
    caplog.set_level(logging.DEBUG, "piuploader.app.tuning")
    link = Link()
    tuning = link.tuning()
    tuning.begin()
    link.play(tuning, 3)
    first = caplog.records[0].getMessage()
    assert first == "tuner decided: uploads=5 pace=None reason=searching"


def test_a_log_that_cannot_be_written_is_said_before_anything_runs(tmp_path):
    with pytest.raises(UsageError, match="cannot write the tuner log"):
        Link().tuning(record=tmp_path / "no such folder/log.csv")


def test_the_thread_decides_and_stops_when_told():
    link = Link()
    ticked = Event()

    def count():
        ticked.set()
        return Traffic()

    tuning = Tuning(
        Tuner(start=1),
        sources=Sources(clock=lambda: link.now_s, traffic=count, running=lambda: (1, 0)),
        set_uploads=link.set_uploads,
        set_pace=link.set_pace,
        period_s=0.001,
    )
    tuning.start()
    assert ticked.wait(5.0)
    tuning.close()
    tuning.close()
    assert link.set_to[0] == 1


def test_a_fault_in_the_thread_is_not_swallowed():
    broken = Event()

    def fail():
        broken.set()
        raise RuntimeError("a bug")

    tuning = Tuning(
        Tuner(),
        sources=Sources(clock=lambda: 0.0, traffic=Traffic, running=fail),
        set_uploads=lambda _uploads: None,
        set_pace=lambda _pace: None,
        period_s=0.001,
    )
    tuning.start()
    assert broken.wait(5.0)
    with pytest.raises(RuntimeError, match="a bug"):
        tuning.close()


def test_the_meter_loses_nothing_among_threads():
    meter = Meter()

    def work():
        for _ in range(500):
            meter.sent(10)
            meter.done(0.5)
            meter.refused()
            meter.lost()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = [meter.take() for _ in range(50)]
    for thread in threads:
        thread.join()
    taken.append(meter.take())
    assert sum(t.sent_bytes for t in taken) == 20_000
    assert sum(t.files_done for t in taken) == 2_000
    assert sum(len(t.response_times_s) for t in taken) == 2_000
    assert sum(t.overload_errors for t in taken) == 2_000
    assert sum(t.connection_errors for t in taken) == 2_000


def read(log):
    with log.open(encoding="utf-8", newline="") as file:
        return [from_row(row) for row in csv.DictReader(file)]
