"""Stacks, albums, tags and dates, from the command line to what the server holds."""

import json
import os
import time
from pathlib import Path

import pytest

from piuploader.sandbox import Sandbox
from tests.end_to_end.runs import start, upload
from tests.end_to_end.servers import SandboxServer

AT_S = 1_700_000_000


@pytest.fixture
def server():
    with Sandbox() as sandbox:
        yield SandboxServer(sandbox)


def fill(folder, *names):
    """Make photos, each of other bytes, all of one time."""
    for name in names:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8" + name.encode() * 500)
        os.utime(path, (AT_S, AT_S))
    return folder


def names_of(server, ids):
    names = {asset["id"]: asset["name"] for asset in server.sandbox.assets()}
    return [names[each] for each in ids]


def stacks(server):
    found = server.sandbox.state()["stacks"]
    return sorted(names_of(server, stack["asset_ids"]) for stack in found)


BURST = [f"IMG_20231014_183246_BURST00{n}.jpg" for n in (1, 2, 3)]
STACKED = sorted([BURST, ["IMG_1.JPG", "IMG_1.CR2"], ["IMG_E0002.JPG", "IMG_0002.HEIC"]])


def test_stacks_are_made_once_and_of_what_was_there_before_too(server, tmp_path):
    card = fill(tmp_path / "card", *BURST, "IMG_1.CR2", "IMG_1.JPG", "IMG_3.JPG")
    fill(card, "IMG_0002.HEIC", "IMG_E0002.JPG")
    run = upload(server, card, home=tmp_path / "home")
    assert (run.code, stacks(server)) == (0, [])

    for _ in range(2):
        run = upload(server, "--stack", "all", card, home=tmp_path / "home")
        assert (run.code, run.summary["problems"]) == (0, [])
        assert stacks(server) == STACKED


def test_the_file_may_ask_for_stacks_and_choose_the_cover(server, tmp_path):
    card = fill(tmp_path / "card", "IMG_1.CR2", "IMG_1.JPG", *BURST)
    config = tmp_path / "config.toml"
    config.write_text('[upload]\nstack = ["raw=raw"]\n')
    upload(server, "--config", config, card, home=tmp_path / "home")
    assert stacks(server) == [["IMG_1.CR2", "IMG_1.JPG"]]


def test_a_key_that_may_not_stack_uploads_all_the_same(server, tmp_path):
    card = fill(tmp_path / "card", "IMG_1.CR2", "IMG_1.JPG")
    run = upload(server, "--stack", "all", card, home=tmp_path / "home", key=server.upload_key)
    assert (run.code, len(server.checksums())) == (0, 2)
    (problem,) = run.summary["problems"]
    assert "stack.create" in problem
    assert stacks(server) == []


def albums(server):
    found = server.sandbox.state()["albums"]
    return {album["name"]: sorted(names_of(server, album["asset_ids"])) for album in found}


def tags(server):
    found = server.sandbox.state()["tags"]
    return {tag["value"]: sorted(names_of(server, tag["asset_ids"])) for tag in found}


def test_albums_by_path_are_made_once_and_take_what_was_there_before_too(server, tmp_path):
    card = fill(tmp_path / "card", "Trips/Rome/1.jpg", "Trips/Oslo/2.jpg", "3.jpg")
    upload(server, card, home=tmp_path / "home")
    fill(card, "Trips/Rome/4.jpg")
    for _ in range(2):
        run = upload(server, "--album-from-path", card, home=tmp_path / "home")
        assert run.summary["problems"] == []
        assert len(server.sandbox.state()["albums"]) == 3
        assert albums(server) == {
            "Trips / Rome": ["1.jpg", "4.jpg"],
            "Trips / Oslo": ["2.jpg"],
            "card": ["3.jpg"],
        }


