"""The benchmark of policies measures the policies, and not its own clock."""

import pytest

from benchmarks import policies
from piuploader.core.policy import Policy
from piuploader.sandbox.machine import MODELS


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(policies, "PHOTOS", 80)
    monkeypatch.setattr(policies, "BACKLOG", {"thumbnailGeneration": 16, "ocr": 80})


def test_uploads_take_what_the_machine_says(monkeypatch):
    monkeypatch.setattr(policies, "BACKLOG", {})
    monkeypatch.setattr(policies, "CONNECTIONS", 1)  # so that nothing shares a core
    model = MODELS["pi4"]
    alone_s = model.upload.seconds + policies.PHOTO_MIB * model.upload_s_per_mib
    run = policies.play("pi4", Policy.STAGED)
    assert run.unplug_s / policies.PHOTOS == pytest.approx(alone_s, rel=0.05)


def test_staged_lets_the_drive_go_and_the_photos_be_seen_sooner():
    off, pause, staged = (
        policies.play("pi4", policy) for policy in (Policy.OFF, Policy.PAUSE, Policy.STAGED)
    )
    assert staged.unplug_s < off.unplug_s / 2
    assert staged.thumbnails_s < pause.thumbnails_s
    assert staged.settled_s < off.settled_s * 1.1
