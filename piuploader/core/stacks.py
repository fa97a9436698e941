"""Which photos of one folder belong in one stack, on sure matches only.

    raw      RAW with the JPEG or HEIC of the same name, changed within 10 s of each other
    heic     HEIC with the JPEG of the same name, likewise
    bursts   what a phone named as one burst, each changed within 60 s of the one before
    edited   an edited version with its original, changed after it

Where a name is there twice in one form (`1.jpg` and `1.JPG`), nobody knows
which belongs to what, and all of that name stay out of stacks. Every photo is
in one stack at most.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from piuploader.core.media import Kind, MediaFile
from piuploader.core.shots import Form, Shot, shot

# A camera writes the forms of a shot one after the other, and FAT counts in steps of 2 s.
SHOT_NS = 10 * 1_000_000_000
# A phone may take a while for each photo of a burst; that it is one, the names say.
BURST_NS = 60 * 1_000_000_000

Stack = tuple[MediaFile, ...]  # the cover first


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be stacked, and what lies on top. "": not stacked."""

    raw: str = ""  # "jpeg" or "raw"
    heic: str = ""  # "heic" or "jpeg"
    bursts: str = ""  # "first": the camera's own choice, else the first
    edited: str = ""  # "edited" or "original"

    @property
    def nothing(self) -> bool:
        """Tell whether nothing is to be stacked."""
        return self == Wanted()


# The choices for the cover of each kind, the usual one first.
COVERS = {
    "raw": ("jpeg", "raw"),
    "heic": ("heic", "jpeg"),
    "bursts": ("first",),
    "edited": ("edited", "original"),
}


class _Photo(NamedTuple):
    file: MediaFile
    shot: Shot


class _Sets:
    """Photos in sets that grow together."""

    def __init__(self) -> None:
        self._set_of: dict[str, list[_Photo]] = {}

    def of(self, photo: _Photo) -> list[_Photo]:
        return self._set_of.setdefault(photo.file.path, [photo])

    def join(self, one: _Photo, other: _Photo) -> None:
        ours, theirs = self.of(one), self.of(other)
        if ours is not theirs:
            ours += theirs
            for photo in theirs:
                self._set_of[photo.file.path] = ours

    def all(self) -> list[list[_Photo]]:
        return list({id(photos): photos for photos in self._set_of.values()}.values())


def find(files: Iterable[MediaFile], wanted: Wanted) -> list[Stack]:
    """Return the stacks among the files of one folder."""
    if wanted.nothing:
        return []
    sets = _Sets()
    bursts: defaultdict[tuple[str, Form], list[_Photo]] = defaultdict(list)
    for photos in _by_stem(files):
        originals = {photo.shot.form: photo for photo in photos if not photo.shot.edited}
        edits = [photo for photo in photos if photo.shot.edited]
        if len(originals) + len(edits) < len(photos):
            continue  # one form twice
        _join_forms(originals, wanted, sets)
        if wanted.edited:
            _join_edits(originals, edits, sets)
        for form, photo in originals.items():
            if photo.shot.burst:
                bursts[photo.shot.burst, form].append(photo)
    if wanted.bursts:
        for photos in bursts.values():
            _join_burst(photos, sets)
    return sorted(_ordered(photos, wanted) for photos in sets.all() if len(photos) > 1)


def _by_stem(files: Iterable[MediaFile]) -> Iterable[list[_Photo]]:
    by_stem: defaultdict[str, list[_Photo]] = defaultdict(list)
    for file in files:
        if file.kind is Kind.IMAGE:
            photo = _Photo(file, shot(file.path.rpartition("/")[2]))
            by_stem[photo.shot.stem].append(photo)
    return by_stem.values()


def _join_forms(originals: dict[Form, _Photo], wanted: Wanted, sets: _Sets) -> None:
    raw, heic, jpeg = (originals.get(form) for form in (Form.RAW, Form.HEIC, Form.JPEG))
    pairs = []
    if wanted.raw:
        pairs += [(raw, jpeg), (raw, heic)]
    if wanted.heic:
        pairs += [(heic, jpeg)]
    for one, other in pairs:
        if one and other and abs(one.file.mtime_ns - other.file.mtime_ns) <= SHOT_NS:
            sets.join(one, other)


def _join_edits(originals: dict[Form, _Photo], edits: Sequence[_Photo], sets: _Sets) -> None:
    if not originals:
        return
    any_of_them = next(iter(originals.values()))
    one_set = len(sets.of(any_of_them)) >= len(originals)
    for edit in edits:
        original = originals.get(edit.shot.form) or (any_of_them if one_set else None)
        if original and edit.file.mtime_ns >= original.file.mtime_ns - SHOT_NS:
            sets.join(original, edit)


def _join_burst(photos: list[_Photo], sets: _Sets) -> None:
    photos.sort(key=lambda photo: photo.shot.number)
    after = list(pairwise(photos))
    for one, other in after:
        same = one.shot.number == other.shot.number
        if same or abs(one.file.mtime_ns - other.file.mtime_ns) > BURST_NS:
            return  # not what a phone does
    for one, other in after:
        sets.join(one, other)


def _ordered(photos: Iterable[_Photo], wanted: Wanted) -> Stack:
    forms = {
        Form.RAW: 0 if wanted.raw == "raw" else 4,
        Form.HEIC: 2 if wanted.heic == "jpeg" else 1,
        Form.JPEG: 1 if wanted.heic == "jpeg" else 2,
        Form.OTHER: 3,
    }
    on_top = wanted.edited == "edited"

    def rank(photo: _Photo) -> tuple[int, int, bool, int, int, str]:
        file, said = photo
        return (
            1 if not said.edited else 0 if on_top else 2,
            -file.mtime_ns if said.edited else 0,  # the newest version
            not said.is_cover,
            said.number,
            forms[said.form],
            file.path,
        )

    return tuple(photo.file for photo in sorted(photos, key=rank))
