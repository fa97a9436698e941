"""Live photos are told from what merely has the same name, and hostile films do no harm."""

import os
import resource
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.adapters.folder import open_drive
from piuploader.adapters.folder.quicktime import facts_of
from piuploader.core.live_photo import FilmFacts
from piuploader.core.media import Kind, MediaFile
from tests.adapters.drives import atom, film, plant, walked

ID = b"0E3B4A7C-92D1-4C5E-8F60-1A2B3C4D5E6F"
NOTHING = FilmFacts()


def facts(data):
    handle = os.memfd_create("film")
    try:
        os.write(handle, data)
        return facts_of(handle)
    finally:
        os.close(handle)


def is_live(tmp_path, still, movie, *, apart_s=0):
    plant(tmp_path, "1.HEIC", data=still)
    plant(tmp_path, "1.MOV", data=movie)
    os.utime(tmp_path / "1.HEIC", (1_700_000_000, 1_700_000_000))
    os.utime(tmp_path / "1.MOV", (1_700_000_000, 1_700_000_000 + apart_s))
    drive = open_drive(tmp_path)
    media, _, _ = walked(drive)
    return drive.is_live_photo(media["1.HEIC"], media["1.MOV"])


def test_apples_own_pair_is_sure(tmp_path):
    still = b"ftypheic" + bytes(3000) + b"Apple iOS" + ID + bytes(100)
    assert is_live(tmp_path, still, film(identifier=ID), apart_s=86_400)


def test_a_pair_of_two_captures_is_not(tmp_path):
    other = ID.replace(b"0E", b"1F")
    assert not is_live(tmp_path, b"ftypheic" + other, film(identifier=ID))


def test_an_identifier_far_inside_the_still_is_not_looked_for(tmp_path):
    assert not is_live(tmp_path, bytes(1024 * 1024) + ID, film(identifier=ID))


def test_without_an_identifier_the_moment_decides(tmp_path):
    assert is_live(tmp_path, b"still", film(), apart_s=10)
    assert not is_live(tmp_path, b"still", film(), apart_s=11)
    assert not is_live(tmp_path, b"still", film(ticks=4100))
    assert not is_live(tmp_path, b"still", b"no film at all")


def test_what_cannot_be_read_is_no_live_photo(tmp_path):
    drive = open_drive(tmp_path)
    still = MediaFile("1.HEIC", 1, 0, Kind.IMAGE)
    assert not drive.is_live_photo(still, MediaFile("1.MOV", 1, 0, Kind.VIDEO))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("mp4", [False, True])
def test_length_and_identifier_are_read(version, mp4):
    found = facts(film(identifier=ID, version=version, mp4=mp4))
    assert found == FilmFacts(identifier=ID, seconds=2.8)


def test_a_size_of_64_bits_is_understood():
    large = struct.pack(">I4sQ", 1, b"wide", 16 + 5) + bytes(5)
    assert facts(film(identifier=ID, before=large)).identifier == ID


def test_a_film_of_two_gigabytes_costs_a_few_small_reads(tmp_path):
    """The description comes last, behind the pictures: they are jumped over."""
    tail = film(identifier=ID)
    path = tmp_path / "large.mov"
    with path.open("wb") as file:
        file.write(struct.pack(">I4sQ", 1, b"mdat", 2**31))
        file.truncate(2**31)
        file.seek(2**31)
        file.write(tail)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handle = os.open(path, os.O_RDONLY)
    try:
        assert facts_of(handle).identifier == ID
    finally:
        os.close(handle)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kB


def test_a_film_without_ticks_has_no_length():
    assert facts(film(scale=0)) == NOTHING


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\x08",
        struct.pack(">I4s", 0, b"moov"),  # to the end of the file, which is here
        struct.pack(">I4s", 4, b"moov"),  # smaller than its own head
        struct.pack(">I4s", 8, b"free") * 5000 + film(),  # more atoms than any film has
        struct.pack(">I4sQ", 1, b"moov", 2**64 - 1),
        struct.pack(">I4sQ", 1, b"free", 2**63) + film(),
        struct.pack(">I4s", 0x7FFFFFFF, b"moov") + struct.pack(">I4s", 0x7FFFFFFF, b"mvhd"),
        atom(b"moov", atom(b"moov", atom(b"moov"))),
        atom(b"moov", atom(b"meta", atom(b"keys"), atom(b"ilst"))),
        atom(b"moov", atom(b"meta", atom(b"keys", b"\0" * 64), atom(b"ilst", b"\xff" * 64))),
    ],
)
def test_a_film_that_lies_says_nothing(data):
    assert facts(data) == NOTHING


WHOLE = film(identifier=ID)


@given(st.integers(0, len(WHOLE)))
def test_a_film_that_was_cut_is_no_error(length):
    facts(WHOLE[:length])


@given(
    st.lists(
        st.tuples(st.integers(len(WHOLE) - 500, len(WHOLE) - 4), st.integers(0, 2**32 - 1)),
        max_size=4,
    )
)
def test_a_film_with_any_damage_is_no_error(damage):
    data = bytearray(WHOLE)
    for place, value in damage:
        data[place : place + 4] = value.to_bytes(4, "big")
    found = facts(bytes(data))
    assert found.identifier is None or len(found.identifier) <= 256
    assert found.seconds is None or found.seconds >= 0


@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_no_error(data):
    facts(data)
    facts(atom(b"moov", data))
    facts(atom(b"moov", atom(b"meta", data)))
