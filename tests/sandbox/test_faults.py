"""Faults on demand: each does what it says, to whom it says."""

import threading
import time
from pathlib import Path

import pytest
import requests

from piuploader.sandbox.faults import Faults, parsed
from tests.waiting import wait_until

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def forget(sandbox):
    """What a fault answers is not Immich's, and is not held against its document."""
    yield
    sandbox.world.exchanges.clear()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_status_strikes_so_many_requests(sandbox, admin, status):
    sandbox.faults.add("status", status=status, times=2, retry_after_s=7)
    answers = [admin.upload(b"%d" % number) for number in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 201]
    assert answers[0].headers["retry-after"] == "7"
    assert sandbox.faults.listing()[0]["hits"] == 2


def test_skip_lets_requests_pass_first(sandbox, admin):
    sandbox.faults.add("status", skip=1, times=1)
    assert [admin.upload(b"%d" % n).status_code for n in range(3)] == [201, 503, 201]


def test_probability_is_seeded():
    def struck(seed):
        faults = Faults(seed)
        faults.add("status", probability=0.3, where="all")
        return [bool(faults.strike("GET /x", size_bytes=0, parallel=0)) for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_a_fault_strikes_only_where_it_is_told(sandbox, admin):
    sandbox.faults.add("status", where="PUT /queues", status=500)
    assert admin("PUT /queues/ocr", json={"isPaused": True}).status_code == 500
    assert admin("GET /queues").status_code == 200
    sandbox.faults.clear()
    sandbox.faults.add("status", where="check")
    assert admin.upload().status_code == 201
    assert (
        admin(
            "POST /assets/bulk-upload-check", json={"assets": [{"id": "1", "checksum": "0" * 40}]}
        )
    ).status_code == 503


def test_too_large_is_a_matter_of_size(sandbox, admin):
    sandbox.faults.add("status", status=413, above_bytes=MIB)
    assert admin.upload(b"x" * 1000).status_code == 201
    assert admin.upload(b"x" * 2 * MIB).status_code == 413
    assert sandbox.counters()["bytes_received"] == 1000


def test_a_late_status_comes_after_the_file_was_stored(sandbox, admin):
    sandbox.faults.add("status", status=502, late=True, times=1)
    assert admin.upload().status_code == 502
    assert len(sandbox.assets()) == 1


def test_a_reset_in_mid_body_leaves_nothing(sandbox, admin):
    sandbox.faults.add("reset", at_bytes=MIB, times=1)
    with pytest.raises(requests.ConnectionError):
        admin.upload(b"x" * 8 * MIB)
    assert sandbox.assets() == []
    assert sandbox.counters()["uploads_broken"] == 1
    assert sandbox.counters()["bytes_wasted"] >= MIB
    assert admin.upload(b"x" * 8 * MIB).status_code == 201


def test_a_dropped_answer_hides_that_the_file_was_stored(sandbox, admin):
    sandbox.faults.add("drop_answer", times=1)
    with pytest.raises(requests.ConnectionError):
        admin.upload(b"stored")
    assert admin.verdict(b"stored")["action"] == "reject"


def test_a_stall_holds_the_body_up(sandbox, admin):
    sandbox.faults.add("stall", seconds=0.4, at_bytes=1, times=1)
    began = time.monotonic()
    assert admin.upload(b"x" * MIB).status_code == 201
    assert time.monotonic() - began >= 0.4


def test_slow_and_latency_take_time(sandbox, admin):
    sandbox.faults.add("slow", bytes_per_s=4 * MIB, times=1)
    began = time.monotonic()
    assert admin.upload(b"x" * MIB).status_code == 201
    assert time.monotonic() - began >= 0.2
    sandbox.faults.clear()
    sandbox.faults.add("latency", where="GET /server/ping", seconds=0.2)
    began = time.monotonic()
    assert admin("GET /server/ping").json() == {"res": "pong"}
    assert time.monotonic() - began >= 0.2


def test_a_captive_portal_answers_with_a_page(sandbox, admin):
    sandbox.faults.add("html", where="all")
    answer = admin("GET /server/ping")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    assert admin.upload().text.startswith("<html>")


def test_full_and_disk_full_come_after_the_body(sandbox, admin):
    sandbox.faults.add("full", times=1)
    sandbox.faults.add("disk_full", times=1, skip=1)
    assert admin.upload(b"12345").json() == {"message": "Quota has been exceeded!"}
    assert admin.upload(b"12345").status_code == 500
    assert sandbox.counters()["bytes_received"] == 10
    assert admin.upload(b"12345").status_code == 201


def test_corruption_is_seen_in_the_checksum_only(sandbox, admin):
    sandbox.faults.add("corrupt", times=1)
    assert admin.upload(b"good bytes").status_code == 201
    assert admin.verdict(b"good bytes")["action"] == "accept"
    (asset,) = sandbox.assets()
    stored = Path(asset["path"]).read_bytes()
    assert len(stored) == 10
    assert stored != b"good bytes"


def test_beyond_so_many_parallel_uploads_the_server_refuses(sandbox, client_of):
    sandbox.faults.add("status", status=429, above_parallel=2)
    sandbox.faults.add("stall", seconds=1.0)
    clients = [client_of(sandbox, sandbox.admin_key) for _ in range(4)]
    seen: list[int] = []

    def send(number):
        seen.append(clients[number].upload(b"%d" % number).status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [201, 201, 429, 429]
    assert sandbox.counters()["max_parallel_uploads"] >= 3


def test_a_restart_refuses_and_then_listens_on_the_same_port(sandbox, admin):
    kept = admin.upload_id()
    away = threading.Thread(target=sandbox.restart, args=(0.4,))
    away.start()

    def is_refused():
        try:
            requests.get(f"{sandbox.url}/api/server/ping", timeout=5)
        except requests.ConnectionError:
            return True
        return False

    wait_until(is_refused)
    away.join()
    assert admin(f"GET /assets/{kept}").status_code == 200


def test_the_door_for_other_processes(sandbox):
    def post(name, body):
        return requests.post(f"{sandbox.url}/sandbox/{name}", json=body, timeout=5)

    assert post("faults", {"kind": "reset", "times": 1}).json()[0]["kind"] == "reset"
    assert post("faults", {"kind": "earthquake"}).status_code == 400
    assert post("faults", {"kind": "reset", "strength": 9}).status_code == 400
    assert requests.delete(f"{sandbox.url}/sandbox/faults", timeout=5).json() == []
    queue = post("backlog", {"ocr": 5}).json()["ocr"]
    assert queue["active"] + queue["waiting"] == 5
    assert post("time", {"advance_s": 100}).json()["now_s"] >= 100
    secret = post("keys", {"permissions": ["all"], "admin": False}).json()["secret"]
    assert post("revoke", {"secret": secret}).json() == {"count": 1}
    assert post("quota", {"bytes": 10}).json() == {"bytes": 10}
    assert post("trash", {}).json() == {"count": 0}
    assert post("nothing", {}).status_code == 404
    state = requests.get(f"{sandbox.url}/sandbox/state", timeout=5).json()
    assert state["settled"] is True
    assert post("restart", {"down_s": 0.1}).json() == {"down_s": 0.1}


def test_a_fault_can_be_written_on_a_command_line():
    assert parsed("status:status=503,probability=0.05,late=true") == {
        "kind": "status",
        "status": 503,
        "probability": 0.05,
        "late": True,
    }
    assert parsed("reset:at_bytes=1000,times=3,where=check")["times"] == 3
    for wrong in ("boom", "reset:colour=red", "reset:at_bytes=many"):
        with pytest.raises(ValueError, match=r"."):
            parsed(wrong)
