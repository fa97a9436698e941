"""Who belongs to whom in one folder."""

from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.pairing import batches, extension, pair


def test_a_sidecar_belongs_to_the_file_that_it_names():
    found = pair(["IMG_1.CR2", "IMG_1.JPG"], ["IMG_1.CR2.xmp"])
    assert found.sidecars == {"IMG_1.CR2": "IMG_1.CR2.xmp"}


def test_a_sidecar_that_names_a_stem_belongs_to_every_file_of_it():
    found = pair(["IMG_1.CR2", "IMG_1.JPG", "IMG_2.JPG"], ["IMG_1.xmp"])
    assert found.sidecars == {"IMG_1.CR2": "IMG_1.xmp", "IMG_1.JPG": "IMG_1.xmp"}


def test_the_sidecar_that_names_the_whole_file_wins():
    found = pair(["IMG_1.CR2", "IMG_1.JPG"], ["IMG_1.xmp", "IMG_1.CR2.XMP"])
    assert found.sidecars == {"IMG_1.CR2": "IMG_1.CR2.XMP", "IMG_1.JPG": "IMG_1.xmp"}


def test_case_does_not_matter():
    assert pair(["IMG_1.JPG"], ["img_1.jpg.XMP"]).sidecars == {"IMG_1.JPG": "img_1.jpg.XMP"}


def test_of_two_sidecars_that_differ_by_case_the_one_written_alike_is_taken():
    found = pair(["a.JPG", "A.jpg"], ["A.jpg.xmp", "a.JPG.xmp"])
    assert found.sidecars == {"a.JPG": "a.JPG.xmp", "A.jpg": "A.jpg.xmp"}


def test_a_sidecar_without_media_belongs_to_none():
    assert pair(["IMG_2.JPG"], ["IMG_1.xmp", ".xmp"]).sidecars == {}


def test_one_still_and_one_film_are_perhaps_a_live_photo():
    assert pair(["IMG_1.HEIC", "IMG_1.MOV"], []).live == [("IMG_1.HEIC", "IMG_1.MOV")]
    assert pair(["a.jpg", "A.mp4"], []).live == [("a.jpg", "A.mp4")]


def test_two_stills_or_two_films_are_none():
    assert pair(["1.HEIC", "1.JPG", "1.MOV"], []).live == []
    assert pair(["1.HEIC", "1.MOV", "1.mp4"], []).live == []


def test_a_raw_file_is_not_the_still_of_a_live_photo():
    assert pair(["1.DNG", "1.MOV"], []).live == []
    assert pair(["1.DNG", "1.JPG", "1.MOV"], []).live == [("1.JPG", "1.MOV")]


def test_a_leading_dot_begins_no_extension():
    assert extension(".jpg") == ""
    assert extension("a.b.JPG") == ".jpg"
    assert extension("none") == ""


NAMES = st.lists(
    st.text(alphabet="abAB.-", max_size=3).flatmap(
        lambda stem: st.sampled_from(
            ["", ".jpg", ".JPG", ".heic", ".mov", ".MP4", ".cr2", ".xmp", ".jpg.xmp", ".Cr2.XMP"]
        ).map(lambda end: stem + end)
    ),
    unique=True,
    max_size=12,
)


@given(NAMES)
def test_each_name_has_one_role(names):
    sidecars = [name for name in names if extension(name) == ".xmp"]
    media = [name for name in names if name not in sidecars]
    found = pair(media, sidecars)

    assert found.sidecars.keys() <= set(media)
    assert set(found.sidecars.values()) <= set(sidecars)
    in_pairs = [name for both in found.live for name in both]
    assert len(in_pairs) == len(set(in_pairs))
    assert set(in_pairs) <= set(media)


@given(NAMES, st.integers(1, 5))
def test_what_belongs_together_is_never_parted(names, least):
    """Cut into parts or not, a folder gives the same pairs."""
    names.sort(key=str.lower)
    parts = list(batches(names, least))

    assert [name for part in parts for name in part] == names
    assert all(len(part) >= least for part in parts[:-1])

    def pairs_of(some):
        sidecars = [name for name in some if extension(name) == ".xmp"]
        found = pair([name for name in some if name not in sidecars], sidecars)
        return set(found.sidecars.items()) | set(found.live)

    assert set().union(*map(pairs_of, parts)) == pairs_of(names)
