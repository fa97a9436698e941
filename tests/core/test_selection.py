"""Which files are wanted."""

import datetime as dt
import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.selection import (
    JUNK_FILE_STARTS,
    JUNK_FIRST,
    PREVIEW_START,
    Filter,
    Selection,
    is_junk_file,
    is_junk_folder,
)

DAY = dt.date(2024, 6, 15)


def takes(path, *, size=1000, day=DAY, **wanted):
    extension = "." + path.rpartition(".")[2].lower()
    return Selection(Filter(**wanted)).takes(path, extension=extension, size=size, day=lambda: day)


def matches(glob, path):
    assert takes(path, include=(glob,)) is not takes(path, exclude=(glob,))
    return takes(path, include=(glob,))


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.jpg", "IMG_1.JPG"),
        ("*.jpg", "DCIM/100CANON/IMG_1.jpg"),
        ("img_?.jpg", "IMG_1.jpg"),
        ("DCIM", "DCIM/100CANON/IMG_1.jpg"),
        ("dcim/", "DCIM/100CANON/IMG_1.jpg"),
        ("100*", "DCIM/100CANON/IMG_1.jpg"),
        ("DCIM/1*", "DCIM/100CANON/IMG_1.jpg"),
        ("/DCIM", "DCIM/IMG_1.jpg"),
        ("./DCIM/*.jpg", "DCIM/IMG_1.jpg"),
        ("DCIM/**", "DCIM/a/b/c.jpg"),
        ("**/raw/*.cr2", "raw/1.cr2"),
        ("**/raw/*.cr2", "a/b/raw/1.cr2"),
        ("a/**/z.jpg", "a/z.jpg"),
        ("a/**/z.jpg", "a/b/c/z.jpg"),
        ("**", "a/b.jpg"),
        ("IMG_[12].jpg", "IMG_2.jpg"),
        ("IMG_[!12].jpg", "IMG_3.jpg"),
        ("[a-c]*.jpg", "Bee.jpg"),
        ("[]].jpg", "].jpg"),
        ("a[.jpg", "a[.jpg"),
        ("Ärger*", "ärger.jpg"),
        ("*.jpg", "line\nbreak.jpg"),
        ("*.jpg", "not utf-8 \udcff.jpg"),
        ("(a+b).jpg", "(a+b).jpg"),
    ],
)
def test_a_glob_matches(glob, path):
    assert matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.jpg", "IMG_1.png"),
        ("*.jpg", "a.jpg.png"),
        ("DCIM/*.png", "DCIM/sub/IMG_1.png.jpg"),
        ("/100CANON", "DCIM/100CANON/IMG_1.jpg"),
        ("CANON/1.jpg", "DCIM/CANON/1.jpg"),
        ("DC", "DCIM/1.jpg"),
        ("1.jpg/", "DCIM/1.jpg"),
        ("a?b.jpg", "a/b.jpg"),
        ("a[!x]b.jpg", "a/b.jpg"),
        ("a[/]b.jpg", "a/b.jpg"),
        ("[z-a].jpg", "m.jpg"),
        ("a.jpg", "axjpg"),
    ],
)
def test_a_glob_does_not_match(glob, path):
    assert not matches(glob, path)


def test_exclude_wins_over_include():
    assert not takes("DCIM/a.jpg", include=("DCIM",), exclude=("a.*",))


def test_without_any_wish_everything_is_taken():
    assert Filter().takes_all
    assert takes("a.jpg")


def test_an_include_that_says_nothing_takes_nothing():
    """Better than to take all that the person did not ask for."""
    assert not takes("a.jpg", include=("/",))


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (DAY, None, True),
        (None, DAY, True),
        (DAY, DAY, True),
        (DAY + dt.timedelta(1), None, False),
        (None, DAY - dt.timedelta(1), False),
    ],
)
def test_both_ends_of_a_range_of_days_belong_to_it(since, until, wanted):
    assert takes("a.jpg", since=since, until=until) is wanted


def test_the_day_is_not_asked_for_unless_it_matters():
    def day():
        raise AssertionError

    assert Selection(Filter(min_size=1)).takes("a.jpg", extension=".jpg", size=1, day=day)


def test_small_files_and_other_endings_are_left_out():
    assert not takes("a.jpg", size=9, min_size=10)
    assert takes("a.jpg", size=10, min_size=10)
    assert not takes("a.png", extensions=(".jpg", ".heic"))
    assert takes("a.HEIC", extensions=(".jpg", ".heic"))


@pytest.mark.parametrize(
    "name",
    [
        "._IMG_1.JPG", ".DS_Store", "Thumbs.db", "desktop.ini", "SYNOFILE_THUMB_M.jpg",
        "GX010042.LRV", "GX010042.THM", "DJI_0001.LRF", "LRV_20240601_01_001.insv",
        ".trashed-1700000000-IMG.jpg", ".pending-1700000000-IMG.jpg",
    ],
)  # fmt: skip
def test_a_file_that_no_camera_made_is_junk(name):
    assert is_junk_file(name)
    assert is_junk_file(name.upper())


@pytest.mark.parametrize("name", ["IMG_1.JPG", ".jpg", "_.jpg", "lrv_holiday.jpg", "thumbs.jpg"])
def test_a_photo_is_no_junk(name):
    assert not is_junk_file(name)


@pytest.mark.parametrize(
    "name",
    [
        ".Trashes", ".Spotlight-V100", ".fseventsd", "@eaDir", "@__thumb", "$RECYCLE.BIN",
        "System Volume Information", "lost+found", ".thumbnails", "thumbnails",
        "Lightroom Catalog", "Holiday Previews.lrdata", ".photostructure", "Recently Deleted",
        ".stfolder", ".Trash-1000",
    ],
)  # fmt: skip
def test_a_folder_that_no_camera_made_is_junk(name):
    assert is_junk_folder(name)


@pytest.mark.parametrize("name", ["DCIM", "100CANON", "Trash the dress", ".hidden", "resources"])
def test_a_folder_of_photos_is_no_junk(name):
    assert not is_junk_folder(name)


def test_of_an_apple_library_only_the_originals_count():
    library = "Pictures/Photos Library.photoslibrary"
    assert not is_junk_folder("originals", library)
    assert not is_junk_folder("Masters", library)
    assert is_junk_folder("resources", library)


@given(st.sampled_from([*JUNK_FILE_STARTS, PREVIEW_START]))
def test_the_quick_look_at_a_first_letter_misses_no_junk(start):
    """The walk asks further only if a name begins like junk."""
    assert {start[0], start[0].upper()} <= JUNK_FIRST


NAME = st.text(alphabet="abAB.[]!-^*?\\é\n", min_size=1, max_size=6)


@given(NAME, NAME)
def test_within_one_name_a_glob_is_that_of_a_shell(glob, name):
    """Where fnmatch knows better than a person: `[` that never closes, ranges, `]` first."""
    if "[^" in glob or name in {".", ".."} or glob in {".", "**"}:
        return  # `^` negates here, as in a shell; fnmatch takes it literally
    assert matches(glob, name) is fnmatch.fnmatchcase(name.lower(), glob.lower())


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_glob_is_an_error(glob, path):
    takes(path, include=(glob,), exclude=(glob,))
