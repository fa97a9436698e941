"""The sink answers as Immich does, as far as the benchmark needs it."""

import json
import shutil
import time
import urllib.request
from hashlib import sha1

import pytest

from benchmarks.engine import contenders, rounds, trial
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.goals import Goal, goals, of
from benchmarks.engine.pi import Group, NotHere
from benchmarks.engine.programs import CannotBuild, program
from benchmarks.engine.rounds import Part, ratio
from benchmarks.engine.sink import Sink, Wire


@pytest.fixture(scope="session", autouse=True)
def _programs():
    try:
        for name in ("sink", "floor", "launch"):
            program(name)
    except CannotBuild as why:
        pytest.skip(str(why))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "DCIM").mkdir(parents=True)
    sizes = [1, 300, 10_000, 400_000]
    for size in sizes:
        (folder / "DCIM" / f"{size}.jpg").write_bytes(b"%016d" % size * (size // 16 + 1))
    files = list((folder / "DCIM").iterdir())
    return Corpus("photos", folder, len(files), sum(path.stat().st_size for path in files))


def ask(url, body=None, **headers):
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def check(sink, *checksums):
    assets = [{"id": f"the {n}th", "checksum": each} for n, each in enumerate(checksums)]
    body = json.dumps({"assets": assets}).encode()
    results = ask(sink.url + "/api/assets/bulk-upload-check", body)["results"]
    return [result["action"] for result in results]


def form(data):
    return (
        b'--b\r\nContent-Disposition: form-data; name="assetData"; filename="a.jpg"\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )


def upload(sink, data, **headers):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    return ask(sink.url + "/api/assets", form(data), **kind, **headers)


def test_what_was_uploaded_is_there_when_it_is_asked_for():
    told, learnt, other = (sha1(data).hexdigest() for data in (b"told", b"learnt", b"other"))
    with Sink() as sink:
        created = upload(sink, b"told", **{"x-immich-checksum": told})
        upload(sink, b"learnt")

        assert created["status"] == "created"
        assert check(sink, told, other, learnt) == ["reject", "accept", "reject"]
        assert upload(sink, b"learnt")["status"] == "duplicate"
        assert sink.counts()["uploads"] == 3


def test_a_large_file_that_it_was_told_of_is_known_by_its_first_bytes(tmp_path):
    """So it need not hash on the processors that it shares with whom it measures."""
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.write(b"sixteen bytes !!")
        file.truncate(49 * 1024 * 1024)
    with Sink() as sink:
        sink.teach(Corpus("film", tmp_path, 1, path.stat().st_size))
        upload(sink, b"sixteen bytes !! and then something else")
        with path.open("rb") as file:
            whole = sha1(file.read()).hexdigest()

        assert check(sink, whole) == ["reject"]


def test_it_forgets_when_it_is_told_to():
    checksum = sha1(b"a").hexdigest()
    with Sink() as sink:
        upload(sink, b"a")
        sink.forget()

        assert check(sink, checksum) == ["accept"]
        assert sink.counts()["uploads"] == 0


def test_its_answers_come_as_late_as_was_asked_for():
    with Sink(Wire(delay_ms=80)) as sink:
        began = time.monotonic()
        ask(sink.url + "/api/server/ping")

        assert time.monotonic() - began >= 0.08


def test_it_takes_in_no_more_than_was_asked_for():
    data = bytes(2_000_000)
    with Sink(Wire(bytes_per_s=10_000_000), learns=False) as sink:
        began = time.monotonic()
        upload(sink, data)

        assert time.monotonic() - began > 0.15


@pytest.mark.parametrize("make", [contenders.ours, contenders.curl, contenders.floor])
def test_a_contender_sends_all(make, photos):
    if make is contenders.curl and not shutil.which("curl"):
        pytest.skip("no curl here")
    contender = make(2)
    with Sink() as sink:
        measured = trial.run(contender, photos, sink)

    assert measured.files == 4
    assert measured.cpu_s > 0
    assert 0 < measured.first_upload_s <= measured.wall_s


def test_ours_sends_all_over_tls(photos):
    if not shutil.which("openssl"):
        pytest.skip("no openssl here")
    with Sink(Wire(tls=True)) as sink:
        assert trial.run(contenders.ours(2), photos, sink).files == 4


def test_a_run_that_sent_too_little_does_not_count(photos):
    more = Corpus(photos.name, photos.folder, photos.files + 1, photos.bytes)
    with Sink() as sink, pytest.raises(trial.DidNotArrive):
        trial.run(contenders.floor(1), more, sink)


def test_everyone_has_a_turn_in_every_round(photos):
    some = [contenders.floor(1), contenders.floor(2)]
    part = Part(name="photos", corpus=photos, wire=Wire(), contenders=some)

    rows = rounds.play(part, rounds=2, say=lambda _: None)

    told = [(row["round"], row["contender"]) for row in rows]
    assert told == [(0, "floor 1"), (0, "floor 2"), (1, "floor 2"), (1, "floor 1")]


def run_of(who, number, wall_s, cpu_s=1.0):
    row = {"contender": who, "round": number, "wall_s": wall_s, "cpu_s": cpu_s, "bytes": 1}
    return row | {"peak_mib": 30.0}


def test_ratios_are_taken_within_a_round():
    """A round in which the machine was slow for all does not count against anyone."""
    ours = [run_of("piuploader 4", number, wall) for number, wall in enumerate((1, 10, 1))]
    theirs = [run_of("curl 4", number, wall) for number, wall in enumerate((2, 20, 2))]

    assert ratio(theirs, ours, "wall_s") == 2


def test_the_best_of_a_peer_counts():
    rows = [run_of("@immich/cli default", 0, 9.0), run_of("@immich/cli 8", 0, 5.0)]

    assert of(rows, "@immich/cli")[0]["wall_s"] == 5.0


def test_goals_are_judged_from_what_was_measured():
    rows = [run_of("piuploader 4", 0, 1.0, 0.1), run_of("@immich/cli 8", 0, 4.6, 1.0)]
    rows.append(run_of("floor 4", 0, 1.0, 0.05))

    found = {goal.what: goal.met for goal in goals({"films": {"rows": rows}})}

    assert found["films: speed against @immich/cli at its best"]
    assert found["films: CPU against @immich/cli at its best"]
    assert not found["films: CPU against a C program that reads, hashes and sends"]
    assert found["peak RSS of any corpus"]


def test_a_goal_that_is_just_reached_is_met():
    assert Goal.at_least("speed", 5, 5.0).met
    assert Goal.at_most("CPU", 1.3, 1.3).met


def test_control_groups_of_version_2_are_set_up(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory io")

    group = Group("7:0", tmp_path)

    folder = tmp_path / "piuploader-benchmark"
    assert (folder / "memory.max").read_text() == "300000000"
    assert (folder / "io.max").read_text() == "7:0 rbps=150000000"
    assert f"{folder}/cgroup.procs" in group.entrance()[2]


def test_where_there_are_no_control_groups_there_is_no_pi(tmp_path):
    with pytest.raises(NotHere):
        Group("7:0", tmp_path)
