"""A plan, and the import that does exactly what it says."""

import json
from types import SimpleNamespace

import pytest

from piuploader.cli.demo_drive import Contents, DriveMaker
from tests.end_to_end.runs import start, upload
from tests.end_to_end.test_library import (  # noqa: F401  `server` is a fixture
    albums,
    fill,
    server,
    stacks,
    tags,
)

OPTIONS = ("--album-from-path", "--tag-folders", "--stack", "all", "--date-from-name")


def run_plan(server, *words, home):  # noqa: F811
    process = start(server, "plan", *words, home=home)
    out, err = process.communicate(timeout=120)
    return SimpleNamespace(code=process.returncode, out=out, err=err)


def steps(server, *words, home):  # noqa: F811
    shown = run_plan(server, "--json", *words, home=home)
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert [event["event"] for event in events] == [
        "plan",
        *["step"] * (len(events) - 2),
        "summary",
    ]
    assert events[-1]["exit_code"] == shown.code
    return {event["path"]: event for event in events[1:-1]}, events[-1]


@pytest.fixture
def card(tmp_path):
    card = tmp_path / "card"
    contents = Contents(photos=12, raw_pairs=2, live_photos=1, films=1, photo_bytes=(900, 9000))
    DriveMaker(card).fill(contents)
    fill(card, "Trips/IMG_20240101_101010.jpg", "Trips/IMG_7.CR2", "Trips/IMG_7.JPG")
    (card / "Trips/again.jpg").write_bytes((card / "Trips/IMG_7.JPG").read_bytes())
    return card


def test_the_run_does_exactly_what_the_plan_says(card, server, tmp_path):  # noqa: F811
    first = fill(tmp_path / "first", "Trips/IMG_7.CR2")
    upload(server, first, home=tmp_path / "home")  # one photo is there, and lies in the trash
    (held,) = server.checksums()
    server.trash(held)
    words = (*OPTIONS, "--restore-trashed", "--exclude", "*.MP4", card)
    before = server.checksums()

    planned, summary = steps(server, *words, home=tmp_path / "home")
    assert server.checksums() == before
    assert server.sandbox.state()["albums"] == []
    run = upload(server, *words, home=tmp_path / "home")

    did = {file["path"]: file for file in run.files}
    assert did.keys() == planned.keys()
    endings = {
        "upload": "confirmed",
        "same": "duplicate",
        "there": "duplicate",
        "restore": "duplicate",
        "skip": "skipped",
        "fail": "failed",
    }
    for path, step in planned.items():
        assert endings[step["action"]] == did[path]["ending"], path
        for field in ("reason", "why", "detail", "checksum", "date", "dates_from", "size"):
            assert did[path][field] == step[field], path
    assert all(summary["files"][action] for action in endings if action != "there")
    assert summary["files"] == {
        action: sum(step["action"] == action for step in planned.values()) for action in endings
    }
    safe = [step for step in planned.values() if step["action"] not in {"skip", "fail"}]
    assert {step["stack_cover"] for step in safe} - {None}
    names = {name for step in safe for name in step["albums"]}
    assert albums(server).keys() == names
    assert {tag for tag, ids in tags(server).items() if ids} == {
        tag for step in safe for tag in step["tags"]
    }
    covers = [step["stack_cover"] for step in safe if step["stack_cover"]]
    assert len(stacks(server)) == len(set(covers))
    assert sum(map(len, stacks(server))) == len(covers)
    assert summary["exit_code"] == run.code


def test_a_second_plan_has_nothing_to_upload(card, server, tmp_path):  # noqa: F811
    upload(server, card, home=tmp_path / "home")
    planned, summary = steps(server, card, home=tmp_path / "home")
    assert summary["files"]["upload"] == summary["files"]["same"] == 0
    assert {step["action"] for step in planned.values()} == {"there", "skip", "fail"}


def test_a_person_reads_what_why_and_where_to(card, server, tmp_path):  # noqa: F811
    shown = run_plan(server, *OPTIONS, card, home=tmp_path / "home")
    assert shown.code == 65, shown.err  # the empty photo
    lines = {line.split(maxsplit=3)[-1] for line in shown.out.splitlines()}
    assert "Trips/IMG_7.CR2 -> album Trips; tag Trips; in the stack of Trips/IMG_7.JPG" in lines
    assert "album Trips; tag Trips; dated by its name: 2024-01-01T10:10:10.000" in shown.out
    assert "the same bytes as " in shown.out
    assert ": the file is empty" in shown.out
    assert "would be uploaded" in shown.out
    assert server.checksums() == []


def test_two_folders_are_planned_one_after_the_other(server, tmp_path):  # noqa: F811
    folders = [fill(tmp_path / name, f"{name}.jpg") for name in ("a", "b")]
    planned, summary = steps(server, "--album-from-folder", *folders, home=tmp_path / "home")
    assert {path: step["albums"] for path, step in planned.items()} == {
        "a.jpg": ["a"],
        "b.jpg": ["b"],
    }
    assert summary["files"]["upload"] == 2


def test_a_program_is_told_why_there_is_no_plan(server, tmp_path):  # noqa: F811
    shown = run_plan(server, "--json", tmp_path / "nowhere", home=tmp_path / "home")
    assert shown.code == 2
    assert json.loads(shown.out)["event"] == "error"
    shown = run_plan(server, "--json", "--nonsense", home=tmp_path / "home")
    assert json.loads(shown.out)["event"] == "error"
