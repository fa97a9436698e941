"""The rules that ship, evaluated: which machine gets which advice."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.adapters.advice_table import advice_table
from piuploader.core.about import explain, read_question
from piuploader.core.advice import (
    Advice,
    Facts,
    Host,
    Table,
    advise,
    classes_of,
    machine,
    recommend,
)
from piuploader.errors import UsageError

TABLE = advice_table()
THUMBS = "job.thumbnailGeneration.concurrency"
DEFAULTS = {
    THUMBS: 3,
    "job.metadataExtraction.concurrency": 5,
    "job.smartSearch.concurrency": 2,
    "job.faceDetection.concurrency": 2,
    "job.videoConversion.concurrency": 1,
    "job.ocr.concurrency": 1,
    "job.library.concurrency": 5,
    "job.sidecar.concurrency": 5,
    "machineLearning.enabled": True,
    "machineLearning.urls": ("http://immich-machine-learning:3003",),
    "machineLearning.ocr.enabled": True,
    "machineLearning.clip.enabled": True,
    "machineLearning.clip.modelName": "ViT-B-32__openai",
    "machineLearning.facialRecognition.modelName": "buffalo_l",
    "machineLearning.duplicateDetection.enabled": True,
    "ffmpeg.accel": "disabled",
    "ffmpeg.threads": 0,
    "ffmpeg.transcode": "required",
    "ffmpeg.preset": "ultrafast",
    "ffmpeg.targetResolution": "720",
    "image.preview.size": 1440,
    "image.preview.format": "jpeg",
    "image.colorspace": "p3",
    "image.extractEmbedded": False,
    "image.fullsize.enabled": False,
}


def facts(classes, host=None, **more):
    settings = {**DEFAULTS, **more.pop("settings", {})}
    return Facts(
        classes=frozenset(classes),
        host=host or Host(),
        settings=settings,
        defaults=DEFAULTS,
        **more,
    )


def wanted(*args, **kwargs):
    return {entry.setting: entry.recommended for entry in recommend(TABLE, facts(*args, **kwargs))}


@pytest.mark.parametrize(
    ("host", "letters"),
    [
        (Host(memory_mib=460, board="Raspberry Pi Zero 2 W Rev 1.0"), "A"),
        (Host(memory_mib=3300), "A"),
        (Host(memory_mib=8000, board="Raspberry Pi 3 Model B Plus Rev 1.3"), "A"),
        (Host(memory_mib=3790, board="Raspberry Pi 4 Model B Rev 1.4", disk="sd"), "BF"),
        (Host(memory_mib=7900, board="Raspberry Pi 5 Model B Rev 1.0", disk="ssd"), "C"),
        (Host(memory_mib=15900, cores=4, disk="ssd"), "D"),
        (Host(memory_mib=15900, cores=8, disk="ssd"), "E"),
        (Host(memory_mib=32000, cores=16, disk="hdd"), "DF"),
        (Host(), ""),
    ],
)
def test_a_machine_is_sorted_by_memory_then_cores_and_disk(host, letters):
    assert host.classes == frozenset(letters)


@pytest.mark.parametrize(
    ("classes", "host", "value"),
    [
        ("A", Host(), 1),
        ("B", Host(), 1),
        ("B", Host(disk="ssd", board="Raspberry Pi 5 Model B"), 2),
        ("C", Host(), 2),
        ("E", Host(cores=12), 8),
        ("E", Host(cores=8), 7),
        ("E", Host(), 7),
        ("EF", Host(cores=8), 2),
        ("F", Host(), 2),
    ],
)
def test_thumbnails_at_a_time_follow_from_the_machine(classes, host, value):
    assert wanted(classes, host)[THUMBS] == value


def test_what_is_right_already_is_not_recommended():
    assert THUMBS not in wanted("C", Host(disk="ssd")), "3 is Immich's own choice for four cores"
    assert wanted("D") == {}


def test_a_machine_that_meets_the_requirements_goes_back_to_the_defaults():
    """Somebody followed the advice to raise it to 10."""
    assert wanted("D", settings={THUMBS: 10}) == {THUMBS: 3}


def test_a_hard_disk_lowers_but_never_raises():
    assert THUMBS not in wanted("F", settings={THUMBS: 1})


def test_some_advice_is_only_for_a_server_that_is_behind():
    assert "machineLearning.ocr.enabled" not in wanted("C")
    assert wanted("C", behind=True)["machineLearning.ocr.enabled"] is False


def test_machine_learning_elsewhere_stays_on():
    remote = {"machineLearning.urls": ("http://192.168.1.20:3003",)}
    assert "machineLearning.enabled" in wanted("B")
    assert "machineLearning.enabled" not in wanted("B", settings=remote)


def test_hardware_transcoding_follows_from_the_chip():
    assert wanted("D", Host(cpu="intel"))["ffmpeg.accel"] == "qsv"
    assert wanted("D", Host(cpu="rk3588"))["ffmpeg.accel"] == "rkmpp"
    assert "ffmpeg.accel" not in wanted("D", Host(cpu="amd"))


def test_an_unknown_machine_gets_no_recommendation():
    """Never from our own processor, and never from nothing."""
    assert wanted("") == {}
    assert advise(TABLE, facts("")) == ()


def test_settings_that_this_server_lacks_are_left_out():
    few = Facts(classes=frozenset("B"), host=Host(), settings={THUMBS: 3})
    assert [entry.setting for entry in recommend(TABLE, few)] == [THUMBS]


def test_advice_names_what_no_api_can_set():
    said = " ".join(entry.do for entry in advise(TABLE, facts("B")))
    assert "MACHINE_LEARNING_REQUEST_THREADS" in said
    assert "another machine" in said
    assert "IMMICH_WORKERS" in said


@given(
    st.sets(st.sampled_from("ABCDE"), max_size=1),
    st.booleans(),
    st.builds(
        Host,
        cores=st.none() | st.integers(1, 64),
        memory_mib=st.none() | st.integers(100, 200_000),
        disk=st.sampled_from(["", "ssd", "hdd", "sd"]),
        cpu=st.sampled_from(["", "intel", "amd", "arm", "rk3588"]),
    ),
    st.integers(1, 32),
    st.booleans(),
)
def test_every_recommendation_is_complete_and_changes_something(letters, disk, host, now, behind):
    classes = letters | ({"F"} if disk else set())
    known = facts(classes, host, settings={THUMBS: now}, behind=behind)
    for entry in recommend(TABLE, known):
        assert entry.now == known.settings[entry.setting] != entry.recommended
        assert all((entry.why, entry.source, entry.effect))
        if entry.setting.endswith(".concurrency"):
            assert 1 <= entry.recommended <= 8
    assert all(isinstance(entry, Advice) for entry in advise(TABLE, known))


def test_every_rule_of_the_table_can_be_read():
    """A rule with a misspelt condition would wait for its class to show it."""
    for rule in (*TABLE.rules, *TABLE.advice):
        assert set(rule["classes"]) <= set("ABCDEF")
        alone = Table([], [], [], [])
        assert alone.rules == []
        one = {**rule, "classes": ["A"]}
        known = facts("A", Host(cores=4))
        if "setting" in rule:
            recommend(Table([one], [], [], []), known)
        else:
            advise(Table([], [one], [], []), known)


def test_every_setting_of_the_table_is_one_that_immich_has():
    """Compared with the defaults that the sandbox ships, which are Immich's own."""
    path = Path(__file__).parents[2] / "piuploader/sandbox/data/system-config.json"
    settings = set(_flat(json.loads(path.read_text(encoding="utf-8"))))
    for rule in TABLE.rules:
        if "*" not in rule["setting"]:
            assert rule["setting"] in settings
        assert set(rule.get("when", {}).get("setting", {})) <= settings


