"""The server of the end-to-end tests: the sandbox, or a real Immich where one is named.

    PIUPLOADER_TEST_URL          its address
    PIUPLOADER_TEST_KEY          a key of an admin
    PIUPLOADER_TEST_UPLOAD_KEY   a key of the same user with asset.upload and asset.read only

What the tests bring to a real server they take away again.
"""

import base64
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

from piuploader.adapters.immich import ImmichClient
from piuploader.sandbox import Sandbox


class RealServer:
    """A real Immich server, told apart from the sandbox by nothing that the tests use."""

    is_real = True

    def __init__(self, url, admin_key, upload_key):
        self.url, self.admin_key, self.upload_key = url, admin_key, upload_key
        self._before = set()
        self._before = {asset["id"] for asset in self._all()}

    def _call(self, method, path, json=None):
        with ImmichClient(self.url, self.admin_key) as client:
            return client.call(method, path, json)

    def _all(self):
        page = "1"
        while page:
            query = {"page": int(page), "size": 1000, "withDeleted": True}
            found = self._call("POST", "/search/metadata", query)["assets"]
            yield from (asset for asset in found["items"] if asset["id"] not in self._before)
            page = found["nextPage"]
        # The films of live photos are hidden, and only found when asked for.
        hidden = {"visibility": "hidden", "size": 1000}
        found = self._call("POST", "/search/metadata", hidden)["assets"]["items"]
        yield from (asset for asset in found if asset["id"] not in self._before)

    def checksums(self):
        """SHA-1 in hex of each asset; one that is there twice stands twice."""
        return sorted(base64.b64decode(asset["checksum"]).hex() for asset in self._all())

    def bytes_agree(self):
        """Whether what the server gives back has the checksum that it names."""
        return True  # Immich computes it from the stored bytes

    def trash(self, checksum):
        ids = [a["id"] for a in self._all() if base64.b64decode(a["checksum"]).hex() == checksum]
        self._call("DELETE", "/assets", {"ids": ids, "force": False})

    def close(self):
        ids = [asset["id"] for asset in self._all()]
        if ids:
            self._call("DELETE", "/assets", {"ids": ids, "force": True})


class SandboxServer:
    """The sandbox."""

    is_real = False

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.url = sandbox.url
        self.admin_key, self.upload_key = sandbox.admin_key, sandbox.upload_key

    def checksums(self):
        return sorted(asset["checksum"] for asset in self.sandbox.assets())

    def bytes_agree(self):
        return all(
            hashlib.sha1(Path(asset["path"]).read_bytes()).hexdigest() == asset["checksum"]
            for asset in self.sandbox.assets()
        )

    def trash(self, checksum):
        self.sandbox.trash(*(a["id"] for a in self.sandbox.assets() if a["checksum"] == checksum))


@contextmanager
def a_server(**options):
    """Give the server that the environment names, else a new sandbox with these options."""
    url = os.environ.get("PIUPLOADER_TEST_URL")
    if url:
        server = RealServer(
            url, os.environ["PIUPLOADER_TEST_KEY"], os.environ["PIUPLOADER_TEST_UPLOAD_KEY"]
        )
        try:
            yield server
        finally:
            server.close()
    else:
        with Sandbox(**options) as sandbox:
            yield SandboxServer(sandbox)
