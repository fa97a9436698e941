"""What becomes of photos once they are safe: albums, tags and stacks, as the settings say."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from piuploader.adapters.immich import ImmichClient
from piuploader.app.importer import MakeFilings
from piuploader.app.organise import Filing, Organiser
from piuploader.app.stacking import Stacker
from piuploader.config import UploadSettings
from piuploader.core.labels import Labels, session_tag


def filings(
    client: ImmichClient,
    new_client: Callable[[], ImmichClient],
    upload: UploadSettings,
    *,
    drive_label: str,
) -> MakeFilings:
    """Return what makes the filings of one import.

    `client` is that of the thread which calls them; what works beside it gets a new one.
    """

    def make(problem: Callable[[str], object], is_stopped: Callable[[], bool]) -> Sequence[Filing]:
        made: list[Filing] = []
        labels = labels_of(upload, drive_label)
        if not labels.none:
            made.append(Organiser(client, labels, problem=problem))
        if not upload.stack.nothing:
            made.append(Stacker(new_client(), problem=problem, is_stopped=is_stopped))
        return made

    return make


def labels_of(upload: UploadSettings, drive_label: str) -> Labels:
    """Return the albums and tags that files of a drive get at a visit that begins now."""
    zone = ZoneInfo(upload.timezone) if upload.timezone else None
    today = datetime.now(UTC).astimezone(zone).date()
    return Labels(
        album=upload.album,
        album_from_folder=upload.album_from_folder,
        album_from_path=upload.album_from_path,
        joiner=upload.album_joiner,
        root_name=drive_label,
        given_tags=upload.tags,
        tag_folders=upload.tag_folders,
        session_tag=session_tag(drive_label, today) if upload.tag_session else "",
    )
