"""Which photos of a folder are one stack: only on sure matches, each in one at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.core.media import Kind, MediaFile
from piuploader.core.pairing import batches
from piuploader.core.shots import Form, shot
from piuploader.core.stacks import COVERS, Wanted, find

ALL = Wanted("jpeg", "heic", "first", "edited")
S = 1_000_000_000


def photo(name, at_s=0):
    kind = Kind.VIDEO if name.lower().endswith((".mov", ".mp4")) else Kind.IMAGE
    return MediaFile(f"DCIM/{name}", 1, at_s * S, kind)


def stacks(*names, wanted=ALL):
    """Names, or (name, seconds), to the names of each stack, the cover first."""
    files = [photo(*name) if isinstance(name, tuple) else photo(name) for name in names]
    return [tuple(f.path.removeprefix("DCIM/") for f in stack) for stack in find(files, wanted)]


def test_raw_and_jpeg_of_one_name_are_a_stack_with_the_cover_of_choice():
    names = ("IMG_1.CR3", "IMG_1.JPG", "IMG_2.JPG")
    assert stacks(*names) == [("IMG_1.JPG", "IMG_1.CR3")]
    assert stacks(*names, wanted=Wanted(raw="raw")) == [("IMG_1.CR3", "IMG_1.JPG")]
    assert stacks(*names, wanted=Wanted(heic="heic", bursts="first", edited="edited")) == []


def test_heic_and_jpeg_are_a_stack_with_the_cover_of_choice():
    names = ("IMG_1.HEIC", "img_1.jpg")
    assert stacks(*names) == [("IMG_1.HEIC", "img_1.jpg")]
    assert stacks(*names, wanted=Wanted(heic="jpeg")) == [("img_1.jpg", "IMG_1.HEIC")]


def test_one_name_at_two_times_is_not_one_shot():
    """Two cameras in one folder, or a JPEG that was developed from the RAW later."""
    assert stacks(("IMG_1.CR3", 0), ("IMG_1.JPG", 11)) == []
    assert stacks(("IMG_1.CR3", 0), ("IMG_1.JPG", 10)) == [("IMG_1.JPG", "IMG_1.CR3")]


def test_a_name_that_is_there_twice_belongs_to_none():
    assert stacks("1.CR3", "1.jpg", "1.JPG", "1_edited.jpg") == []


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_20231014_183246_BURST001_COVER.jpg", "IMG_20231014_183246_BURST002.jpg"),
        (
            "00015IMG_00015_BURST20171111030039363_COVER.jpg",
            "00001IMG_00001_BURST20171111030039363.jpg",
            "00002IMG_00002_BURST20171111030039363.jpg",
        ),
        (
            "00002IMG_00002_BURST1723801037429_COVER.jpg",
            "00001IMG_00001_BURST1723801037429.jpg",
        ),
        (
            "DSCPDC_0002_BURST20230709220904977_COVER.JPG",
            "DSC_0001_BURST20230709220904977.JPG",
            "DSC_0003_BURST20230709220904977.JPG",
        ),
        ("20231207_101605_001.jpg", "20231207_101605_002.jpg", "20231207_101605_031.jpg"),
        (
            "PXL_20230330_184138390.MOTION-01.COVER.jpg",
            "PXL_20230330_184138390.MOTION-02.ORIGINAL.jpg",
        ),
        (
            "PXL_20230809_203029471.PORTRAIT-02.COVER.jpg",
            "PXL_20230809_203029471.PORTRAIT-01.ORIGINAL.jpg",
        ),
    ],
)
def test_bursts_are_known_by_the_names_that_phones_give(names):
    """The camera's own choice is the cover, else the first."""
    other = "IMG_20231014_183247_BURST001.jpg"
    assert stacks(other, *names[::-1]) == [names]
    assert stacks(*names, wanted=Wanted(raw="jpeg", heic="heic", edited="edited")) == []


def test_a_pixels_raw_and_jpeg_are_one_shot():
    names = (
        "PXL_20230330_201207251.RAW-01.MP.COVER.jpg",
        "PXL_20230330_201207251.RAW-02.ORIGINAL.dng",
    )
    assert stacks(*names, wanted=Wanted(raw="jpeg")) == [names]


def test_a_burst_that_took_longer_than_a_burst_is_none():
    names = ["IMG_20231014_183246_BURST001.jpg", "IMG_20231014_183246_BURST002.jpg"]
    assert stacks((names[0], 0), (names[1], 61)) == []


def test_a_burst_in_raw_and_jpeg_is_one_stack_or_two():
    names = [f"IMG_20231014_183246_BURST00{n}.{end}" for n in (1, 2) for end in ("jpg", "dng")]
    assert stacks(*names) == [tuple(names)]
    assert stacks(*names, wanted=Wanted(bursts="first")) == [
        (names[1], names[3]),
        (names[0], names[2]),
    ]


