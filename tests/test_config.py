"""The configuration: option over environment over file, or a clear no."""

import datetime as dt
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.config import (
    UploadSettings,
    cache_folder,
    config_file,
    load,
    settings,
    state_folder,
    values,
    write,
)
from piuploader.config.reading import read_table
from piuploader.config.tables import Config, ServerSettings
from piuploader.core.address import base_url, candidates
from piuploader.core.pace import parse_schedule
from piuploader.core.stacks import Wanted
from piuploader.errors import ConfigError

KEY = "geheimer-schluessel-0123456789"


def written(folder, text, name="config.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


# -- the file ---------------------------------------------------------------------------


def test_an_empty_file_is_all_defaults(tmp_path):
    path = written(tmp_path, "")
    assert load(path) == Config(path=path)


def test_every_key_can_be_set(tmp_path):
    path = written(
        tmp_path,
        """
        [server]
        url = "immich.local:2283"
        api_key_file = "/etc/key"
        ca_file = "/etc/ca.pem"
        [upload]
        jobs = 3
        include = ["DCIM/**"]
        exclude = "*.tmp"
        extensions = ["JPG", ".heic", "*.mov"]
        since = 2024-01-01
        until = "2024-02"
        min_size = "50 kB"
        on_errors = 5
        album_from_folder = true
        album_from_path = true
        album_joiner = "_"
        tag_folders = true
        tag_session = true
        date_from_name = true
        stack = ["raw=raw", "bursts"]
        tags = ["Trips/Rome"]
        bandwidth_limit = "5 MB/s"
        restore_trashed = true
        timezone = "Europe/Berlin"
        wait_s = "10m"
        policy = "off"
        [queues]
        lease_h = 6
        quiet_hours = "00:00-03:00"
        """,
    )
    config = load(path)
    assert config.server == ServerSettings(
        url="immich.local:2283", api_key_file=Path("/etc/key"), ca_file=Path("/etc/ca.pem")
    )
    assert config.upload == UploadSettings(
        jobs=3,
        include=("DCIM/**",),
        exclude=("*.tmp",),
        extensions=(".jpg", ".heic", ".mov"),
        since=dt.date(2024, 1, 1),
        until=dt.date(2024, 2, 29),
        min_size=50_000,
        on_errors=5,
        album_from_folder=True,
        album_from_path=True,
        album_joiner="_",
        tag_folders=True,
        tag_session=True,
        date_from_name=True,
        stack=Wanted(raw="raw", bursts="first"),
        tags=("Trips/Rome",),
        bandwidth_limit=parse_schedule("5M"),
        restore_trashed=True,
        timezone="Europe/Berlin",
        wait_s=600.0,
        policy="off",
    )
    assert config.queues.lease_h == 6.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[upload]\njbos = 3", ["[upload]", "'jbos'", "did you mean 'jobs'"]),
        ("[uplaod]\njobs = 3", ["[uplaod]", "did you mean 'upload'"]),
        ('url = "x"', ["key 'url'"]),
        ("upload = 3", ["[upload] must be a table"]),
        ("[upload]\njobs = true", ["[upload]: jobs", "from 1 to 64", "True"]),
        ("[upload]\njobs = 0", ["jobs", "0"]),
        ("[upload]\nwait_s = -1", ["wait_s"]),
        ("[upload]\nstack = 'raw=heic'", ["stack", "raw=raw"]),
        ("[upload]\nstack = 'films'", ["stack", "off"]),
        ("[upload]\nwait_s = nan", ["wait_s"]),
        ('[upload]\npolicy = "fast"', ["policy", '"staged"', "'fast'"]),
        ('[upload]\ntimezone = "Mars/Olympus"', ["timezone", "Europe/Berlin"]),
        ('[upload]\ntimezone = "../../etc/passwd"', ["timezone"]),
        ('[upload]\nsince = "yesterday"', ["since", "2024-06"]),
        ('[upload]\nmin_size = "big"', ["min_size", "20 MB"]),
        ('[upload]\nextensions = ["a/b"]', ["extensions"]),
        ("[upload]\nincludes = []", ["did you mean 'include'"]),
        ('[upload]\ninclude = ["*.jpg", ""]', ["include", "must not be empty"]),
        ("[queues]\nlease_h = 1000", ["lease_h", "168"]),
        ("[upload]\njobs = = 3", ["not valid TOML", "line 2"]),
    ],
)
def test_a_mistake_is_named_with_file_table_and_key(tmp_path, text, says):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    for part in [str(path), *says]:
        assert part in str(caught.value)


def test_a_key_of_the_wrong_type_is_not_repeated(tmp_path):
    path = written(tmp_path, "[server]\napi_key = 12345678")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert "12345678" not in str(caught.value)


