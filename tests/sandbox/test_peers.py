"""Clients that nobody here wrote find in the sandbox the server that they were written for."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.openapi import ApiDocument
from tests.sandbox import peers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clients() -> peers.Peers:
    try:
        return peers.install()
    except peers.Offline as error:
        pytest.skip(f"the package registries cannot be reached: {error}")


@pytest.fixture
def drive(tmp_path) -> Path:
    """Five photos, a film, a sidecar and a note."""
    rng = random.Random(1)
    folder = tmp_path / "drive"
    (folder / "films").mkdir(parents=True)
    for number in range(5):
        (folder / f"IMG_{number}.jpg").write_bytes(rng.randbytes(20_000))
    (folder / "films" / "Größe.mp4").write_bytes(rng.randbytes(3_000_000))
    (folder / "IMG_0.jpg.xmp").write_text("<x:xmpmeta/>", encoding="utf-8")
    (folder / "note.txt").write_text("not a photo", encoding="utf-8")
    return folder


def stored(sandbox) -> set[bytes]:
    return {Path(asset["path"]).read_bytes() for asset in sandbox.assets()}


def media(drive) -> set[bytes]:
    return {path.read_bytes() for path in drive.rglob("*") if path.suffix in {".jpg", ".mp4"}}


def violations(sandbox) -> list[str]:
    """Hold an exchange with a client that sends fields of its own against the document."""
    document = ApiDocument.from_environment(strict=False)
    found = document.check_all(sandbox.exchanges()) if document else []
    sandbox.world.exchanges.clear()
    return found


@pytest.mark.parametrize("version", ["2.7.5", "3.1.0", "3.2.2"])
def test_the_official_cli_uploads_once_and_sees_duplicates_then(
    clients, start, drive, tmp_path, version
):
    sandbox = start(version=version)
    environment = os.environ | {
        "IMMICH_INSTANCE_URL": f"{sandbox.url}/api",
        "IMMICH_API_KEY": sandbox.admin_key,
        "IMMICH_CONFIG_DIR": str(tmp_path / "config"),
    }

    def upload(*options: str) -> str:
        command = [*clients.immich_cli, "upload", "--recursive", *options, str(drive)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    if version < "3":  # this CLI no longer sends the device's ids, as old servers want
        upload()
        assert sandbox.assets() == []
        assert sandbox.counters()["uploads_refused"] >= 6  # it tries each again
        return
    assert "Successfully uploaded 6 new assets" in upload("--album-name", "peers")
    assert stored(sandbox) == media(drive)
    assert [asset["has_sidecar"] for asset in sandbox.assets()].count(True) == 1
    assert "Found 0 new files and 6 duplicates" in upload("--album-name", "peers")
    assert len(sandbox.assets()) == 6
    assert len(sandbox.state()["albums"][0]["asset_ids"]) == 6
    upload("--skip-hash")
    assert sandbox.counters()["duplicates_late"] + sandbox.counters()["duplicates_early"] == 6
    if version == "3.1.0":
        assert violations(sandbox) == []


@pytest.mark.parametrize("version", ["3.2.2"])
def test_immichpy_uploads_searches_tags_stacks_pauses_and_configures(
    clients, start, drive, version
):
    sandbox = start(version=version)
    command = [*clients.immichpy, sandbox.url, sandbox.admin_key, str(drive)]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": clients.python_path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "uploaded": 6,
        "failed": 0,
        "uploaded_again": 0,
        "rejected_again": 6,
        "rejected_forced": 6,
        "found": 6,
        "tagged": 6,
        "stacked": 2,
        "paused": True,
        "queues": 19,
        "albums": [["peers", 6]],
        "same_config": True,
        "is_admin": True,
    }
    assert stored(sandbox) == media(drive)
