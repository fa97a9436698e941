"""Make an upload of an item: its file, with all that travels with it."""

from collections.abc import Callable

from piuploader import errors
from piuploader.app.item import Item
from piuploader.core.media import Sidecar, Upload
from piuploader.ports import Drive

MAX_SIDECAR_BYTES = 4 * 1024 * 1024  # a real one has some kilobytes


def pack(item: Item, drive: Drive, *, hidden: bool, problem: Callable[[str], object]) -> Upload:
    """Return what is to be sent. `problem` hears of a sidecar that stays behind."""
    file, film = item.file, item.film
    live = None
    if film and film.asset_id and drive.is_live_photo(file, film.file):
        live = film.asset_id
    return Upload(
        path=drive.absolute(file.path),
        name=file.path.rpartition("/")[2],
        size=file.size,
        mtime_ns=file.mtime_ns,
        created_at=item.named_at or drive.created_at(file),
        modified_at=drive.created_at(file) if item.named_at else None,
        checksum=item.checksum,
        sidecar=_sidecar(drive, file.sidecar, problem) if file.sidecar else None,
        hidden=hidden,
        live_photo_video_id=live,
    )


def _sidecar(drive: Drive, path: str, problem: Callable[[str], object]) -> Sidecar | None:
    """Read a sidecar. A photo is sent without one rather than not at all."""
    try:
        data = drive.read(path, MAX_SIDECAR_BYTES)
    except errors.FileUnreadable as error:
        problem(f"A sidecar was not sent: {error}")
        return None
    if not data:  # it says nothing, and a server may refuse the whole upload for an empty part
        return None
    return Sidecar(path.rpartition("/")[2], data)