@pytest.mark.parametrize(
    ("original", "edit"),
    [
        ("IMG_1234.HEIC", "IMG_E1234.JPG"),
        ("IMG_1234.jpg", "IMG_1234_edited.jpg"),
        ("IMG_1234.jpg", "IMG_1234-edited.jpg"),
        ("PXL_20230330_201207251.jpg", "PXL_20230330_201207251~2.jpg"),
    ],
)
def test_an_edited_version_lies_on_its_original_or_below_it(original, edit):
    assert stacks((original, 0), (edit, 90_000)) == [(edit, original)]
    below = Wanted(edited="original")
    assert stacks((original, 0), (edit, 90_000), wanted=below) == [(original, edit)]


def test_what_was_changed_before_the_original_is_no_version_of_it():
    assert stacks(("IMG_1234.HEIC", 90_000), ("IMG_E1234.JPG", 0)) == []


def test_an_edited_version_of_a_shot_in_two_forms_joins_the_form_that_is_its_own():
    names = ("1.CR3", "1.JPG", "1_edited.jpg")
    assert stacks(*names, wanted=Wanted(edited="edited")) == [("1_edited.jpg", "1.JPG")]
    assert stacks(*names) == [("1_edited.jpg", "1.JPG", "1.CR3")]
    other = ("1.CR3", "1.JPG", "1_edited.png")
    assert stacks(*other, wanted=Wanted(edited="edited")) == []
    assert stacks(*other) == [("1_edited.png", "1.JPG", "1.CR3")]


def test_an_edited_version_alone_and_short_names_of_dos_are_nothing_special():
    assert stacks("IMG_1234_edited.jpg", "IMG_12~1.JPG", "IMG_12.JPG") == []


def test_films_are_never_in_a_stack():
    assert stacks("IMG_1.MOV", "IMG_1.MP4", "IMG_1.HEIC") == []


def test_forms_are_known_in_any_case():
    names = ["a.CR2", "a.HeIc", "a.JPEG", "a.png", ".jpg"]
    assert [shot(name).form for name in names] == [
        Form.RAW,
        Form.HEIC,
        Form.JPEG,
        Form.OTHER,
        Form.OTHER,
    ]


STEMS = [
    "IMG_1234",
    "img_1234",
    "IMG_E1234",
    "IMG_1234_edited",
    "IMG_1234-edited",
    "IMG_20231014_183246_BURST001_COVER",
    "IMG_20231014_183246_BURST001_COVER_edited",
    "IMG_20231014_183246_BURST002",
    "00001IMG_00001_BURST20171111030039363",
    "00002IMG_00002_BURST20171111030039363_COVER",
    "PXL_20230330_201207251.RAW-01.COVER",
    "PXL_20230330_201207251.RAW-02.ORIGINAL",
    "PXL_20230330_201207251.MOTION-01.COVER",
    "20231207_101605_001",
    "20231207_101605_002",
    "20231207_101605_002~2",
]
NAMES = st.tuples(
    st.sampled_from(STEMS), st.sampled_from(["", ".jpg", ".JPG", ".heic", ".dng", ".mov", ".png"])
).map("".join)
FOLDERS = st.dictionaries(NAMES, st.integers(0, 80), max_size=14)
WANTED = st.tuples(*(st.sampled_from(("", *covers)) for covers in COVERS.values())).map(
    lambda covers: Wanted(*covers)
)


@given(FOLDERS, WANTED, st.randoms(use_true_random=False))
def test_any_mix_of_names_gives_each_file_one_role(folder, wanted, chance):
    files = [photo(name, at_s) for name, at_s in folder.items()]
    found = find(files, wanted)
    members = [file for stack in found for file in stack]

    assert len(members) == len(set(members))
    assert set(members) <= {file for file in files if file.kind is Kind.IMAGE}
    assert all(len(stack) > 1 for stack in found)
    chance.shuffle(files)
    assert find(files, wanted) == found


@given(st.text(max_size=40))
def test_no_name_is_too_odd(name):
    shot(name)


APPLES = {"IMG_E1234"}  # sorted far from its original


@given(st.lists(NAMES, unique=True, max_size=12), st.integers(1, 4))
def test_a_large_folder_is_not_cut_within_a_stack(names, least):
    names = sorted((n for n in names if n[:9] not in APPLES), key=str.lower)
    parts = [find(map(photo, part), ALL) for part in batches(names, least)]
    assert sorted(stack for part in parts for stack in part) == find(map(photo, names), ALL)
