"""When a still and a film are surely one."""

from dataclasses import replace

import pytest

from piuploader.core.live_photo import LARGEST_BYTES, FilmFacts, is_sure

ID = b"0E3B4A7C-92D1-4C5E-8F60-1A2B3C4D5E6F"
SHORT = FilmFacts(seconds=2.8)


def sure(facts, *, head=b"", size=3_000_000, apart=1.0):
    return is_sure(facts, still_head=head, film_bytes=size, seconds_apart=apart)


def test_the_same_identifier_is_sure_however_long_ago():
    facts = FilmFacts(identifier=ID, seconds=2.8)
    assert sure(facts, head=b"Apple iOS\0" + ID + b"\0", apart=1e9)


@pytest.mark.parametrize("head", [b"", ID[:-1], ID.lower()])
def test_another_identifier_or_none_in_the_still_is_no(head):
    assert not sure(FilmFacts(identifier=ID, seconds=2.8), head=head)


@pytest.mark.parametrize("identifier", [b"", b"x", ID + b"0"])
def test_what_is_no_uuid_proves_nothing(identifier):
    """An empty one is found in every still."""
    assert not sure(FilmFacts(identifier=identifier, seconds=2.8), head=ID + b"0x")


def test_a_short_small_film_of_the_same_moment_is_sure():
    assert sure(SHORT)
    assert sure(SHORT, apart=-9.9)


@pytest.mark.parametrize(
    ("seconds", "size", "apart"),
    [
        (4.1, 1000, 0.0),
        (0.0, 1000, 0.0),
        (2.8, LARGEST_BYTES + 1, 0.0),
        (2.8, 1000, 10.1),
        (2.8, 1000, -10.1),
        (None, 1000, 0.0),
    ],
)
def test_what_is_long_or_large_or_of_another_moment_is_not(seconds, size, apart):
    assert not sure(replace(SHORT, seconds=seconds), size=size, apart=apart)
