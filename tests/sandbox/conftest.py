"""A sandbox, a client that knows nothing of piuploader, and the API document as the judge."""

import hashlib
from collections.abc import Callable, Iterator

import pytest
import requests

from piuploader.sandbox import Sandbox
from tests.openapi import ApiDocument

WHEN = "2024-05-06T07:08:09.000Z"


class Client:
    """Speaks to a sandbox with one key."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self.session = requests.Session()
        if key:
            self.session.headers["x-api-key"] = key

    def __call__(self, line, *, json=None, **options) -> requests.Response:
        """Ask: client("GET /queues")."""
        method, path = line.split(" ", 1)
        return self.session.request(
            method, f"{self.url}/api{path}", json=json, timeout=20, **options
        )

    def upload(self, data=b"photo", name="a.jpg", *, headers=None, files=None, **fields):
        """Send a file with good dates, unless told otherwise; a field of None is left out.

        The order is the one that works: sidecar, fields, file.
        """
        form = {"filename": name, "fileCreatedAt": WHEN, "fileModifiedAt": WHEN} | fields
        parts = list((files or {}).items())
        parts += [(key, (None, value)) for key, value in form.items() if value is not None]
        parts.append(("assetData", (name, data)))
        return self("POST /assets", files=parts, headers=headers)

    def upload_id(self, data=b"photo", name="a.jpg", **fields) -> str:
        """Send a new file and return its id."""
        answer = self.upload(data, name, **fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def verdict(self, data: bytes) -> dict:
        """Return what the bulk check says of these bytes."""
        asked = [{"id": "x", "checksum": hashlib.sha1(data).hexdigest()}]
        answer = self("POST /assets/bulk-upload-check", json={"assets": asked})
        return answer.json()["results"][0]

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes; all that version 3.1 answered is held against the API document."""
    running: list[Sandbox] = []

    def begin(**options) -> Sandbox:
        sandbox = Sandbox(record=True, **options)
        running.append(sandbox.__enter__())
        return sandbox

    yield begin
    document = ApiDocument.from_environment()
    problems = []
    for sandbox in running:
        if document and sandbox.world.version[:2] == (3, 1):
            problems += document.check_all(sandbox.exchanges())
        sandbox.close()
    assert not problems


@pytest.fixture
def sandbox(start) -> Sandbox:
    return start()


@pytest.fixture
def client_of() -> Iterator[Callable[[Sandbox, str | None], Client]]:
    """Make clients and close them."""
    made: list[Client] = []

    def make(sandbox: Sandbox, key: str | None = None) -> Client:
        made.append(Client(sandbox.url, key))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def admin(sandbox, client_of) -> Client:
    """A client with the admin's all-permission key."""
    return client_of(sandbox, sandbox.admin_key)
