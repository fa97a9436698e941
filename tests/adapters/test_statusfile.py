"""The status file is whole or not there."""

import json
from pathlib import Path

import pytest

from piuploader.adapters.statusfile import StatusFile, read, usual_path
from piuploader.core.appliance import ApplianceStatus


def test_what_is_written_can_be_read_by_all(tmp_path):
    path = tmp_path / "status.json"
    board = StatusFile(path, now=lambda: 1_700_000_000.0)
    board.write(ApplianceStatus())
    board.write(ApplianceStatus(started=True))
    assert read(path)["light"]["name"] == "ready"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["status.json"]


def test_it_goes_with_the_service(tmp_path):
    board = StatusFile(tmp_path / "status.json", now=lambda: 0.0)
    board.write(ApplianceStatus())
    board.close()
    board.close()
    assert read(tmp_path / "status.json") is None


def test_a_folder_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="status"):
        StatusFile(tmp_path / "no" / "status.json", now=lambda: 0.0).write(ApplianceStatus())


@pytest.mark.parametrize("content", ["", "{", "[1]", json.dumps("x")])
def test_what_is_no_status_is_none(tmp_path, content):
    path = tmp_path / "status.json"
    path.write_text(content)
    assert read(path) is None


def test_its_place_is_the_service_s_runtime_folder():
    assert usual_path({}) == Path("/run/piuploader/status.json")
    assert usual_path({"RUNTIME_DIRECTORY": "/run/x:/run/y"}) == Path("/run/x/status.json")
