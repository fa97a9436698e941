"""Delete from a drive what the server surely holds. Only for those who ask for it.

Nothing that was known before counts. Each file is read once more, from the
first byte to the last; the server is asked for that very checksum; and only
if it holds it now, and not in its trash, the file goes. So a file that was
changed after its upload stays, and so does one that somebody has deleted on
the server since.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from piuploader.core.media import Holding, MediaTypes
from piuploader.errors import DriveRemoved, PiUploaderError, ServerError
from piuploader.ports import Drive, Server

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cleaned:
    """What became of the files."""

    deleted: int = 0
    kept: int = 0

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        return f"{self.deleted} files deleted from the drive, {self.kept} kept"


def may_delete(holding: Holding | None) -> bool:
    """Tell whether the server's answer is good enough to delete the only other copy."""
    return holding is not None and not holding.trashed


def clean(
    drive: Drive,
    server: Server,
    types: MediaTypes,
    *,
    delete: Callable[[str], object],
    moved: Callable[[int], object],
    stopped: Callable[[], bool],
) -> Cleaned:
    """Go through the drive. `delete` takes a path relative to its root, or raises DriveError.

    Raise ServerError and DriveRemoved; one file that cannot be read or deleted is only kept.
    """
    cleaned = Cleaned()
    for listing in drive.listings(types):
        for file in listing.media:
            if stopped():
                return cleaned
            try:
                checksum = drive.checksum(file, moved)
                safe = may_delete(server.check([checksum]).get(checksum))
                if safe:
                    delete(file.path)
            except (DriveRemoved, ServerError):
                raise
            except PiUploaderError as error:
                log.warning("Not deleted: path=%r error=%s", file.path, error)
                safe = False
            cleaned.deleted += safe
            cleaned.kept += not safe
    return cleaned
