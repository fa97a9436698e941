"""One light speaks for the whole box."""

import json
from collections import Counter
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.appliance import (
    ApplianceStatus,
    DriveState,
    ServerLook,
    Vitals,
    account_sentence,
    progress,
    summary,
)
from piuploader.core.session import AT_REST, Phase
from piuploader.core.signals import SIGNALS, Light
from piuploader.core.status import ImportStatus, ServerWork, Transfer
from piuploader.core.statusfile import age_s, document
from piuploader.core.tally import Ending, Reason, Tally
from piuploader.core.tuner import Reason as Limit

SCHEMA = json.loads(files("piuploader.data").joinpath("status.schema.json").read_text("utf-8"))


def session(phase, *, media=3, **rest):
    return ImportStatus(
        phase=phase,
        drive="CARD",
        tally=Tally(),
        scanned=True,
        seconds=1.0,
        media_found=media,
        **rest,
    )


def drive(phase, **rest):
    return DriveState("sda1", phase, status=session(phase, **rest))


def light(*drives, server=None, **rest):
    return ApplianceStatus(started=True, drives=drives, server=server, **rest).light


AWAY = ServerLook(reachable=False, sentence="no answer")
BUSY = ServerLook(reachable=True, work=ServerWork(active=2, waiting=40))
DONE = ServerLook(reachable=True, work=ServerWork(active=0, waiting=0))


def test_a_box_that_starts_says_so():
    assert ApplianceStatus().light is Light.STARTING


def test_an_empty_box_is_ready_or_misses_its_server():
    assert light() is Light.READY
    assert light(server=AWAY) is Light.NO_SERVER


def test_a_server_that_needs_a_person_makes_the_box_call():
    assert light(server=ServerLook(reachable=True, needs_person=True)) is Light.FAILED


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.MOUNTING, Light.READING),
        (Phase.SCANNING, Light.READING),
        (Phase.CHECKING, Light.READING),
        (Phase.UPLOADING, Light.UPLOADING),
        (Phase.CONFIRMING, Light.UPLOADING),
        (Phase.PAUSED, Light.WAITING),
        (Phase.COMPLETE, Light.COMPLETE),
        (Phase.INCOMPLETE, Light.INCOMPLETE),
        (Phase.FAILED, Light.FAILED),
        (Phase.IDLE, Light.READY),
    ],
)
def test_each_phase_of_a_drive_has_its_light(phase, expected):
    assert light(drive(phase)) is expected


@pytest.mark.parametrize("phase", [Phase.SCANNING, Phase.UPLOADING, Phase.CONFIRMING])
def test_heat_is_shown_while_it_works(phase):
    assert light(drive(phase, limit_reason=Limit.HEAT)) is Light.HOT


@pytest.mark.parametrize("phase", [Phase.SCANNING, Phase.UPLOADING, Phase.CONFIRMING])
def test_weak_power_is_shown_while_it_works(phase):
    assert light(drive(phase, limit_reason=Limit.VOLTAGE)) is Light.WEAK_POWER


def test_weak_power_is_shown_even_where_it_limits_nothing():
    sagging = Vitals(under_voltage=True)
    assert light(drive(Phase.UPLOADING), vitals=sagging) is Light.WEAK_POWER
    assert light(drive(Phase.UPLOADING, limit_reason=Limit.HEAT), vitals=sagging) is (
        Light.WEAK_POWER
    )
    assert light(drive(Phase.COMPLETE), vitals=sagging) is Light.COMPLETE
    assert light(vitals=sagging) is Light.READY


@pytest.mark.parametrize("reason", sorted(set(Limit) - {Limit.HEAT, Limit.VOLTAGE}))
def test_other_limits_are_no_reason_for_another_light(reason):
    assert light(drive(Phase.UPLOADING, limit_reason=reason)) is Light.UPLOADING


def test_a_light_does_not_hang_on_words():
    words = "79 °C: hot, throttled, under-voltage"
    assert light(drive(Phase.UPLOADING, limits=words)) is Light.UPLOADING


def test_programs_are_told_when_the_server_has_finished():
    work = ServerWork(active=2, waiting=40, eta_s=123.4)
    written = document(
        ApplianceStatus(started=True, server=ServerLook(reachable=True, work=work)), now_s=0.0
    )
    jsonschema.validate(written, SCHEMA)
    assert written["server"]["jobs"]["eta_s"] == 123


