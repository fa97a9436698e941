"""Queues and settings over real HTTP, on servers of several versions, with several keys."""

import json

import pytest

from piuploader.adapters.immich import ImmichClient
from piuploader.adapters.immich.admin import ImmichAdmin
from piuploader.errors import PermissionMissing, ServerError, ServerRefusedKey
from tests.queue_fakes import FakeQueueServer, HttpImmich, serving

VERSIONS = [(2, 3, 1), (2, 4, 0), (3, 1, 0), (3, 2, 2)]


@pytest.fixture
def immich():
    with serving(HttpImmich(FakeQueueServer(jobs={"ocr": 7}))) as server:
        yield server


@pytest.fixture
def admin(immich):
    with ImmichClient(immich.url, "key") as client:
        yield ImmichAdmin(client.call)


@pytest.mark.parametrize("version", VERSIONS)
def test_queues_are_seen_and_moved_on_every_version(immich, admin, version):
    """`/queues` where it exists, else `/jobs`; the names that we do not know included."""
    immich.version = version

    admin.pause("ocr")
    queues = {queue.name: queue for queue in admin.queues()}
    admin.resume("ocr")

    assert queues["ocr"].is_paused
    assert queues["ocr"].backlog == 7
    assert "aNewOne" in queues
    assert immich.queues.paused == set()
    moved = [path for method, path in immich.asked if method == "PUT"]
    assert all(("/queues/" in path) == (version >= (2, 4, 0)) for path in moved)


def test_the_older_path_is_found_once(immich, admin):
    immich.version = (2, 3, 0)
    for _ in range(3):
        admin.queues()
    assert [path for _, path in immich.asked].count("/api/queues") == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_one_setting_changes_and_the_whole_rest_stays(immich, admin, version):
    immich.version = version
    before = json.loads(json.dumps(immich.config))

    after = admin.change({"job.thumbnailGeneration.concurrency": 1})

    assert after["job.thumbnailGeneration.concurrency"] == 1
    before["job"]["thumbnailGeneration"]["concurrency"] = 1
    assert immich.config == before


def test_lists_are_settings_too(immich, admin):
    admin.change({"machineLearning.urls": ("http://a:3003", "http://b:3003")})
    assert immich.config["machineLearning"]["urls"] == ["http://a:3003", "http://b:3003"]


def test_a_setting_that_the_server_lacks_is_refused_before_anything_is_written(immich, admin):
    """The server would drop it without a word."""
    with pytest.raises(ServerError, match=r"no job\.teleport"):
        admin.change({"job.teleport.concurrency": 1})
    assert all(method == "GET" for method, _ in immich.asked)


def test_a_configuration_file_is_told_and_its_new_text_made(immich, admin):
    immich.config_file = True

    assert admin.is_from_a_file()
    text = admin.changed_document({"job.ocr.concurrency": 4})
    with pytest.raises(ServerError):
        admin.change({"job.ocr.concurrency": 4})

    assert json.loads(text)["job"]["ocr"]["concurrency"] == 4


@pytest.mark.parametrize(
    ("call", "needs"),
    [
        (lambda admin: admin.queues(), "queue.read"),
        (lambda admin: admin.pause("ocr"), "queue.update"),
        (lambda admin: admin.resume("ocr"), "queue.update"),
        (lambda admin: admin.settings(), "adminConfig.read"),
        (lambda admin: admin.change({"job.ocr.concurrency": 1}), "adminConfig.update"),
    ],
)
def test_a_missing_permission_is_named(immich, admin, call, needs):
    immich.permissions = frozenset(
        {"asset.upload", "queue.read", "queue.update", "adminConfig.read", "adminConfig.update"}
    ) - {needs}
    with pytest.raises(PermissionMissing, match=needs):
        call(admin)


def test_a_key_of_an_older_day_still_sees_the_queues(immich, admin):
    immich.permissions = frozenset({"job.read", "job.create"})
    admin.pause("ocr")
    assert {queue.name for queue in admin.queues() if queue.is_paused} == {"ocr"}


def test_a_key_whose_owner_is_no_admin_is_told_so(immich, admin):
    immich.is_admin = False
    with pytest.raises(ServerRefusedKey, match="administrator"):
        admin.queues()


def test_an_answer_that_makes_no_sense_is_a_server_error():
    admin = ImmichAdmin(lambda method, path, body: [{"name": "ocr"}])
    with pytest.raises(ServerError, match="isPaused"):
        admin.queues()
