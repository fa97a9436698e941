"""The plot of an import, played against fakes that behave."""

import time
from threading import Event, Thread, current_thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader import errors
from piuploader.app.gate import Gate
from piuploader.app.importer import Importer, Plan
from piuploader.app.reader import Look
from piuploader.core.session import Phase
from piuploader.core.tally import Ending, Reason
from tests.fakes import TYPES, FakeDrive, FakeLedger, FakeServer, FakeWire, sha1


def importer(drive, server, ledger=None, *, uploads=3, filings=lambda *_: (), **plan):
    plan.setdefault("wait_s", 0.5)
    return Importer(
        drive,
        server,
        ledger or FakeLedger(),
        lambda: FakeWire(drive, server),
        types=TYPES,
        gate=Gate(uploads, clock=time.monotonic),
        plan=Plan(**plan),
        server_name="http://server",
        ping=server.ping,
        filings=filings,
    )


def run(drive, server, ledger=None, **plan):
    return importer(drive, server, ledger, **plan).run()


def endings(outcome):
    return {ending: count for ending, count in outcome.tally.endings.items() if count}


def test_sends_what_the_server_lacks():
    """Two on the drive, one already there: one is sent."""
    server = FakeServer(held={sha1(b"a"): "there"})

    outcome = run(FakeDrive({"a.jpg": b"a", "b.jpg": b"b"}), server)

    assert endings(outcome) == {Ending.DUPLICATE: 1, Ending.CONFIRMED: 1}
    assert [upload.name for upload in server.uploads] == ["b.jpg"]
    assert outcome.exit_code == 0
    assert outcome.phase is Phase.COMPLETE


def test_a_date_in_a_name_counts_when_asked_for_and_is_told_where_it_was_sent():
    drive = FakeDrive({"IMG_2024.heic": b"a", "IMG_2024.mov": b"f", "IMG_2025.jpg": b"b"})
    drive.live = {"IMG_2024.heic": "IMG_2024.mov"}
    server, ledger = FakeServer(held={sha1(b"b"): "there"}), FakeLedger()

    run(drive, server, ledger, look=Look(at_names=True))

    assert {(u.created_at[:4], u.modified_at[:4]) for u in server.uploads} == {("2024", "2023")}
    assert {fate.path: fate.named_at and fate.named_at[:4] for fate in ledger.fates} == {
        "IMG_2024.heic": "2024",
        "IMG_2024.mov": "2024",
        "IMG_2025.jpg": None,
    }


def test_an_empty_drive_is_complete():
    assert run(FakeDrive({}), FakeServer()).phase is Phase.COMPLETE


def test_a_drive_that_comes_back_is_not_read_again():
    """The ledger knows the checksums; the server is asked all the same."""
    drive, server, ledger = FakeDrive({"x/a.jpg": b"a"}), FakeServer(), FakeLedger()
    run(drive, server, ledger)
    drive.reads.clear()

    outcome = run(drive, server, ledger)

    assert drive.reads == []
    assert endings(outcome) == {Ending.DUPLICATE: 1}


def test_what_the_server_lost_meanwhile_is_sent_again():
    """The ledger is never believed without the server."""
    drive, server, ledger = FakeDrive({"a.jpg": b"a"}), FakeServer(), FakeLedger()
    run(drive, server, ledger)
    server.held.clear()

    outcome = run(drive, server, ledger)

    assert endings(outcome) == {Ending.CONFIRMED: 1}
    assert sha1(b"a") in server.held


def test_a_reply_is_no_proof():
    """The server says 201 and keeps nothing: the file is failed, never confirmed."""
    server = FakeServer(loses={"a.jpg"})

    outcome = run(FakeDrive({"a.jpg": b"a"}), server)

    assert outcome.tally.reasons == {(Ending.FAILED, Reason.NOT_HELD): 1}
    assert outcome.exit_code == errors.EXIT_SOME_FAILED
    assert len(server.uploads) == 3


def test_twins_on_one_drive_are_sent_once():
    server = FakeServer()

    outcome = run(FakeDrive({"a.jpg": b"same", "b/a.jpg": b"same", "c.jpg": b"same"}), server)

    assert len(server.uploads) == 1
    assert endings(outcome) == {Ending.CONFIRMED: 1, Ending.DUPLICATE: 2}


def test_a_twin_of_a_refused_file_tries_its_own_luck():
    server = FakeServer(refuse={"a.jpg": errors.FileRefused("HTTP 400: no")})

    outcome = run(FakeDrive({"a.jpg": b"same", "b.jpg": b"same"}), server, uploads=1)

    assert endings(outcome) == {Ending.FAILED: 1, Ending.CONFIRMED: 1}


def test_a_live_photo_is_sent_film_first_and_linked():
    server = FakeServer()
    drive = FakeDrive({"i.heic": b"still", "i.mov": b"film"}, live={"i.heic": "i.mov"})

    outcome = run(drive, server)

    film, still = server.uploads
    assert (film.name, film.hidden) == ("i.mov", True)
    assert still.live_photo_video_id == server.held[sha1(b"film")]
    assert endings(outcome) == {Ending.CONFIRMED: 2}


