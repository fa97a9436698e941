"""What the configuration says of albums, tags and stacks holds for the service too."""

import os

import pytest

from tests.appliance.machine import photos
from tests.appliance.rooms import needs_mounts

pytestmark = [pytest.mark.slow, needs_mounts]


def test_a_drive_gets_its_albums_tags_and_stacks(make_machine, server, tmp_path):
    upload = {
        "album_from_path": True,
        "tag_session": True,
        "stack": ["raw=raw"],
        "date_from_name": True,
    }
    pi = make_machine(upload=upload)
    card = tmp_path / "card"
    photos(card / "DCIM", 2)
    (card / "DCIM/IMG_0000.CR2").write_bytes(b"raw" * 999)
    os.utime(card / "DCIM/IMG_0000.CR2", (1_700_000_000, 1_700_000_000))
    (card / "DCIM/IMG_20240101_101010.jpg").write_bytes(b"dated" * 999)
    pi.boot()
    for _ in range(2):  # the second time all is there already
        pi.plug_tmpfs("sda1", card)
        pi.until(lambda s: len(s["drives"]) == 1 and s["may_remove_drive"])
        pi.until_light("complete", "server-works")
        state = server.state()
        pi.pull("sda1")
        pi.until(lambda status: status["drives"] == [])

        names = {asset["id"]: asset["name"] for asset in state["assets"]}
        assert len(names) == 4
        assert [album["name"] for album in state["albums"]] == ["DCIM"]
        (stack,) = state["stacks"]
        assert [names[each] for each in stack["asset_ids"]] == ["IMG_0000.CR2", "IMG_0000.JPG"]
        (session,) = (tag for tag in state["tags"] if tag["value"].count("/") == 2)
        assert session["value"].startswith("piuploader/")
        assert len(session["asset_ids"]) == len(state["albums"][0]["asset_ids"]) == 4
    (dated,) = (a for a in state["assets"] if a["name"] == "IMG_20240101_101010.jpg")
    assert dated["file_created_at"].startswith(("2023-12-31T", "2024-01-01T"))
