"""Albums and tags: filed in batches, looked up once, never at the photos' expense."""

from piuploader import errors
from piuploader.app.item import Item
from piuploader.app.organise import BATCH, Organiser
from piuploader.core.labels import Labels
from piuploader.core.media import Kind, MediaFile
from piuploader.core.server import Album, Tag


class FakeLibrary:
    """Albums by name, tags by path. `Rome#other` is another album named Rome."""

    def __init__(self, albums=(), comes_between=()):
        self.by_name = {name: set() for name in albums}
        self.tags = {}
        self.lookups = 0
        self.away = False
        self.comes_between = comes_between  # albums that another makes a moment before us

    def albums_by_age(self):
        return [Album(f"id of {name}", name.partition("#")[0]) for name in self.by_name]

    def albums(self):
        self.lookups += 1
        if self.away:
            raise errors.ServerUnreachable("connection refused")
        return self.albums_by_age()

    def create_album(self, name):
        if name in self.comes_between:
            self.by_name[f"{name}#other"] = set()
        self.by_name[name] = set()
        return Album(f"id of {name}", name)

    def add_to_album(self, album_id, asset_ids):
        if self.away:
            raise errors.ServerUnreachable("connection refused")
        album = self.by_name[album_id.removeprefix("id of ")]
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
    return Organiser(library, Labels(**{"root_name": "CARD"} | wanted), problem=problems.append)


def test_all_into_one_album_that_is_there_already():
    library, problems = FakeLibrary(["Rome"]), []
    filing = organiser(library, problems, album="Rome")
    for number in range(BATCH + 10):
        filing.add(item(f"{number}.jpg", f"asset-{number}"))
    filing.flush()
    assert len(library.by_name["Rome"]) == BATCH + 10
    assert library.lookups == 1
    assert not problems


def test_an_album_for_each_folder_and_the_drives_name_for_its_root():
    library = FakeLibrary()
    filing = organiser(library, [], album_from_folder=True)
    for path in ("a.jpg", "DCIM/100CANON/b.jpg", "Trips/Rome/c.jpg"):
        filing.add(item(path, path))
    filing.flush()
    assert library.by_name == {
        "CARD": {"a.jpg"},
        "100CANON": {"DCIM/100CANON/b.jpg"},
        "Rome": {"Trips/Rome/c.jpg"},
    }


def test_tags_are_put_on_everything():
    library = FakeLibrary()
    filing = organiser(library, [], given_tags=("Trips/Rome", "2026"))
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
    assert ["safe" in problem and "album" in problem for problem in problems] == [True, True]


def test_what_the_server_does_not_hold_is_not_filed():
    library = FakeLibrary()
    filing = organiser(library, [], album="Rome")
    filing.add(item("a.jpg", None))
    filing.flush()
    assert library.by_name == {}


def test_albums_are_named_like_all_their_folders():
    library = FakeLibrary()
    filing = organiser(library, [], album_from_path=True, joiner=" - ")
    for path in ("a.jpg", "Trips/Rome/b.jpg", "Trips/Oslo/c.jpg"):
        filing.add(item(path, path))
    filing.flush()
    assert library.by_name == {
        "CARD": {"a.jpg"},
        "Trips - Rome": {"Trips/Rome/b.jpg"},
        "Trips - Oslo": {"Trips/Oslo/c.jpg"},
    }
    assert library.lookups == 2  # before and after they were made, for all of them


def test_of_two_albums_made_at_once_the_older_is_used_and_the_other_is_told():
    library, problems = FakeLibrary(comes_between=["Rome"]), []
    filing = organiser(library, problems, album="Rome")
    filing.add(item("a.jpg", "1"))
    filing.flush()
    filing.add(item("b.jpg", "2"))
    filing.flush()
    assert library.by_name == {"Rome": set(), "Rome#other": {"1", "2"}}
    (problem,) = problems
    assert "empty" in problem


def test_of_several_albums_of_a_name_the_oldest_is_used():
    library = FakeLibrary(["Rome#other", "Rome"])
    filing = organiser(library, [], album="Rome")
    filing.add(item("a.jpg", "1"))
    filing.flush()
    assert library.by_name == {"Rome": set(), "Rome#other": {"1"}}


def test_folders_become_tags_beside_the_session():
    library = FakeLibrary()
    filing = organiser(library, [], tag_folders=True, session_tag="piuploader/CARD/2026-06-30")
    for path in ("a.jpg", "DCIM/100CANON/b.jpg", "DCIM/100CANON/c.jpg"):
        filing.add(item(path, path))
    filing.flush()
    assert library.tags == {
        "DCIM/100CANON": {"DCIM/100CANON/b.jpg", "DCIM/100CANON/c.jpg"},
        "piuploader/CARD/2026-06-30": {"a.jpg", "DCIM/100CANON/b.jpg", "DCIM/100CANON/c.jpg"},
    }