def test_a_live_photo_survives_a_film_that_stumbles():
    server = FakeServer(refuse={"i.mov": [errors.ServerError("HTTP 418")]})
    drive = FakeDrive({"i.heic": b"still", "i.mov": b"film"}, live={"i.heic": "i.mov"})

    outcome = run(drive, server)

    assert [upload.name for upload in server.uploads] == ["i.mov", "i.heic"]
    assert server.uploads[1].live_photo_video_id
    assert endings(outcome) == {Ending.CONFIRMED: 2}


def test_a_still_whose_film_is_refused_is_sent_alone():
    server = FakeServer(refuse={"i.mov": errors.FileTooLarge("HTTP 413")})
    drive = FakeDrive({"i.heic": b"still", "i.mov": b"film"}, live={"i.heic": "i.mov"})

    outcome = run(drive, server)

    assert [u.live_photo_video_id for u in server.uploads] == [None]
    assert outcome.tally.reasons == {(Ending.FAILED, Reason.TOO_LARGE): 1}


def test_two_copies_of_a_live_photo_arrive_once():
    server = FakeServer()
    files = {"a/i.heic": b"s", "a/i.mov": b"f", "b/i.heic": b"s", "b/i.mov": b"f"}
    drive = FakeDrive(files, live={"a/i.heic": "a/i.mov", "b/i.heic": "b/i.mov"})

    outcome = run(drive, server)

    assert len(server.uploads) == 2
    assert endings(outcome) == {Ending.CONFIRMED: 2, Ending.DUPLICATE: 2}


def test_a_film_whose_still_is_there_already_goes_alone():
    server = FakeServer(held={sha1(b"still"): "there"})
    drive = FakeDrive({"i.heic": b"still", "i.mov": b"film"}, live={"i.heic": "i.mov"})

    outcome = run(drive, server)

    assert [(u.name, u.hidden) for u in server.uploads] == [("i.mov", False)]
    assert endings(outcome) == {Ending.DUPLICATE: 1, Ending.CONFIRMED: 1}


def test_the_trash_is_not_safe():
    server = FakeServer(held={sha1(b"a"): "there"}, trashed={sha1(b"a")})

    outcome = run(FakeDrive({"a.jpg": b"a"}), server)

    assert outcome.tally.reasons == {(Ending.FAILED, Reason.TRASHED): 1}
    assert outcome.tally.safe == 0


def test_the_trash_is_restored_on_request_and_asked_again():
    server = FakeServer(held={sha1(b"a"): "there"}, trashed={sha1(b"a")})

    outcome = run(FakeDrive({"a.jpg": b"a"}), server, restore_trashed=True)

    assert endings(outcome) == {Ending.DUPLICATE: 1}
    assert server.trashed == set()


def test_a_dry_run_sends_nothing():
    server = FakeServer(held={sha1(b"a"): "there"}, trashed={sha1(b"a")})
    drive = FakeDrive({"a.jpg": b"a", "b.jpg": b"b"})

    outcome = run(drive, server, dry_run=True, restore_trashed=True)

    assert server.uploads == []
    assert server.trashed
    assert outcome.tally.reasons[Ending.SKIPPED, Reason.DRY_RUN] == 1


def test_one_unreadable_file_does_not_stop_the_rest():
    drive, server = FakeDrive({"a.jpg": b"a", "b.jpg": b"b"}), FakeServer()
    drive.unreadable.add("a.jpg")

    outcome = run(drive, server)

    assert endings(outcome) == {Ending.FAILED: 1, Ending.CONFIRMED: 1}
    assert outcome.tally.reasons == {(Ending.FAILED, Reason.UNREADABLE): 1}


def test_a_busy_server_is_asked_again():
    busy = [errors.ServerBusy("HTTP 503"), errors.ServerBusy("HTTP 503")]
    server = FakeServer(refuse={"a.jpg": busy})

    outcome = run(FakeDrive({"a.jpg": b"a"}), server)

    assert endings(outcome) == {Ending.CONFIRMED: 1}


def test_a_refused_key_stops_the_run():
    """Every file has an ending all the same."""
    server = FakeServer(refuse={"a.jpg": errors.ServerRefusedKey("HTTP 401")})
    drive = FakeDrive({"a.jpg": b"a"} | {f"b{n}.jpg": b"%d" % n for n in range(50)})

    outcome = run(drive, server, uploads=1)

    assert outcome.exit_code == 77
    assert outcome.phase is Phase.FAILED
    assert outcome.tally.open == 0


def test_a_server_that_comes_back_costs_no_file_its_tries():
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(20)}), FakeServer()

    def leave(self):
        if len(self.uploads) == 5:
            self.away = True

    server.after_upload = leave
    knocks = []

    def ping():
        knocks.append(None)
        if len(knocks) == 3:
            server.away = False
        FakeServer.ping(server)

    under_way = importer(drive, server, wait_s=60)
    under_way._lifeline._ping = ping
    outcome = under_way.run()

    assert endings(outcome) == {Ending.CONFIRMED: 20}
    assert len(server.uploads) == 20


