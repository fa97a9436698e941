"""File what is safe in albums and under tags, in batches.

It never decides about a photo's safety: when it fails, the person is told,
and the photos are where they are.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol

from piuploader import errors
from piuploader.app.item import Item

BATCH = 500


class Shelves(Protocol):
    """Albums and tags of the server, by name."""

    def add_to_album(self, name: str, asset_ids: Sequence[str]) -> None:
        """Put assets in the album of this name, and make it if there is none."""

    def add_tag(self, name: str, asset_ids: Sequence[str]) -> None:
        """Put a tag on assets, and make it if there is none."""


class Organiser:
    """Collects asset ids by album and tag, and files them."""

    def __init__(
        self,
        shelves: Shelves,
        *,
        album: str | None,
        album_from_folder: bool,
        tags: Sequence[str],
        root_name: str,
        problem: Callable[[str], object],
    ) -> None:
        """`root_name`: the album of files that lie in no folder, with `album_from_folder`."""
        self._shelves = shelves
        self._album = album
        self._album_from_folder = album_from_folder
        self._tags = tuple(tags)
        self._root_name = root_name
        self._problem = problem
        self._by_album: defaultdict[str, list[str]] = defaultdict(list)
        self._to_tag: list[str] = []
        self._count = 0

    def add(self, item: Item) -> None:
        """Take an item that the server holds."""
        if item.asset_id is None:
            return
        if self._album:
            self._by_album[self._album].append(item.asset_id)
        if self._album_from_folder:
            folder = item.file.path.rpartition("/")[0].rpartition("/")[2]
            self._by_album[folder or self._root_name].append(item.asset_id)
        if self._tags:
            self._to_tag.append(item.asset_id)
        self._count += 1
        if self._count >= BATCH:
            self.flush()

    def flush(self) -> None:
        """File what was collected."""
        albums, self._by_album = self._by_album, defaultdict(list)
        tagged, self._to_tag = self._to_tag, []
        self._count = 0
        for name, asset_ids in albums.items():
            self._file(f"album {name!r}", self._shelves.add_to_album, name, asset_ids)
        for name in self._tags if tagged else ():
            self._file(f"tag {name!r}", self._shelves.add_tag, name, tagged)

    def _file(
        self,
        what: str,
        put: Callable[[str, Sequence[str]], None],
        name: str,
        asset_ids: Sequence[str],
    ) -> None:
        try:
            put(name, asset_ids)
        except errors.ServerError as error:
            self._problem(f"{len(asset_ids)} photos are safe, but not in the {what}: {error}")
