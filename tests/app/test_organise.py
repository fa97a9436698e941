"""Albums and tags: filed in batches, looked up once, never at the photos' expense."""

from piuploader import errors
from piuploader.app.item import Item
from piuploader.app.organise import BATCH, Organiser
from piuploader.core.media import Kind, MediaFile
from piuploader.core.server import Album, Tag


class FakeLibrary:
    """Albums by name, tags by path."""

    def __init__(self, albums=()):
        self.albums = {name: set() for name in albums}
        self.tags = {}
        self.lookups = 0
        self.away = False

    def find_albums(self, name):
        self.lookups += 1
        if self.away:
            raise errors.ServerUnreachable("connection refused")
        return (Album(f"id of {name}", name),) if name in self.albums else ()

    def create_album(self, name):
        self.albums[name] = set()
        return Album(f"id of {name}", name)

    def add_to_album(self, album_id, asset_ids):
        if self.away:
            raise errors.ServerUnreachable("connection refused")
        album = self.albums[album_id.removeprefix("id of ")]
        wrong = {asset: "no_permission" for asset in asset_ids if asset.startswith("foreign")}
        album.update(set(asset_ids) - wrong.keys())
        return wrong

    def upsert_tags(self, tags):
        return tuple(Tag(f"id of {tag}", tag) for tag in tags)

    def tag_assets(self, tag_ids, asset_ids):
        for tag in tag_ids:
            self.tags.setdefault(tag.removeprefix("id of "), set()).update(asset_ids)


def item(path, asset_id):
    held = Item(MediaFile(path, 1, 0, Kind.IMAGE), "00")
    held.asset_id = asset_id
    return held


def organiser(library, problems, **wanted):
    options = {"album": "", "album_from_folder": False, "tags": (), "root_name": "CARD"} | wanted
    return Organiser(library, problem=problems.append, **options)


def test_all_into_one_album_that_is_there_already():
    library, problems = FakeLibrary(["Rome"]), []
    filing = organiser(library, problems, album="Rome")
    for number in range(BATCH + 10):
        filing.add(item(f"{number}.jpg", f"asset-{number}"))
    filing.flush()
    assert len(library.albums["Rome"]) == BATCH + 10
    assert library.lookups == 1
    assert not problems


def test_an_album_for_each_folder_and_the_drives_name_for_its_root():
    library = FakeLibrary()
    filing = organiser(library, [], album_from_folder=True)
    for path in ("a.jpg", "DCIM/100CANON/b.jpg", "Trips/Rome/c.jpg"):
        filing.add(item(path, path))
    filing.flush()
    assert library.albums == {
        "CARD": {"a.jpg"},
        "100CANON": {"DCIM/100CANON/b.jpg"},
        "Rome": {"Trips/Rome/c.jpg"},
    }


def test_tags_are_put_on_everything():
    library = FakeLibrary()
    filing = organiser(library, [], tags=("Trips/Rome", "2026"))
    filing.add(item("a.jpg", "1"))
    filing.flush()
    assert library.tags == {"Trips/Rome": {"1"}, "2026": {"1"}}


def test_what_cannot_be_filed_is_told_and_nothing_breaks():
    library, problems = FakeLibrary(), []
    filing = organiser(library, problems, album="Rome")
    library.away = True
    filing.add(item("a.jpg", "1"))
    filing.flush()
    library.away = False
    filing.add(item("b.jpg", "foreign-2"))
    filing.flush()
    assert ["safe" in problem and "Rome" in problem for problem in problems] == [True, True]


def test_what_the_server_does_not_hold_is_not_filed():
    library = FakeLibrary()
    filing = organiser(library, [], album="Rome")
    filing.add(item("a.jpg", None))
    filing.flush()
    assert library.albums == {}
