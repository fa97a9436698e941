"""`piuploader history` and `piuploader status`: what the ledger knows, and what runs now.

They read and change nothing, need no server, and load little: a small Pi answers at once.
"""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piuploader.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from piuploader.adapters.ledger.history import History, PastSession

NEWEST = 20  # sessions
LEDGER = "ledger.db"
# The service writes at every change, and at least every few seconds while it imports.
FRESH_S = 60.0
NOTHING = "Nothing was imported yet: `piuploader upload FOLDER` begins."

Newest = Annotated[
    int, typer.Option("--last", metavar="N", min=1, help="How many sessions, newest first.")
]
Files = Annotated[
    int | None,
    typer.Option("--files", metavar="N", min=1, help="Session N, file by file; see its number."),
]
EndingName = Annotated[
    str | None,
    typer.Option(
        "--ending",
        metavar="confirmed|duplicate|skipped|failed",
        help="With --files: only those that ended so.",
    ),
]


def history(
    *,
    last: Newest = NEWEST,
    files: Files = None,
    ending: EndingName = None,
    as_json: options.Json = False,
) -> None:
    """Show past imports, session by session, file by file.

    Files that were there and known before are counted, not listed. Of the
    newest 50 sessions the files are kept.
    """
    from piuploader.cli import past

    if ending is not None and files is None:
        raise typer.BadParameter("--ending goes with --files")
    with _ledger() as ledger:
        if files is not None:
            session, found = _files(ledger, files, ending)
            _print(past.files_json(session, found) if as_json else past.files(session, found))
        else:
            sessions = ledger.sessions(last) if ledger else []
            _print(
                {"sessions": [past.session_json(each) for each in sessions]}
                if as_json
                else past.table(sessions) or [NOTHING]
            )


def status(*, as_json: options.Json = False) -> None:
    """Show how the last import ended, or how the running one goes."""
    from piuploader.cli import past

    service = _service()
    with _ledger() as ledger:
        running = ledger.running() if ledger else []
        newest = ledger.sessions(1) if ledger else []
        drives = ledger.drives() if ledger else []
    if as_json:
        _print(
            {
                "running": [past.session_json(each) for each in running],
                "last": past.session_json(newest[0]) if newest else None,
                "drives": [past.drive_json(each) for each in drives],
                "service": service,
            }
        )
        return
    lines = past.service(service) if service else []
    for session in running or newest:
        lines += past.session(session)
    lines += past.drives(drives)
    _print(lines or [NOTHING])


def _files(
    ledger: "History | None", number: int, ending: str | None
) -> "tuple[PastSession, Iterable[Any]]":
    from piuploader.core.tally import Ending
    from piuploader.errors import UsageError

    try:
        wanted: Ending | None = Ending(ending) if ending else None
    except ValueError:
        names = ", ".join(each.value for each in Ending)
        raise typer.BadParameter(f"--ending: {ending!r} is none of {names}") from None
    session = ledger.session(number) if ledger else None
    if ledger is None or session is None:
        raise UsageError(f"there is no session {number}: `piuploader history` lists them")
    return session, ledger.files(number, wanted)


@contextmanager
def _ledger() -> "Iterator[History | None]":
    """Open the ledger, if there is one: looking makes none."""
    from contextlib import closing

    from piuploader.config import state_folder

    path: Path = state_folder() / LEDGER
    if not _exists(path):
        yield None
        return
    from piuploader.adapters.ledger.history import History

    with closing(History(path)) as ledger:
        yield ledger


def _exists(path: "Path") -> bool:
    from piuploader.errors import LedgerError

    try:
        return path.exists()
    except OSError as error:
        raise LedgerError(
            f"the state folder {path.parent} cannot be read: {error.strerror}"
        ) from error


def _service() -> "dict[str, Any] | None":
    """Return what the service on this device said last, and how old it is in seconds."""
    from time import time

    from piuploader.adapters.statusfile import read, usual_path
    from piuploader.core.statusfile import age_s

    now_s = time()
    document = read(usual_path())
    age = age_s(document, now_s=now_s) if document else None
    if document is None or age is None:
        return None
    return {"age_s": round(age, 1), "fresh": age <= FRESH_S, "status": document}


def _print(what: "Any") -> None:
    import json

    if not isinstance(what, dict):
        for line in what:
            sys.stdout.write(line + "\n")
    else:
        json.dump(what, sys.stdout)
        sys.stdout.write("\n")
    sys.stdout.flush()
