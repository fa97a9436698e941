"""What becomes of photos once they are safe: albums, tags and stacks, as the settings say."""

from collections.abc import Callable, Sequence

from piuploader.adapters.immich import ImmichClient
from piuploader.app.importer import MakeFilings
from piuploader.app.organise import Filing, Organiser
from piuploader.app.stacking import Stacker
from piuploader.config import UploadSettings


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
        if upload.album or upload.album_from_folder or upload.tags:
            made.append(
                Organiser(
                    client,
                    album=upload.album,
                    album_from_folder=upload.album_from_folder,
                    tags=upload.tags,
                    root_name=drive_label,
                    problem=problem,
                )
            )
        if not upload.stack.nothing:
            made.append(Stacker(new_client(), problem=problem, is_stopped=is_stopped))
        return made

    return make
