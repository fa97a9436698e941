"""The ports, filled in memory. Fakes behave; they are not told what to say."""

import hashlib
import re
from dataclasses import dataclass, field
from threading import Lock

from piuploader import errors
from piuploader.core.media import Holding, Kind, MediaFile, MediaTypes, Receipt
from piuploader.core.tally import Ending, Fate
from piuploader.ports import Known, Listing, Skipped

TYPES = MediaTypes(
    image=frozenset({".jpg", ".heic", ".cr3"}),
    video=frozenset({".mov", ".mp4"}),
    sidecar=frozenset({".xmp"}),
)


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


class FakeDrive:
    """Files in a dictionary: path -> bytes. Pull it out, or break a file, at any time."""

    label = "CARD"

    def __init__(self, files, *, identity="uuid:1234", live=(), skipped=()):
        self.identity = identity
        self.files = dict(files)
        self.live = dict(live)  # still -> film
        self.skipped = list(skipped)
        self.unreadable = set()
        self.present = True
        self.reads = []

    def listings(self, types):
        by_folder = {}
        for path in sorted(self.files):
            by_folder.setdefault(path.rpartition("/")[0], []).append(self._file(path))
        for number, (folder, media) in enumerate(by_folder.items()):
            self._check()
            named = {file.path: file for file in media}
            pairs = [(named[s], named[f]) for s, f in self.live.items() if s in named]
            skipped = self.skipped if number == 0 else []
            yield Listing(folder, media, [Skipped(*each) for each in skipped], pairs)

    def _file(self, path):
        dot = path.rpartition(".")[2].lower()
        kind = Kind.VIDEO if dot in {"mov", "mp4"} else Kind.IMAGE
        return MediaFile(path, len(self.files[path]), 1_700_000_000_000_000_000, kind)

    def _check(self):
        if not self.present:
            raise errors.DriveRemoved("the drive is gone")

    def absolute(self, path):
        return path

    def data(self, path):
        self._check()
        if path in self.unreadable:
            raise errors.FileUnreadable(f"{path}: Input/output error")
        return self.files[path]

    def checksum(self, file, moved):
        data = self.data(file.path)
        if len(data) != file.size:
            raise errors.FileChanged(f"{file.path}: changed")
        self.reads.append(file.path)
        moved(len(data))
        return sha1(data)

    def is_live_photo(self, still, film):
        return self.live.get(still.path) == film.path

    def read(self, path, limit):
        return self.data(path)

    def refreshed(self, file):
        return self._file(file.path)

    def survey(self):
        for path in self.files:
            yield 1, len(self.files[path])

    def created_at(self, file):
        return "2023-11-14T22:13:20+00:00"

    def named_at(self, file):
        found = re.search(r"IMG_(\d{4})", file.path)
        return f"{found[1]}-01-01T00:00:00+00:00" if found else None

    def is_present(self):
        return self.present


@dataclass
class FakeServer:
    """Holds assets by checksum, and can be away, refuse, forget or be busy."""

    held: dict = field(default_factory=dict)  # checksum -> asset id
    trashed: set = field(default_factory=set)
    uploads: list = field(default_factory=list)
    refuse: dict = field(default_factory=dict)  # name -> error, or list of errors to use up
    away: bool = False
    loses: set = field(default_factory=set)  # names that it takes and does not keep
    after_upload: object = None
    asked: list = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def ping(self):
        if self.away:
            raise errors.ServerUnreachable("connection refused")

    def media_types(self):
        return TYPES

    def check(self, checksums):
        self.ping()
        with self.lock:
            self.asked.append(len(checksums))
            return {
                c: Holding(self.held[c], c in self.trashed) for c in checksums if c in self.held
            }

    def restore(self, asset_ids):
        self.ping()
        self.trashed -= {c for c, a in self.held.items() if a in asset_ids}

    def take(self, upload, data):
        self.ping()
        with self.lock:
            error = self.refuse.get(upload.name)
            if isinstance(error, list):
                error = error.pop(0) if error else None
            if error:
                raise error
            checksum = sha1(data)
            duplicate = checksum in self.held
            asset = self.held.get(checksum) or f"asset-{len(self.uploads)}"
            if upload.name not in self.loses:
                self.held[checksum] = asset
            self.uploads.append(upload)
        if self.after_upload:
            self.after_upload(self)
        return Receipt(asset, duplicate, checksum)


@dataclass
class FakeWire:
    drive: FakeDrive
    server: FakeServer

    def send(self, upload, moved):
        data = self.drive.data(upload.path)
        if len(data) != upload.size:
            raise errors.FileChanged(f"{upload.path}: changed")
        moved(upload.size)
        return self.server.take(upload, data)

    def close(self):
        pass

    def abort(self):
        pass


@dataclass
class FakeLedger:
    """Remembers what was confirmed, by drive, folder and name."""

    files: dict = field(default_factory=dict)
    fates: list[Fate] = field(default_factory=list)
    sessions: list = field(default_factory=list)
    identity: str = ""

    def known(self, identity, folder, names=None):
        return self.files.get((identity, folder), {})

    def begin(self, *, identity, label, server):
        self.identity = identity
        self.sessions.append(None)
        return len(self.sessions)

    def record(self, session, fates):
        for fate in fates:
            self.fates.append(fate)
            if fate.checksum and fate.ending in {Ending.CONFIRMED, Ending.DUPLICATE}:
                folder, _, name = fate.path.rpartition("/")
                table = self.files.setdefault((self.identity, folder), {})
                table[name] = Known(fate.size, fate.mtime_ns, fate.checksum)

    def end(self, session, *, outcome, tally, problems):
        self.sessions[session - 1] = (outcome, tally, problems)