def test_a_dead_server_does_not_burn_through_the_files():
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(100)}), FakeServer()
    server.after_upload = lambda self: setattr(self, "away", True)

    outcome = run(drive, server, uploads=1, wait_s=0.2)

    assert outcome.exit_code == 75
    assert outcome.tally.open == 0
    assert len(server.uploads) == 1


def test_a_drive_that_is_pulled_ends_the_session_and_nothing_else():
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(100)}), FakeServer()

    def pull(self):
        if len(self.uploads) == 3:
            drive.present = False

    server.after_upload = pull
    outcome = run(drive, server, uploads=1)

    assert outcome.exit_code == 74
    assert outcome.tally.open == 0
    assert outcome.tally.safe == 3
    assert outcome.tally.reasons[Ending.FAILED, Reason.DRIVE_REMOVED] > 0


def test_a_stop_ends_in_order():
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(100)}), FakeServer()
    under_way = importer(drive, server, uploads=1)
    server.after_upload = lambda self: under_way.stop() if len(self.uploads) == 5 else None

    outcome = under_way.run()

    assert outcome.exit_code == errors.EXIT_INTERRUPTED
    assert outcome.tally.open == 0
    assert outcome.tally.endings[Ending.CONFIRMED] == len(server.uploads)


def test_too_many_failures_stop_the_run():
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(100)}), FakeServer()
    server.refuse = {f"{n}.jpg": errors.FileRefused("HTTP 400") for n in range(100)}

    outcome = run(drive, server, uploads=1, max_failed=2)

    assert outcome.exit_code == errors.EXIT_SOME_FAILED
    assert outcome.phase is Phase.FAILED


def test_a_file_that_grows_is_read_anew():
    drive, server = FakeDrive({"a.jpg": b"a"}), FakeServer()
    real = drive.listings

    def growing(types):
        yield from real(types)

    listing = next(iter(growing(TYPES)))
    drive.files["a.jpg"] = b"longer"
    drive.listings = lambda types: iter([listing])

    outcome = run(drive, server)

    assert endings(outcome) == {Ending.CONFIRMED: 1}
    assert sha1(b"longer") in server.held


def test_a_bug_is_loud():
    class Broken(FakeServer):
        def check(self, checksums):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(FakeDrive({"a.jpg": b"a"}), Broken())


@given(
    contents=st.lists(st.integers(0, 9), max_size=30),
    held=st.sets(st.integers(0, 9)),
    trashed=st.sets(st.integers(0, 9)),
    refused=st.sets(st.integers(0, 29)),
    lost=st.sets(st.integers(0, 29)),
)
def test_the_account_always_balances(contents, held, trashed, refused, lost):
    """No file is lost, none is counted twice, and none is called safe that is not there."""
    drive = FakeDrive({f"{n}.jpg": b"%d" % content for n, content in enumerate(contents)})
    server = FakeServer(
        held={sha1(b"%d" % n): f"held-{n}" for n in held},
        trashed={sha1(b"%d" % n) for n in trashed & held},
        refuse={f"{n}.jpg": errors.FileRefused("HTTP 400") for n in refused},
        loses={f"{n}.jpg" for n in lost},
    )
    ledger = FakeLedger()

    outcome = run(drive, server, ledger)

    assert outcome.tally.open == 0
    assert len(ledger.fates) == len(contents)
    safe = [f for f in ledger.fates if f.ending in {Ending.CONFIRMED, Ending.DUPLICATE}]
    assert {f.checksum for f in safe} <= server.held.keys() - server.trashed


def test_a_twin_of_a_file_that_changes_tries_its_own_luck():
    """Both had the same bytes when they were read; then one of them changed."""
    drive, server = FakeDrive({"a.jpg": b"same", "b.jpg": b"same"}), FakeServer()
    under_way = importer(drive, server, uploads=1)

    def change(items):
        drive.files["a.jpg"] = b"other bytes"
        under_way.senders.put(items)

    under_way._clerk._send = change
    outcome = under_way.run()

    assert endings(outcome) == {Ending.CONFIRMED: 2}
    assert {sha1(b"same"), sha1(b"other bytes")} <= server.held.keys()


def test_what_a_sender_has_sent_is_not_held_back_when_it_has_to_rest():
    """The gate narrows while a sender still has files in hand that nobody asked about yet."""
    drive, server = FakeDrive({f"{n}.jpg": b"%d" % n for n in range(60)}), FakeServer()
    under_way = importer(drive, server, uploads=2)

    narrowed = Event()

    def narrow(_server):
        if current_thread().name == "sender-1":
            under_way.resize(1)
            narrowed.set()
        else:
            narrowed.wait(10)

    server.after_upload = narrow
    ended = []
    thread = Thread(target=lambda: ended.append(under_way.run()), daemon=True)
    thread.start()
    thread.join(20)
    under_way.stop()

    assert ended
    assert endings(ended[0]) == {Ending.CONFIRMED: 60}
