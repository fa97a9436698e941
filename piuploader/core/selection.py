"""Which files on a drive are wanted: the list of junk, and a person's own filters.

A glob is matched against the path below the folder that is imported, in any case:

    *.jpg            without a slash: the name of a file or folder, anywhere
    DCIM/1*          with one: from the top on
    **/raw/*.cr2     `**` stands for any number of folders, or none
    Private/         with a slash at the end: a folder only

`*` and `?` stop at a slash, `[abc]` and `[!abc]` are one character. What
matches a folder matches all that is in it. `exclude` wins over `include`.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from re import Pattern

# Folders that systems and programs make for themselves. Lower case.
JUNK_FOLDERS = frozenset(
    {
        "$recycle.bin",  # Windows
        "recycler",
        "system volume information",
        ".documentrevisions-v100",  # macOS
        ".fseventsd",
        ".spotlight-v100",
        ".temporaryitems",
        ".trashes",
        ".trash",  # Linux; `.Trash-1000` below
        "lost+found",
        ".thumbnails",  # Linux and Android
        "thumbnails",
        "#recycle",  # Synology
        "@eadir",
        "@__thumb",  # QNAP
        ".@__thumb",
        "@recycle",
        ".dtrash",  # digiKam
        ".photostructure",
        ".stfolder",  # Syncthing
        ".stversions",
        "lightroom catalog",  # and its previews, `*.lrdata`
        "recently deleted",  # an album that exports of Apple's Photos hold
    }
)
JUNK_FILES = frozenset(
    {
        ".apdisk",
        ".ds_store",
        ".localized",
        ".nomedia",
        ".volumeicon.icns",
        "icon\r",
        "desktop.ini",
        "ehthumbs.db",
        "thumbs.db",
    }
)
JUNK_FILE_STARTS = (
    "._",  # AppleDouble: the other half of a file that macOS copied
    "synofile_thumb_",  # Synology
    "synophoto_thumb_",
    ".trashed-",  # Android: thrown away, kept for 30 days
    ".pending-",  # Android: not finished
)
# Small copies of the films beside them: GoPro's .lrv and .thm, DJI's .lrf ...
JUNK_FILE_ENDS = (".lrv", ".thm", ".lrf")
PREVIEW_START, PREVIEW_END = "lrv_", ".insv"  # ... and Insta360's
# Only a name that begins so can be junk though it ends like a photo or film.
JUNK_FIRST = frozenset(".sSlL")
# In Apple's library all but the originals is derived from them.
APPLE_LIBRARY = ".photoslibrary"
APPLE_ORIGINALS = frozenset({"originals", "masters"})


def is_junk_folder(name: str, parent: str = "") -> bool:
    """Tell whether nothing in a folder of this name was made by a camera or a person."""
    name = name.lower()
    if name in JUNK_FOLDERS or name.startswith(".trash-") or name.endswith(".lrdata"):
        return True
    return parent.lower().endswith(APPLE_LIBRARY) and name not in APPLE_ORIGINALS


def is_junk_file(name: str) -> bool:
    """Tell whether a file of this name was made by a system or program for itself."""
    name = name.lower()
    if name.startswith(JUNK_FILE_STARTS) or name.endswith(JUNK_FILE_ENDS) or name in JUNK_FILES:
        return True
    return name.startswith(PREVIEW_START) and name.endswith(PREVIEW_END)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person wants of the media files on a drive. By default all."""

    include: tuple[str, ...] = ()  # globs; empty: all
    exclude: tuple[str, ...] = ()  # globs
    extensions: tuple[str, ...] = ()  # lower case, with the dot; empty: all
    since: dt.date | None = None  # the first day wanted
    until: dt.date | None = None  # the last day wanted
    min_size: int = 0  # bytes

    @property
    def takes_all(self) -> bool:
        """Tell whether it leaves out nothing."""
        return self == Filter()


class Selection:
    """A filter made ready to be asked about many files."""

    def __init__(self, wanted: Filter) -> None:
        self._wanted = wanted
        self._include = _compiled(wanted.include)
        self._exclude = _compiled(wanted.exclude)
        self._dated = wanted.since is not None or wanted.until is not None

    def takes(self, path: str, *, extension: str, size: int, day: Callable[[], dt.date]) -> bool:
        """Tell whether a media file is wanted. `day()` is the day of its last change."""
        wanted = self._wanted
        if wanted.extensions and extension not in wanted.extensions:
            return False
        if size < wanted.min_size:
            return False
        if self._exclude and self._exclude.fullmatch(path):
            return False
        if wanted.include and not (self._include and self._include.fullmatch(path)):
            return False
        return not self._dated or self._is_in_range(day())

    def _is_in_range(self, day: dt.date) -> bool:
        since, until = self._wanted.since, self._wanted.until
        return (since is None or since <= day) and (until is None or day <= until)


def _compiled(globs: Iterable[str]) -> Pattern[str] | None:
    patterns = [_translated(glob) for glob in globs if glob.strip("/")]
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL) if patterns else None


def _translated(glob: str) -> str:
    """Turn a glob into a regular expression for the whole path."""
    folder_only = glob.endswith("/")
    anchored = "/" in glob.rstrip("/")
    parts = [part for part in glob.split("/") if part not in {"", "."}]
    pattern = "" if anchored else "(?:.*/)?"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            pattern += ".+" if last else "(?:.*/)?"
        else:
            pattern += _translated_part(part) + ("" if last else "/")
    return f"(?:{pattern}{'/.*' if folder_only else '(?:/.*)?'})"


def _translated_part(part: str) -> str:
    pattern = ""
    at = 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            if not pattern.endswith("[^/]*"):  # two stars say no more than one
                pattern += "[^/]*"
        elif character == "?":
            pattern += "[^/]"
        elif character == "[" and (end := _class_end(part, at)):
            pattern += _translated_class(part[at:end])
            at = end + 1
        else:
            pattern += re.escape(character)
    return pattern


def _class_end(part: str, at: int) -> int:
    """Return where the bracket that opens before `at` closes, 0 if it never does."""
    start = at + 1 if part[at : at + 1] in {"!", "^"} else at
    return max(0, part.find("]", start + 1))  # a bracket that comes first is a choice itself


def _translated_class(inside: str) -> str:
    """Turn the inside of brackets into a character class that never matches a slash."""
    negated = inside[0] in "!^"
    body = inside[1:] if negated else inside
    choices = ""
    at = 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            low, high = body[at], body[at + 2]
            if low <= high:  # an empty range matches nothing, as in a shell
                choices += f"{re.escape(low)}-{re.escape(high)}"
            at += 3
        else:
            choices += re.escape(body[at])
            at += 1
    if negated:
        return f"[^/{choices}]"
    return f"(?!/)[{choices}]" if choices else "(?!)"
