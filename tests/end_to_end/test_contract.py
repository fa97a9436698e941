"""What we send, and what the sandbox answers, against Immich's own API document."""

import pytest

from piuploader.cli.demo_drive import Contents, DriveMaker
from piuploader.sandbox import Sandbox
from tests.end_to_end.runs import start, upload
from tests.openapi import ApiDocument

SMALL = Contents(photos=5, raw_pairs=1, live_photos=1, films=1, film_bytes=(300_000, 400_000))


def test_a_whole_import_keeps_to_the_document(tmp_path):
    document = ApiDocument.from_environment()
    if document is None:
        pytest.skip("IMMICH_OPENAPI does not name Immich's API document")
    drive = tmp_path / "card"
    DriveMaker(drive).fill(SMALL)
    with Sandbox(record=True) as sandbox:
        home = tmp_path / "home"
        words = ["--album-from-path", "--tag-folders", "--stack", "all", "--date-from-name"]
        upload(sandbox, "--album", "Card", "--tag", "Trips/Rome", drive, home=home)
        for command in ("plan", "upload"):
            start(sandbox, command, *words, drive, home=home).communicate(timeout=60)
        for words in (["doctor"], ["queues"], ["recommend", "--server-class", "C"]):
            start(sandbox, *words, home=home).communicate(timeout=60)
        exchanges = sandbox.exchanges()

    assert len(exchanges) > 20
    assert document.check_all(exchanges) == []
