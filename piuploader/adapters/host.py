"""The machine that we run on: whether it is the server's too, and what it can do."""

import ipaddress
import os
import platform
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from piuploader.core.advice import Host

MIB = 1024 * 1024
SAME_SIZE = 0.001  # of a file system: Immich rounds nothing, but it may grow while we look


def is_same_host(url: str) -> bool:
    """Tell whether a server's address is one of this machine's own.

    A tunnel to another machine that ends here deceives this; a person can
    say --server-class.
    """
    host = urlsplit(url).hostname or ""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    try:
        interfaces = psutil.net_if_addrs().values()
    except OSError:  # a service that may not open a netlink socket
        interfaces = {}.values()
    ours = {
        address.address.partition("%")[0]
        for addresses in interfaces
        for address in addresses
        if address.family in {socket.AF_INET, socket.AF_INET6}
    }
    return any(_is_loopback(address) or address.partition("%")[0] in ours for address in found)


def read_host(
    *, photos_size_bytes: int | None = None, root: Path = Path("/"), known_by: str = "read here"
) -> Host:
    """Read what this machine is. `photos_size_bytes`: of the server's disk, to find which it is."""
    memory = psutil.virtual_memory().total // MIB
    return Host(
        cores=os.cpu_count(),
        memory_mib=memory,
        disk=_disk(photos_size_bytes, root),
        board=_board(root),
        cpu=_cpu(root),
        known_by=known_by,
    )


def temperature_c(root: Path = Path("/")) -> float | None:
    """Return how hot the processor is, None where the machine does not tell."""
    text = _text(root / "sys/class/thermal/thermal_zone0/temp")
    try:
        return int(text) / 1000
    except ValueError:
        return None


def memory_free_mib() -> float:
    """Return how much memory programs can still get."""
    return psutil.virtual_memory().available / MIB


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _board(root: Path) -> str:
    return _text(root / "sys/firmware/devicetree/base/model").strip("\0")


def _cpu(root: Path) -> str:
    if b"rk3588" in _bytes(root / "sys/firmware/devicetree/base/compatible"):
        return "rk3588"
    info = _text(root / "proc/cpuinfo")
    if "GenuineIntel" in info:
        return "intel"
    if "AuthenticAMD" in info:
        return "amd"
    return "arm" if platform.machine() in {"aarch64", "armv7l", "armv6l"} else ""


def _disk(size_bytes: int | None, root: Path) -> str:
    """Return the kind of the disk that is as large as the server's own, or of the root's."""
    devices = {part.mountpoint: part.device for part in psutil.disk_partitions(all=False)}
    for mountpoint, device in devices.items():
        if size_bytes and _size(mountpoint) and _alike(_size(mountpoint), size_bytes):
            return _kind(device, root)
    return _kind(devices.get("/", ""), root)


def _size(mountpoint: str) -> int:
    try:
        return psutil.disk_usage(mountpoint).total
    except OSError:
        return 0


def _alike(one: int, other: int) -> bool:
    return abs(one - other) <= SAME_SIZE * other


def _kind(device: str, root: Path) -> str:
    name = Path(device).name
    if name.startswith("mmcblk"):
        return "sd"
    block = root / "sys/class/block" / name
    for folder in (block, block.resolve().parent):  # a partition lies in its disk's folder
        text = _text(folder / "queue/rotational").strip()
        if text in {"0", "1"}:
            return "hdd" if text == "1" else "ssd"
    return ""


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
