"""What the tuner promises, whatever it sees."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.tuner.scenarios import SCENARIOS, held_out
from benchmarks.tuner.simulation import Simulation
from piuploader.core.tuner import Decision, Reason, Sample, Tuner
from piuploader.core.tuner.governor import Governor
from piuploader.core.tuner.record import COLUMNS, as_row, beginning, from_row, replay
from piuploader.core.tuner.rules import MEMORY_FLOOR_BYTES
from piuploader.errors import UsageError

MB = 1e6
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def maybe(strategy):
    return st.none() | strategy


def samples(t_s):
    """Any second at all, sensible or not."""
    number = st.floats(0.0, 1e9, allow_nan=False)
    return st.builds(
        Sample,
        t_s=st.just(t_s),
        uploads_allowed=maybe(st.integers(1, 40)),
        uploads_active=st.integers(0, 40),
        uploads_paused=st.integers(0, 8),
        acked_bytes=st.just(0.0) | number,
        files_done=st.integers(0, 50),
        overload_errors=st.just(0) | st.integers(0, 9),
        connection_errors=st.just(0) | st.integers(0, 9),
        response_times_s=st.tuples() | st.tuples(st.floats(0.0, 60.0)),
        rtt_s=maybe(st.floats(1e-5, 2.0)),
        rtt_base_s=maybe(st.floats(1e-5, 2.0)),
        cores=maybe(st.integers(1, 8)),
        cpu_cores=maybe(st.floats(0.0, 8.0)),
        cpu_own_cores=maybe(st.floats(0.0, 8.0)),
        temperature_c=maybe(st.floats(-10.0, 110.0)),
        throttled=maybe(st.booleans()),
        under_voltage=maybe(st.booleans()),
        memory_total_bytes=maybe(number),
        memory_available_bytes=maybe(number),
        memory_per_upload_bytes=maybe(number),
        psi_memory=maybe(st.floats(0.0, 1.0)),
        psi_io=maybe(st.floats(0.0, 1.0)),
        drive_busy=maybe(st.floats(0.0, 1.0)),
        same_host=st.booleans(),
        queue_jobs=maybe(st.integers(0, 9999)),
        bandwidth_limit_bytes_per_s=maybe(st.floats(1e3, 1e9)),
    )


SESSIONS = st.lists(samples(0.0), min_size=1, max_size=12).map(
    lambda seconds: [replace(one, t_s=float(at)) for at, one in enumerate(seconds)]
)


@settings(deadline=None, max_examples=60)
@given(session=SESSIONS, start=maybe(st.integers(-3, 99)), most=st.integers(1, 32))
def test_no_sample_leads_out_of_bounds_or_past_a_rule(session, start, most):
    """The number is in bounds, and no rule of the governor is ever overruled."""
    tuner, governor = Tuner(start=start, most=most), Governor(most)
    assert 1 <= tuner.first().uploads <= most
    for sample in session:
        decision, verdict = tuner.decide(sample), governor.judge(sample)
        assert 1 <= decision.uploads <= most
        for cap in verdict.caps:
            if cap.uploads is not None:
                assert decision.uploads <= cap.uploads
            if cap.pace_bytes_per_s is not None:
                assert 0.0 < decision.pace_bytes_per_s <= cap.pace_bytes_per_s
            if cap.drop_surplus:
                assert decision.drop_surplus
        assert decision.limits
        if sample.under_voltage:
            assert decision.uploads == 1


@settings(deadline=None, max_examples=60)
@given(session=SESSIONS)
def test_memory_is_never_promised_twice(session):
    """What runs fits into what is free, above the floor; one upload always may."""
    tuner = Tuner()
    for sample in session:
        decision = tuner.decide(sample)
        free, each = sample.memory_available_bytes, sample.memory_per_upload_bytes
        if free is not None and each is not None and each >= 1.0:
            held = sample.uploads_active + sample.uploads_paused
            fits = held + (free - MEMORY_FLOOR_BYTES) / each
            assert decision.uploads <= max(1.0, fits)


@settings(deadline=None, max_examples=60)
@given(session=SESSIONS, hot_c=st.floats(86.0, 110.0))
def test_whatever_was_before_real_heat_leaves_one_upload_at_half_rate(session, hot_c):
    tuner = Tuner()
    for sample in session:
        tuner.decide(sample)
    for second in range(100, 160):
        hot = Sample(t_s=float(second), uploads_active=4, acked_bytes=8 * MB, temperature_c=hot_c)
        decision = tuner.decide(hot)
    assert decision.uploads == 1
    assert decision.pace_bytes_per_s <= 4.001 * MB
    assert decision.reason is Reason.HEAT


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(session=SESSIONS, seed=st.integers(0, 99))
def test_after_any_turmoil_it_recovers(session, seed):
    """Twenty minutes on a sound link later it is back near the best."""
    tuner = Tuner()
    for sample in session:
        tuner.decide(replace(sample, t_s=sample.t_s - 100.0))
    link = Simulation(replace(BY_NAME["lan-1000"], seconds=10_000), seed)
    decision = Decision(1)
    for _ in range(1200):
        sample = link.second(decision.uploads, decision.pace_bytes_per_s, drop=False)
        decision = tuner.decide(sample)
    last = [one.goodput for one in link.history[-120:]]
    assert sum(last) / len(last) > 0.88 * 112 * MB


def finish(scenario, tuner, seed=1):
    """Play a scenario to its end."""
    world, decision = Simulation(scenario, seed), tuner.first()
    seen = []
    for _ in range(scenario.seconds):
        sample = world.second(
            decision.uploads, decision.pace_bytes_per_s, drop=decision.drop_surplus
        )
        decision = tuner.decide(sample)
        seen.append((sample, decision))
    return world, seen


def test_a_hot_box_stays_below_80_degrees_and_is_not_idle():
    world, seen = finish(BY_NAME["hot"], Tuner())
    assert world.hot_s <= 1
    assert sum(one.temperature_c for one in world.history[300:]) / 600 > 78.0
    assert Reason.HEAT in {decision.reason for _, decision in seen}


def test_little_memory_is_never_overdrawn():
    world, _ = finish(BY_NAME["little-memory"], Tuner())
    assert world.killed == 0


def test_a_server_that_restarts_finds_the_old_number_again():
    """One knocks while it is away; with the first byte all come back."""
    _, seen = finish(BY_NAME["restart"], Tuner())
    before = seen[149][1].uploads
    away = {decision.uploads for _, decision in seen[165:185]}
    assert away == {1}
    assert {d.reason for _, d in seen[165:185]} == {Reason.SERVER_GONE}
    back = next(d.uploads for s, d in seen[190:] if s.acked_bytes > 0.0)
    assert back == before


@pytest.mark.parametrize("start", [1, 2, 32])
def test_what_was_learnt_before_is_a_start_and_never_a_limit(start):
    """A wrong memory costs seconds, not the session."""
    tuner = Tuner(start=start)
    assert tuner.first().uploads == start
    world, _ = finish(BY_NAME["wan"], tuner)
    assert sum(one.goodput for one in world.history[60:300]) / 240 > 0.9 * 44 * MB / 8


def test_what_is_worth_remembering_is_what_it_settled_on():
    tuner = Tuner()
    assert tuner.learnt is None
    finish(BY_NAME["slow-stick"], tuner)
    assert tuner.learnt in (1, 2, 3)


@pytest.mark.parametrize("scenario", held_out(13, seed=5), ids=lambda scenario: scenario.name)
def test_machines_that_lack_sensors_do_well_too(scenario):
    """No thermometer, no PSI, no round trips: no harm is done."""
    short = replace(scenario, seconds=min(240, scenario.seconds))
    world, _ = finish(short, Tuner())
    assert world.killed == 0
    assert world.refused < 12


def test_a_bandwidth_limit_needs_few_uploads_and_is_said():
    limited = replace(BY_NAME["lan-1000"], seconds=120)
    world, tuner, decision = Simulation(limited, 1), Tuner(), Tuner().first()
    for _ in range(120):
        sample = world.second(decision.uploads, decision.pace_bytes_per_s, drop=False)
        decision = tuner.decide(replace(sample, bandwidth_limit_bytes_per_s=5 * MB))
    assert decision.pace_bytes_per_s == 5 * MB
    assert decision.reason is Reason.BANDWIDTH
    assert decision.limits == ("limited to 5.0 MB/s",)
    assert decision.uploads <= 5


def test_it_says_what_limits_once_it_has_settled():
    _, seen = finish(BY_NAME["slow-stick"], Tuner())
    assert "the drive reads no faster" in {says for _, d in seen for says in d.limits}


def test_it_says_when_files_come_too_slowly_for_it():
    """Two of five uploads have work: nothing is learnt about N, and that is said."""
    tuner = Tuner()
    for second in range(1, 20):
        sample = Sample(t_s=float(second), uploads_active=2, acked_bytes=2 * MB)
        decision = tuner.decide(sample)
    assert decision.reason is Reason.STARVED
    assert decision.uploads == tuner.first().uploads == 5
    assert tuner.learnt is None


def test_no_upload_at_all_is_a_mistake():
    with pytest.raises(ValueError, match="at least one"):
        Tuner(most=0)


class TestRecord:
    @settings(deadline=None, max_examples=40)
    @given(session=SESSIONS)
    def test_a_recorded_session_replays_to_the_same_decisions(self, session):
        """Through a file and back: not one bit is lost."""
        tuner = Tuner(start=7)
        file = io.StringIO(newline="")
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerow(beginning(0.0, tuner.first()))
        decided = []
        for sample in session:
            decided.append(tuner.decide(sample))
            rows.writerow(as_row(sample, decided[-1]))
        file.seek(0)
        seconds = [from_row(row) for row in csv.DictReader(file)]
        assert [sample for sample, _ in seconds[1:]] == session
        assert [decision for _, decision in seconds[1:]] == decided
        assert [decision for _, decision in replay(seconds)][1:] == decided

    def test_a_file_that_is_no_log_says_so(self):
        with pytest.raises(UsageError, match="no row of a tuner log"):
            from_row({"t_s": "1"})
        with pytest.raises(UsageError, match="no row of a tuner log"):
            from_row(dict.fromkeys(COLUMNS, "nonsense"))
