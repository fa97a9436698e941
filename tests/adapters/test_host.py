"""Which machine we are on, from a made-up /sys and /proc."""

import os
import socket
from types import SimpleNamespace

import psutil
import pytest

from piuploader.adapters.host import is_same_host, memory_free_mib, read_host, temperature_c


@pytest.fixture
def root(tmp_path):
    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("sys/firmware/devicetree/base/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    write("sys/class/thermal/thermal_zone0/temp", "61234\n")
    write("proc/cpuinfo", "processor : 0\n")
    return SimpleNamespace(path=tmp_path, write=write)


@pytest.mark.parametrize("url", ["http://127.0.0.1:2283", "http://localhost", "http://[::1]:1"])
def test_an_address_of_this_machine_is_the_same_host(url):
    assert is_same_host(url)


def test_an_address_of_a_network_card_is_the_same_host():
    ours = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family is socket.AF_INET
    ]
    assert all(is_same_host(f"http://{address}:2283") for address in ours)


@pytest.mark.parametrize("url", ["http://192.0.2.1:2283", "http://no.such.host.invalid", "http://"])
def test_any_other_address_is_elsewhere(url):
    """Then nothing of this machine is read: it would be the wrong one."""
    assert not is_same_host(url)


def test_a_machine_is_read_whole(root):
    host = read_host(root=root.path)
    assert host.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert host.cores == os.cpu_count()
    assert host.memory_mib == psutil.virtual_memory().total // 1024**2
    assert host.known_by == "read here"


@pytest.mark.parametrize(
    ("text", "cpu"), [("vendor_id : GenuineIntel", "intel"), ("vendor_id : AuthenticAMD", "amd")]
)
def test_the_chip_is_known_by_its_maker(root, text, cpu):
    root.write("proc/cpuinfo", text)
    assert read_host(root=root.path).cpu == cpu


def test_an_rk3588_is_known_by_its_device_tree(root):
    root.write("sys/firmware/devicetree/base/compatible", "radxa,rock-5b\0rockchip,rk3588\0")
    assert read_host(root=root.path).cpu == "rk3588"


@pytest.mark.parametrize(("flag", "kind"), [("1", "hdd"), ("0", "ssd")])
def test_the_disk_of_the_photos_is_found_by_its_size(root, monkeypatch, flag, kind):
    parts = [
        SimpleNamespace(mountpoint="/", device="/dev/mmcblk0p2"),
        SimpleNamespace(mountpoint="/srv", device="/dev/sda"),
    ]
    sizes = {"/": 32 * 10**9, "/srv": 4 * 10**12}
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)  # noqa: A006 - its name
    monkeypatch.setattr(psutil, "disk_usage", lambda path: SimpleNamespace(total=sizes[path]))
    root.write("sys/class/block/sda/queue/rotational", flag)

    assert read_host(photos_size_bytes=4 * 10**12, root=root.path).disk == kind
    assert read_host(photos_size_bytes=None, root=root.path).disk == "sd"


def test_a_thermometer_may_be_missing(root, tmp_path):
    assert temperature_c(root.path) == 61.234
    assert temperature_c(tmp_path / "nowhere") is None


def test_memory_is_what_programs_can_still_get():
    assert 0 < memory_free_mib() < psutil.virtual_memory().total / 1024**2