def test_windows_editors_are_understood(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf[upload]\r\nalbum = "Rome"\r\n')
    assert load(path).upload.album == "Rome"


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00", b"\x00", b"# " + b"x" * 2_000_000])
def test_a_file_that_is_no_text_is_a_clear_no(tmp_path, content):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(path)


def test_a_folder_instead_of_a_file_is_a_clear_no(tmp_path):
    with pytest.raises(ConfigError):
        load(tmp_path)


@dataclass(frozen=True, slots=True)
class Lamps:
    kind: str = "none"
    pins: tuple[int, ...] = ()
    brightness: float = 1.0

    def __post_init__(self):
        if len(self.pins) > 3:
            raise ValueError("a lamp has three pins at most")


def test_another_room_brings_its_own_table(tmp_path):
    path = written(tmp_path, "[lights]\npins = [17, 27]\nbrightness = 1\n[boot]\nanything = 1\n")
    assert load(path).rooms == {}
    assert load(path, rooms={"lights": Lamps}).rooms == {"lights": Lamps("none", (17, 27), 1.0)}
    assert settings(config=path, rooms={"lights": Lamps}, environ={}).config.rooms["lights"].pins


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pins = [1, 2, 3, 4]", "[lights]: a lamp has three pins at most"),
        ('pins = ["a"]', "pins must be a whole number"),
        ("brightnes = 1", "did you mean 'brightness'"),
    ],
)
def test_another_rooms_mistakes_are_named_too(tmp_path, text, says):
    path = written(tmp_path, "[lights]\n" + text)
    with pytest.raises(ConfigError) as caught:
        load(path, rooms={"lights": Lamps})
    assert says in str(caught.value)


toml = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.dates(min_value=dt.date(1000, 1, 1)),
        st.datetimes(min_value=dt.datetime(1000, 1, 1)),  # noqa: DTZ001
        st.times(),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(
    [*UploadSettings.__dataclass_fields__, *ServerSettings.__dataclass_fields__]
)


@given(
    st.dictionaries(
        st.sampled_from(["server", "upload", "queues", "lights", "other"]),
        st.dictionaries(names | st.text(), toml, max_size=4) | toml,
        max_size=4,
    )
)
def test_whatever_is_in_the_tables_gives_settings_or_a_clear_no(document):
    for kind, name in ((ServerSettings, "server"), (UploadSettings, "upload")):
        try:
            read_table(document.get(name, {}), kind, where=name)
        except ConfigError as error:
            said = str(error)
            assert said.startswith(name)


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
)
def test_whatever_is_in_the_file_gives_settings_or_a_clear_no(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        load(path)
    except ConfigError as error:
        said = str(error)
        assert str(path) in said


# -- values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024-06-03", "2024-06-03", "2024-06-03"),
        ("2024-06,2025", "2024-06-01", "2025-12-31"),
        ("2024-06-01,", "2024-06-01", None),
        (",2024", None, "2024-12-31"),
        ("9999-12", "9999-12-01", "9999-12-31"),
    ],
)
def test_a_range_of_days_may_be_short(text, first, last):
    found = values.days(text)
    assert [day and day.isoformat() for day in found] == [first, last]


@pytest.mark.parametrize("text", ["2024-13", "2024-02-30", "0000", "24", "2025,2024", "\uff12024"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match="must"):
        values.days(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [(7, 7), ("7", 7), ("50kB", 50_000), ("1.5 GiB", 1_610_612_736), ("5 MB/s", 5_000_000)],
)
def test_sizes_have_units(text, count):
    assert values.size(text) == count


# -- option > environment > file --------------------------------------------------------


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path):
    path = written(tmp_path, f'[server]\nurl = "file"\napi_key = "{KEY}"')
    option = written(tmp_path, "from-option\n", "key")
    environ = {"PIUPLOADER_CONFIG": str(path)}
    assert (settings(environ=environ).url, settings(environ=environ).key) == ("file", KEY)
    environ |= {"PIUPLOADER_SERVER": "env", "PIUPLOADER_API_KEY": "from-env"}
    assert (settings(environ=environ).url, settings(environ=environ).key) == ("env", "from-env")
    found = settings(server="option", api_key_file=option, environ=environ)
    assert (found.url, found.key) == ("option", "from-option")


def test_systemd_hands_the_key_over(tmp_path):
    written(tmp_path, KEY, "immich-api-key").chmod(0o644)
    found = settings(environ={"CREDENTIALS_DIRECTORY": str(tmp_path), "HOME": str(tmp_path)})
    assert (found.key, found.warnings) == (KEY, ())


def test_the_official_clis_variables_help_where_nothing_else_is_said(tmp_path):
    theirs = {"IMMICH_INSTANCE_URL": "theirs", "IMMICH_API_KEY": "their-key"}
    path = written(tmp_path, f'[server]\nurl = "file"\napi_key = "{KEY}"')
    nothing = settings(environ={**theirs, "HOME": str(tmp_path)})
    assert (nothing.url, nothing.key) == ("theirs", "their-key")
    own = settings(config=path, environ=theirs)
    assert (own.url, own.key) == ("file", KEY)


