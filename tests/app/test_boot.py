"""From the boot partition into the box, on real files; what is wrong changes nothing."""

import os
import subprocess
import sys
import tomllib

import pytest

from piuploader.adapters.boot_files import BootPartition
from piuploader.adapters.system_files import SystemFiles
from piuploader.app.boot import take_over
from piuploader.config import load
from piuploader.config.appliance import ROOMS

KEY = "aB3-dE5_fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"
TEXT = f"""# my box
[server]
url = "https://photos.example.org"
api_key = "{KEY}"   # from Immich

[wifi]
country = "DE"
name = "Net"
password = "correct horse"

[box]
hostname = "photos"
timezone = "Europe/Berlin"
ssh_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE ada"

[upload]
album = "Camera"

[lights]
kind = "rgb"
pins = [17, 27, 22]
"""

COMMAND = "import typer; from piuploader.cli.boot_config import boot_config; typer.run(boot_config)"


class Card:
    """A card with its boot partition, and the root file system of the box."""

    def __init__(self, root):
        self.boot = root / "boot"
        self.root = root / "root"
        self.etc = self.root / "etc/piuploader"
        self.seen = root / "seen"
        self.ran = []
        self.boot.mkdir()
        (self.root / "etc").mkdir(parents=True)
        zones = self.root / "usr/share/zoneinfo/Europe"
        zones.mkdir(parents=True)
        (zones / "Berlin").write_text("TZif")
        (self.root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n")
        uid = os.getuid()
        (self.root / "etc/passwd").write_text(
            f"root:x:0:0::/root:/bin/sh\npi:x:1000:{os.getgid()}::/home/pi:/bin/sh\n"
            if uid == 0
            else ""
        )
        (self.root / "home/pi").mkdir(parents=True)
        (self.root / "root").mkdir()

    def write(self, text):
        content = text if isinstance(text, bytes) else text.encode()
        (self.boot / "piuploader.toml").write_bytes(content)

    def start(self):
        return take_over(
            BootPartition(boot=self.boot, etc=self.etc, seen=self.seen),
            SystemFiles(root=self.root, run=self.ran.append).apply,
        )

    @property
    def text(self):
        return (self.boot / "piuploader.toml").read_text(encoding="utf-8")

    @property
    def error(self):
        path = self.boot / "piuploader-error.txt"
        return path.read_bytes().decode("utf-8") if path.exists() else ""

    def in_etc(self, name):
        return (self.root / "etc" / name).read_text(encoding="utf-8")

    def config(self):
        return load(self.etc / "config.toml", rooms=ROOMS)

    def mode(self, name):
        return (self.etc / name).stat().st_mode & 0o777


@pytest.fixture
def card(tmp_path):
    return Card(tmp_path)


def test_everything_finds_its_place_and_the_secrets_leave_the_card(card):
    card.write(TEXT)
    assert card.start()
    assert card.text == TEXT.replace(f'"{KEY}"', '""').replace(
        '"correct horse"', '""  # taken over by the box'
    )
    assert (card.etc / "immich-api-key").read_text() == f"{KEY}\n"
    assert card.mode("immich-api-key") == 0o600
    config = card.config()
    assert config.server.url == "https://photos.example.org"
    assert config.server.api_key == ""
    assert config.upload.album == "Camera"
    assert config.rooms["lights"].pins == (17, 27, 22)
    wifi = card.in_etc("NetworkManager/system-connections/piuploader-wifi.nmconnection")
    assert "psk=correct horse" in wifi
    assert card.in_etc("hostname") == "photos\n"
    assert card.in_etc("hosts") == "127.0.0.1\tlocalhost\n127.0.1.1\tphotos\n"
    assert str((card.root / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Europe/Berlin"
    assert ["iw", "reg", "set", "DE"] in card.ran
    keys = list(card.root.glob("*/**/authorized_keys"))
    assert len(keys) == 1
    assert "ssh-ed25519" in keys[0].read_text()
    assert (card.error, card.seen.exists()) == ("", False)


def test_no_secret_is_left_in_any_file_of_the_card(card):
    card.write(TEXT)
    card.start()
    for path in card.boot.rglob("*"):
        assert KEY.encode() not in path.read_bytes()
        assert b"correct horse" not in path.read_bytes()


def test_the_next_boot_changes_nothing(card):
    card.write(TEXT)
    card.start()
    (card.etc / "config.toml").write_text('[server]\nurl = "https://by.hand"\n')
    before = card.text
    assert card.start()
    assert card.text == before
    assert card.config().server.url == "https://by.hand"


def test_a_root_that_forgets_is_set_up_again_at_every_boot(card):
    """Behind an overlay only our own folder stays."""
    card.write(TEXT)
    card.start()
    (card.root / "etc/hostname").unlink()
    wifi = card.root / "etc/NetworkManager/system-connections/piuploader-wifi.nmconnection"
    wifi.unlink()
    assert card.start()
    assert card.in_etc("hostname") == "photos\n"
    assert "psk=correct horse" in wifi.read_text()


def test_another_root_is_set_up_without_a_change_to_the_machine_that_runs(card, monkeypatch):
    programs = card.root / "programs"
    programs.mkdir()
    for name in ("hostname", "iw", "rfkill"):
        (programs / name).write_text(f'#!/bin/sh\necho "$0 $*" >> {card.root}/ran\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    card.write(TEXT)
    assert take_over(
        BootPartition(boot=card.boot, etc=card.etc, seen=card.seen),
        SystemFiles(root=card.root).apply,
    )
    assert card.in_etc("hostname") == "photos\n"
    assert not (card.root / "ran").exists()


def test_edited_again_later_the_secrets_need_not_be_typed_again(card):
    card.write(TEXT)
    card.start()
    card.write(card.text.replace("Camera", "Holiday").replace("photos.ex", "pictures.ex"))
    assert card.start()
    assert card.config().upload.album == "Holiday"
    assert (card.etc / "immich-api-key").read_text() == f"{KEY}\n"
    assert "psk=correct horse" in card.in_etc(
        "NetworkManager/system-connections/piuploader-wifi.nmconnection"
    )


def test_a_new_key_replaces_the_old_one(card):
    card.write(TEXT)
    card.start()
    card.write(card.text.replace('api_key = ""', 'api_key = "another-key-of-the-box"'))
    assert card.start()
    assert (card.etc / "immich-api-key").read_text() == "another-key-of-the-box\n"
    assert "another-key" not in card.text


def test_a_network_taken_out_of_the_file_is_forgotten(card):
    card.write(TEXT)
    card.start()
    card.write(card.text.replace('name = "Net"', 'name = ""'))
    assert card.start(), card.error
    assert not list((card.root / "etc/NetworkManager/system-connections").iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace('kind = "rgb"', 'kind = "rgbw"'), "[lights]: kind 'rgbw' is not one of"),
        (TEXT.replace("album", "albun"), "unknown key 'albun' (did you mean 'album'?)"),
        (TEXT.replace("[upload]", "[uplaod]"), "unknown table [uplaod]"),
        (TEXT.replace('country = "DE"', 'country = ""'), "country is missing"),
        (TEXT.replace(KEY, ""), "api_key is missing"),
        (TEXT.replace('url = "https://photos.example.org"', ""), "url is missing"),
        ("[server]\nurl = x\n", "line 2: a text must stand in straight quotes"),
        (TEXT.encode()[:40] + b"\xfc" + TEXT.encode()[40:], "save the file as UTF-8"),
        (TEXT.replace("Europe/Berlin", "Europe/Berlni"), "no time zone 'Europe/Berlni'"),
    ],
)
def test_what_is_wrong_is_told_in_plain_words_beside_the_file_and_to_the_light(card, text, said):
    card.write(text)
    assert not card.start()
    assert said in card.error
    assert "\r\n" in card.error  # for the simplest of editors
    assert said in card.seen.read_text()
    assert KEY not in card.error


def test_a_wrong_file_changes_nothing_and_a_corrected_one_takes_the_complaint_away(card):
    card.write(TEXT)
    card.start()
    card.write(card.text.replace("Camera", "Other").replace("rgb", "rgbw"))
    broken = card.text
    assert not card.start()
    assert card.text == broken
    assert card.config().upload.album == "Camera"
    card.write(broken.replace("rgbw", "rgb"))
    assert card.start()
    assert card.config().upload.album == "Other"
    assert card.error == ""
    assert not card.seen.exists()


def test_a_file_that_cannot_be_blanked_by_line_is_written_anew(card):
    card.write(f'server = {{url = "https://x.example", api_key = "{KEY}"}}\n')
    assert card.start(), card.error
    assert KEY not in card.text
    assert tomllib.loads(card.text)["server"] == {"url": "https://x.example", "api_key": ""}


def test_no_file_at_all_is_no_problem(card):
    assert card.start()
    assert list(card.boot.iterdir()) == []


def test_the_power_may_go_at_any_write(card, tmp_path, monkeypatch):
    """Whenever it goes: the next boot ends with everything in place and no secret on the card."""
    writes = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", writes.append)
        card.write(TEXT)
        card.start()
    assert len(writes) > 5
    for cut in range(len(writes)):
        place = tmp_path / f"cut{cut}"
        place.mkdir()
        fresh = Card(place)
        fresh.write(TEXT)
        seen = []

        def power_cut(handle, seen=seen, cut=cut):
            seen.append(handle)
            if len(seen) > cut:
                raise PowerCutError

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", power_cut)
            with pytest.raises(PowerCutError):
                fresh.start()
        assert fresh.start(), fresh.error
        assert fresh.config().upload.album == "Camera"
        assert (fresh.etc / "immich-api-key").read_text() == f"{KEY}\n"
        assert KEY not in fresh.text
        assert tomllib.loads(fresh.text)["upload"]["album"] == "Camera"


class PowerCutError(BaseException):
    """Nothing after this happens."""


def test_the_command_does_it_as_a_process(card):
    card.write(TEXT.replace('timezone = "Europe/Berlin"', ""))
    arguments = ["--boot", card.boot, "--etc", card.etc, "--root", card.root, "--seen", card.seen]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            COMMAND,
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert KEY not in done.stdout + done.stderr
    assert card.config().upload.album == "Camera"
