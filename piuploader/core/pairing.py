"""Who belongs to whom in one folder, by name: sidecars, and films of live photos.

    IMG_1.HEIC  IMG_1.MOV          one still, one film: perhaps a live photo
    IMG_2.CR2   IMG_2.CR2.xmp      the sidecar of that one file
    IMG_3.JPG   IMG_3.CR2  IMG_3.xmp   the sidecar of both

Names are compared in any case, for drives come from systems that do not
care. A sidecar that names the whole file wins over one that names its stem,
as it does in Immich's own libraries.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from piuploader.core.shots import family

STILLS = frozenset({".heic", ".heif", ".jpg", ".jpeg"})
FILMS = frozenset({".mov", ".mp4"})


@dataclass(frozen=True, slots=True)
class Pairing:
    """What the names in one folder say."""

    sidecars: dict[str, str]  # media file -> its sidecar
    live: list[tuple[str, str]]  # (still, film)


def pair(media: Sequence[str], sidecars: Iterable[str]) -> Pairing:
    """Find the sidecars of media files, and what may be live photos.

    A sidecar that no media file names in the answer belongs to none.
    """
    return Pairing(_sidecars(media, sidecars), _live(media))


def extension(name: str) -> str:
    """Return how a name ends: in lower case, with the dot; a leading dot begins no extension."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def batches(names: Sequence[str], least: int) -> Iterator[Sequence[str]]:
    """Cut the sorted names of a folder into parts, with what may belong together in one part.

    The names must be sorted without regard to case. Each part but the last has `least` names
    or more: a folder of 100,000 files needs no list of 100,000 files.
    """
    begin = 0
    while begin < len(names):
        end = begin + least
        while end < len(names) and _family(names[end]) == _family(names[end - 1]):
            end += 1
        yield names[begin:end]
        begin = end


def _family(name: str) -> str:
    """Return what all names that may belong together have in common: `a.b.jpg.xmp` -> `a`."""
    dot = name.find(".", 1)
    return family(name if dot < 0 else name[:dot])


def _sidecars(media: Iterable[str], sidecars: Iterable[str]) -> dict[str, str]:
    by_subject: defaultdict[str, list[str]] = defaultdict(list)
    for sidecar in sorted(sidecars):
        by_subject[_stem(sidecar).lower()].append(sidecar)
    if not by_subject:
        return {}
    found = {}
    for name in media:
        for subject in (name, _stem(name)):
            if candidates := by_subject.get(subject.lower()):
                # Of two that differ by case only, the one that is written alike.
                found[name] = next(
                    (each for each in candidates if _stem(each) == subject), candidates[0]
                )
                break
    return found


def _live(media: Iterable[str]) -> list[tuple[str, str]]:
    stills: defaultdict[str, list[str]] = defaultdict(list)
    films: defaultdict[str, list[str]] = defaultdict(list)
    for name in media:
        ending = extension(name)
        if ending in STILLS:
            stills[_stem(name).lower()].append(name)
        elif ending in FILMS:
            films[_stem(name).lower()].append(name)
    return [
        (stills[stem][0], found[0])
        for stem, found in films.items()
        if len(found) == 1 and len(stills.get(stem, ())) == 1
    ]


def _stem(name: str) -> str:
    return name[: name.rfind(".")] if name.rfind(".") > 0 else name
