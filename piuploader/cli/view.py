"""The live view on a terminal, and the account that stays when it ends.

It must be a pleasure at 80 by 24, and cheap: it is drawn twice a second by
rich's own thread, from one snapshot. Only names from the drive and words of
the server are a stranger's, and pass through `words.plain`.
"""

from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from piuploader.cli import account, words
from piuploader.core.session import Phase
from piuploader.core.status import ImportStatus, Transfer
from piuploader.core.tally import Ending, Fate

FRAMES_PER_S = 2
MOST_TRANSFERS = 6
MOST_PROBLEMS = 3
ROWS_BESIDE = 15  # lines of the view that are not transfers
STYLES = {
    Ending.CONFIRMED: "green",
    Ending.DUPLICATE: "cyan",
    Ending.SKIPPED: "dim",
    Ending.FAILED: "red",
}
PHASE_STYLES = {Phase.PAUSED: "yellow", Phase.FAILED: "red", Phase.INCOMPLETE: "yellow"}


class View:
    """Shows an import live on a terminal, and its account at the end."""

    def __init__(self, console: Console, *, server: str, dry_run: bool = False) -> None:
        self._console = console
        self._server = server
        self._dry_run = dry_run
        self._failures: list[Fate] = []
        self._live: Live | None = None

    def begin(self, status: Callable[[], ImportStatus]) -> None:
        """Start to draw."""
        self._live = Live(
            console=self._console,
            get_renderable=lambda: self.picture(status()),
            refresh_per_second=FRAMES_PER_S,
            transient=True,
            vertical_overflow="crop",
        )
        self._live.start(refresh=True)

    def fate(self, fate: Fate, root: str = "") -> None:  # noqa: ARG002  the port's
        """Keep the first failures for the account."""
        if fate.ending is Ending.FAILED and len(self._failures) < account.FIRST_FAILURES:
            self._failures.append(fate)

    def end(self, status: ImportStatus, exit_code: int) -> None:  # noqa: ARG002  part of the port
        """Stop to draw, and print the account."""
        if self._live:
            self._live.stop()
        self._console.print(self.account(status))

    def picture(self, status: ImportStatus) -> RenderableType:
        """Return what the terminal shows now."""
        rows: list[RenderableType] = [
            self._heading(status),
            _overall(status),
            _amounts(status),
            Text(),
            _layers(status),
        ]
        room = max(1, min(MOST_TRANSFERS, self._console.height - ROWS_BESIDE))
        if status.transfers:
            rows += [Text(), _transfers(status.transfers[:room])]
        rows += [Text(), _endings(status)]
        rows += [_problem(problem) for problem in status.problems[-MOST_PROBLEMS:]]
        over = account.safe_to_unplug(status)  # the account follows at once
        rows.append(Text("" if over else "Leave the drive in.", style="bold"))
        return Group(*rows)

    def account(self, status: ImportStatus) -> RenderableType:
        """Return the account of an import that is over."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right")
        table.add_column()
        table.add_column(justify="right")
        for row in account.rows(status.tally):
            size = "" if row.size is None or not row.files else words.size(row.size)
            style = STYLES[row.ending] if row.files and row.size is not None else "dim"
            table.add_row(f"{row.files:,}", Text(row.text), size, style=style)
        found = f"{words.counted(status.tally.found, 'file')} found on "
        found += f"{words.plain(status.drive)}, in {words.duration(status.seconds)}"
        rows: list[RenderableType] = [Text(found, style="bold"), table]
        if self._failures:
            rows.append(Text("First failures", style="bold"))
            rows += [_line(account.failure(fate), style="red") for fate in self._failures]
        rows += [_problem(problem) for problem in status.problems]
        rows += [Text(words.plain(note), style="dim") for note in status.notes]
        rows += [Text(sentence, style="yellow") for sentence in account.advice(status.tally)]
        good = account.all_on_server(status) or account.is_dry_run(status.tally)
        style = "bold green" if good else "bold yellow"
        return Group(*rows, Text(account.verdict(status), style=style))

    def _heading(self, status: ImportStatus) -> RenderableType:
        arrow = " would go to " if self._dry_run else " → "
        left = _line(f"{words.plain(status.drive)}{arrow}{words.plain(self._server)}", style="bold")
        style = PHASE_STYLES.get(status.phase, "blue")
        right = Text(status.phase.value, style=f"bold {style}")
        heading = _apart(left, right)
        if not status.pause_reason:
            return heading
        return Group(heading, _line(f"waiting: {words.plain(status.pause_reason)}", style="yellow"))


def _overall(status: ImportStatus) -> RenderableType:
    known = status.scanned and status.media_bytes > 0
    share = min(1.0, status.settled_bytes / status.media_bytes) if status.media_bytes else 0.0
    bar = ProgressBar(total=1.0, completed=share, pulse=not known)
    return _apart(bar, Text(f"{share:4.0%}" if known else " …  "))


def _amounts(status: ImportStatus) -> Text:
    done = status.tally.safe
    more = "" if status.scanned else "+"
    parts = [
        f"{done:,} of {status.media_found:,}{more} files safe",
        f"{words.size(status.settled_bytes)} of {words.size(status.media_bytes)}{more}",
    ]
    if status.bytes_per_s:
        parts.append(f"{words.size(status.bytes_per_s)}/s")
    if status.eta_s is not None:
        parts.append(f"about {words.duration(status.eta_s)} left")
    return _line("   ".join(parts))


def _layers(status: ImportStatus) -> RenderableType:
    """Show the two layers: our own uploads, and the server's jobs."""
    ours = f"{status.uploads_active} active, {status.uploads_queued:,} queued"
    if status.uploads_target:
        ours += f", {status.uploads_target} allowed"
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1, no_wrap=True)
    table.add_row("Our uploads", _line(ours))
    if status.limits:
        table.add_row("Limited by", _line(words.plain(status.limits)))
    table.add_row("Server's jobs", _line(_jobs(status)))
    return table


def _jobs(status: ImportStatus) -> str:
    work = status.server
    if work is None:
        return "not known (only an administrator's key may read them)"
    if work.settled:
        return "all done"
    jobs = f"{work.active:,} active, {work.waiting:,} waiting"
    if work.paused_queues:
        jobs += f", {words.counted(work.paused_queues, 'queue')} paused"
    return jobs


def _transfers(transfers: tuple[Transfer, ...]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=3, no_wrap=True)
    table.add_column(ratio=2)
    table.add_column(justify="right", no_wrap=True, width=4)
    table.add_column(justify="right", no_wrap=True, width=8)
    for transfer in transfers:
        share = min(1.0, transfer.sent / transfer.size) if transfer.size else 0.0
        table.add_row(
            _line(words.plain(transfer.name), style="dim" if transfer.paused else ""),
            ProgressBar(total=1.0, completed=share),
            f"{share:.0%}",
            words.size(transfer.size),
        )
    return table


def _endings(status: ImportStatus) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for ending in Ending:
        count = status.tally.endings[ending]
        separator = ", " if text else ""
        text.append(
            f"{separator}{count:,} {ending.value}", style=STYLES[ending] if count else "dim"
        )
    return text


def _problem(problem: str) -> Text:
    return _line(f"! {words.plain(problem)}", style="yellow")


def _line(text: str, *, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _apart(left: RenderableType, right: RenderableType) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return table
