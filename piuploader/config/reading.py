"""A TOML file into frozen dataclasses, or a clear no.

Every key has a default; an unknown one is an error that names its place and
the nearest key there is, for a typo must not pass for a default.

The appliance has tables of its own. A command that needs them hands their
dataclasses to `load`; the others leave those tables unread.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

from piuploader.config import values
from piuploader.config.tables import Config, QueueSettings, ServerSettings, UploadSettings
from piuploader.errors import ConfigError

T = TypeVar("T")
# Tables that have a room of their own elsewhere.
ELSEWHERE = frozenset({"lights", "daemon", "boot", "button", "buzzer"})
LARGEST = 1024 * 1024  # bytes; a configuration has a few hundred


def load(path: Path, *, rooms: Mapping[str, type[Any]] | None = None) -> Config:
    """Read the file; raise a ConfigError that says what to change.

    `rooms` maps the names of further tables to their dataclasses; what is found,
    or its defaults, is then in `Config.rooms`.
    """
    document = _parse(path)
    rooms = rooms or {}
    known = {"server", "upload", "queues", *rooms, *ELSEWHERE}
    for name, content in document.items():
        if name not in known:
            kind = f"table [{name}]" if isinstance(content, dict) else f"key {name!r}"
            raise ConfigError(f"{path}: unknown {kind}{_nearest(name, known)}")

    def table(name: str, kind: type[T]) -> T:
        return read_table(document.get(name, {}), kind, where=f"{path}: [{name}]")

    return Config(
        path=path,
        server=table("server", ServerSettings),
        upload=table("upload", UploadSettings),
        queues=table("queues", QueueSettings),
        rooms={name: table(name, kind) for name, kind in rooms.items()},
    )


def read_table(content: object, kind: type[T], *, where: str) -> T:
    """Make a dataclass of a table. `where` names the table in errors.

    A field's annotation may hold the function that reads it: `Annotated[int, values.size]`.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{where} must be a table, with its keys on the lines below")
    known = {declared.name: declared for declared in fields(kind)}  # type: ignore[arg-type]
    found = {}
    hints = get_type_hints(kind, include_extras=True)
    for name, value in content.items():
        if name not in known:
            raise ConfigError(f"{where}: unknown key {name!r}{_nearest(name, known)}")
        try:
            found[name] = _reader(hints[name])(value)
        except ValueError as error:
            shown = f", not {_short(value)}" if known[name].repr else ""
            raise ConfigError(f"{where}: {name} {error}{shown}") from None
    try:
        return kind(**found)
    except ValueError as error:  # values that do not go together
        raise ConfigError(f"{where}: {error}") from None


def _reader(hint: Any) -> values.Reader:
    if get_origin(hint) is Annotated:
        read: values.Reader = hint.__metadata__[0]
        return read
    return values.PLAIN[hint]


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(f"{path}: too large for a configuration")
        # Windows' editor puts a mark at the beginning, and its own line ends everywhere.
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (at byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # The error holds the document, and with it the key: do not chain it.
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"  # noqa: PLR2004  half a line
