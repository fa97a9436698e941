"""What of a file's ending is written down: fates sorted into rows."""

import os
from collections import Counter
from collections.abc import Iterable

from piuploader.core.tally import Ending, Fate, Reason

Row = tuple[object, ...]

# Every card is full of these. They are counted, not listed.
NOISE = frozenset({Reason.NOT_MEDIA, Reason.SIDECAR, Reason.JUNK})
# The run was cut short: nothing was learnt about the file.
CUT_SHORT = frozenset({Reason.STOPPED, Reason.DRIVE_REMOVED, Reason.SERVER_AWAY})
# Listed file by file, of what was not done or left out; a drive may have a million of them.
MAX_LISTED = 10_000

MOST = 2**63 - 1  # SQLite's integers; NTFS can name years that do not fit


class Batch:
    """The rows that a batch of fates comes to. Folders are still paths in them."""

    __slots__ = ("counts", "listed", "read", "sizes", "unlisted")

    def __init__(self) -> None:
        self.read: list[tuple[str, Row]] = []  # folder, columns of `files` after it
        self.listed: list[tuple[str, Row]] = []  # folder, columns of `session_files` after it
        self.counts: Counter[Ending] = Counter()
        self.sizes: Counter[Ending] = Counter()
        self.unlisted = 0

    def add(self, fates: Iterable[Fate], *, now_s: float, server: int, room: int) -> int:
        """Sort fates. `room`: how many of what was not done may be listed; return what is left."""
        for fate in fates:
            path, size, mtime_ns, ending, reason, detail, checksum, asset_id, known, at, _ = fate
            self.counts[ending] += 1
            self.sizes[ending] += size
            is_news = reason not in NOISE and not (known and ending is Ending.DUPLICATE)
            if checksum is None and not is_news:
                continue
            folder, _, last = path.rpartition("/")
            name = os.fsencode(last)
            if checksum is not None and not (known and reason in CUT_SHORT):
                held = ending is Ending.CONFIRMED or ending is Ending.DUPLICATE
                seen = (now_s, asset_id, server) if held else (None, None, None)
                mtime_ns = mtime_ns if -MOST <= mtime_ns <= MOST else MOST
                self.read.append((folder, (name, size, mtime_ns, bytes.fromhex(checksum), *seen)))
            if is_news:
                if ending is Ending.SKIPPED or reason in CUT_SHORT:
                    if room <= 0:
                        self.unlisted += 1
                        continue
                    room -= 1
                row = (name, size, ending.value, reason.name, text(detail) if detail else "", at)
                self.listed.append((folder, row))
        return room

    def folders(self) -> set[str]:
        """Return the folders that rows are about."""
        return {row[0] for rows in (self.read, self.listed) for row in rows}


def text(words: str) -> str:
    r"""Return words as SQLite can keep them: a byte that is no UTF-8 becomes `\xff`."""
    try:
        return words.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return words.encode("utf-8", "backslashreplace").decode("utf-8")
