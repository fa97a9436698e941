"""The account of an import in words: what every display shows at the end."""

from typing import NamedTuple

from piuploader.cli.words import counted, plain
from piuploader.core.session import Phase, may_remove_drive
from piuploader.core.status import ImportStatus
from piuploader.core.tally import Ending, Fate, Reason, Tally

FIRST_FAILURES = 10  # shown at the end; `piuploader history` has them all

HEADINGS = {
    Ending.CONFIRMED: "uploaded and confirmed",
    Ending.DUPLICATE: "there already",
    Ending.SKIPPED: "skipped",
    Ending.FAILED: "failed",
}


class Row(NamedTuple):
    """A line of the account. Reasons stand below their ending, indented."""

    text: str
    files: int
    size: int | None  # bytes; None for a reason
    ending: Ending


def rows(tally: Tally) -> list[Row]:
    """Return the account: each ending, and below it why, the most frequent first."""
    found = []
    for ending, heading in HEADINGS.items():
        found.append(Row(heading, tally.endings[ending], tally.bytes_by_ending[ending], ending))
        why = [(files, reason) for (of, reason), files in tally.reasons.items() if of is ending]
        why.sort(key=lambda pair: (-pair[0], pair[1].value))
        found += [Row(f"  {reason.value}", files, None, ending) for files, reason in why if files]
    return found


def failure(fate: Fate) -> str:
    """Return one file and why it failed, in one line that is safe to print."""
    detail = f" ({plain(fate.detail)})" if fate.detail else ""
    return f"{plain(fate.path)}: {fate.reason.value or fate.ending.value}{detail}"


def is_dry_run(tally: Tally) -> bool:
    """Tell whether files were left unsent only because it was a dry run."""
    return tally.reasons[Ending.SKIPPED, Reason.DRY_RUN] > 0


def all_on_server(status: ImportStatus) -> bool:
    """Tell whether the server was seen to hold every file that was asked for, one at least."""
    tally = status.tally
    return (
        status.phase is Phase.COMPLETE
        and tally.safe > 0
        and not tally.open
        and not tally.endings[Ending.FAILED]
        and not is_dry_run(tally)
    )


def safe_to_unplug(status: ImportStatus) -> bool:
    """Tell whether the drive may be pulled out now."""
    return may_remove_drive(status.phase)


def verdict(status: ImportStatus) -> str:
    """Return the last sentence: whether the drive may go, and whether all is safe."""
    tally = status.tally
    if not safe_to_unplug(status):
        return "Leave the drive in: the import still runs."
    if tally.open:
        return (
            f"The account does not balance: {counted(tally.open, 'file')} without an ending. "
            "Take the drive out, but keep its files, and report this: it is a fault of piuploader."
        )
    failed = tally.endings[Ending.FAILED]
    if status.phase is Phase.FAILED:
        # Where the scan did not end, nobody knows how many files there are.
        what = "not everything on it is on the server"
        if status.scanned and failed:
            what = f"{counted(failed, 'file')} {_be(failed)} not on the server"
        return f"Stopped before the end: the drive may go, but {what}. Run it again to go on."
    if failed:
        return (
            f"The drive may go, but keep it: {counted(failed, 'file')} {_be(failed)} not safe "
            "on the server."
        )
    if is_dry_run(tally):
        sent = tally.reasons[Ending.SKIPPED, Reason.DRY_RUN]
        return f"Nothing was sent, for this was a dry run: {counted(sent, 'file')} would be."
    if not tally.safe:
        return "There was nothing to upload: the drive may go."
    return f"The drive may go: {_all(tally.safe)} safe on the server."


def _all(safe: int) -> str:
    return "its one file is" if safe == 1 else f"all {safe:,} files are"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def advice(tally: Tally) -> list[str]:
    """Return what a person can do about failures, where we know."""
    return [text for reason, text in ADVICE.items() if tally.reasons[Ending.FAILED, reason]]


ADVICE = {
    Reason.TRASHED: "In the server's trash: restore them there, or run with --restore-trashed.",
    Reason.TOO_LARGE: "Too large: raise the limit of the reverse proxy, or use the server's "
    "address inside the network.",
    Reason.SERVER_FULL: "The server is full: make room there, or raise the user's quota.",
    Reason.UNREADABLE: "Unreadable files: try another port, cable or card reader.",
}
