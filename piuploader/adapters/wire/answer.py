"""The server's answer to an upload: read it, and say what it means.

Nearly every answer is one small packet with a Content-Length, and is read
here. Anything else is left to `http.client`, which knows them all.
"""

import email.utils
import http.client
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from piuploader import errors
from piuploader.adapters.wire.line import BUFFER, Line

if TYPE_CHECKING:
    import socket

LIMIT = 1024 * 1024  # bytes; no honest answer to an upload is longer
SUCCESS = frozenset({200, 201})
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, TOO_LARGE, SERVER_ERROR = 400, 401, 403, 413, 500
PROXY_LOGIN, NETWORK_LOGIN = 407, 511
NOT_IMMICH = frozenset({404, 405})
BUSY = frozenset({408, 425, 429})
FULL = 507
QUOTA = "Quota has been exceeded"  # asset-media.service.ts
PERMISSION = "Missing required permission"  # auth.guard.ts
LONGEST = 300  # characters of a server's message that are worth showing


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    keep_alive: bool
    retry_after_s: float | None = None
    location: str | None = None


class NoAnswer(ConnectionError):
    """The connection ended before the first byte of an answer."""


def read_answer(line: Line, buffer: bytearray, *, within_s: float) -> Answer:
    """Wait for one answer and read it.

    Raise NoAnswer if none came, OSError or HTTPException if it broke off or makes no sense.
    """
    data = line.overheard()
    if not data:
        try:
            count = line.receive(buffer, within_s=within_s)
        except ConnectionResetError as error:
            raise NoAnswer("the connection was cut off without an answer") from error
        if not count:
            raise NoAnswer("the connection was closed without an answer")
        data = bytes(memoryview(buffer)[:count])
    return _simple(data) or _unusual(_Replay(line, data, within_s))


def _simple(data: bytes) -> Answer | None:
    """Read an answer that came whole, with a Content-Length and nothing odd about it."""
    head, found, body = data.partition(b"\r\n\r\n")
    low = head.lower()
    at = low.find(b"\r\ncontent-length:")
    if not found or at < 0 or not low.startswith(b"http/1.1 2") or not low[9:12].isdigit():
        return None
    if b"\r\ntransfer-encoding:" in low:
        return None
    if b"\r\nconnection:" in low and b"\r\nconnection: keep-alive" not in low:
        return None
    if low[at + 17 :].partition(b"\r\n")[0].strip() != b"%d" % len(body):
        return None
    return Answer(status=int(head[9:12]), body=body, keep_alive=True)


def _unusual(replay: "_Replay") -> Answer:
    response = http.client.HTTPResponse(cast("socket.socket", replay), method="POST")
    try:
        response.begin()
        while (
            response.status // 100 == 1 and response.status != http.HTTPStatus.SWITCHING_PROTOCOLS
        ):
            response.headers = response.msg = None  # type: ignore[assignment]
            response.begin()
        body = response.read(LIMIT)
        if response.length and len(body) < LIMIT:
            raise http.client.IncompleteRead(body, response.length)
        return Answer(
            status=response.status,
            body=body,
            keep_alive=not response.will_close and response.isclosed(),
            retry_after_s=_retry_after_s(response),
            location=response.getheader("Location"),
        )
    except ValueError as error:  # a size of a chunk below zero
        raise http.client.HTTPException(str(error)) from error
    finally:
        response.close()


class _Replay(io.RawIOBase):
    """A socket whose first bytes were read already, and that does not give without end."""

    def __init__(self, line: Line, data: bytes, within_s: float) -> None:
        self._line = line
        self._data = data
        self._within_s = within_s
        self._given = 0

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, BUFFER)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if self._data:
            count = min(len(into), len(self._data))
            into[:count] = self._data[:count]
            self._data = self._data[count:]
        else:
            count = self._line.receive(into, within_s=self._within_s)
        self._given += count
        if self._given > 2 * LIMIT:
            raise http.client.HTTPException("an answer without end")
        return count


def _retry_after_s(response: http.client.HTTPResponse) -> float | None:
    """Return how long the server asks us to wait, by its own clock where it names a time."""
    asked = response.getheader("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked[:9])
    try:
        until = email.utils.parsedate_to_datetime(asked)
        now = email.utils.parsedate_to_datetime(response.getheader("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def asset_of(answer: Answer) -> tuple[str, bool]:
    """Return the asset's id and whether it was there already; raise what a refusal means."""
    if answer.status not in SUCCESS:
        raise refusal(answer)
    try:
        table = json.loads(answer.body)
        asset_id, status = table["id"], table["status"]
        if isinstance(asset_id, str) and isinstance(status, str):
            return asset_id, status == "duplicate"
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise errors.ServerUnreachable(
        "the address answers, but not as an Immich server does "
        "(a login page of the network, or another program's address?)"
    )


def refusal(answer: Answer) -> errors.ServerError:
    """Return the error that a refusing answer means."""
    status, says = answer.status, message_of(answer.body)
    what = f"HTTP {status}" + (f": {says}" if says else "")
    if status == FULL or says.startswith(QUOTA):
        return errors.ServerFull(what)
    if status == PROXY_LOGIN:
        return errors.ServerUnreachable(
            f"{what}: the proxy wants a name and a password (http://NAME:PASSWORD@HOST)"
        )
    if status == NETWORK_LOGIN:
        return errors.ServerUnreachable(f"{what}: the network wants a login in a browser first")
    if status in BUSY or status >= SERVER_ERROR:
        return errors.ServerBusy(what, retry_after_s=answer.retry_after_s)
    if status in NOT_IMMICH or status < BAD_REQUEST or (status == UNAUTHORIZED and not says):
        return errors.ServerUnreachable(f"{what}: no Immich server at this address?")
    if status == TOO_LARGE:
        return errors.FileTooLarge(what)
    if says.startswith(PERMISSION):
        return errors.PermissionMissing(what)
    # A 403 without Immich's JSON comes from a filter on the way, and is about this file.
    if status == UNAUTHORIZED or (status == FORBIDDEN and says):
        return errors.ServerRefusedKey(what)
    return errors.FileRefused(what)


def message_of(body: bytes) -> str:
    """Return what the server says in its JSON, "" if it is not Immich that speaks."""
    try:
        table = json.loads(body)
        says = table["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    if isinstance(says, list):  # validation errors of servers before 3.0
        says = "; ".join(map(str, says))
    details = table.get("errors")
    if isinstance(details, list) and details:
        says = f"{says}: " + "; ".join(map(_detail, details[:3]))
    return str(says)[:LONGEST]


def _detail(entry: object) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    path = entry.get("path")
    place = ".".join(map(str, path)) if isinstance(path, list) else ""
    return f"{place} {entry.get('message', entry.get('code', ''))}".strip()
