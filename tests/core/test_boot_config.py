"""The text that people write, in whatever editor, and what is taken out of it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.boot_config import (
    SECRETS,
    blanked,
    decode,
    merged_secrets,
    parse,
    secrets_of,
)
from piuploader.core.boot_template import TEMPLATE
from piuploader.errors import ConfigError

KEY = "aB3-dE5_fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"
TEXT = f"""# my box
[server]
url = "https://photos.example.org"   # at home
api_key = "{KEY}"  # from Immich

[wifi]
country = "DE"
name = "Wi-Fi"
password = "correct horse"
"""


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
    ],
    ids=["plain", "mark", "notepad", "utf-16 without a mark", "big-endian", "windows lines"],
)
def test_whatever_the_editor_saved_is_read(content):
    assert parse(decode(content))["server"]["api_key"] == KEY


def test_text_in_an_old_code_page_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"line 2: .*save the file as UTF-8"):
        decode('[wifi]\nname = "Müller"'.encode("cp1252"))


@pytest.mark.parametrize("content", [b"PK\x03\x04\0\0\0\0abc" * 9, b"\0" * 50, b"x" * 999_999])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(ConfigError):
        parse(decode(content))


def test_typographic_quotes_around_a_value_are_understood():
    """A Mac or a phone makes them by itself."""
    text = "[server]\nurl = “https://photos.example.org”\napi_key = „abc“ # “new”\n"
    assert parse(text)["server"] == {"url": "https://photos.example.org", "api_key": "abc"}


def test_typographic_quotes_inside_a_value_stay():
    assert parse('[wifi]\nname = "Ada: “net”"\n')["wifi"]["name"] == "Ada: “net”"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nurl = https://x\n", "line 2: a text must stand in straight quotes"),
        ("[server]\nurl: 'x'\n", 'line 2: a key and its value have "=" between them'),
        ('[server]\nurl = "x\n', "line 2: this is not valid TOML"),
        ("[server\n", "line 1: this is not valid TOML"),
        ('url = "x"\n', "'url' stands alone"),
        ('[server]\nalbum = ["a”]\n', "line 2: the quotes are typographic"),
        ("[server]\na = 1\na = 2\n", "TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, said):
    with pytest.raises(ConfigError) as error:
        parse(text)
    assert said in str(error.value)


def test_an_error_never_repeats_the_key():
    with pytest.raises(ConfigError) as error:
        parse(f"[server]\napi_key = {KEY}\n")
    assert KEY not in str(error.value)


def test_secrets_are_taken_out_and_all_else_stays_as_it_was_written():
    expected = TEXT.replace(f'"{KEY}"', '""').replace(
        '"correct horse"', '""  # taken over by the box'
    )
    assert blanked(TEXT) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"[server]\r\n  api_key='{KEY}'\r\n",
        f'[ server ]\n"api_key" = "{KEY}"\n',
        f"[server]\napi_key = “{KEY}”\n",
        f'[server]\nurl = "x"\napi_key = "{KEY}"',
    ],
)
def test_ways_to_write_a_key_are_all_blanked(text):
    changed = blanked(text)
    assert KEY not in changed
    assert parse(changed)["server"]["api_key"] == ""


@pytest.mark.parametrize(
    "text",
    [
        f'server = {{api_key = "{KEY}"}}\n',
        f'[server]\napi_key = """\n{KEY}"""\n',
        f'# the key is {KEY}\n[server]\napi_key = "{KEY}"\n',
        f'server.api_key = "{KEY}"\n',
    ],
    ids=["inline", "many lines", "in a comment too", "dotted"],
)
def test_what_cannot_be_blanked_by_line_is_left_to_be_written_anew(text):
    assert blanked(text) is None


def test_a_password_that_is_a_word_of_the_file_leaves_the_rest_alone():
    text = '[server]\napi_key = "password"\n[wifi]\npassword = "password"\nname = "password"\n'
    assert parse(blanked(text)) == {
        "server": {"api_key": ""},
        "wifi": {"password": "", "name": "password"},
    }


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n\x7f'), min_size=1))
def test_any_key_is_blanked_or_the_file_is_written_anew(secret):
    """Never is one left, and never does anything else change."""
    text = f'[server]\napi_key = "{secret}"\nurl = "https://x"\n'
    try:
        tables = parse(text)
    except ConfigError:
        return  # characters that TOML does not take
    changed = blanked(text)
    if changed is not None:
        assert secrets_of(parse(changed)) == {}
        assert parse(changed)["server"]["url"] == tables["server"]["url"]


@given(st.binary(max_size=300))
def test_no_bytes_whatsoever_do_more_than_raise_our_error(content):
    with contextlib.suppress(ConfigError):
        blanked(decode(content))


def test_an_empty_secret_means_the_one_taken_over_before():
    kept = {SECRETS[0]: "old", SECRETS[1]: "wifi"}
    assert merged_secrets({SECRETS[0]: "new"}, kept) == {SECRETS[0]: "new", SECRETS[1]: "wifi"}


def test_the_template_can_be_read_and_holds_no_secret():
    assert secrets_of(parse(TEMPLATE)) == {}
