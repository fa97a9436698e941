"""Plug in, watch the light, take it out: a real daemon, real mounts, a server that behaves."""

import json
from importlib.resources import files
from time import monotonic, sleep

import jsonschema
import pytest

from piuploader.core.queues import HEAVY
from tests.appliance.machine import photos
from tests.appliance.rooms import needs_mounts
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, needs_mounts]

SCHEMA = json.loads(files("piuploader.data").joinpath("status.schema.json").read_text("utf-8"))


def drive(status, name=None):
    return next((each for each in status["drives"] if name in (None, each["name"])), None)


def test_plug_in_watch_the_light_take_it_out(make_machine, tmp_path, holds):
    pi = make_machine()
    card = photos(tmp_path / "card", 12)
    (card / "notes.txt").write_text("junk")
    pi.boot()
    pi.until_light("ready")
    assert "READY=1" in pi.heard
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    status = pi.status
    jsonschema.validate(status, SCHEMA)
    assert status["may_remove_drive"]
    counts = drive(status)["session"]["files"]
    assert (counts["found"], counts["confirmed"], counts["skipped"]) == (13, 12, 1)
    assert holds(card)
    pi.pull("sda1")
    pi.until(lambda status: status["drives"] == [])
    assert pi.shut_down() == 0
    assert {"READY=1", "WATCHDOG=1", "STOPPING=1"} <= set(pi.heard)
    lines = [line for line in pi.log.splitlines() if line.startswith("<6>")]
    assert 6 <= len(lines) <= 16, pi.log


def test_plugged_again_only_what_is_new_is_read(make_machine, tmp_path, holds):
    pi = make_machine()
    card = photos(tmp_path / "card", 6)
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    pi.pull("sda1")
    pi.until(lambda status: status["drives"] == [])
    photos(card, 2, first=6)
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    counts = drive(pi.status)["session"]["files"]
    assert (counts["confirmed"], counts["duplicate"]) == (2, 6)
    assert holds(card)


def test_several_drives_are_imported_in_turn_each_with_its_account(make_machine, tmp_path, holds):
    pi = make_machine()
    cards = [photos(tmp_path / f"card{number}", 4) for number in range(3)]
    for number, card in enumerate(cards):
        pi.plug_tmpfs(f"sd{'abc'[number]}1", card)
    pi.boot()  # all are in at boot
    pi.until(lambda s: len(s["drives"]) == 3 and s["may_remove_drive"])
    assert [each["session"]["files"]["confirmed"] for each in pi.status["drives"]] == [4, 4, 4]
    assert all(holds(card) for card in cards)


def test_pulled_in_mid_import_it_goes_on_when_it_returns(make_machine, server, tmp_path, holds):
    server.fault("slow", where="upload", bytes_per_s=300_000)
    pi = make_machine()
    card = photos(tmp_path / "card", 10, size=200_000)
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    pi.until_light("uploading")
    wait_until(lambda: len(server.assets()) >= 1, within_s=30)
    pi.pull("sda1")
    pi.until_light("failed")
    assert "plug it in again" in drive(pi.status)["sentence"]
    assert not drive(pi.status)["present"]
    server.request("DELETE", "/sandbox/faults")
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    assert holds(card)
    assert len(pi.status["drives"]) == 1


def test_a_power_cut_in_mid_import_costs_nothing(make_machine, server, tmp_path, holds):
    """SIGKILL, and the drive is still in when the power returns."""
    server.fault("slow", where="upload", bytes_per_s=300_000)
    pi = make_machine()
    card = photos(tmp_path / "card", 10, size=200_000)
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    wait_until(lambda: len(server.assets()) >= 2, within_s=30)
    pi.power_cut()
    server.request("DELETE", "/sandbox/faults")
    pi.boot()
    pi.until_light("complete", "server-works")
    assert holds(card)
    assert len(server.assets()) == 10


def test_after_a_power_cut_the_queues_come_back_though_the_drive_does_not(
    make_machine, server, tmp_path
):
    def paused():
        return {name for name, each in server.state()["queues"].items() if each["is_paused"]}

    server.fault("slow", where="upload", bytes_per_s=100_000)
    pi = make_machine(queues={"quiet_hours": ""})
    pi.boot()
    pi.plug_tmpfs("sda1", photos(tmp_path / "card", 10, size=200_000))
    wait_until(lambda: paused() == set(HEAVY), within_s=30)
    pi.power_cut()
    pi.pull("sda1")
    assert paused() == set(HEAVY)
    pi.boot()
    wait_until(lambda: not paused(), within_s=30)
    wait_until(lambda: "Resumed what an earlier run had paused" in pi.log, within_s=30)


def test_power_cuts_at_any_moment_and_drives_pulled_at_any_time(make_machine, tmp_path, holds):
    """Whatever happened before: once it is left alone, all is safe and told."""
    pi = make_machine()
    card = photos(tmp_path / "card", 40, size=50_000)
    for wait_s in (0.3, 0.6, 0.9, 1.2):
        pi.boot()
        pi.plug_tmpfs("sda1", card)
        sleep(wait_s)
        pi.pull("sda1")
        sleep(wait_s / 3)
        pi.power_cut()
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    assert holds(card)


