"""Sizes, times and names as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.cli import words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345_678, "12.3 MB"),
        (99_960_000, "100 MB"),
        (999_900, "1.0 MB"),
        (9_999_999_999, "10.0 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes_are_short(count, text):
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_times_have_two_units_at_most(seconds, text):
    assert words.duration(seconds) == text


def test_counts_agree_with_their_word():
    assert [words.counted(n, "file") for n in (0, 1, 1234)] == ["0 files", "1 file", "1,234 files"]


def test_names_that_would_move_the_cursor_or_turn_the_line_are_shown_by_code():
    assert words.plain("a\x1b[2Jb\n\u202egpj.exe\udcff") == r"a\x1b[2Jb\x0a\u202egpj.exe\xff"
    assert words.plain("Übung 写真 🏔.jpg") == "Übung 写真 🏔.jpg"


@given(st.text(st.characters(), max_size=50))
def test_any_name_is_printable(name):
    assert words.plain(name).isprintable()
