"""Which albums and tags a file gets, by its path on the drive.

DCIM/100CANON/IMG_1.JPG   album_from_folder   100CANON
                          album_from_path     DCIM / 100CANON
                          tag_folders         DCIM/100CANON
                          session             piuploader/CARD/2026-06-30
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

SESSIONS = "piuploader"  # the tag above those of sessions
JOINER = " / "
# Bytes of a name that are no text, and marks that no server keeps.
UNPRINTABLE = re.compile("[\ud800-\udfff\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a person asked for. By default nothing."""

    album: str = ""  # one for all
    album_from_folder: bool = False
    album_from_path: bool = False
    joiner: str = JOINER  # between the folders in an album's name
    root_name: str = ""  # the album of files that lie in no folder
    given_tags: tuple[str, ...] = ()
    tag_folders: bool = False
    session_tag: str = ""

    @property
    def none(self) -> bool:
        """Tell whether no file gets any."""
        by_path = self.album_from_folder or self.album_from_path or self.tag_folders
        return not (self.album or by_path or self.given_tags or self.session_tag)

    def albums(self, path: str) -> tuple[str, ...]:
        """Return the names of a file's albums."""
        names = [self.album] if self.album else []
        folders = _folders(path)
        if self.album_from_folder:
            names.append(folders[-1] if folders else self.root_name)
        if self.album_from_path:
            names.append(self.joiner.join(folders) or self.root_name)
        return tuple(dict.fromkeys(names))

    def tags(self, path: str) -> tuple[str, ...]:
        """Return the tags of a file, each with its whole path."""
        folders = [folder.strip() for folder in _folders(path)]
        below = "/".join(filter(None, folders)) if self.tag_folders else ""
        tags = [*map(_normal, self.given_tags), below, self.session_tag]
        return tuple(dict.fromkeys(filter(None, tags)))


def session_tag(drive: str, day: dt.date) -> str:
    """Return the tag of all that was on a drive at a visit on this day."""
    name = _printable(drive).replace("/", "-").strip() or "drive"
    return f"{SESSIONS}/{name}/{day.isoformat()}"


def _folders(path: str) -> Sequence[str]:
    return [_printable(folder) for folder in path.split("/")[:-1]]


def _normal(tag: str) -> str:
    """Return a tag as the server keeps it: no step of it is empty."""
    return "/".join(filter(None, tag.split("/")))


def _printable(name: str) -> str:
    return UNPRINTABLE.sub("\ufffd", name)