def test_a_server_that_comes_late_is_waited_for(make_machine, server, tmp_path, holds):
    """No network at boot, and then a drive: nobody has to come back."""
    server.kill()
    pi = make_machine()
    card = photos(tmp_path / "card", 3)
    pi.boot()
    pi.until_light("no-server")
    pi.plug_tmpfs("sda1", card)
    pi.until_light("waiting")
    server.start()
    pi.until_light("complete", "server-works", within_s=60)
    assert holds(card)


def test_a_server_that_restarts_in_mid_import_is_waited_for(make_machine, server, tmp_path, holds):
    server.fault("slow", where="upload", bytes_per_s=300_000)
    pi = make_machine()
    card = photos(tmp_path / "card", 8, size=200_000)
    pi.boot()
    pi.plug_tmpfs("sda1", card)
    wait_until(lambda: len(server.assets()) >= 1, within_s=30)
    server.kill()
    pi.until_light("waiting")
    server.start()
    pi.until_light("complete", "server-works", within_s=60)
    assert holds(card)


def test_a_wrong_key_calls_a_person_and_a_reload_heals_it(make_machine, server, tmp_path, holds):
    pi = make_machine(key="wrong" * 8)
    card = photos(tmp_path / "card", 3)
    pi.boot()
    pi.until_light("failed")
    assert "wrong" * 8 not in pi.log
    pi.plug_tmpfs("sda1", card)
    wait_until(lambda: "Session over" in pi.log, within_s=20)
    pi.set_key(server.admin_key)
    pi.reload()
    pi.until_light("complete", "server-works")
    assert holds(card)
    assert any(each.startswith("RELOADING=1") for each in pi.heard)


def test_a_wrong_configuration_ends_with_78_and_a_sentence(make_machine):
    pi = make_machine(lights={"kidn": "rgb"})
    pi.boot()
    assert pi.process.wait(20) == 78
    assert "[lights]: unknown key 'kidn' (did you mean 'kind'?)" in pi.log
    assert "READY=1" not in pi.heard


def test_a_wrong_configuration_at_a_reload_leaves_the_old_one_at_work(
    make_machine, tmp_path, holds
):
    pi = make_machine()
    pi.boot()
    pi.until_light("ready")
    pi.tables["daemon"]["stall_s"] = 1.0
    pi.write_config()
    pi.reload()
    pi.until_light("failed")
    assert "stall_s must be 60 seconds or more" in pi.status["problem"]
    card = photos(tmp_path / "card", 3)
    pi.plug_tmpfs("sda1", card)
    pi.until(lambda s: s["drives"] and drive(s)["phase"] == "complete")
    assert holds(card)


def test_drives_without_photos_are_states_and_not_crashes(make_machine, tmp_path):
    """Empty, junk, and one that root could not mount."""
    pi = make_machine()
    empty = tmp_path / "empty"
    empty.mkdir()
    junk = tmp_path / "junk"
    junk.mkdir()
    for number in range(200):
        (junk / f"{number}.bin").write_bytes(b"\0" * number)
    (junk / "\udcff\udcfe.doc").write_text("")
    (junk / "deep").mkdir()
    (junk / "deep" / "circle").symlink_to(junk)
    problems = pi.drives / ".problems"
    problems.mkdir()
    (problems / "sdc1").write_text("its file system is broken")
    pi.boot()
    pi.plug_tmpfs("sda1", empty)
    pi.plug_tmpfs("sdb1", junk)
    pi.until(lambda s: len(s["drives"]) == 3 and s["may_remove_drive"])
    assert pi.light == "failed"
    said = {each["sentence"] for each in pi.status["drives"]}
    assert said == {"no photos or films on this drive", "its file system is broken"}
    (problems / "sdc1").unlink()
    pi.until_light("incomplete")


def test_the_root_file_system_is_never_imported(make_machine, tmp_path):
    """Bound there by whoever: it is what the box runs from."""
    import subprocess

    pi = make_machine()
    own = photos(tmp_path / "own", 1)
    target = pi.drives / "sdz1"
    target.mkdir()
    subprocess.run(["mount", "--bind", own, target], check=True)
    pi.mounted.append(target)
    pi.boot()
    pi.until_light("ready")
    sleep(2.5)  # a full round of the loop
    assert pi.status["drives"] == []


def test_idle_it_costs_little(make_machine, tmp_path, record_testsuite_property):
    """Under 60 MB and under 1 % of a core, also after it has imported."""
    pi = make_machine(daemon={"server_look_s": 60.0})  # as it comes
    pi.boot()
    pi.until_light("ready")
    fresh_mib = pi.rss_mib()
    card = photos(tmp_path / "card", 50)
    pi.plug_tmpfs("sda1", card)
    pi.until_light("complete", "server-works")
    pi.pull("sda1")
    pi.until_light("ready")
    before_s, began = pi.cpu_s(), monotonic()
    sleep(10)
    share = (pi.cpu_s() - before_s) / (monotonic() - began)
    used_mib = pi.rss_mib()
    record_testsuite_property("rss_mib", (round(fresh_mib), round(used_mib)))
    record_testsuite_property("idle_percent", round(100 * share, 2))
    assert used_mib < 60
    assert share < 0.01
