"""What a person sees on a terminal of 80 by 24."""

import io
import re

import pytest
from rich.console import Console

from piuploader.cli import account
from piuploader.cli.view import View
from piuploader.core.session import Phase
from piuploader.core.status import Transfer
from piuploader.core.tally import Ending, Fate
from tests.cli.statuses import EMPTY, JUNK, NASTY, SENT, THERE, WOULD, running, status
from tests.waiting import wait_until


def shown(make, *, width=80, height=24, **options):
    console = Console(
        width=width, height=height, file=io.StringIO(), record=True, force_terminal=True
    )
    view = View(console, server="http://immich.local:2283", **options)
    console.print(make(view))
    return console.export_text()


def test_a_running_import_tells_both_layers_and_how_long_it_takes():
    text = shown(lambda view: view.picture(running()))
    for part in (
        "EOS_DIGITAL → http://immich.local:2283",
        "uploading",
        "61%",
        "2 of 1,950 files safe",
        "6.2 GB of 10.1 GB",
        "12.3 MB/s",
        "about 5 min 17 s left",
        "4 active, 128 queued, 6 allowed",
        "Limited by     the server's answers",
        "3 active, 412 waiting, 2 queues paused",
        "1 confirmed, 1 duplicate, 1 skipped, 1 failed",
        "! the server was away for 12 s",
        "Leave the drive in.",
    ):
        assert part in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 16), (200, 60), (20, 5)])
def test_it_fits_any_terminal(width, height):
    status = running(
        drive="a very long label " * 5,
        limits="a very long reason " * 5,
        problems=("a very long problem " * 9,) * 9,
        transfers=(Transfer("a very long name " * 9, 1, 1),) * 40,
    )
    lines = shown(lambda view: view.picture(status), width=width, height=height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 16)


def test_a_drive_that_may_go_is_not_asked_to_stay():
    """The last frame may be drawn when all is over."""
    assert "Leave" not in shown(lambda view: view.picture(running(phase=Phase.COMPLETE)))


def test_six_transfers_are_enough():
    text = shown(lambda view: view.picture(running()))
    assert re.findall(r"IMG_(\d)", text) == list("012345")


def test_what_limits_is_not_cut_off_at_eighty_columns():
    says = "under-voltage: use a stronger power supply, 81 °C: pacing"
    text = shown(lambda view: view.picture(running(uploads_queued=12_345, limits=says)))
    assert says in text


def test_a_pause_says_what_it_waits_for():
    paused = running(phase=Phase.PAUSED, pause_reason="the server is away")
    assert "waiting: the server is away" in shown(lambda view: view.picture(paused))


def test_a_scan_that_goes_on_promises_nothing():
    text = shown(lambda view: view.picture(running(scanned=False, eta_s=None)))
    assert "%" not in text.splitlines()[1]
    assert "1,950+ files" in text
    assert "left" not in text


def test_a_key_that_may_not_read_the_queues_is_told_so():
    assert "administrator" in shown(lambda view: view.picture(running(server=None)))


def test_names_cannot_paint_or_turn_the_screen():
    transfers = (Transfer("\x1b[2J\u202egpj [red]x[/red].exe", 10, 5),)
    status = running(transfers=transfers, drive="\x1b]0;x\x07", problems=("[bold]\x1b[5m",))
    text = shown(lambda view: view.picture(status))
    assert r"\x1b[2J\u202egpj [red]x" in text
    assert r"! [bold]\x1b[5m" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def finish(status, *fates, **options):
    def make(view):
        for fate in fates:
            view.fate(fate)
        return view.account(status)

    return shown(make, **options)


def test_the_account_names_each_ending_its_reasons_and_the_first_failures():
    over = status(SENT, THERE, JUNK, EMPTY, NASTY, phase=Phase.INCOMPLETE)
    text = finish(over, SENT, EMPTY, NASTY)
    for part in (
        "5 files found on EOS_DIGITAL, in 3 min 20 s",
        r"1 +uploaded and confirmed +4\.0 MB",
        r"1 +there already +2\.0 MB",
        r"1 +made by a system or program",
        r"2 +failed",
        r"DCIM/empty\.jpg: the file is empty",
        r"DCIM/\\x1b\[31m\\u202egpj\.exe: the server refuses this file \(says \[bold\]no\)",
        "The drive may go, but keep it: 2 files are not safe on the server",
    ):
        assert re.search(part, text)


def test_many_failures_are_cut_short():
    fates = [EMPTY._replace(path=f"{n}.jpg") for n in range(1000)]
    text = finish(status(*fates, phase=Phase.INCOMPLETE), *fates)
    assert len(text.splitlines()) < 30


@pytest.mark.parametrize(
    ("over", "says", "all_safe"),
    [
        (status(SENT, THERE, JUNK), "The drive may go: all 2 files are safe on the server.", True),
        (status(SENT), "The drive may go: its one file is safe on the server.", True),
        (status(JUNK), "There was nothing to upload: the drive may go.", False),
        (status(WOULD), "Nothing was sent, for this was a dry run: 1 file would be.", False),
        (status(EMPTY, phase=Phase.INCOMPLETE), "keep it: 1 file is not safe", False),
        (status(EMPTY, phase=Phase.FAILED), "but 1 file is not on the server", False),
        (status(SENT, phase=Phase.FAILED), "but not everything on it is on the server", False),
        (status(phase=Phase.FAILED, scanned=False), "but not everything on it", False),
        (status(SENT, found=3), "does not balance: 2 files without an ending", False),
        (status(SENT, phase=Phase.UPLOADING), "Leave the drive in", False),
    ],
)
def test_the_last_sentence_tells_whether_the_drive_may_go(over, says, all_safe):
    assert says in account.verdict(over)
    assert account.all_on_server(over) is all_safe


def test_the_view_draws_by_itself_and_leaves_the_account_only():
    screen = io.StringIO()
    console = Console(width=80, height=24, file=screen, force_terminal=True)
    view = View(console, server="x")
    looks = []
    view.begin(lambda: looks.append(1) or running())
    wait_until(lambda: len(looks) > 1)
    for n in range(100):
        view.fate(Fate(f"{n}", 1, 1, Ending.FAILED))
    view.end(status(SENT), 0)
    after = len(looks)
    assert "Leave the drive in." in screen.getvalue()
    assert screen.getvalue().rstrip().endswith("safe on the server.\x1b[0m")
    assert len(looks) == after
