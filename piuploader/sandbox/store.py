"""Where the sandbox keeps things: files in a folder, the rest in a journal.

    DATA/journal.jsonl        one line per change, replayed at the next start
    DATA/upload/ab/ID.jpg     each asset, byte for byte
    DATA/upload/ab/ID.xmp     its sidecar
    DATA/incoming/            uploads under way
    DATA/orphans/             files that a refused upload left behind

A record is written whole with every change and the last line wins, so a
sandbox that is killed has all it answered for when it starts again. A line
that was cut off in the middle was never answered for, and is dropped.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from piuploader.sandbox.records import (
    Album,
    ApiKey,
    Asset,
    Stack,
    Tag,
    User,
    type_of_record,
)

Record = User | ApiKey | Asset | Album | Tag | Stack


class Store:
    """All that the sandbox must not forget."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users: dict[str, User] = {}
        self.keys: dict[str, ApiKey] = {}
        self.assets: dict[str, Asset] = {}
        self.albums: dict[str, Album] = {}
        self.tags: dict[str, Tag] = {}
        self.stacks: dict[str, Stack] = {}
        self.settings: dict[str, Any] = {}
        self._by_checksum: dict[tuple[str, str], str] = {}
        self._used_bytes: dict[str, int] = {}
        for name in ("upload", "incoming", "orphans"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for leftover in (folder / "incoming").iterdir():
            leftover.unlink()
        self._fd = self._open_journal(folder / "journal.jsonl")

    def close(self) -> None:
        """Let go of the journal; may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def save(self, record: Record) -> None:
        """Remember a new or changed record."""
        self._adopt(record)
        kind = next(kind for kind, cls in type_of_record.items() if isinstance(record, cls))
        self._append({"kind": kind, "is": asdict(record)})

    def forget(self, record: Record) -> None:
        """Drop a record, and an asset's files with it."""
        kind = next(kind for kind, cls in type_of_record.items() if isinstance(record, cls))
        self._drop(kind, record.id)
        self._append({"kind": kind, "gone": record.id})
        if isinstance(record, Asset):
            self.path_of(record).unlink(missing_ok=True)
            self.sidecar_of(record).unlink(missing_ok=True)

    def set(self, name: str, value: object) -> None:
        """Remember a server-wide setting, such as the system config."""
        self.settings[name] = value
        self._append({"kind": "setting", "is": {"name": name, "value": value}})

    def path_of(self, asset: Asset) -> Path:
        """Return where an asset's bytes are."""
        return self.folder / "upload" / asset.id[:2] / f"{asset.id}{asset.extension}"

    def sidecar_of(self, asset: Asset) -> Path:
        """Return where an asset's sidecar is, if it has one."""
        return self.folder / "upload" / asset.id[:2] / f"{asset.id}.xmp"

    def find(self, owner_id: str, checksum: str) -> Asset | None:
        """Return a user's asset with this SHA-1 (hex), in the trash or not."""
        asset_id = self._by_checksum.get((owner_id, checksum))
        return self.assets[asset_id] if asset_id else None

    def used_bytes(self, owner_id: str) -> int:
        """Return how much a user's assets take."""
        return self._used_bytes.get(owner_id, 0)

    def total_bytes(self) -> int:
        """Return how much all assets take."""
        return sum(self._used_bytes.values())

    def owned_by(self, owner_id: str) -> Iterable[Asset]:
        """Return a user's assets, oldest upload first."""
        return [asset for asset in self.assets.values() if asset.owner_id == owner_id]

    def orphans(self) -> list[Path]:
        """Return the files that refused uploads left behind."""
        return sorted((self.folder / "orphans").iterdir())

    # --- the journal ---

    def _open_journal(self, path: Path) -> int:
        if path.exists():
            whole, _, torn = path.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                self._replay(json.loads(line))
            if torn:
                os.truncate(path, len(whole) + 1 if whole else 0)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _replay(self, entry: dict[str, Any]) -> None:
        kind = entry["kind"]
        if "gone" in entry:
            self._drop(kind, entry["gone"])
        elif kind == "setting":
            self.settings[entry["is"]["name"]] = entry["is"]["value"]
        else:
            self._adopt(type_of_record[kind](**entry["is"]))

    def _append(self, entry: dict[str, Any]) -> None:
        os.write(self._fd, json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def _shelf(self, kind: str) -> dict[str, Any]:
        shelves: dict[str, dict[str, Any]] = {
            "user": self.users,
            "key": self.keys,
            "asset": self.assets,
            "album": self.albums,
            "tag": self.tags,
            "stack": self.stacks,
        }
        return shelves[kind]

    def _adopt(self, record: Record) -> None:
        match record:
            case User():
                self.users[record.id] = record
            case ApiKey():
                self.keys[record.id] = record
            case Asset():
                if record.id not in self.assets:
                    used = self._used_bytes.get(record.owner_id, 0)
                    self._used_bytes[record.owner_id] = used + record.size_bytes
                self.assets[record.id] = record
                self._by_checksum[record.owner_id, record.checksum] = record.id
            case Album():
                self.albums[record.id] = record
            case Tag():
                self.tags[record.id] = record
            case Stack():
                self.stacks[record.id] = record

    def _drop(self, kind: str, record_id: str) -> None:
        record = self._shelf(kind).pop(record_id, None)
        if isinstance(record, Asset):
            self._by_checksum.pop((record.owner_id, record.checksum), None)
            self._used_bytes[record.owner_id] -= record.size_bytes
            for album in self.albums.values():
                album.asset_ids = [item for item in album.asset_ids if item != record_id]
            for tag in self.tags.values():
                tag.asset_ids = [item for item in tag.asset_ids if item != record_id]
            self._leave_stack(record)

    def _leave_stack(self, asset: Asset) -> None:
        stack = self.stacks.get(asset.stack_id or "")
        if stack is None:
            return
        stack.asset_ids = [item for item in stack.asset_ids if item != asset.id]
        if len(stack.asset_ids) == 1:  # one asset is no stack
            self.assets[stack.asset_ids[0]].stack_id = None
            del self.stacks[stack.id]
