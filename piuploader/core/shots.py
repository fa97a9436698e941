"""What a photo's name says about the shot that it is of.

    IMG_1234.CR3  IMG_1234.JPG                        one shot in two forms
    IMG_1234_edited.jpg  IMG_E1234.JPG                an edited version (the second is Apple's)
    PXL_20230330_201207251~2.jpg                      one that Google Photos or a phone saved
    PXL_20230330_201207251.RAW-02.ORIGINAL.dng        Pixel: one shot in two forms
    PXL_20230330_184138390.MOTION-01.COVER.jpg        Pixel: several takes of one moment
    IMG_20231014_183246_BURST001_COVER.jpg            bursts: Huawei, Motorola and others,
    00001IMG_00001_BURST20171111030039363.jpg         Nexus, Nothing,
    DSC_0001_BURST20230709220904977.JPG               Sony's phones,
    20231207_101605_001.jpg                           and Samsung

Cameras number the photos of a burst like any others: their names say nothing.
"""

import re
from enum import Enum
from typing import NamedTuple


class Form(Enum):
    """In what form a shot was kept."""

    RAW = "raw"
    HEIC = "heic"
    JPEG = "jpeg"
    OTHER = "other"


class Shot(NamedTuple):
    """What a name says. Names that are written in another case say the same."""

    stem: str  # of all forms and versions of one shot, in one folder
    form: Form
    edited: bool = False
    burst: str = ""  # of all shots of one burst, in one folder; "": of none
    number: int = 0  # in the burst
    is_cover: bool = False  # the camera's own choice from the burst


RAW_ENDS = (
    "3fr ari arw cap cin cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf ori pef "
    "raf raw rw2 rwl sr2 srf srw x3f"
)
FORMS = {
    **{f".{end}": Form.RAW for end in RAW_ENDS.split()},
    **dict.fromkeys((".heic", ".heif", ".hif"), Form.HEIC),
    **dict.fromkeys((".jpg", ".jpeg", ".jpe"), Form.JPEG),
}
EDITED = re.compile(r"(.+?)[-_ ]edited", re.ASCII)
EDITED_BY_APPLE = re.compile(r"img_e(\d{4})", re.ASCII)
# Only behind a date: IMG_12~1 is a short name of DOS.
EDITED_COPY = re.compile(r"(.*\d{8}_\d{6,9}.*)~\d{1,2}", re.ASCII)
PIXEL = re.compile(r"(pxl_\d{8}_\d{9})\.([a-z_]+)-(\d{2})(?:\.mp)?(\.cover|\.original)?", re.ASCII)
BURSTS = (
    re.compile(r"(?P<burst>.+)_burst(?P<number>\d{1,5})(?P<cover>_cover)?", re.ASCII),
    re.compile(
        r"(?:\d{5})?[a-z]+_(?P<number>\d{1,5})_burst(?P<burst>\d{13,17})(?P<cover>_cover)?",
        re.ASCII,
    ),
    re.compile(r"(?P<burst>\d{8}_\d{6})_(?P<number>\d{3})(?P<cover>(?!))?", re.ASCII),
)


def shot(name: str) -> Shot:
    """Return what the name of a photo says."""
    dot = name.rfind(".")
    stem, form = name.lower(), Form.OTHER
    if dot > 0:
        stem, form = stem[:dot], FORMS.get(name[dot:].lower(), Form.OTHER)
    stem, edited = _unedited(stem)
    if found := PIXEL.fullmatch(stem):
        base, kind, number, mark = found.groups()
        if kind == "raw":
            return Shot(base, form, edited)
        return Shot(stem, form, edited, f"{base}.{kind}", int(number), mark == ".cover")
    for pattern in BURSTS:
        if found := pattern.fullmatch(stem):
            cover = found["cover"] is not None
            return Shot(stem, form, edited, found["burst"], int(found["number"]), cover)
    return Shot(stem, form, edited)


def family(name: str) -> str:
    """Return what the names of one shot, its versions and its burst have in common.

    It may be common to others too. The name is without its extension.
    """
    found = shot(name + ".")
    return found.burst or found.stem


def _unedited(stem: str) -> tuple[str, bool]:
    if found := EDITED.fullmatch(stem) or EDITED_COPY.fullmatch(stem):
        return found[1], True
    if found := EDITED_BY_APPLE.fullmatch(stem):
        return f"img_{found[1]}", True
    return stem, False
