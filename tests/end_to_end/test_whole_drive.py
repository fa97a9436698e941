"""A drive with every oddity, from the command line to the server's own copy."""

import json
import random
import signal
import time

import pytest

from piuploader.cli.demo_drive import Contents, DriveMaker
from tests.end_to_end.runs import media, start, upload
from tests.end_to_end.servers import a_server
from tests.waiting import wait_until

SMALL = Contents(
    photos=30,
    raw_pairs=3,
    live_photos=2,
    films=2,
    photo_bytes=(2_000, 300_000),
    film_bytes=(400_000, 3_000_000),
)


@pytest.fixture
def drive(tmp_path):
    DriveMaker(tmp_path / "card").fill(SMALL)
    return tmp_path / "card"


@pytest.fixture
def server():
    with a_server() as server:
        yield server


def balanced(summary):
    return summary["found"] == sum(summary["endings"].values()) and summary["balanced"]


def test_every_photo_arrives_and_every_file_is_accounted_for(drive, server, tmp_path):
    run = upload(server, drive, home=tmp_path / "home")

    assert run.code == 65, run.err  # the one empty photo
    assert [f["path"] for f in run.files if f["ending"] == "failed"] == [
        "DCIM/100CANON/IMG_0666.JPG"
    ]
    assert server.checksums() == sorted(set(media(drive).values()))
    assert server.bytes_agree()
    assert balanced(run.summary)


def test_a_second_run_sends_nothing(drive, server, tmp_path):
    upload(server, drive, home=tmp_path / "home")
    before = server.checksums()

    run = upload(server, drive, home=tmp_path / "home")

    assert server.checksums() == before
    assert run.summary["endings"]["confirmed"] == 0
    assert run.summary["read_bytes"] == 0
    assert balanced(run.summary)


def test_a_key_that_may_only_upload_is_enough(drive, server, tmp_path):
    run = upload(server, drive, home=tmp_path / "home", key=server.upload_key)

    assert run.code == 65, run.err
    assert server.checksums() == sorted(set(media(drive).values()))


def test_a_dry_run_leaves_the_server_alone(drive, server, tmp_path):
    run = upload(server, "--dry-run", drive, home=tmp_path / "home")

    assert server.checksums() == []
    assert balanced(run.summary)


def test_what_lies_in_the_trash_is_not_called_safe(drive, server, tmp_path):
    upload(server, drive, home=tmp_path / "home")
    server.trash(media(drive)[str(drive / "DCIM/100CANON/IMG_0003.JPG")])

    run = upload(server, drive, home=tmp_path / "home")
    trashed = [f for f in run.files if f["ending"] == "failed" and f["reason"] == "trashed"]
    again = upload(server, "--restore-trashed", drive, home=tmp_path / "home")

    assert [f["path"] for f in trashed] == ["DCIM/100CANON/IMG_0003.JPG"]
    assert not [f for f in again.files if f["reason"] == "trashed"]


def test_a_wrong_key_is_told_at_once(drive, server, tmp_path):
    run = upload(server, drive, home=tmp_path / "home", key="wrong-key")

    assert run.code == 77
    assert "wrong-key" not in run.err
    assert server.checksums() == []


def test_an_interrupt_ends_in_order(drive, server, tmp_path):
    process = start(
        server, "upload", "--json", "--bandwidth-limit", "600K", drive, home=tmp_path / "home"
    )
    deadline = time.monotonic() + 30
    while not server.checksums() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "summary"
    assert balanced(last)
    run = upload(server, drive, home=tmp_path / "home")
    assert server.checksums() == sorted(set(media(drive).values()))
    assert balanced(run.summary)


@pytest.mark.slow
@pytest.mark.parametrize("admin", [True, False])
def test_killed_at_random_amid_faults_nothing_is_lost_or_sent_twice(tmp_path, admin):
    """2,000 files, a server that stumbles, and a process that is killed again and again."""
    drive = tmp_path / "card"
    DriveMaker(drive).fill(
        Contents(
            photos=1900,
            raw_pairs=20,
            live_photos=10,
            films=5,
            photo_bytes=(1_000, 30_000),
            film_bytes=(100_000, 2_000_000),
        )
    )
    chance = random.Random(7)
    with a_server(data=tmp_path / "server") as server:
        key = server.admin_key if admin else server.upload_key
        if not server.is_real:
            faults = server.sandbox.faults
            faults.add("status", where="upload", status=503, probability=0.01)
            faults.add("reset", where="upload", at_bytes=5_000, probability=0.01)
            faults.add("drop_answer", where="upload", probability=0.01)
            faults.add("latency", where="upload", seconds=0.2, probability=0.01)
            faults.add("status", where="check", status=500, probability=0.05)
        home = tmp_path / "home"
        kills = 0
        while kills < 6:
            process = start(server, "upload", "--json", drive, home=home, key=key)
            try:
                process.communicate(timeout=chance.uniform(0.6, 2.5))
                break
            except Exception:  # noqa: BLE001 - still running: that is what is wanted
                process.kill()
                process.communicate()
                kills += 1
        run = upload(server, drive, home=home, key=key)

        assert run.code == 65, run.err
        assert balanced(run.summary)
        assert run.summary["endings"]["failed"] == 1
        assert server.checksums() == sorted(set(media(drive).values()))
        assert server.bytes_agree()
        assert kills


