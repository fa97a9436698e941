"""Which albums and tags a file gets."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.labels import Labels, session_tag


def test_by_default_none():
    assert Labels().none
    assert (Labels().albums("a/b.jpg"), Labels().tags("a/b.jpg")) == ((), ())


def test_albums_by_folder_and_by_path():
    path = "Trips/Rome/IMG_1.JPG"
    assert Labels(album="All").albums(path) == ("All",)
    assert Labels(album_from_folder=True).albums(path) == ("Rome",)
    assert Labels(album_from_path=True).albums(path) == ("Trips / Rome",)
    assert Labels(album_from_path=True, joiner="_").albums(path) == ("Trips_Rome",)


def test_what_lies_in_no_folder_gets_the_drives_name_and_no_folder_tag():
    labels = Labels(album_from_path=True, tag_folders=True, root_name="CARD")
    assert (labels.albums("1.jpg"), labels.tags("1.jpg")) == (("CARD",), ())


def test_tags_are_what_was_given_and_the_folders_and_the_session():
    labels = Labels(
        given_tags=("/Trips//Rome/", "x"),
        tag_folders=True,
        session_tag=session_tag("My/Card", dt.date(2026, 6, 30)),
    )
    assert labels.tags("DCIM/ 100 /1.jpg") == (
        "Trips/Rome",
        "x",
        "DCIM/100",
        "piuploader/My-Card/2026-06-30",
    )


def test_each_label_is_given_once():
    labels = Labels(album="Rome", album_from_folder=True, given_tags=("Rome",), tag_folders=True)
    assert (labels.albums("Rome/1.jpg"), labels.tags("Rome/1.jpg")) == (("Rome",), ("Rome",))


@given(
    st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), min_size=1),
    st.booleans(),
)
def test_any_path_gives_names_that_a_server_can_keep(parts, tagged):
    labels = Labels(album_from_path=True, tag_folders=tagged, root_name="CARD")
    for label in (*labels.albums("/".join(parts)), *labels.tags("/".join(parts))):
        assert label
        label.encode()
        assert not any(ord(character) < 32 for character in label)
    for tag in labels.tags("/".join(parts)):
        assert all(step and step == step.strip() for step in tag.split("/"))
