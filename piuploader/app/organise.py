"""File what is safe in albums and under tags, in batches.

It never decides about a photo's safety: when it fails, the person is told,
and the photos are where they are.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from piuploader import errors
from piuploader.app.item import Item
from piuploader.core.server import Album, Tag

BATCH = 500


class Library(Protocol):
    """The albums and tags of a server."""

    def find_albums(self, name: str) -> tuple[Album, ...]:
        """Return the albums of this name: names are not unique."""

    def create_album(self, name: str) -> Album:
        """Make an album."""

    def add_to_album(self, album_id: str, asset_ids: Sequence[str]) -> Mapping[str, str]:
        """Put assets in an album; return what went wrong, by asset."""

    def upsert_tags(self, tags: Sequence[str]) -> tuple[Tag, ...]:
        """Return the tags of these paths, made if there were none."""

    def tag_assets(self, tag_ids: Sequence[str], asset_ids: Sequence[str]) -> None:
        """Put tags on assets."""


class Filing(Protocol):
    """Arranges on the server what is safe there. It tells of what fails, and raises nothing."""

    def add(self, item: Item) -> None:
        """Take an item that the server holds. Called by one thread, which is not to wait long."""

    def flush(self) -> None:
        """Arrange what is left, at the end."""


class Organiser:
    """Collects asset ids by album and tag, and files them."""

    def __init__(
        self,
        library: Library,
        *,
        album: str,
        album_from_folder: bool,
        tags: Sequence[str],
        root_name: str,
        problem: Callable[[str], object],
    ) -> None:
        """`root_name`: the album of files that lie in no folder, with `album_from_folder`."""
        self._library = library
        self._album = album
        self._album_from_folder = album_from_folder
        self._tags = tuple(tags)
        self._root_name = root_name
        self._problem = problem
        self._by_album: defaultdict[str, list[str]] = defaultdict(list)
        self._to_tag: list[str] = []
        self._count = 0
        self._album_ids: dict[str, str] = {}
        self._tag_ids: list[str] = []

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
            try:
                self._put_in_album(name, asset_ids)
            except errors.ServerError as error:
                self._problem(
                    f"{len(asset_ids)} photos are safe, but not in the album {name!r}: {error}"
                )
        if tagged:
            try:
                self._tag(tagged)
            except errors.ServerError as error:
                self._problem(f"{len(tagged)} photos are safe, but not tagged: {error}")

    def _put_in_album(self, name: str, asset_ids: Sequence[str]) -> None:
        if name not in self._album_ids:
            found = self._library.find_albums(name)
            album = found[0] if found else self._library.create_album(name)
            self._album_ids[name] = album.id
        wrong = self._library.add_to_album(self._album_ids[name], asset_ids)
        if wrong:
            why = next(iter(wrong.values()))
            self._problem(f"{len(wrong)} photos are safe, but not in the album {name!r}: {why}")

    def _tag(self, asset_ids: Sequence[str]) -> None:
        if not self._tag_ids:
            self._tag_ids = [tag.id for tag in self._library.upsert_tags(self._tags)]
        self._library.tag_assets(self._tag_ids, asset_ids)
