"""What the ledger tells of past sessions, their files, and the drives."""

from contextlib import closing

import pytest

from piuploader.adapters.ledger import SqliteLedger, rows
from piuploader.adapters.ledger.history import INTERRUPTED, RUNNING, History
from piuploader.core.tally import Ending, Fate, Reason, Tally

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path):
    times = iter(range(1_700_000_000, 1_800_000_000))
    with closing(SqliteLedger(path, now=lambda: float(next(times)))) as found:
        yield found


@pytest.fixture
def history(path, ledger):
    with closing(History(path)) as found:
        yield found


def begin(ledger, *, identity="uuid:1", label="CARD"):
    return ledger.begin(identity=identity, label=label, server="http://x")


def fate(path, ending=Ending.CONFIRMED, reason=Reason.NONE, **more):
    return Fate(path, 10, 20, ending, reason, **({"checksum": SHA1, "asset_id": "a"} | more))


def visit(ledger, fates, **options):
    """Go through a whole session."""
    session = begin(ledger, **options)
    tally = Tally()
    for each in fates:
        tally.found += 1
        tally.add(each)
    ledger.record(session, fates)
    ledger.end(session, outcome="complete", tally=tally, problems=["one"])
    return session


def test_a_session_is_told_as_it_was(ledger, history):
    session = visit(ledger, [fate("1.jpg"), fate("2.jpg", Ending.FAILED, Reason.GAVE_UP)])
    (past,) = history.sessions(10)
    assert past == history.session(session)
    assert (past.label, past.identity, past.server) == ("CARD", "uuid:1", "http://x")
    assert (past.state, past.problems) == ("complete", ("one",))
    assert past.tally.found == 2
    assert past.tally.open == 0
    assert past.tally.endings == {
        Ending.CONFIRMED: 1,
        Ending.DUPLICATE: 0,
        Ending.SKIPPED: 0,
        Ending.FAILED: 1,
    }
    assert past.tally.reasons == {(Ending.FAILED, Reason.GAVE_UP): 1}
    assert past.tally.bytes_by_ending[Ending.FAILED] == 10
    assert past.started_s < past.ended_s
    assert history.session(session + 1) is None


def test_the_newest_session_comes_first(ledger, history):
    numbers = [visit(ledger, []) for _ in range(3)]
    assert [each.number for each in history.sessions(2)] == [numbers[2], numbers[1]]


def test_a_session_without_an_end_runs_or_was_interrupted(path, ledger, history):
    session = begin(ledger)
    ledger.record(session, [fate("1.jpg"), fate("2.jpg", Ending.SKIPPED, Reason.JUNK)])
    (running,) = history.running()
    assert (running.number, running.state, running.ended_s) == (session, RUNNING, None)
    assert running.tally.endings[Ending.CONFIRMED] == 1  # so far
    ledger.close()
    assert history.running() == []
    assert history.session(session).state == INTERRUPTED


def test_files_with_news_are_listed_by_path(ledger, history):
    session = visit(
        ledger,
        [
            fate("b/2.jpg"),
            fate("b/1.jpg", Ending.DUPLICATE),
            fate("a.jpg", Ending.FAILED, Reason.UNREADABLE, checksum=None, detail="bad \udcff"),
            fate("c.jpg", Ending.SKIPPED, Reason.FILTERED, checksum=None),
        ],
    )
    assert [(each.path, each.ending) for each in history.files(session)] == [
        ("a.jpg", Ending.FAILED),
        ("c.jpg", Ending.SKIPPED),
        ("b/1.jpg", Ending.DUPLICATE),
        ("b/2.jpg", Ending.CONFIRMED),
    ]
    (failed,) = history.files(session, Ending.FAILED)
    assert (failed.reason, failed.detail) == (Reason.UNREADABLE, "bad \\xff")


def test_what_every_drive_is_full_of_is_not_listed(ledger, history):
    noise = [fate(f"{r.name}", Ending.SKIPPED, r, checksum=None) for r in rows.NOISE]
    again = fate("1.jpg", Ending.DUPLICATE, known=True)
    session = visit(ledger, [*noise, again])
    assert history.files(session) == []
    assert history.session(session).tally.endings[Ending.SKIPPED] == len(noise)


def test_a_known_file_that_had_to_be_sent_again_is_news(ledger, history):
    session = visit(ledger, [fate("1.jpg", known=True)])
    assert [each.path for each in history.files(session)] == ["1.jpg"]


def test_what_was_not_done_is_listed_up_to_a_limit_and_failures_always(ledger, history):
    stopped = [fate(f"{n}.jpg", Ending.FAILED, Reason.STOPPED) for n in range(rows.MAX_LISTED)]
    broken = [fate(f"b{n}.jpg", Ending.FAILED, Reason.UNREADABLE, checksum=None) for n in range(5)]
    session = begin(ledger)
    for batch in (stopped, broken, [fate("x", Ending.SKIPPED, Reason.LINK, checksum=None)]):
        ledger.record(session, batch)
    assert len(history.files(session)) == rows.MAX_LISTED + 5
    assert history.session(session).unlisted == 1


def test_only_the_newest_fifty_sessions_keep_their_files(ledger, history):
    numbers = [visit(ledger, [fate("1.jpg")]) for _ in range(53)]
    assert [bool(history.files(number)) for number in numbers] == [False] * 3 + [True] * 50
    assert len(history.sessions(100)) == 53  # their accounts stay


def test_drives_are_told_with_what_is_known_of_them(ledger, history):
    visit(ledger, [fate("1.jpg"), fate("a/2.jpg")], identity="folder:/\udcff", label="old \udcff")
    failed = fate("1.jpg", Ending.FAILED, Reason.GAVE_UP)
    visit(ledger, [failed, fate("2.jpg", Ending.SKIPPED, Reason.LINK, checksum=None)])
    newest, oldest = history.drives()
    assert (newest.identity, newest.label) == ("uuid:1", "CARD")
    assert (newest.files, newest.confirmed, newest.size) == (1, 0, 10)
    assert (oldest.identity, oldest.label) == ("folder:/\udcff", "old \\xff")
    assert (oldest.files, oldest.confirmed, oldest.size) == (2, 2, 20)
    assert oldest.last_seen_s < newest.last_seen_s


def test_a_drive_that_was_given_a_new_name_is_the_same_drive(ledger, history):
    first = visit(ledger, [], label="CARD")
    visit(ledger, [], label="Holidays")
    (drive,) = history.drives()
    assert drive.label == "Holidays"
    assert drive.first_seen_s < drive.last_seen_s
    assert history.session(first).label == "Holidays"