@pytest.mark.parametrize("missing", ["server", "API key"])
def test_what_is_missing_is_named(tmp_path, missing):
    environ = {"PIUPLOADER_SERVER": "x", "PIUPLOADER_API_KEY": KEY, "HOME": str(tmp_path)}
    del environ["PIUPLOADER_SERVER" if missing == "server" else "PIUPLOADER_API_KEY"]
    with pytest.raises(ConfigError, match=f"no {missing} is configured"):
        settings(environ=environ).require()


def test_a_key_that_others_may_read_is_worth_a_warning(tmp_path):
    key = written(tmp_path, KEY, "key")
    path = written(tmp_path, f'[server]\nurl = "x"\napi_key_file = "{key}"')
    assert settings(config=path, environ={}).warnings == ()
    path.chmod(0o644)  # no secret in there
    assert settings(config=path, environ={}).warnings == ()
    key.chmod(0o640)
    (warning,) = settings(config=path, environ={}).warnings
    assert f"chmod 600 {key}" in warning
    inside = written(tmp_path, f'[server]\napi_key = "{KEY}"', "inside.toml")
    inside.chmod(0o604)
    (warning,) = settings(config=inside, environ={}).warnings
    assert f"chmod 600 {inside}" in warning


@pytest.mark.parametrize("content", ["", "  \n", "two words", "Schlüssel", "a\nb", "x" * 5000])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path, content):
    key = written(tmp_path, content, "key")
    with pytest.raises(ConfigError) as caught:
        settings(api_key_file=key, environ={"HOME": str(tmp_path)})
    assert str(key) in str(caught.value)
    assert not content.strip() or content.strip() not in str(caught.value)


def test_the_key_is_in_no_repr(tmp_path):
    path = written(tmp_path, f'[server]\napi_key = "{KEY}"')
    found = settings(config=path, environ={})
    assert found.key == KEY
    assert KEY not in repr(found)


def test_a_configuration_that_was_asked_for_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="is not there"):
        config_file(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="is not there"):
        config_file(None, {"PIUPLOADER_CONFIG": str(tmp_path / "none.toml")})


def test_folders_are_where_systemd_or_the_desktop_says(tmp_path):
    assert state_folder({"STATE_DIRECTORY": "/var/lib/piuploader:/x"}) == Path(
        "/var/lib/piuploader"
    )
    assert state_folder({"PIUPLOADER_STATE": "/s", "STATE_DIRECTORY": "/x"}) == Path("/s")
    assert state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/piuploader")
    assert state_folder({"HOME": "/h"}) == Path("/h/.local/state/piuploader")
    assert cache_folder({"CACHE_DIRECTORY": "/c"}) == Path("/c")
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "odd"}) == Path("/h/.cache/piuploader")


# -- writing ----------------------------------------------------------------------------


def test_what_is_written_is_read_again_and_is_for_its_owner_only(tmp_path):
    path = tmp_path / "new" / "config.toml"
    old = os.umask(0)
    try:
        write(path, {"server": {"url": "x", "api_key": KEY}, "upload": {"tags": ["a"]}})
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path).server.api_key == KEY
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = written(tmp_path, "[upload]\njobs = 2")
    blocked = tmp_path / "config.toml" / "below"
    with pytest.raises(ConfigError, match="cannot be written"):
        write(blocked, {})
    assert load(path).upload.jobs == 2


# -- addresses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("immich.local:2283", "http://immich.local:2283"),
        ("photos.example.com", "https://photos.example.com"),
        (" http://a/ ", "http://a"),
        ("HTTPS://A.example/Immich/api/", "https://a.example/Immich"),
        ("http://a:2283/photos?x=1#y", "http://a:2283"),
        ("http://a/auth/login", "http://a"),
        ("2001:db8::5", "https://[2001:db8::5]"),
        ("[2001:db8::5]:2283", "http://[2001:db8::5]:2283"),
        ("http://[::1]:2283/api", "http://[::1]:2283"),
        ("192.168.1.5:80", "http://192.168.1.5:80"),
    ],
)
def test_an_address_is_understood(text, first):
    assert base_url(text) == first
    assert base_url(first) == first


def test_an_address_without_a_scheme_may_mean_two():
    assert candidates("a:2283") == ("http://a:2283", "https://a:2283")
    assert candidates("https://a") == ("https://a",)


@pytest.mark.parametrize(
    "text", ["", "ftp://a", "http://", "http://a b", "http://a:99999", "http://[::1", "a\nb", "x:y"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ConfigError):
        base_url(text)


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(ConfigError) as caught:
        base_url("https://me:hush@a")
    assert "hush" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_address_is_a_base_url_or_a_clear_no(text):
    try:
        found = base_url(text)
    except ConfigError:
        return
    assert found.startswith(("http://", "https://"))
    assert base_url(found) == found
