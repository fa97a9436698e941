"""Queues: how they fill, drain and pause, over HTTP and in the model."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.sandbox.machine import FOLLOWERS, MODELS, QUEUES, Machine, Model

COUNTS = {"active", "completed", "failed", "delayed", "waiting", "paused"}
HEAVY = ("thumbnailGeneration", "smartSearch", "faceDetection", "ocr")


def machine(model=MODELS["off"], *, concurrency=2, ml=True):
    done: list[tuple[str, str]] = []
    made = Machine(
        now=0.0,
        model=model,
        concurrency=lambda _name: concurrency,
        ml_enabled=lambda: ml,
        is_film=lambda asset_id: asset_id.startswith("film"),
        done=lambda queue, asset_id: done.append((queue, asset_id)),
    )
    return made, done


def test_a_photo_takes_immichs_way_through_the_queues():
    model, done = machine()
    model.add("metadataExtraction", ["photo"])
    model.advance(100)
    order = [queue for queue, _ in done]
    assert order[:3] == ["metadataExtraction", "storageTemplateMigration", "thumbnailGeneration"]
    assert set(order[3:]) == {
        "smartSearch",
        "faceDetection",
        "ocr",
        "duplicateDetection",
        "facialRecognition",
    }
    assert order.index("smartSearch") < order.index("duplicateDetection")
    assert model.is_settled()


def test_only_films_are_converted():
    model, done = machine()
    model.add("metadataExtraction", ["film", "photo"])
    model.advance(100)
    assert [asset for queue, asset in done if queue == "videoConversion"] == ["film"]


@given(
    steps=st.lists(st.floats(0.001, 5), min_size=1, max_size=30),
    count=st.integers(1, 20),
    cores=st.sampled_from([1.0, 4.0, math.inf]),
)
def test_how_often_one_looks_changes_nothing(steps, count, cores):
    """The model is the same whether it is advanced in one step or in many."""
    ids = [f"film{n}" if n % 3 == 0 else f"photo{n}" for n in range(count)]
    often, seen_often = machine(Model(cores=cores))
    once, seen_once = machine(Model(cores=cores))
    for model in (often, once):
        model.add("metadataExtraction", ids)
    now = 0.0
    for step in steps:
        now += step
        often.advance(now)
    once.advance(now)
    assert sorted(seen_often) == sorted(seen_once)
    assert [often.counts(name) for name in QUEUES] == [once.counts(name) for name in QUEUES]


def test_no_job_is_lost():
    model, done = machine(Model(cores=2.0))
    model.add("metadataExtraction", [f"photo{n}" for n in range(50)])
    for now in range(1, 200):
        if now % 3 == 0:
            model.pause("thumbnailGeneration", paused=now % 2 == 0)
        model.advance(now)
    model.pause("thumbnailGeneration", paused=False)
    model.advance(1000)
    photos = [pair for pair in done if pair[0] == "ocr"]
    assert len(photos) == 50
    assert model.is_settled()


def test_machine_learning_jobs_are_queued_with_it_off_and_end_at_once():
    model, done = machine(Model(cores=1.0), ml=False)
    model.add("smartSearch", ["photo"])
    model.advance(0.01)
    assert ("smartSearch", "photo") in done


def test_pausing_the_heavy_queues_frees_an_upload():
    def seconds(*, paused):
        model, _ = machine(MODELS["pi4"], concurrency=2)
        for name in HEAVY:
            model.add(name, [None] * 1000)
            model.pause(name, paused=paused)
        model.advance(1)
        return model.owe(model.begin_upload(), size_bytes=0, with_base=True)

    assert seconds(paused=True) == pytest.approx(0.3)
    assert seconds(paused=False) > 3 * seconds(paused=True)


def test_every_follower_is_a_queue():
    assert {name for names in FOLLOWERS.values() for name in names} <= set(QUEUES)


# --- over HTTP ---


def by_name(client):
    return {queue["name"]: queue for queue in client("GET /queues").json()}


def test_the_queues_are_listed_with_six_counts(admin):
    listed = admin("GET /queues").json()
    assert [queue["name"] for queue in listed] == list(QUEUES)
    assert all(set(queue["statistics"]) == COUNTS for queue in listed)
    jobs = admin("GET /jobs").json()
    assert set(jobs) == set(QUEUES)
    assert jobs["ocr"]["queueStatus"] == {"isPaused": False, "isActive": False}


def test_a_pause_moves_what_waits_and_lets_finish_what_is_active(sandbox, admin):
    sandbox.add_backlog(thumbnailGeneration=10)
    before = by_name(admin)["thumbnailGeneration"]["statistics"]
    assert (before["active"], before["waiting"]) == (3, 7)
    paused = admin("PUT /queues/thumbnailGeneration", json={"isPaused": True}).json()
    assert paused["isPaused"] is True
    assert paused["statistics"]["waiting"] == 0
    sandbox.fast_forward(60)
    later = by_name(admin)["thumbnailGeneration"]["statistics"]
    assert (later["active"], later["waiting"]) == (0, 0)
    assert 1 <= later["paused"] <= 7
    admin("PUT /queues/thumbnailGeneration", json={"isPaused": False})
    sandbox.fast_forward(60)
    assert sandbox.is_settled()


def test_new_jobs_of_a_paused_queue_are_paused_too(sandbox, admin):
    admin("PUT /jobs/thumbnailGeneration", json={"command": "pause"})
    asset_id = admin.upload_id()
    sandbox.fast_forward(60)
    assert sandbox.queues()["thumbnailGeneration"]["paused"] == 1
    shown = admin(f"GET /assets/{asset_id}").json()
    assert (shown["hasMetadata"], shown["thumbhash"]) == (True, None)
    admin("PUT /jobs/thumbnailGeneration", json={"command": "resume"})
    sandbox.fast_forward(60)
    assert admin(f"GET /assets/{asset_id}").json()["thumbhash"]


def test_counts_of_ended_jobs_stay_zero(sandbox, admin):
    for number in range(5):
        admin.upload_id(b"%d" % number)
    sandbox.fast_forward(600)
    counts = [queue["statistics"] for queue in admin("GET /queues").json()]
    assert all(sum(one.values()) == 0 for one in counts)


def test_background_task_cannot_be_paused_through_queues(admin):
    answer = admin("PUT /queues/backgroundTask", json={"isPaused": True})
    assert answer.status_code == 400
    assert answer.json() == {"message": "The BackgroundTask queue cannot be paused"}
    assert admin("PUT /jobs/backgroundTask", json={"command": "pause"}).status_code == 200


def test_concurrency_applies_live(sandbox, admin):
    sandbox.add_backlog(thumbnailGeneration=100, facialRecognition=5)
    config = admin("GET /system-config").json()
    config["job"]["thumbnailGeneration"]["concurrency"] = 7
    assert admin("PUT /system-config", json=config).status_code == 200
    assert by_name(admin)["thumbnailGeneration"]["statistics"]["active"] == 7
    assert by_name(admin)["facialRecognition"]["statistics"]["active"] == 1


def test_jobs_can_be_listed_and_dropped(sandbox, admin):
    sandbox.add_backlog(ocr=5)
    assert len(admin("GET /queues/ocr/jobs").json()) == 5
    assert len(admin("GET /queues/ocr/jobs?status=active").json()) == 1
    assert admin("DELETE /queues/ocr/jobs", json={"failed": True}).status_code == 204
    assert len(admin("GET /queues/ocr/jobs?status=waiting").json()) == 0


def test_commands_of_old_start_and_empty(sandbox, admin):
    sandbox.pause("ocr")
    sandbox.add_backlog(ocr=5)
    assert admin("PUT /jobs/ocr", json={"command": "empty"}).json()["jobCounts"]["paused"] == 0
    sandbox.add_backlog(sidecar=1)
    answer = admin("PUT /jobs/sidecar", json={"command": "start", "force": False})
    assert answer.json()["message"] == "Job is already running"
    assert admin("PUT /jobs/ocr", json={"command": "explode"}).status_code == 400
    assert admin("PUT /queues/ocr", json={"isPaused": "yes"}).status_code == 400
    assert admin("GET /queues/nothing").status_code == 400


def test_an_old_server_knows_only_jobs(start, client_of):
    sandbox = start(version="2.3.1")
    client = client_of(sandbox, sandbox.admin_key)
    assert client("GET /queues").status_code == 404
    assert "integrityCheck" not in client("GET /jobs").json()


def test_a_backlog_is_there_from_the_start(start):
    sandbox = start(backlog={"thumbnailGeneration": 400})
    counts = sandbox.queues()["thumbnailGeneration"]
    assert 390 < counts["active"] + counts["waiting"] <= 400


def test_a_queue_of_a_later_version_is_listed_like_the_others(start, client_of):
    sandbox = start(version="3.2.2", extra_queues=("holograms",))
    sandbox.add_backlog(holograms=3)
    queue = by_name(client_of(sandbox, sandbox.admin_key))["holograms"]
    assert (queue["statistics"]["active"], queue["statistics"]["waiting"]) == (1, 2)


def test_uploads_to_a_weak_server_are_faster_beside_paused_queues(start, client_of):
    def seconds(*, paused):
        sandbox = start(
            cpu_model="pi4", job_speed=3, backlog=dict.fromkeys(HEAVY, 5000), version="3.2.2"
        )
        if paused:
            sandbox.pause(*HEAVY)
            sandbox.fast_forward(10)
        client = client_of(sandbox, sandbox.admin_key)
        began = time.monotonic()
        for number in range(4):
            client.upload_id(b"%d" % number)
        return time.monotonic() - began

    assert seconds(paused=False) > 2 * seconds(paused=True)
