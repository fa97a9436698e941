"""A Raspberry Pi made of processes: a real daemon, drives that are mounts, and no hardware."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic

import tomli_w

from piuploader.adapters.statusfile import read
from tests.waiting import wait_until


def photos(folder, count, *, size=20_000, first=0, mtime=1_700_000_000):
    """Write files that a camera might have written, each with bytes of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        path = folder / f"IMG_{number:04}.JPG"
        head = b"\xff\xd8\xff\xe0" + f"{folder.name} {number} ".encode()
        path.write_bytes(head + os.urandom(size))
        os.utime(path, (mtime + number, mtime + number))
    return folder


class Machine:
    """A folder for each place of a real box, and one daemon process at a time."""

    def __init__(self, root: Path, *, url, key, plain_folders=False, **tables):
        self.root = root
        self.drives = root / "drives"
        self.run_folder = root / "run"
        self.state = root / "state"
        for folder in (self.drives, self.run_folder, self.state):
            folder.mkdir()
        self.config = root / "config.toml"
        self.key_file = root / "key"
        self.set_key(key)
        self.tables = {
            "server": {"url": url, "api_key_file": str(self.key_file)},
            "daemon": {
                "drives": str(self.drives),
                "plain_folders": plain_folders,
                "clock_wait_s": 1.0,
                "server_look_s": 1.0,
            },
            "lights": {"board": "none"},
        }
        for name, table in tables.items():
            self.tables.setdefault(name, {}).update(table)
        self.write_config()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(root / "notify"))
        self.heard = []
        self.ear = Thread(target=self._listen)
        self.ear.start()
        self.log_path = root / "log"
        self.process = None
        self.mounted = []

    def write_config(self):
        self.config.write_text(tomli_w.dumps(self.tables), encoding="utf-8")
        self.config.chmod(0o600)

    def set_key(self, key):
        self.key_file.write_text(key, encoding="utf-8")
        self.key_file.chmod(0o600)

    def boot(self, *, prefix=(), **environ):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "piuploader", "daemon", "--config", self.config],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    "PATH": os.environ["PATH"],
                    "PIUPLOADER_STATE": str(self.state),
                    "RUNTIME_DIRECTORY": str(self.run_folder),
                    "NOTIFY_SOCKET": str(self.root / "notify"),
                    "JOURNAL_STREAM": "8:1",
                    "LG_WD": str(self.run_folder),
                    "HOME": str(self.root),
                    **environ,
                },
                cwd=self.run_folder,
            )

    def power_cut(self):
        self.process.kill()
        self.process.wait(10)

    def shut_down(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        if self.process and self.process.poll() is None:
            self.power_cut()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.notify.getsockname())
        self.ear.join(10)
        self.notify.close()
        for folder in self.mounted:
            subprocess.run(["umount", "-l", folder], check=False, capture_output=True)

    # drives

    def plug_tmpfs(self, name, source):
        """Mount a drive that holds a copy of this folder, read-only."""
        folder = self.drives / name
        folder.mkdir(exist_ok=True)
        staging = self.root / "staging"
        staging.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "drive", staging], check=True)
        subprocess.run(["cp", "-a", f"{source}/.", staging], check=True)
        subprocess.run(["mount", "-o", "remount,ro", staging], check=True)
        # It appears at once and whole, as a drive does.
        subprocess.run(["mount", "--bind", staging, folder], check=True)
        subprocess.run(["umount", staging], check=True)
        self.mounted.append(folder)
        return folder

    def pull(self, name):
        """Pull a drive out, whoever reads from it."""
        subprocess.run(["umount", "-l", self.drives / name], check=True)

    # what it tells

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    @property
    def status(self):
        return read(self.run_folder / "status.json") or {}

    @property
    def light(self):
        return self.status.get("light", {}).get("name")

    def _listen(self):
        while message := self.notify.recv(4096):
            self.heard.append(message.decode())

    def until_light(self, *names, within_s=30.0):
        began = monotonic()
        try:
            wait_until(lambda: self.light in names, within_s=within_s, what=names)
        except AssertionError:
            shown = json.dumps(self.status, indent=1)
            raise AssertionError(
                f"no {names} after {monotonic() - began:.0f} s, but {self.light}\n"
                f"{shown}\n{self.log}"
            ) from None

    def until(self, condition, *, within_s=30.0):
        wait_until(lambda: self.status and condition(self.status), within_s=within_s)

    def rss_mib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
