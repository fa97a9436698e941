"""The governor's rules, one by one."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piuploader.core.tuner import Reason, Sample, rules
from piuploader.core.tuner.heat import Heat, heat
from piuploader.core.tuner.rules import MB

CALM = Sample(t_s=0.0, uploads_active=8, acked_bytes=8 * MB)


def play(rule, memory, samples):
    """Play a rule over seconds and return its last cap."""
    cap = None
    for second, sample in enumerate(samples, start=1):
        memory, cap = rule(memory, replace(sample, t_s=float(second)))
    return memory, cap


class TestServerGone:
    REFUSED = replace(CALM, acked_bytes=0.0, connection_errors=1)

    def test_one_refused_connection_is_no_alarm(self):
        assert play(rules.server_gone, rules.Gone(), [self.REFUSED])[1] is None

    def test_two_in_five_seconds_without_a_byte_leave_one_to_knock(self):
        _, cap = play(rules.server_gone, rules.Gone(), [self.REFUSED, self.REFUSED])
        assert (cap.uploads, cap.reason, cap.teaches) == (1, Reason.SERVER_GONE, False)

    def test_two_far_apart_are_no_alarm(self):
        quiet = replace(CALM, acked_bytes=0.0)
        seconds = [self.REFUSED, *[quiet] * 6, self.REFUSED]
        assert play(rules.server_gone, rules.Gone(), seconds)[1] is None

    def test_while_bytes_flow_the_server_is_there(self):
        busy = replace(CALM, connection_errors=5)
        assert play(rules.server_gone, rules.Gone(), [busy, busy])[1] is None

    def test_it_stays_gone_through_silence_and_is_back_with_the_first_byte(self):
        silence = replace(CALM, acked_bytes=0.0)
        memory, cap = play(rules.server_gone, rules.Gone(), [self.REFUSED] * 2 + [silence] * 60)
        assert cap.uploads == 1
        assert rules.server_gone(memory, CALM)[1] is None


class TestOverload:
    FINE = replace(CALM, files_done=2)
    REFUSED = replace(CALM, files_done=1, overload_errors=2)

    def test_a_single_refusal_only_stops_growth(self):
        one = replace(self.FINE, overload_errors=1)
        _, cap = play(rules.overload, rules.Overload(), [self.FINE, one])
        assert cap.uploads == CALM.uploads_active

    def test_two_cut_by_up_to_half(self):
        _, cap = play(rules.overload, rules.Overload(), [self.REFUSED])
        assert 4 <= cap.uploads < 8

    def test_the_cut_holds_for_a_minute_and_then_grows_one_by_one(self):
        memory, cut = play(rules.overload, rules.Overload(), [self.REFUSED])
        caps = []
        for second in range(2, 130):
            calm = replace(self.FINE, t_s=float(second), uploads_active=cut.uploads)
            memory, cap = rules.overload(memory, calm)
            caps.append(cap.uploads)
        assert set(caps[:58]) == {cut.uploads}
        assert caps[-1] == cut.uploads + 3

    def test_what_is_refused_right_after_a_cut_was_under_way_before_it(self):
        memory, first = play(rules.overload, rules.Overload(), [self.REFUSED])
        storm = Sample(t_s=2.0, uploads_active=first.uploads, overload_errors=15)
        assert rules.overload(memory, storm)[1] == first

    def test_the_cut_is_measured_by_what_was_allowed(self):
        """Ten were allowed, six ran, four were refused and waited: five is the half of ten."""
        refused = replace(CALM, uploads_allowed=10, uploads_active=6, overload_errors=74)
        _, cap = play(rules.overload, rules.Overload(), [refused])
        assert cap.uploads == 5

    def test_a_second_time_one_refusal_is_enough_and_holds_longer(self):
        memory, first = play(rules.overload, rules.Overload(), [self.REFUSED])
        again = Sample(t_s=70.0, uploads_active=first.uploads, acked_bytes=1.0, overload_errors=1)
        after, second = rules.overload(memory, again)
        assert second.uploads == first.uploads - 1
        assert after.hold_s == 2 * rules.OVERLOAD_HOLD_S

    def test_a_few_among_very_many_are_no_overload(self):
        """Below one in a hundred."""
        crowd = replace(CALM, files_done=100)
        odd = replace(crowd, overload_errors=2)
        _, cap = play(rules.overload, rules.Overload(), [*[crowd] * 10, odd])
        assert cap.uploads == CALM.uploads_active

    def test_in_the_end_all_is_forgiven(self):
        memory, _ = play(rules.overload, rules.Overload(), [self.REFUSED])
        for second in range(2, 400):
            memory, cap = rules.overload(memory, replace(self.FINE, t_s=float(second)))
        assert cap is None


class TestLatency:
    def test_slow_answers_stop_growth(self):
        fast = replace(CALM, response_times_s=(0.1, 0.1, 0.2))
        slow = replace(CALM, response_times_s=(5.0, 6.0))
        memory, cap = play(rules.latency, rules.Latency(), [fast] * 5)
        assert cap is None
        _, cap = play(rules.latency, memory, [slow] * 5)
        assert (cap.uploads, cap.reason) == (CALM.uploads_active, Reason.LATENCY)

    def test_a_server_that_stays_slow_is_no_alarm_for_ever(self):
        fast = replace(CALM, response_times_s=(0.5,))
        slow = replace(CALM, response_times_s=(4.0,))
        memory, _ = play(rules.latency, rules.Latency(), [fast])
        assert play(rules.latency, memory, [slow] * 60)[1] is not None
        assert play(rules.latency, memory, [slow] * 900)[1] is None

    def test_without_answers_nothing_is_said(self):
        assert play(rules.latency, rules.Latency(), [CALM] * 10)[1] is None


class TestMemory:
    def room(self, available_mb, *, active=4, paused=0, pressure=None):
        return Sample(
            t_s=0.0,
            uploads_active=active,
            uploads_paused=paused,
            memory_total_bytes=512 * MB,
            memory_available_bytes=available_mb * MB,
            memory_per_upload_bytes=20 * MB,
            psi_memory=pressure,
        )

    def test_as_many_as_fit_above_the_floor(self):
        _, cap = play(rules.memory, rules.Memory(), [self.room(100.0)])
        assert cap.uploads == 4 + 3  # 76 MB above the floor of 24

    def test_it_falls_at_once_and_rises_after_ten_seconds(self):
        memory, cap = play(rules.memory, rules.Memory(), [self.room(100.0), self.room(30.0)])
        assert cap.uploads == 4
        memory, cap = play(rules.memory, memory, [self.room(100.0)] * 10)
        assert cap.uploads == 4
        _, cap = play(rules.memory, memory, [self.room(100.0)] * 12)
        assert cap.uploads == 7

    def test_half_the_floor_drops_what_is_too_many(self):
        _, cap = play(rules.memory, rules.Memory(), [self.room(8.0, active=2, paused=2)])
        assert cap.drop_surplus
        assert cap.uploads == 2

    def test_at_one_upload_nothing_is_dropped(self):
        _, cap = play(rules.memory, rules.Memory(), [self.room(8.0, active=1)])
        assert (cap.uploads, cap.drop_surplus) == (1, False)

    @pytest.mark.parametrize(("pressure", "uploads"), [(0.05, None), (0.1, 8), (0.5, 5)])
    def test_pressure_counts_even_where_sizes_are_unknown(self, pressure, uploads):
        waiting = Sample(t_s=0.0, uploads_active=10, psi_memory=pressure)
        _, cap = play(rules.memory, rules.Memory(), [waiting])
        assert (cap and cap.uploads) == uploads

    def test_lasting_pressure_eases_step_by_step_and_recovers(self):
        waiting = Sample(t_s=0.0, uploads_active=10, psi_memory=0.1)
        memory, cap = play(rules.memory, rules.Memory(), [waiting] * 3)
        assert cap.uploads == 8
        at_ease = replace(waiting, uploads_active=8, psi_memory=0.0)
        _, cap = play(rules.memory, memory, [at_ease] * 200)
        assert cap.uploads > 20


class TestUnderVoltage:
    def test_one_upload_until_the_supply_has_held(self):
        low, good = replace(CALM, under_voltage=True), replace(CALM, under_voltage=False)
        memory, cap = play(rules.under_voltage, rules.Voltage(), [low])
        assert (cap.uploads, cap.reason) == (1, Reason.VOLTAGE)
        assert "power supply" in cap.says
        assert play(rules.under_voltage, memory, [good] * 29)[1] is not None
        assert play(rules.under_voltage, memory, [good] * 40)[1] is None


class TestBacklog:
    @pytest.mark.parametrize(
        ("same_host", "jobs", "uploads"),
        [(True, 7000, 3), (True, 0, None), (True, None, None), (False, 7000, None)],
    )
    def test_only_jobs_on_this_machine_take_a_core(self, same_host, jobs, uploads):
        sample = replace(CALM, same_host=same_host, queue_jobs=jobs, cores=4)
        cap = rules.backlog(None, sample)[1]
        assert (cap and cap.uploads) == uploads


class TestHeat:
    def warm(self, celsius, **more):
        return replace(CALM, temperature_c=celsius, **more)

    def test_a_cool_pi_is_left_alone(self):
        assert play(heat, Heat(), [self.warm(60.0)] * 30)[1] is None

    def test_near_the_set_point_it_paces(self):
        _, cap = play(heat, Heat(), [self.warm(79.5)] * 10)
        assert cap.reason is Reason.HEAT
        assert cap.pace_bytes_per_s < 8 * MB
        assert "pacing" in cap.says

    def test_it_paces_before_the_set_point_when_the_slope_is_steep(self):
        climbing = [self.warm(60.0 + second) for second in range(14)]
        assert climbing[-1].temperature_c < 75.0
        assert play(heat, Heat(), climbing)[1] is not None

    def test_at_84_one_upload_at_half_its_rate(self):
        _, cap = play(heat, Heat(), [self.warm(84.5)] * 3)
        assert cap.uploads == 1
        assert cap.pace_bytes_per_s <= 4 * MB

    def test_live_throttling_paces_even_without_a_thermometer(self):
        slow = replace(CALM, temperature_c=None, throttled=True)
        _, cap = play(heat, Heat(), [slow] * 2)
        assert cap.pace_bytes_per_s < 8 * MB

    def test_foreign_heat_does_not_starve_us(self):
        """The server on the same Pi makes the heat: our pace would change nothing."""
        foreign = self.warm(82.0, cpu_cores=4.0, cpu_own_cores=0.1)
        _, cap = play(heat, Heat(), [foreign] * 60)
        assert cap.pace_bytes_per_s > 0.9 * 8 * MB

    def test_what_has_cooled_down_is_free_again(self):
        memory, _ = play(heat, Heat(), [self.warm(80.0)] * 20)
        assert memory.pace is not None
        paced = replace(self.warm(70.0), acked_bytes=1 * MB)
        assert play(heat, memory, [paced] * 120)[1] is None


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_cap_leaves_one_upload_and_some_bytes(data):
    """No rule may stop the work for good."""
    every = [
        (rules.server_gone, rules.Gone()),
        (rules.overload, rules.Overload()),
        (rules.latency, rules.Latency()),
        (rules.memory, rules.Memory()),
        (rules.under_voltage, rules.Voltage()),
        (rules.backlog, None),
        (heat, Heat()),
    ]
    number = st.floats(0.0, 1e9)
    rule, memory = data.draw(st.sampled_from(every))
    for second in range(20):
        sample = Sample(
            t_s=float(second),
            uploads_active=data.draw(st.integers(0, 40)),
            uploads_paused=data.draw(st.integers(0, 5)),
            acked_bytes=data.draw(number),
            files_done=data.draw(st.integers(0, 5)),
            overload_errors=data.draw(st.integers(0, 3)),
            connection_errors=data.draw(st.integers(0, 3)),
            temperature_c=data.draw(st.none() | st.floats(-20.0, 110.0)),
            throttled=data.draw(st.none() | st.booleans()),
            under_voltage=data.draw(st.none() | st.booleans()),
            memory_available_bytes=data.draw(st.none() | number),
            memory_per_upload_bytes=data.draw(st.none() | number),
            psi_memory=data.draw(st.none() | st.floats(0.0, 1.0)),
            same_host=data.draw(st.booleans()),
            queue_jobs=data.draw(st.none() | st.integers(0, 9)),
        )
        memory, cap = rule(memory, sample)
        if cap is not None:
            assert cap.uploads is None or cap.uploads >= 1
            assert cap.pace_bytes_per_s is None or cap.pace_bytes_per_s > 0.0
            assert cap.says
