"""What piuploader.toml says about the box itself: Wi-Fi, name, time zone, ssh.

    [wifi]  country = "DE"  name = "..."  password = "..."  hidden = false
    [box]   hostname = "piuploader"  timezone = "Europe/Berlin"  ssh_key = "ssh-ed25519 ..."

Each value is checked before any is used.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from piuploader.errors import ConfigError

TABLES = ("wifi", "box")
SHORTEST_PSK, LONGEST_PSK = 8, 63  # characters, IEEE 802.11i
LONGEST_SSID = 32  # bytes
WIFI_FILE = "piuploader-wifi.nmconnection"
OURS_BEGIN, OURS_END = "# from piuploader.toml:", "# end of piuploader.toml"
NAMESPACE = uuid.UUID("6f0c1f6e-6d0b-4a3c-8f2d-0b8f0f6c7a11")  # ours, so that ids do not change


@dataclass(frozen=True, slots=True)
class Wifi:
    """A network to join."""

    name: str
    password: str  # "": an open network
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """What the box itself is to be; "" and None leave things as they are."""

    country: str = ""
    wifi: Wifi | None = None
    hostname: str = ""
    timezone: str = ""
    ssh_keys: tuple[str, ...] = ()


def read_system(tables: Mapping[str, Mapping[str, Any]], *, wifi_password: str) -> System:
    """Read [wifi] and [box]; raise ConfigError that says what to change."""
    wifi = _known(tables, "wifi", {"country": str, "name": str, "password": str, "hidden": bool})
    box = _known(tables, "box", {"hostname": str, "timezone": str, "ssh_key": (str, list)})
    return System(
        country=_country(wifi.get("country", "")),
        wifi=_wifi(wifi, wifi_password),
        hostname=_hostname(box.get("hostname", "")),
        timezone=_timezone(box.get("timezone", "")),
        ssh_keys=_ssh_keys(box.get("ssh_key", "")),
    )


def wifi_keyfile(wifi: Wifi) -> str:
    """Return the file by which NetworkManager joins the network (nm-settings-keyfile(5))."""
    name = ";".join(str(byte) for byte in wifi.name.encode()) + ";"
    lines = [
        "# Written by piuploader from piuploader.toml on the boot partition.",
        "[connection]",
        "id=piuploader-wifi",
        f"uuid={uuid.uuid5(NAMESPACE, wifi.name)}",
        "type=wifi",
        "autoconnect=true",
        "",
        "[wifi]",
        "mode=infrastructure",
        f"ssid={name}",
        f"hidden={'true' if wifi.hidden else 'false'}",
        "",
    ]
    if wifi.password:
        escaped = wifi.password.replace("\\", "\\\\")
        escaped = re.sub(r"^ | $", r"\\s", escaped)
        lines += ["[wifi-security]", "key-mgmt=wpa-psk", f"psk={escaped}", ""]
    return "\n".join([*lines, "[ipv4]", "method=auto", "", "[ipv6]", "method=auto", ""])


def hosts_with(hosts: str, hostname: str) -> str:
    """Return /etc/hosts with the box's own name at 127.0.1.1, as Debian has it."""
    kept = [line for line in hosts.splitlines() if not re.match(r"127\.0\.1\.1\s", line)]
    return "\n".join([*kept, f"127.0.1.1\t{hostname}", ""])


def authorized_with(text: str, keys: tuple[str, ...]) -> str:
    """Return an authorized_keys file with exactly these keys of ours; those of others stay."""
    kept = re.sub(rf"{OURS_BEGIN}\n.*?{OURS_END}\n", "", text, flags=re.DOTALL)
    if not keys:
        return kept
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return kept + "\n".join([OURS_BEGIN, *keys, OURS_END, ""])


def _known(
    tables: Mapping[str, Mapping[str, Any]], name: str, kinds: Mapping[str, Any]
) -> Mapping[str, Any]:
    table = tables.get(name, {})
    for key, value in table.items():
        if key not in kinds:
            raise ConfigError(f"[{name}]: unknown key {key!r}; there are: {', '.join(kinds)}")
        if not isinstance(value, kinds[key]):
            wanted = "true or false" if kinds[key] is bool else "text in quotes"
            raise ConfigError(f"[{name}]: {key} must be {wanted}")
    return table


def _country(country: str) -> str:
    if country and not re.fullmatch("[A-Za-z]{2}", country):
        raise ConfigError('[wifi]: country must be two letters, such as "DE" or "GB"')
    return country.upper()


def _wifi(table: Mapping[str, Any], password: str) -> Wifi | None:
    name = table.get("name", "")
    if not name:
        if password:
            raise ConfigError("[wifi]: there is a password, but no name of a network")
        return None
    if len(name.encode()) > LONGEST_SSID:
        raise ConfigError(f"[wifi]: name must not be longer than {LONGEST_SSID} bytes")
    is_hex = len(password) == LONGEST_PSK + 1 and re.fullmatch("[0-9a-fA-F]+", password)
    if password and not is_hex and not SHORTEST_PSK <= len(password) <= LONGEST_PSK:
        raise ConfigError(
            f"[wifi]: a password has {SHORTEST_PSK} to {LONGEST_PSK} characters; this has not"
        )
    if any(not character.isprintable() for character in name + password):
        raise ConfigError("[wifi]: name or password has characters that cannot be typed")
    if not table.get("country"):
        raise ConfigError('[wifi]: country is missing: Wi-Fi stays off without, such as "DE"')
    return Wifi(name, password, hidden=table.get("hidden", False))


def _hostname(hostname: str) -> str:
    if hostname and not re.fullmatch("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", hostname):
        raise ConfigError("[box]: hostname may have letters, digits and hyphens, up to 63")
    return hostname.lower()


def _timezone(timezone: str) -> str:
    if timezone and not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", timezone):
        raise ConfigError('[box]: timezone must be a name such as "Europe/Berlin"')
    return timezone


def _ssh_keys(value: Any) -> tuple[str, ...]:
    keys = [value] if isinstance(value, str) else list(value)
    found = []
    for key in keys:
        if not isinstance(key, str):
            raise ConfigError("[box]: ssh_key must be text in quotes, or a list of such texts")
        line = key.strip()
        if not line:
            continue
        if "PRIVATE KEY" in line:
            raise ConfigError("[box]: ssh_key is a private key: keep it secret, use the .pub file")
        if not re.fullmatch(r"(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?", line):
            raise ConfigError("[box]: ssh_key does not look like the content of a .pub file")
        found.append(line)
    return tuple(found)