def test_two_at_once_do_no_harm(drive, server, tmp_path):
    """Two imports of one drive, with one ledger: nothing is lost, nothing is there twice."""
    home = tmp_path / "home"
    both = [start(server, "upload", "--json", drive, home=home) for _ in range(2)]
    lasts = [json.loads(run.communicate(timeout=120)[0].splitlines()[-1]) for run in both]

    assert [run.returncode for run in both] == [65, 65]
    assert all(balanced(last) for last in lasts)
    assert server.checksums() == sorted(set(media(drive).values()))


def test_the_first_failure_stops_the_run_on_request(drive, server, tmp_path):
    run = upload(server, "--on-errors", "stop", drive, home=tmp_path / "home")

    assert run.code == 65
    assert run.summary["phase"] == "failed"
    assert balanced(run.summary)


@pytest.fixture
def sandbox(server):
    if server.is_real:
        pytest.skip("looks into the sandbox")
    return server.sandbox


def test_live_photos_are_linked_and_sidecars_travel(drive, server, sandbox, tmp_path):
    upload(server, drive, home=tmp_path / "home")

    assets = {asset["name"]: asset for asset in sandbox.assets()}
    film = assets["IMG_0001.MOV"]
    assert film["visibility"] == "hidden"
    assert assets["IMG_0001.HEIC"]["live_photo_video_id"] == film["id"]
    assert assets["IMG_0099.JPG"]["live_photo_video_id"] is None
    assert assets["IMG_0099.MOV"]["visibility"] == "timeline"
    for name in ("IMG_7001.CR3", "IMG_7001.JPG", "IMG_7002.CR3"):
        assert assets[name]["sidecar_path"], name


def test_albums_and_tags_take_duplicates_too(drive, server, sandbox, tmp_path):
    upload(server, drive, home=tmp_path / "home")
    run = upload(server, "--album", "Card", "--tag", "Trips/Rome", drive, home=tmp_path / "home")

    state = sandbox.state()
    (album,) = [album for album in state["albums"] if album["name"] == "Card"]
    assert run.summary["endings"]["confirmed"] == 0
    assert len(album["asset_ids"]) == len(sandbox.assets())
    assert "Trips/Rome" in {tag["value"] for tag in state["tags"]}


def test_quota_that_runs_out_stops_with_a_true_account(drive, sandbox, server, tmp_path):
    sandbox.set_quota(1_500_000)

    run = upload(server, drive, home=tmp_path / "home")

    assert run.code == 69
    assert [each for each in run.summary["problems"] if "Make room on the server" in each]
    assert balanced(run.summary)
    safe = {f["checksum"] for f in run.files if f["ending"] in {"confirmed", "duplicate"}}
    assert safe == set(server.checksums())


def test_a_server_that_restarts_is_waited_for(drive, sandbox, server, tmp_path):
    process = start(
        server, "upload", "--json", "--bandwidth-limit", "2M", drive, home=tmp_path / "home"
    )
    deadline = time.monotonic() + 30
    while not server.checksums() and time.monotonic() < deadline:
        time.sleep(0.02)
    sandbox.restart(down_s=1.5)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 65, err
    last = json.loads(out.splitlines()[-1])
    assert last["endings"]["failed"] == 1
    assert server.checksums() == sorted(set(media(drive).values()))


@pytest.mark.slow
def test_a_second_interrupt_breaks_off_a_stalled_upload(drive, sandbox, server, tmp_path):
    sandbox.faults.add("stall", where="upload", seconds=60, at_bytes=1000)
    process = start(server, "upload", "--json", drive, home=tmp_path / "home")
    wait_until(lambda: sandbox.state()["counters"]["parallel_uploads"])
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 143, err
    assert time.monotonic() - begun < 4  # one alone would grant 5 s
    assert balanced(json.loads(out.splitlines()[-1]))


def test_an_empty_sidecar_does_not_hinder_its_photo(sandbox, server, tmp_path):
    """A server may refuse a form with an empty part."""
    card = tmp_path / "card"
    card.mkdir()
    (card / "1.jpg").write_bytes(b"\xff\xd8 a photo")
    (card / "1.jpg.xmp").touch()

    run = upload(server, card, home=tmp_path / "home")

    assert run.code == 0, run.err
    assert [asset["sidecar_path"] for asset in sandbox.assets()] == [None]
