"""File what is safe in albums and under tags, in batches.

It never decides about a photo's safety: when it fails, the person is told,
and the photos are where they are.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from piuploader import errors
from piuploader.app.item import Item
from piuploader.core.labels import Labels
from piuploader.core.server import Album, Tag

BATCH = 500


class Library(Protocol):
    """The albums and tags of a server."""

    def albums(self) -> Sequence[Album]:
        """Return all albums, the oldest first: names are not unique."""

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
    """Collects asset ids by album and tags, and files them."""

    def __init__(
        self, library: Library, labels: Labels, *, problem: Callable[[str], object]
    ) -> None:
        self._library = library
        self._labels = labels
        self._problem = problem
        self._by_album: defaultdict[str, list[str]] = defaultdict(list)
        self._by_tags: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        self._count = 0
        self._album_ids: dict[str, str] = {}
        self._tag_ids: dict[str, str] = {}

    def add(self, item: Item) -> None:
        """Take an item that the server holds."""
        if item.asset_id is None:
            return
        for album in self._labels.albums(item.file.path):
            self._by_album[album].append(item.asset_id)
        if tags := self._labels.tags(item.file.path):
            self._by_tags[tags].append(item.asset_id)
        self._count += 1
        if self._count >= BATCH:
            self.flush()

    def flush(self) -> None:
        """File what was collected."""
        albums, self._by_album = self._by_album, defaultdict(list)
        tagged, self._by_tags = self._by_tags, defaultdict(list)
        self._count = 0
        if albums:
            self._put_in_albums(albums)
        if tagged:
            self._tag(tagged)

    def _put_in_albums(self, albums: Mapping[str, Sequence[str]]) -> None:
        try:
            self._learn([name for name in albums if name not in self._album_ids])
        except errors.ServerError as error:
            unknown = [ids for name, ids in albums.items() if name not in self._album_ids]
            count = sum(map(len, unknown))
            self._problem(f"{count} photos are safe, but not in their albums: {error}")
        for name, asset_ids in albums.items():
            if name not in self._album_ids:
                continue
            try:
                wrong = self._library.add_to_album(self._album_ids[name], asset_ids)
            except errors.ServerError as error:
                wrong = dict.fromkeys(asset_ids, str(error))
            if wrong:
                why = next(iter(wrong.values()))
                self._problem(f"{len(wrong)} photos are safe, but not in the album {name!r}: {why}")

    def _learn(self, names: Sequence[str]) -> None:
        """Find albums, or make them: of several that share a name, the oldest is ours."""
        if not names:
            return
        found = self._oldest(names)
        made = {name: self._library.create_album(name) for name in names if name not in found}
        if made:
            # Another uploader may have made one at the same moment: both take the oldest.
            found = made | self._oldest(names)
        for name, album in made.items():
            if found[name].id != album.id:
                self._problem(
                    f"Another program made the album {name!r} at the same moment: it is used, "
                    "and the empty one may be deleted."
                )
        self._album_ids |= {name: found[name].id for name in names}

    def _oldest(self, names: Sequence[str]) -> dict[str, Album]:
        wanted = frozenset(names)
        found: dict[str, Album] = {}
        for album in self._library.albums():
            if album.name in wanted:
                found.setdefault(album.name, album)
        return found

    def _tag(self, tagged: Mapping[tuple[str, ...], Sequence[str]]) -> None:
        ids = self._tag_ids
        try:
            new = dict.fromkeys(tag for tags in tagged for tag in tags if tag not in ids)
            ids |= {tag.value: tag.id for tag in self._library.upsert_tags(list(new))}
            for tags, asset_ids in tagged.items():
                self._library.tag_assets([ids[tag] for tag in tags if tag in ids], asset_ids)
        except errors.ServerError as error:
            count = sum(map(len, tagged.values()))
            self._problem(f"{count} photos are safe, but not all are tagged: {error}")
            return
        for tag in new:
            if tag not in ids:
                self._problem(f"The server does not make the tag {tag!r}: no photo has it.")
