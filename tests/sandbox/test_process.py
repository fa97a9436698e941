"""The sandbox as a process: killed, started again, ended in order."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from piuploader.sandbox import SandboxProcess
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.slow


def test_a_killed_sandbox_has_all_that_it_answered_for(tmp_path):
    with SandboxProcess(tmp_path) as sandbox:
        client = Client(sandbox.url, sandbox.upload_key)
        ids = {client.upload_id(b"%d" % number) for number in range(20)}
        admin = Client(sandbox.url, sandbox.admin_key)
        album = admin("POST /albums", json={"albumName": "A", "assetIds": [min(ids)]}).json()["id"]
        assert admin("PUT /queues/ocr", json={"isPaused": True}).status_code == 200
        port = sandbox.port
        sandbox.kill()
        client.close()
        admin.close()
        with (tmp_path / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"kind": "asset", "is": {"torn')  # a line that was being written
        sandbox.start()
        assert sandbox.port == port
        assets = sandbox.assets()
        assert {asset["id"] for asset in assets} == ids
        assert {Path(asset["path"]).read_bytes() for asset in assets} == {
            b"%d" % number for number in range(20)
        }
        client = Client(sandbox.url, sandbox.admin_key)
        assert client.verdict(b"7")["action"] == "reject"
        assert client(f"GET /albums/{album}").json()["assetCount"] == 1
        assert sandbox.state()["queues"]["ocr"]["is_paused"] is True
        assert client.upload(b"after the torn line").status_code == 201
        client.close()
        sandbox.kill()
        sandbox.start()
        assert len(sandbox.assets()) == 21


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_and_it_prints_the_keys_that_it_made(number):
    command = [sys.executable, "-m", "piuploader.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[-1]
        key = process.stdout.readline().split()[-1]
        upload_key = process.stdout.readline().split()[-1]
        for secret, count in ((key, 1), (upload_key, 2)):
            headers = {"x-api-key": secret}
            mine = requests.get(f"{address}/api/api-keys/me", headers=headers, timeout=10).json()
            assert len(mine["permissions"]) == count
        process.send_signal(number)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--fault", "boom", "There is no fault 'boom'"),
        ("--backlog", "nothing=3", "There is no queue 'nothing'"),
        ("--cpu-model", "pi9", "There is no model 'pi9'"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(option, value, told):
    command = [sys.executable, "-m", "piuploader.sandbox", option, value]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_port_that_is_taken_is_told_in_one_line(sandbox):
    port = sandbox.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "piuploader.sandbox", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Cannot listen on 127.0.0.1" in done.stderr


def test_without_aiohttp_it_says_what_to_install():
    program = (
        "import sys, typer; sys.modules['aiohttp'] = None\n"
        "from piuploader.sandbox.command import sandbox; typer.run(sandbox)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "pip install 'piuploader[sandbox]'" in done.stderr
