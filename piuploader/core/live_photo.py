"""Whether a still and a film of one name are surely one live photo.

Apple gives both halves the same identifier: the film in its QuickTime
metadata, the still in its maker note. Where the film has one, it decides.
A film without one (they get lost in conversion) is taken for a live photo
only if it is as short and small as those are, and both halves were written
in the same moment.

When in doubt the two stay two: Immich shows both, and nothing is hidden.
"""

from dataclasses import dataclass

# Apple's films last 3 s: 1.5 before and 1.5 after. Other makers stay below 4.
LONGEST_S = 4.0
LARGEST_BYTES = 16 * 1024 * 1024
# Both halves are written in one go; FAT counts in steps of 2 s, copying takes a while.
FURTHEST_APART_S = 10.0
# Where the maker note of a HEIC or JPEG lies: in the Exif block, near the beginning.
HEAD_BYTES = 1024 * 1024
IDENTIFIER_CHARACTERS = 36  # a UUID in ASCII


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a film says about itself. None: it does not say."""

    identifier: bytes | None = None  # com.apple.quicktime.content.identifier
    seconds: float | None = None


def is_sure(facts: FilmFacts, *, still_head: bytes, film_bytes: int, seconds_apart: float) -> bool:
    """Tell whether the film belongs to the still.

    `still_head`: its first mebibyte. `seconds_apart`: between their last changes.
    """
    if facts.identifier is not None:
        return len(facts.identifier) == IDENTIFIER_CHARACTERS and facts.identifier in still_head
    return (
        facts.seconds is not None
        and 0 < facts.seconds <= LONGEST_S
        and film_bytes <= LARGEST_BYTES
        and abs(seconds_apart) <= FURTHEST_APART_S
    )