def _flat(table, prefix=""):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(("text", "letters"), [("c", "C"), ("C,F", "CF"), ("ef", "EF"), ("F", "F")])
def test_a_class_is_read_as_people_write_it(text, letters):
    assert classes_of(text) == frozenset(letters)


@pytest.mark.parametrize("text", ["", "G", "AB", "pi4"])
def test_what_is_no_class_is_refused(text):
    with pytest.raises(ValueError, match="is no class"):
        classes_of(text)


def test_a_persons_word_counts_before_what_was_read():
    """A tunnel may end here: then what was read is the wrong machine."""
    here = Host(cores=16, memory_mib=64_000, disk="ssd")
    classes, host = machine(TABLE, said="B", host=here, pace_per_min=None)
    assert (classes, host.cores) == (frozenset("B"), None)


def test_what_was_read_counts_before_a_guess():
    here = Host(memory_mib=7900)
    assert machine(TABLE, said=None, host=here, pace_per_min=5000)[0] == frozenset("C")


@pytest.mark.parametrize(("pace", "letter"), [(10, "B"), (180, "C"), (500, "D"), (5000, "E")])
def test_a_server_elsewhere_can_be_guessed_from_its_pace_and_is_called_a_guess(pace, letter):
    classes, host = machine(TABLE, said=None, host=None, pace_per_min=pace)
    assert classes == frozenset(letter)
    assert host.is_guess
    assert "guess" in host.known_by


def test_a_server_of_which_nothing_is_known_has_no_class():
    assert machine(TABLE, said=None, host=None, pace_per_min=None) == (frozenset(), Host())


# -- asked about 10 ------------------------------------------------------------------------


def test_asked_about_ten_it_explains_with_the_numbers_of_this_server():
    host = Host(cores=4, memory_mib=3790, disk="sd", board="Raspberry Pi 4")
    said = " ".join(explain(TABLE, facts("BF", host), THUMBS, 10))
    assert "more than we recommend for this server (class B, F): 1" in said
    assert "It is 3 now" in said
    assert "about 13 cores, this server has 4, 3.2 times" in said
    assert "1,700 MiB of memory; of 3,790 MiB" in said
    assert "too much" in said
    assert "libuv" in said
    assert "6: 170, 10: 154" in said
    assert "--measure" in said
    assert "--values 1,3,10" in said


def test_asked_about_what_we_recommend_it_agrees():
    said = explain(TABLE, facts("C", Host(disk="ssd")), THUMBS, 3)
    assert "is what we recommend" in said[0]


def test_asked_about_an_unknown_server_it_says_what_it_needs():
    assert "--server-class" in explain(TABLE, facts(""), THUMBS, 10)[0]


def test_asked_about_a_setting_without_figures_it_still_answers():
    said = explain(TABLE, facts("B"), "job.library.concurrency", 20)
    assert "never above 16" in " ".join(said)


@pytest.mark.parametrize("text", ["thumbnails", f"{THUMBS}=", f"{THUMBS}=0", "job.x.concurrency=2"])
def test_a_question_that_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError):
        read_question(text, facts("B"))


def test_only_a_concurrency_can_be_asked_about():
    with pytest.raises(UsageError, match="concurrency"):
        read_question("image.preview.size=10", facts("B"))
