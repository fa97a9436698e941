"""What the file says about the box itself."""

import configparser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.boot_config import parse
from piuploader.core.boot_system import (
    System,
    Wifi,
    authorized_with,
    hosts_with,
    read_system,
    wifi_keyfile,
)
from piuploader.core.boot_template import TEMPLATE
from piuploader.errors import ConfigError

PUB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE ada@example.org"


def system(password="", **tables):
    return read_system(tables, wifi_password=password)


def test_nothing_said_changes_nothing():
    assert system() == System()
    assert system(**{name: parse(TEMPLATE)[name] for name in ("wifi",)}) == System()


def test_all_that_can_be_said():
    found = system(
        "correct horse",
        wifi={"country": "de", "name": "Net", "hidden": True},
        box={"hostname": "Photos", "timezone": "Europe/Berlin", "ssh_key": [PUB, " "]},
    )
    assert found == System(
        "DE", Wifi("Net", "correct horse", True), "photos", "Europe/Berlin", (PUB,)
    )


@pytest.mark.parametrize(
    ("tables", "password", "said"),
    [
        ({"wifi": {"ssid": "x"}}, "", "unknown key 'ssid'; there are: country, name"),
        ({"wifi": {"name": "x"}}, "12345678", "country is missing"),
        ({"wifi": {"name": "x", "country": "DE"}}, "short", "8 to 63 characters"),
        ({"wifi": {"name": "x" * 33, "country": "DE"}}, "", "32 bytes"),
        ({"wifi": {"name": "x\ny", "country": "DE"}}, "", "cannot be typed"),
        ({"wifi": {"country": "Germany"}}, "", "two letters"),
        ({"wifi": {}}, "12345678", "no name of a network"),
        ({"wifi": {"hidden": "yes"}}, "", "true or false"),
        ({"box": {"hostname": "my box"}}, "", "letters, digits and hyphens"),
        ({"box": {"timezone": "../../etc/shadow"}}, "", "Europe/Berlin"),
        ({"box": {"ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}}, "", "private key"),
        ({"box": {"ssh_key": "ssh-rsa AAAA\nno-pty ssh-rsa BBBB"}}, "", "content of a .pub"),
        ({"box": {"ssh_key": [7]}}, "", "text in quotes"),
    ],
)
def test_what_is_wrong_is_named(tables, password, said):
    with pytest.raises(ConfigError) as error:
        system(password, **tables)
    assert said in str(error.value)
    assert not password or password not in str(error.value)


@given(
    st.text(min_size=1, max_size=8).filter(str.isprintable),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63),
)
def test_no_name_or_password_breaks_out_of_its_line(name, password):
    """Each is one value of one section, whatever is in it."""
    text = wifi_keyfile(Wifi(name, password))
    reader = configparser.RawConfigParser(strict=True, interpolation=None)
    reader.read_string(text)
    assert reader.sections() == ["connection", "wifi", "wifi-security", "ipv4", "ipv6"]
    ssid = bytes(int(byte) for byte in reader["wifi"]["ssid"].rstrip(";").split(";"))
    assert ssid.decode() == name
    psk = reader["wifi-security"]["psk"].replace("\\s", " ").replace("\\\\", "\\")
    assert len(psk) == len(password)


def test_an_open_network_has_no_security():
    assert "wifi-security" not in wifi_keyfile(Wifi("Net", ""))


def test_the_box_knows_its_own_name():
    assert hosts_with("127.0.0.1\tlocalhost\n127.0.1.1\told\n", "new") == (
        "127.0.0.1\tlocalhost\n127.0.1.1\tnew\n"
    )


def test_keys_of_ours_come_and_go_and_those_of_others_stay():
    others = "ssh-rsa AAAA bob"
    with_ours = authorized_with(others, (PUB,))
    assert with_ours.splitlines()[0] == others
    assert PUB in with_ours
    assert authorized_with(with_ours, (PUB,)) == with_ours
    assert authorized_with(with_ours, ()) == others + "\n"
