"""The whole chain against the sandbox: who may, what is paused, and that all comes back."""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from piuploader.adapters.immich import ImmichClient
from piuploader.adapters.immich.admin import ImmichAdmin
from piuploader.cli.main import run
from piuploader.config import QueueSettings
from piuploader.core.queues import HEAVY
from piuploader.errors import PiUploaderError
from piuploader.sandbox import Sandbox
from piuploader.wiring.queues import recovered, yielding
from tests.waiting import wait_until

ALWAYS = QueueSettings(quiet_hours="")
VERSIONS = ["2.3.1", "2.7.5", "3.1.0", "3.2.2"]


@pytest.fixture
def sandbox():
    with Sandbox() as server:
        yield server


def paused(sandbox):
    return {name for name, queue in sandbox.queues().items() if queue["is_paused"]}


@contextmanager
def beside_an_import(sandbox, state, *, key=None, policy="staged", quickly=True):
    with ImmichClient(sandbox.url, key or sandbox.admin_key) as client:
        found = yielding(client, state=state, policy=policy, queues=ALWAYS)
        if quickly:
            found._poll_s = 0.02
        found.start()
        try:
            yield found
        finally:
            found.close(patience_s=20.0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy", ["staged", "pause"])
def test_heavy_queues_wait_on_every_version_and_all_come_back(tmp_path, version, policy):
    with Sandbox(version=version) as sandbox:
        sandbox.pause("ocr")  # a person's
        with beside_an_import(sandbox, tmp_path, policy=policy) as at:
            at.uploads_begun()
            wait_until(lambda: paused(sandbox) == set(HEAVY))
            assert any("ocr" in note for note in at.notes)
        assert paused(sandbox) == {"ocr"}
        assert not list((tmp_path / "queues").iterdir())


@pytest.mark.parametrize("version", ["2.7.5", "3.1.0", "3.2.2"])
def test_slow_lowers_and_gives_back_exactly(tmp_path, version):
    with Sandbox(version=version) as sandbox:

        def settings():
            with ImmichClient(sandbox.url, sandbox.admin_key) as client:
                return dict(ImmichAdmin(client.call).settings())

        before = settings()
        with beside_an_import(sandbox, tmp_path, policy="slow") as at:
            at.uploads_begun()
            key = "job.thumbnailGeneration.concurrency"
            wait_until(lambda: settings()[key] == 1)
            changed = {k for k, v in settings().items() if before[k] != v}
            assert changed <= {f"job.{name}.concurrency" for name in HEAVY}
        assert settings() == before
        assert paused(sandbox) == set()


def test_staged_shows_thumbnails_first(tmp_path, sandbox):
    sandbox.add_backlog(thumbnailGeneration=12, smartSearch=5)
    with beside_an_import(sandbox, tmp_path) as at:
        at.uploads_begun()
        wait_until(lambda: paused(sandbox) == set(HEAVY))
        at.uploads_over()
        wait_until(lambda: "thumbnailGeneration" not in paused(sandbox))
        assert "smartSearch" in paused(sandbox)
        sandbox.fast_forward(60.0)
        wait_until(lambda: at.idle)
        assert paused(sandbox) == set()


def test_two_uploaders_on_one_computer_hand_the_pause_over(tmp_path, sandbox):
    with beside_an_import(sandbox, tmp_path) as second:
        with beside_an_import(sandbox, tmp_path) as first:
            first.uploads_begun()
            wait_until(lambda: paused(sandbox) == set(HEAVY))
            second.uploads_begun()
            wait_until(lambda: any("on this device" in note for note in second.notes))
        wait_until(lambda: paused(sandbox) == set(HEAVY))
    assert paused(sandbox) == set()


def test_two_uploaders_on_two_computers_leave_nothing_paused(tmp_path, sandbox):
    with beside_an_import(sandbox, tmp_path / "a") as first:
        first.uploads_begun()
        wait_until(lambda: paused(sandbox) == set(HEAVY))
        with beside_an_import(sandbox, tmp_path / "b") as second:
            second.uploads_begun()
            wait_until(lambda: any("somebody else" in note for note in second.notes))
        assert paused(sandbox) == set(HEAVY), "the second gives back nothing of the first"
    assert paused(sandbox) == set()


def test_what_a_person_resumes_in_mid_import_stays_theirs(tmp_path, sandbox):
    with beside_an_import(sandbox, tmp_path) as at:
        at.uploads_begun()
        wait_until(lambda: paused(sandbox) == set(HEAVY))
        sandbox.pause("ocr", paused=False)
        wait_until(lambda: any("ocr" in note for note in at.notes))
        sandbox.pause("ocr")
    assert paused(sandbox) == {"ocr"}


# -- who may what ---------------------------------------------------------------------------

ALL = [
    "asset.upload",
    "asset.read",
    "server.storage",
    "queue.read",
    "queue.update",
    "systemConfig.read",
    "systemConfig.update",
]


@pytest.mark.parametrize(
    ("missing", "admin", "pauses", "sees", "says"),
    [
        (set(), True, True, True, ""),
        (set(), False, False, False, "administrator"),
        (set(ALL) - {"asset.upload", "asset.read"}, True, False, False, "queue.read"),
        ({"queue.read"}, True, False, False, "queue.read"),
        ({"queue.update"}, True, False, True, "queue.update"),
        ({"systemConfig.read"}, True, True, True, ""),
        ({"systemConfig.update"}, True, True, True, ""),
        ({"server.storage"}, True, True, True, ""),
    ],
)
def test_the_permission_matrix_of_pausing(  # noqa: PLR0917 - a row of the matrix
    tmp_path, sandbox, missing, admin, pauses, sees, says
):
    """What the key may not do is left out with one sentence; nothing fails."""
    key = sandbox.add_key([name for name in ALL if name not in missing], admin=admin)
    with beside_an_import(sandbox, tmp_path, key=key) as at:
        at.uploads_begun()
        wait_until(lambda: paused(sandbox) or at.notes)
        if pauses:
            wait_until(lambda: paused(sandbox) == set(HEAVY))
        assert bool(paused(sandbox)) is pauses
        assert (at.server_work() is not None) is sees
        assert len(at.notes) == bool(says)
        assert all(says in note for note in at.notes)
    assert paused(sandbox) == set()


@pytest.mark.parametrize(
    ("missing", "admin", "says"),
    [
        ({"systemConfig.read"}, True, "systemConfig.read"),
        ({"systemConfig.update"}, True, "systemConfig.update"),
        (set(), False, "administrator"),
        (set(ALL) - {"asset.upload"}, True, "systemConfig.read"),
    ],
)
def test_slow_falls_back_to_off_with_one_sentence(tmp_path, sandbox, missing, admin, says):
    key = sandbox.add_key([name for name in ALL if name not in missing | {"x"}], admin=admin)
    with beside_an_import(sandbox, tmp_path, key=key, policy="slow") as at:
        at.uploads_begun()
        wait_until(lambda: at.notes)
        if "queue.read" not in missing and admin:
            assert [says in note for note in at.notes] == [True]
    assert paused(sandbox) == set()


@pytest.fixture
def here(sandbox, tmp_path, monkeypatch):
    """Commands of this test speak to the sandbox, as its admin."""
    monkeypatch.setenv("PIUPLOADER_SERVER", sandbox.url)
    monkeypatch.setenv("PIUPLOADER_API_KEY", sandbox.admin_key)
    monkeypatch.setenv("PIUPLOADER_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return sandbox


def test_the_commands_work_against_the_sandbox(here, capsys):
    here.add_backlog(thumbnailGeneration=40)
    assert run(["queues", "--json", "--seconds", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["waiting"] > 0
    here.fast_forward(600.0)
    assert run(["queues", "wait", "--every", "0.01"]) == 0

    thumbs = "job.thumbnailGeneration.concurrency"
    assert run(["recommend", "--server-class", "B", "--apply", "--yes"]) == 0
    assert run(["recommend", "--server-class", "B", "--json"]) == 0
    shown = capsys.readouterr().out
    told = json.loads(shown[shown.rindex('{"server"') :])
    assert thumbs not in {entry["setting"] for entry in told["recommendations"]}
    assert run(["recommend", "--undo"]) == 0
    assert run(["recommend", "--server-class", "B", "--about", f"{thumbs}=10"]) == 0
    assert "It is 3 now" in capsys.readouterr().out


@pytest.mark.slow
def test_measuring_works_against_the_sandbox(here, capsys):
    """Without a CPU model each job of a queue has a core: three at a time beat one."""
    here.add_backlog(thumbnailGeneration=20_000)
    arguments = ["recommend", "--measure", "--values", "1", "--minutes", "0.02", "--yes", "--json"]
    assert run(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["keep"] == 3
    slow, quick = (result["per_min"] for result in told["results"])
    assert quick > 2 * slow


# -- faults and kills -------------------------------------------------------------------------


def test_a_server_that_stumbles_and_restarts_gets_everything_back(tmp_path, sandbox):
    sandbox.faults.add("status", where="PUT /queues", probability=0.3, status=503)
    sandbox.faults.add("drop_answer", where="PUT /queues", probability=0.2)
    with beside_an_import(sandbox, tmp_path) as at:
        at.uploads_begun()
        wait_until(lambda: paused(sandbox) == set(HEAVY), within_s=20.0)
        sandbox.restart(down_s=0.3)
        at.uploads_over()
    assert paused(sandbox) == set()
    assert not list((tmp_path / "queues").iterdir())


CHILD = """
import sys, time
from pathlib import Path
from piuploader.adapters.immich import ImmichClient
from piuploader.config import QueueSettings
from piuploader.wiring.queues import yielding
url, key, state, policy = sys.argv[1:]
with ImmichClient(url, key) as client:
    at = yielding(client, state=Path(state), policy=policy, queues=QueueSettings(quiet_hours=""))
    at._poll_s = 0.001
    at.start()
    print("ready", flush=True)
    while True:
        at.uploads_begun()
        time.sleep(0.08)
        at.uploads_over()
        time.sleep(0.08)
"""


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["staged", "slow"])
def test_a_kill_at_any_moment_leaves_nothing_paused_after_the_next_start(tmp_path, policy):
    """Pausing, paused, giving back, between two writes: wherever it hits."""
    rng = random.Random(5)
    with Sandbox() as sandbox, ImmichClient(sandbox.url, sandbox.admin_key) as client:
        admin = ImmichAdmin(client.call)
        sandbox.pause("videoConversion")  # a person's, to be left alone
        before = admin.settings()
        caught = 0
        for _ in range(12):
            arguments = [sandbox.url, sandbox.admin_key, str(tmp_path), policy]
            with subprocess.Popen(
                [sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE
            ) as child:
                assert child.stdout.readline() == b"ready\n"
                sleep(rng.uniform(0.0, 0.25))
                child.send_signal(signal.SIGKILL)
            caught += paused(sandbox) != {"videoConversion"} or admin.settings() != before
            recovered(client, state=tmp_path, queues=ALWAYS)
            assert paused(sandbox) == {"videoConversion"}
            assert admin.settings() == before
            assert not list((tmp_path / "queues").iterdir())
        assert caught >= 3, "the kills hit nothing: this test could not fail"


def command(*arguments):
    return [sys.executable, "-m", "piuploader", *map(str, arguments)]


@pytest.fixture
def environment(here, tmp_path):
    here.faults.add("slow", where="upload", bytes_per_s=60_000)
    config = tmp_path / "config" / "piuploader"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[queues]\nquiet_hours = ""\n', encoding="utf-8")
    (config / "config.toml").chmod(0o600)
    return dict(os.environ)


@pytest.fixture
def drive(tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    rng = random.Random(3)
    for number in range(12):
        (folder / f"IMG_{number}.jpg").write_bytes(b"\xff\xd8\xff" + rng.randbytes(60_000))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("after", "host"),
    [
        (["queues", "--seconds", "0"], "127.0.0.1"),
        (["queues", "--seconds", "0"], "localhost"),  # the same server by another name
        (["doctor"], "127.0.0.1"),
        (["recommend", "--server-class", "D"], "127.0.0.1"),
    ],
)
def test_a_killed_upload_is_put_right_by_the_next_command(here, environment, drive, after, host):
    """The real command, killed; then any other command of piuploader."""
    with subprocess.Popen(
        command("upload", drive), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: paused(here) == set(HEAVY), within_s=30.0)
        process.kill()
    assert paused(here) == set(HEAVY)
    environment["PIUPLOADER_SERVER"] = here.url.replace("127.0.0.1", host)
    subprocess.run(command(*after), env=environment, check=True)
    assert paused(here) == set()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_upload_gives_the_queues_back(here, environment, drive, number):
    with subprocess.Popen(
        command("upload", drive), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: paused(here) == set(HEAVY), within_s=30.0)
        process.send_signal(number)
        process.wait(30)
    assert process.returncode != 0
    assert paused(here) == set()


@pytest.mark.slow
def test_a_finished_upload_gives_the_queues_back(here, environment, drive):
    subprocess.run(command("upload", drive), env=environment, check=True, timeout=90)
    assert paused(here) == set()
    assert len(here.assets()) == 12


@pytest.mark.slow
@pytest.mark.parametrize(("may_pause", "told"), [(True, True), (False, False)])
def test_only_who_paused_says_that_the_queues_run_again(here, environment, drive, may_pause, told):
    permissions = ["asset.upload", "queue.read", *(["queue.update"] if may_pause else [])]
    environment["PIUPLOADER_API_KEY"] = here.add_key(permissions)
    done = subprocess.run(
        command("upload", drive), env=environment, check=True, timeout=90, capture_output=True
    )
    assert (b"queues run again" in done.stdout) is told


def test_a_dry_run_touches_nothing(here, environment, drive):
    subprocess.run(command("upload", "--dry-run", drive), env=environment, check=True, timeout=60)
    asked = {line for line in here.state()["requests"] if "queues" in line or "jobs" in line}
    assert not {line for line in asked if not line.startswith("GET")}


@pytest.mark.slow
def test_the_official_cli_uploads_beside_it(here, tmp_path, drive):
    """A pause concerns the server's work only: other clients go on."""
    from tests.sandbox import peers

    try:
        clients = peers.install()
    except peers.Offline as error:
        pytest.skip(f"the package registries cannot be reached: {error}")
    environment = os.environ | {
        "IMMICH_INSTANCE_URL": f"{here.url}/api",
        "IMMICH_API_KEY": here.admin_key,
        "IMMICH_CONFIG_DIR": str(tmp_path / "cli"),
    }
    with beside_an_import(here, tmp_path / "other") as at:
        at.uploads_begun()
        wait_until(lambda: paused(here) == set(HEAVY))
        done = subprocess.run(
            [*clients.immich_cli, "upload", "--recursive", str(drive)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(here.assets()) == 12
        assert paused(here) == set(HEAVY)
    assert paused(here) == set()


def test_pausing_really_frees_uploads(tmp_path):
    """On one Raspberry Pi 4: beside all jobs an upload takes more than twice as long."""

    def seconds(policy):
        with Sandbox(cpu_model="pi4", job_speed=30.0) as sandbox:
            sandbox.add_backlog(
                thumbnailGeneration=5000, smartSearch=5000, faceDetection=5000, ocr=5000
            )
            with (
                ImmichClient(sandbox.url, sandbox.admin_key) as client,
                beside_an_import(sandbox, tmp_path / policy, policy=policy) as at,
            ):
                at.uploads_begun()
                if policy != "off":
                    wait_until(lambda: paused(sandbox) == set(HEAVY))
                sleep(0.3)  # what is active, ends
                begun_s = monotonic()
                for number in range(15):
                    with suppress(PiUploaderError):
                        _upload(client, sandbox, number)
                return monotonic() - begun_s

    assert seconds("off") > 2 * seconds("staged")


def _upload(client, sandbox, number):
    import requests

    when = "2024-05-06T07:08:09.000Z"
    form = {"filename": f"{number}.jpg", "fileCreatedAt": when, "fileModifiedAt": when}
    parts = [(key, (None, value)) for key, value in form.items()]
    parts.append(("assetData", (f"{number}.jpg", b"\xff\xd8\xff%d" % number)))
    answer = requests.post(
        f"{sandbox.url}/api/assets",
        files=parts,
        headers={"x-api-key": sandbox.admin_key},
        timeout=60,
    )
    assert answer.status_code == 201


@pytest.mark.slow
def test_a_killed_experiment_gives_the_old_value_back_at_the_next_start(here):
    here.add_backlog(thumbnailGeneration=20_000)
    key = "job.thumbnailGeneration.concurrency"
    arguments = ["--measure", "--values", "9", "--minutes", "1", "--yes"]

    with ImmichClient(here.url, here.admin_key) as client:
        settings = ImmichAdmin(client.call).settings
        with subprocess.Popen(
            command("recommend", *arguments, "--rounds", "1"), stderr=subprocess.DEVNULL
        ) as process:
            notes = Path(os.environ["PIUPLOADER_STATE"]) / "queues"
            wait_until(lambda: list(notes.glob("queues-*.json")), within_s=20.0)
            process.kill()
        with ImmichClient(here.url, here.admin_key) as other:
            ImmichAdmin(other.call).change({key: 9})  # as if it had come that far
        assert run(["queues", "--seconds", "0"]) == 0
        assert settings()[key] == 3
