"""Stacks: made when all of a stack is safe, looked up before, never at the photos' expense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader import errors
from piuploader.app.reader import Look
from piuploader.app.stacking import Stacker
from piuploader.core.server import Stack
from piuploader.core.stacks import Wanted
from tests.app.test_importer import importer
from tests.fakes import FakeDrive, FakeServer

RAW = Wanted(raw="jpeg", bursts="first")
BURST = [f"DCIM/IMG_20231014_183246_BURST00{n}.jpg" for n in (1, 2, 3)]


class FakeStacks:
    """Stacks by id, each a list of assets with the cover first. Merges as Immich does."""

    def __init__(self, *stacks):
        self.stacks = {f"stack-{n}": list(ids) for n, ids in enumerate(stacks)}
        self.made = 0
        self.asked = 0
        self.closed = False
        self.fails = []  # errors to be used up

    def stack_of(self, asset_id):
        self.asked += 1
        if self.fails:
            raise self.fails.pop(0)
        for name, ids in self.stacks.items():
            if asset_id in ids:
                return Stack(name, ids[0], len(ids))
        return None

    def create_stack(self, asset_ids):
        ids = list(asset_ids)
        for name, old in list(self.stacks.items()):
            if old[0] in asset_ids:
                ids += [each for each in self.stacks.pop(name) if each not in ids]
        self.made += 1
        self.stacks[f"new-{self.made}"] = ids

    def close(self):
        self.closed = True


def run(drive, server, stacks, *, is_stopped=None, wanted=RAW):
    """Import, and return what a person was told."""
    importing = importer(
        drive,
        server,
        look=Look(wanted),
        filings=lambda problem, stopped: (
            Stacker(stacks, problem=problem, is_stopped=is_stopped or stopped),
        ),
    )
    outcome = importing.run()
    assert stacks.closed
    assert not outcome.tally.open
    return outcome.problems


def test_what_belongs_together_is_stacked_with_the_cover_first():
    drive = FakeDrive({"a/1.cr3": b"raw", "a/1.jpg": b"jpeg", "a/2.jpg": b"2", "b/1.jpg": b"b"})
    server, stacks = FakeServer(), FakeStacks()

    assert run(drive, server, stacks) == ()

    (ids,) = stacks.stacks.values()
    held = {asset: checksum for checksum, asset in server.held.items()}
    assert [held[each] for each in ids] == [_sha(drive, "a/1.jpg"), _sha(drive, "a/1.cr3")]


def test_a_second_run_asks_once_for_each_stack_and_makes_none():
    drive = FakeDrive({"1.cr3": b"raw", "1.jpg": b"jpeg"} | {name: name.encode() for name in BURST})
    server, stacks = FakeServer(), FakeStacks()
    run(drive, server, stacks)
    assert stacks.made == 2
    stacks.asked = 0

    run(drive, server, stacks)

    assert (stacks.made, stacks.asked) == (2, 2)


def test_nothing_is_asked_when_nothing_is_to_be_stacked():
    stacks = FakeStacks()
    run(FakeDrive({"1.cr3": b"raw", "1.jpg": b"jpeg"}), FakeServer(), stacks, wanted=Wanted())
    assert (stacks.asked, stacks.made) == (0, 0)


def test_a_stack_of_which_one_photo_failed_waits_for_the_next_run():
    drive = FakeDrive({name: name.encode() for name in BURST})
    server, stacks = FakeServer(refuse={BURST[1][5:]: errors.FileRefused("no")}), FakeStacks()
    run(drive, server, stacks)
    assert stacks.made == 0

    server.refuse.clear()
    run(drive, server, stacks)

    assert [len(ids) for ids in stacks.stacks.values()] == [3]


def test_photos_with_the_same_bytes_are_one_asset_and_no_stack():
    stacks = FakeStacks()
    run(FakeDrive({BURST[0]: b"same", BURST[1]: b"same"}), FakeServer(), stacks)
    assert stacks.made == 0


def _known():
    """A drive with a burst, and a server that holds it as assets 1, 2 and 3."""
    drive = FakeDrive({name: name.encode() for name in BURST})
    return drive, FakeServer(held={_sha(drive, n): str(at) for at, n in enumerate(BURST, 1)})


def test_a_stack_grows_and_keeps_the_cover_that_a_person_chose():
    stacks = FakeStacks(["2", "1"])
    run(*_known(), stacks)
    assert list(stacks.stacks.values()) == [["2", "3", "1"]]


def test_what_a_person_put_in_several_stacks_stays_so():
    stacks = FakeStacks(["1", "8"], ["2", "9"])
    run(*_known(), stacks)
    assert list(stacks.stacks.values()) == [["1", "8"], ["2", "9"]]


def test_a_server_that_stumbles_is_asked_again_at_the_end():
    stacks = FakeStacks()
    stacks.fails = [errors.ServerBusy("503")]
    assert run(*_known(), stacks) == ()
    assert stacks.made == 1


def test_what_cannot_be_stacked_is_told_once_and_no_photo_fails():
    stacks = FakeStacks()
    stacks.fails = [errors.PermissionMissing("stack.create")] * 9
    drive, server = _known()
    drive.files |= {"1.cr3": b"raw", "1.jpg": b"jpeg"}
    (problem,) = run(drive, server, stacks)
    assert "safe" in problem
    assert "2 stacks" in problem
    assert "stack.create" in problem
    assert stacks.asked == 3  # each once, and then it was clear


def test_a_bug_ends_loudly_and_nobody_waits_for_ever():
    stacks = FakeStacks()
    stacks.fails = [RuntimeError("a bug")]
    drive, server = _known()
    drive.files |= {"1.cr3": b"raw", "1.jpg": b"jpeg"}
    with pytest.raises(RuntimeError, match="a bug"):
        run(drive, server, stacks)
    assert stacks.closed


def test_when_the_run_is_stopped_what_is_left_is_left():
    stacks = FakeStacks()
    (problem,) = run(*_known(), stacks, is_stopped=lambda: True)
    assert "1 stack was not made: the run was stopped" in problem
    assert stacks.made == 0


@given(
    st.lists(st.sampled_from("123456"), unique=True, max_size=4),
    st.lists(st.sampled_from("123456"), unique=True, max_size=4),
)
def test_no_stack_that_is_there_loses_a_photo(one, other):
    other = [each for each in other if each not in one]
    before = [ids for ids in (one, other) if len(ids) > 1]
    stacks = FakeStacks(*before)
    run(*_known(), stacks)
    after = list(stacks.stacks.values())
    assert all(any(set(ids) <= set(new) for new in after) for ids in before)
    assert len({each for ids in after for each in ids}) == sum(map(len, after))


def _sha(drive, path):
    return drive.checksum(drive._file(path), lambda _: None)
