"""Only what the server surely holds at that moment is ever deleted from a drive."""

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.app.cleaning import clean, may_delete
from piuploader.core.media import Holding, Kind, MediaFile
from piuploader.errors import DriveRemoved, FileUnreadable, ServerUnreachable
from piuploader.ports import Listing


class Card:
    """A drive in memory."""

    def __init__(self, files, *, unreadable=(), gone_at=None):
        self.files = dict(files)
        self.unreadable = set(unreadable)
        self.gone_at = gone_at

    def listings(self, types):
        media = [MediaFile(path, len(data), 0, Kind.IMAGE) for path, data in self.files.items()]
        yield Listing("", media, [], [])

    def checksum(self, file, moved):
        if file.path in self.unreadable:
            raise FileUnreadable(f"{file.path}: I/O error")
        if file.path == self.gone_at:
            raise DriveRemoved("gone")
        moved(file.size)
        return hashlib.sha1(self.files[file.path]).hexdigest()

    def delete(self, path):
        del self.files[path]


class Shelf:
    """A server that only answers what it holds."""

    def __init__(self, contents, *, trashed=(), away_after=None):
        self.holds = {hashlib.sha1(each).hexdigest(): False for each in contents}
        self.holds |= {hashlib.sha1(each).hexdigest(): True for each in trashed}
        self.left = away_after

    def check(self, checksums):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise ServerUnreachable("no answer")
        return {c: Holding("id", self.holds[c]) for c in checksums if c in self.holds}


def run(card, shelf, *, stopped=lambda: False):
    return clean(
        card,
        shelf,
        SimpleNamespace(),
        delete=card.delete,
        moved=lambda count: None,
        stopped=stopped,
    )


def test_what_the_server_holds_goes_and_all_else_stays():
    card = Card({"a": b"1", "b": b"2", "c": b"3"})
    cleaned = run(card, Shelf([b"1"], trashed=[b"2"]))
    assert set(card.files) == {"b", "c"}
    assert cleaned.sentence == "1 files deleted from the drive, 2 kept"


def test_a_file_that_was_changed_after_its_upload_stays():
    """What was known of it before does not count: it is read again."""
    card = Card({"a": b"changed"})
    run(card, Shelf([b"as it was"]))
    assert set(card.files) == {"a"}


def test_a_file_that_cannot_be_read_stays_and_the_others_go_on():
    card = Card({"a": b"1", "b": b"2"}, unreadable={"a"})
    run(card, Shelf([b"1", b"2"]))
    assert set(card.files) == {"a"}


def test_when_the_server_goes_away_nothing_more_is_deleted():
    card = Card({name: name.encode() for name in "abcd"})
    with pytest.raises(ServerUnreachable):
        run(card, Shelf([name.encode() for name in "abcd"], away_after=2))
    assert len(card.files) == 2


def test_a_pulled_drive_ends_it():
    with pytest.raises(DriveRemoved):
        run(Card({"a": b"1"}, gone_at="a"), Shelf([b"1"]))


def test_it_stops_when_asked():
    card = Card({"a": b"1"})
    run(card, Shelf([b"1"]), stopped=lambda: True)
    assert card.files


def test_no_answer_and_the_trash_are_not_good_enough():
    assert not may_delete(None)
    assert not may_delete(Holding("id", True))
    assert may_delete(Holding("id", False))


@given(
    st.dictionaries(st.text(min_size=1), st.binary(max_size=3), max_size=8),
    st.sets(st.binary(max_size=3)),
    st.sets(st.binary(max_size=3)),
)
def test_nothing_is_ever_lost(files, held, trashed):
    """Every content is on the drive still, or on the server outside its trash."""
    card = Card(files)
    run(card, Shelf(held, trashed=trashed))
    for path, data in files.items():
        assert path in card.files or data in held - trashed
