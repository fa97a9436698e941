"""The system configuration: the whole document or nothing."""

import pytest


def test_what_is_put_is_what_is_got(admin):
    config = admin("GET /system-config").json()
    assert config == admin("GET /system-config/defaults").json()
    config["machineLearning"]["enabled"] = False
    assert admin("PUT /system-config", json=config).json() == config
    assert admin("GET /system-config").json() == config
    assert admin("GET /server/features").json()["smartSearch"] is False


def test_a_part_is_refused_and_unknown_keys_are_dropped(sandbox, admin):
    config = admin("GET /system-config").json()
    answer = admin("PUT /system-config", json={"job": config["job"]})
    assert answer.status_code == 400
    assert ["ffmpeg"] in [error["path"] for error in answer.json()["errors"]]
    answer = admin("PUT /system-config", json=config | {"surprise": {"a": 1}})
    assert answer.json() == config
    sandbox.world.exchanges.clear()  # the surprise is not in the document


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("job.ocr.concurrency", 0),
        ("job.ocr.concurrency", 1.5),
        ("job.ocr.concurrency", "2"),
        ("job.ocr.concurrency", None),
        ("job.ocr.concurrency", True),
        ("ffmpeg.transcode", "sometimes"),
        ("ffmpeg.crf", 52),
        ("ffmpeg.acceptedContainers", ["zip"]),
        ("machineLearning.enabled", "yes"),
        ("machineLearning.urls", "http://x"),
        ("trash", 5),
    ],
)
def test_a_value_that_cannot_be_is_refused(admin, place, value):
    config = admin("GET /system-config").json()
    *folders, name = place.split(".")
    part = config
    for folder in folders:
        part = part[folder]
    part[name] = value
    answer = admin("PUT /system-config", json=config)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == place.split(".")
    part.pop(name)
    assert admin("PUT /system-config", json=config).status_code == 400


def test_with_a_config_file_nothing_can_be_put(start, client_of):
    sandbox = start(config_file=True)
    client = client_of(sandbox, sandbox.admin_key)
    assert client("GET /server/features").json()["configFile"] is True
    answer = client("PUT /system-config", json=client("GET /system-config").json())
    assert answer.status_code == 400
    assert "IMMICH_CONFIG_FILE" in answer.json()["message"]


def test_the_new_path_comes_with_3_2_and_permissions_of_its_own(start, client_of):
    old, new = start(), start(version="3.2.2")
    assert client_of(old, old.admin_key)("GET /admin/config").status_code == 404
    old.world.exchanges.clear()
    client = client_of(new, new.add_key(["adminConfig.read", "adminConfig.update"]))
    config = client("GET /admin/config").json()
    config["trash"]["days"] = 7
    assert client("PUT /admin/config", json=config).json()["trash"]["days"] == 7
    answer = client_of(new, new.add_key(["systemConfig.read"]))("GET /admin/config")
    assert answer.json() == {"message": "Missing required permission: adminConfig.read"}