def test_what_limits_is_told_to_programs_by_name():
    status = ApplianceStatus(
        started=True, drives=(drive(Phase.UPLOADING, limit_reason=Limit.HEAT, limits="hot"),)
    )
    written = document(status, now_s=0.0)
    jsonschema.validate(written, SCHEMA)
    assert written["drives"][0]["session"]["limit_reason"] == "heat"


def test_the_drive_may_go_while_the_server_still_works():
    shown = light(drive(Phase.COMPLETE), server=BUSY)
    assert shown is Light.SERVER_WORKS
    assert SIGNALS[shown].look.at_rest
    assert light(drive(Phase.COMPLETE), server=DONE) is Light.COMPLETE


def test_jobs_in_paused_queues_are_no_work():
    """They may wait for ever; the light must not."""
    paused = ServerLook(reachable=True, work=ServerWork(active=0, waiting=9, paused_queues=1))
    assert light(drive(Phase.COMPLETE), server=paused) is Light.COMPLETE


def test_a_drive_with_nothing_on_it_asks_for_a_look():
    """Nobody should format a card because a green light shone for an empty folder."""
    assert light(drive(Phase.COMPLETE, media=0)) is Light.INCOMPLETE


@given(
    st.lists(st.sampled_from(list(Phase)), max_size=5),
    st.sampled_from([None, AWAY, BUSY, DONE, ServerLook(reachable=True, needs_person=True)]),
    st.text(max_size=9),
)
def test_the_light_says_rest_only_if_every_drive_rests(phases, server, problem):
    """The one promise that counts."""
    status = ApplianceStatus(
        started=True, drives=tuple(map(drive, phases)), server=server, problem=problem
    )
    at_rest = all(phase in AT_REST for phase in phases)
    assert SIGNALS[status.light].look.at_rest == at_rest
    written = document(status, now_s=1_700_000_000)
    assert written["may_remove_drive"] == at_rest
    jsonschema.validate(written, SCHEMA)


def test_the_document_of_a_busy_box_fits_its_schema():
    tally = Tally(
        9,
        Counter({Ending.CONFIRMED: 4, Ending.FAILED: 1}),
        Counter({(Ending.FAILED, Reason.EMPTY): 1}),
    )
    busy = ImportStatus(
        phase=Phase.UPLOADING,
        drive="CARD",
        tally=tally,
        scanned=False,
        seconds=4.5,
        media_found=8,
        media_bytes=100,
        settled_bytes=25,
        eta_s=12.0,
        transfers=(Transfer("a.jpg", 10, 5),),
    )
    status = ApplianceStatus(
        started=True,
        drives=(DriveState("sda1", Phase.UPLOADING, status=busy),),
        server=BUSY,
        vitals=Vitals(temperature_c=61.2, under_voltage=False),
    )
    written = document(status, now_s=1_700_000_000.5)
    jsonschema.validate(json.loads(json.dumps(written)), SCHEMA)
    assert written["drives"][0]["session"]["failures"] == {"the file is empty": 1}
    assert written["summary"] == "sda1: uploading, 5 of 8 files"
    assert age_s(written, now_s=1_700_000_010.5) == 10
    assert progress(status) == 0.25


def test_a_document_of_who_knows_whom_has_no_age():
    assert age_s({"written_at": 7}, now_s=0) is None


def test_one_line_says_where_the_box_stands():
    assert summary(ApplianceStatus()) == "starting"
    assert summary(ApplianceStatus(started=True)) == "ready: plug in a drive"
    assert summary(ApplianceStatus(started=True, server=AWAY)) == "no answer"
    assert summary(ApplianceStatus(started=True, problem="wrong key")) == "wrong key"
    rests = DriveState("sda1", Phase.COMPLETE, "all safe", status=session(Phase.COMPLETE))
    assert summary(ApplianceStatus(started=True, drives=(rests,))) == "sda1: all safe"


def test_the_account_is_told_in_a_sentence():
    tally = Tally(9, Counter({Ending.CONFIRMED: 4, Ending.DUPLICATE: 3, Ending.FAILED: 1}))
    told = account_sentence(
        ImportStatus(
            phase=Phase.INCOMPLETE, drive="", tally=tally, scanned=True, seconds=1, media_found=8
        )
    )
    assert told == "7 files are safe on the server: 4 sent now, 3 there already; 1 failed"
    assert "no photos" in account_sentence(session(Phase.COMPLETE, media=0))


def test_a_single_file_is_told_as_one():
    alone = replace(session(Phase.COMPLETE), tally=Tally(1, Counter({Ending.CONFIRMED: 1})))
    assert account_sentence(alone).startswith("1 file is safe on the server: 1 sent now")
