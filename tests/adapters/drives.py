"""Folders that look like drives, for the tests of the drive side."""

import os
import struct
from contextlib import contextmanager
from pathlib import Path

from piuploader.core.media import MediaTypes
from piuploader.core.tally import Reason

TYPES = MediaTypes(
    image=frozenset({".jpg", ".jpeg", ".heic", ".cr2"}),
    video=frozenset({".mov", ".mp4", ".insv"}),
    sidecar=frozenset({".xmp"}),
)


def plant(root, *paths, data=b"x"):
    """Make files, with the folders that they are in."""
    for path in paths:
        file = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(path)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root


def walked(drive, types=TYPES):
    """Return (media by path, reasons by path, live pairs); no path may come twice."""
    media, skipped, pairs = {}, {}, []
    for listing in drive.listings(types):
        for file in listing.media:
            assert file.path not in media
            media[file.path] = file
        for each in listing.skipped:
            assert each.path not in skipped
            skipped[each.path] = each.reason
        pairs += [(still.path, film.path) for still, film in listing.live_pairs]
    assert not media.keys() & skipped.keys()
    assert all(isinstance(reason, Reason) for reason in skipped.values())
    return media, skipped, pairs


def mountinfo(path, *lines):
    """Write a list of mounts: (number, device, root, place, kind, source, options)."""
    text = "22 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n"
    for number, device, root, place, kind, source, options in lines:
        escaped = str(place).replace(" ", "\\040")
        text += f"{number} 22 {device} {root} {escaped} ro,nosuid shared:5"
        text += f" - {kind} {source} {options}\n"
    path.write_text(text)
    return path


@contextmanager
def unprivileged():
    """Be nobody for a while: root may read every folder."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def atom(kind, *inside):
    data = b"".join(inside)
    return struct.pack(">I4s", len(data) + 8, kind) + data


def film(*, identifier=None, ticks=2800, scale=1000, version=0, mp4=False, before=b""):
    """Make a film that has all but pictures."""
    layout = ">B3xQQIQ" if version else ">B3xIIII"
    parts = [atom(b"mvhd", struct.pack(layout, version, 0, 0, scale, ticks), bytes(80))]
    if identifier is not None:
        names = (b"com.apple.quicktime.make", b"com.apple.quicktime.content.identifier")
        keys = b"".join(atom(b"mdta", name) for name in names)
        values = [
            atom(struct.pack(">I", number), atom(b"data", struct.pack(">II", 1, 0), text))
            for number, text in enumerate((b"Apple", identifier), 1)
        ]
        meta = [
            atom(b"hdlr", bytes(24)),
            atom(b"keys", struct.pack(">II", 0, 2), keys),
            atom(b"ilst", *values),
        ]
        parts.append(atom(b"meta", bytes(4) if mp4 else b"", *meta))
    moov = atom(b"moov", *parts)
    return atom(b"ftyp", b"qt  ", bytes(4)) + before + atom(b"mdat", bytes(5000)) + moov
