"""What a JSON answer must hold. What it holds besides is the server's business."""

from typing import Any, TypeVar

from piuploader.errors import ServerError

T = TypeVar("T")

WORDS = {bool: "true or false", dict: "a table", int: "a number", list: "a list", str: "text"}


def expect(value: object, kind: type[T], *, call: str, name: str = "") -> T:
    """Return the value if it is of this kind; raise a ServerError that names it if not."""
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise _wrong(call, f"{name} is not {WORDS[kind]}" if name else f"is not {WORDS[kind]}")


def field(table: object, name: str, kind: type[T], *, call: str) -> T:
    """Return a field of an answer; raise a ServerError that names it if it is not there."""
    fields: dict[str, Any] = expect(table, dict, call=call)
    if name not in fields:
        raise _wrong(call, f"lacks {name!r}")
    return expect(fields[name], kind, call=call, name=repr(name))


def field_or_none(table: object, name: str, kind: type[T], *, call: str) -> T | None:
    """Return a field of an answer that may be null or left out."""
    fields: dict[str, Any] = expect(table, dict, call=call)
    if fields.get(name) is None:
        return None
    return expect(fields[name], kind, call=call, name=repr(name))


def texts(value: object, *, call: str, name: str = "") -> list[str]:
    """Return a list of texts."""
    return [expect(entry, str, call=call, name=name) for entry in _list(value, call, name)]


def _list(value: object, call: str, name: str) -> list[Any]:
    return expect(value, list, call=call, name=name)


def _wrong(call: str, what: str) -> ServerError:
    return ServerError(f"{call}: the server's answer {what}")