def test_two_uploaders_at_once_share_their_albums_and_tags(server, tmp_path):
    cards = [fill(tmp_path / str(n), *(f"DCIM/{n}-{m}.jpg" for m in range(9))) for n in range(3)]
    words = ("upload", "--json", "--album-from-path", "--tag-folders")
    processes = [start(server, *words, card, home=tmp_path / "home") for card in cards]
    codes = [(process.communicate(timeout=120), process.returncode)[1] for process in processes]
    assert codes == [0, 0, 0]
    filled = [a for a in server.sandbox.state()["albums"] if a["asset_ids"]]
    assert [len(album["asset_ids"]) for album in filled] == [27]
    assert [len(ids) for ids in tags(server).values()] == [27]


def test_folders_and_the_session_become_tags(server, tmp_path):
    card = fill(tmp_path / "card", "DCIM/100CANON/1.jpg", "2.jpg")
    upload(server, "--tag-folders", "--tag-session", card, home=tmp_path / "home")
    found = tags(server)
    (session,) = (tag for tag in found if tag.startswith("piuploader/card/2"))
    assert found[session] == ["1.jpg", "2.jpg"]
    assert found["DCIM/100CANON"] == ["1.jpg"]


def test_only_one_way_of_naming_albums_can_be_chosen(server, tmp_path):
    run = upload(server, "--album", "x", "--album-from-path", tmp_path, home=tmp_path / "home")
    assert run.code == 2


def test_names_give_dates_when_asked_and_every_guess_can_be_listed(server, tmp_path):
    card = fill(tmp_path / "card", "IMG_20240101_101010.jpg", "IMG_1.JPG")
    config = tmp_path / "config.toml"
    config.write_text('[upload]\ndate_from_name = true\ntimezone = "Europe/Berlin"\n')
    run = upload(server, "--config", config, card, home=tmp_path / "home")
    told = {file["path"]: (file["dates_from"], file["date"]) for file in run.files}
    assert told == {
        "IMG_20240101_101010.jpg": ("name", "2024-01-01T10:10:10.000+01:00"),
        "IMG_1.JPG": (None, None),
    }
    held = {asset["name"]: asset for asset in server.sandbox.assets()}
    dated, other = held["IMG_20240101_101010.jpg"], held["IMG_1.JPG"]
    assert dated["file_created_at"].startswith("2024-01-01T09:10:10")
    assert other["file_created_at"].startswith("2023-11-14T22:13:20")
    assert dated["file_modified_at"] == other["file_modified_at"]
    listed, _ = start(
        server, "history", "--files", "1", "--json", home=tmp_path / "home"
    ).communicate(timeout=60)
    assert {file["path"]: file["date"] for file in json.loads(listed)["files"]} == {
        path: date for path, (_, date) in told.items()
    }
    again = upload(server, "--config", config, card, home=tmp_path / "home")
    assert [file["dates_from"] for file in again.files] == [None, None]  # nothing was sent


def test_nobody_asked_for_dates_from_names(server, tmp_path):
    card = fill(tmp_path / "card", "IMG_20240101_101010.jpg")
    run = upload(server, card, home=tmp_path / "home")
    assert run.files[0]["dates_from"] is None
    (asset,) = server.sandbox.assets()
    assert asset["file_created_at"].startswith("2023-11-14T22:13:20")


@pytest.mark.slow
def test_after_a_kill_the_next_run_makes_up_what_is_missing(server, tmp_path):
    names = [f"DCIM/IMG_{number:04}.{end}" for number in range(60) for end in ("CR2", "JPG")]
    card = fill(tmp_path / "card", *names)
    words = ("upload", "--json", "--stack", "raw", "--album-from-path", "--tag-folders", card)
    slow = ("--bandwidth-limit", "400K")
    process = start(server, *words, *slow, home=tmp_path / "home")
    deadline = time.monotonic() + 30
    while not stacks(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    assert 0 < len(stacks(server)) < 60

    run = upload(server, *words[2:], home=tmp_path / "home")

    assert (run.code, run.summary["problems"]) == (0, [])
    assert [len(stack) for stack in stacks(server)] == [2] * 60
    assert {name: len(files) for name, files in albums(server).items()} == {"DCIM": 120}
    assert len(tags(server)["DCIM"]) == 120
