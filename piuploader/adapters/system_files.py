"""Set up the box itself: the files of Debian that Wi-Fi, name, time zone and ssh are in.

`root` is where the system's files are, and `run` starts a program: both are
parameters, so that tests change no machine. A root elsewhere is not the system
that runs: its files are written, and no program is started. Programs that are not installed
are passed over: the files alone do from the next boot on.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from piuploader.core.boot_system import (
    WIFI_FILE,
    System,
    authorized_with,
    hosts_with,
    wifi_keyfile,
)
from piuploader.errors import ConfigError

FIRST_USER = 1000  # Debian's first person
RUNNING = Path("/")
PROGRAM_S = 20.0  # seconds; those started here take one


def run_program(arguments: Sequence[str]) -> None:
    """Start a program and wait for it; that it is missing or fails is no error."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(  # noqa: S603 - fixed programs, checked arguments
            list(arguments), check=False, capture_output=True, timeout=PROGRAM_S
        )


def _start_nothing(_arguments: Sequence[str]) -> None:
    """Leave the machine that runs as it is."""


class SystemFiles:
    """Applies what the boot partition says, and changes only what is different."""

    def __init__(
        self, *, root: Path = RUNNING, run: Callable[[Sequence[str]], object] | None = None
    ) -> None:
        """`run` is for tests; as a rule it follows from `root`."""
        self._etc = root / "etc"
        self._root = root
        self._run = run or (run_program if root == RUNNING else _start_nothing)

    def apply(self, system: System) -> None:
        """Set everything up; raise ConfigError for a time zone that is none, OSError else."""
        self._set_country(system.country)
        self._set_wifi(system)
        if system.hostname:
            self._set_hostname(system.hostname)
        if system.timezone:
            self._set_timezone(system.timezone)
        self._set_ssh_keys(system.ssh_keys)

    def _set_country(self, country: str) -> None:
        if not country:
            return
        options = f"options cfg80211 ieee80211_regdom={country}\n"
        self._write(self._etc / "modprobe.d/piuploader-wifi-country.conf", options)
        self._run(["iw", "reg", "set", country])
        self._run(["rfkill", "unblock", "wifi"])

    def _set_wifi(self, system: System) -> None:
        keyfile = self._etc / "NetworkManager/system-connections" / WIFI_FILE
        if system.wifi:
            self._write(keyfile, wifi_keyfile(system.wifi), mode=0o600)
        else:
            keyfile.unlink(missing_ok=True)

    def _set_hostname(self, hostname: str) -> None:
        if self._write(self._etc / "hostname", f"{hostname}\n"):
            self._run(["hostname", hostname])
        hosts = self._etc / "hosts"
        self._write(hosts, hosts_with(_text(hosts), hostname))

    def _set_timezone(self, timezone: str) -> None:
        if not (self._root / "usr/share/zoneinfo" / timezone).is_file():
            raise ConfigError(f'[box]: there is no time zone {timezone!r}, such as "Europe/Berlin"')
        target = Path("/usr/share/zoneinfo", timezone)
        link = self._etc / "localtime"
        if not link.is_symlink() or link.readlink() != target:
            beside = link.with_name(".localtime.new")
            beside.unlink(missing_ok=True)
            beside.symlink_to(target)
            beside.replace(link)
        self._write(self._etc / "timezone", f"{timezone}\n")

    def _set_ssh_keys(self, keys: tuple[str, ...]) -> None:
        home, uid, gid = self._person()
        folder = home / ".ssh"
        file = folder / "authorized_keys"
        before = _text(file)
        wanted = authorized_with(before, keys)
        if wanted == before:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(file, wanted, mode=0o600)
        for path in (folder, file):
            os.chown(path, uid, gid)

    def _person(self) -> tuple[Path, int, int]:
        """Return home, user and group of the first person, else of root."""
        found = (self._root / "root", 0, 0)
        for line in _text(self._etc / "passwd").splitlines():
            fields = line.split(":")
            if len(fields) > 5 and fields[2] == str(FIRST_USER):  # noqa: PLR2004 - passwd(5)
                home = self._root / fields[5].lstrip("/")
                return home, FIRST_USER, int(fields[3])
        return found

    def _write(self, path: Path, content: str, *, mode: int = 0o644) -> bool:
        """Write a file, whole or not at all; tell whether it was different."""
        if _text(path) == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
