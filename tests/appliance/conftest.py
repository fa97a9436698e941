"""A server and a box, new for each test."""

import hashlib

import pytest

from piuploader.sandbox import SandboxProcess
from tests.appliance.machine import Machine


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    with SandboxProcess(folder) as made:
        yield made


@pytest.fixture
def make_machine(tmp_path, server):
    made = []

    def make(name="pi", **options):
        root = tmp_path / name
        root.mkdir()
        options = {"url": server.url, "key": server.admin_key, **options}
        made.append(Machine(root, **options))
        return made[-1]

    yield make
    for machine in made:
        machine.close()


@pytest.fixture
def holds(server):
    """Tell whether the server holds every file of a folder, byte for byte."""

    def check(folder):
        there = {asset["checksum"] for asset in server.assets()}
        files = list(folder.rglob("*.JPG"))
        ours = {hashlib.sha1(path.read_bytes()).hexdigest() for path in files}
        assert files
        return ours <= there

    return check
