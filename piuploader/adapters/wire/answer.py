"""The server's answer to an upload: read it, and say what it means.

Nearly every answer is one small packet with a Content-Length, and is read
here. Anything else is left to `http.client`, which knows them all.
"""

import http.client
import io
import json
import socket
from typing import Any, NamedTuple, cast

from piuploader import errors

BUFFER = 16 * 1024  # bytes; an answer has about 500
LIMIT = 1024 * 1024  # bytes; no honest answer to an upload is longer
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, TOO_LARGE, SERVER_ERROR = 400, 401, 403, 413, 500
NOT_IMMICH = frozenset({404, 405})
BUSY = frozenset({408, 425, 429})
FULL = frozenset({507})


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    keep_alive: bool
    retry_after_s: float | None = None
    location: str | None = None


class NoAnswer(ConnectionError):
    """The connection ended before the first byte of an answer."""


def read_answer(sock: socket.socket, buffer: bytearray) -> Answer:
    """Read one answer; raise NoAnswer if none came, OSError or HTTPException if it broke off."""
    got = sock.recv_into(buffer)
    if not got:
        raise NoAnswer("closed without an answer")
    data = bytes(memoryview(buffer)[:got])
    return _simple(data) or _unusual(sock, data)


def _simple(data: bytes) -> Answer | None:
    """Read an answer that came whole, with a Content-Length and nothing odd about it."""
    head, found, body = data.partition(b"\r\n\r\n")
    low = head.lower()
    at = low.find(b"\r\ncontent-length:")
    if not found or at < 0 or not low.startswith(b"http/1.1 2"):
        return None
    if b"\r\ntransfer-encoding:" in low or b"\r\nconnection: close" in low:
        return None
    length = low[at + 17 :].partition(b"\r\n")[0].strip()
    if not length.isdigit() or int(length) != len(body):
        return None
    return Answer(status=int(head[9:12]), body=body, keep_alive=True)


def _unusual(sock: socket.socket, data: bytes) -> Answer:
    response = http.client.HTTPResponse(cast("socket.socket", _Replay(sock, data)), method="POST")
    try:
        response.begin()
        body = response.read(LIMIT)
        return Answer(
            status=response.status,
            body=body,
            keep_alive=not response.will_close and response.isclosed(),
            retry_after_s=_seconds(response.getheader("Retry-After")),
            location=response.getheader("Location"),
        )
    finally:
        response.close()


class _Replay(io.RawIOBase):
    """A socket whose first bytes were read already."""

    def __init__(self, sock: socket.socket, data: bytes) -> None:
        self._sock = sock
        self._data = data

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if not self._data:
            return self._sock.recv_into(into)
        count = min(len(into), len(self._data))
        into[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None


def asset_of(answer: Answer) -> tuple[str, bool]:
    """Return the asset's id and whether it was there already; raise what a refusal means."""
    if answer.status not in {200, 201}:
        raise refusal(answer)
    try:
        table = json.loads(answer.body)
        return str(table["id"]), table["status"] == "duplicate"
    except (ValueError, KeyError, TypeError) as error:
        raise errors.ServerUnreachable(
            "the address answers, but not as an Immich server does "
            "(a login page of the network, or another program's address?)"
        ) from error


def refusal(answer: Answer) -> errors.ServerError:
    """Return the error that a refusing answer means."""
    says = _message(answer.body)
    what = f"HTTP {answer.status}" + (f": {says}" if says else "")
    if answer.status in BUSY or (answer.status >= SERVER_ERROR and answer.status not in FULL):
        return errors.ServerBusy(what, retry_after_s=answer.retry_after_s)
    if answer.status in FULL or "quota" in says.lower():
        return errors.ServerFull(what)
    if answer.status in NOT_IMMICH or answer.status < BAD_REQUEST:
        return errors.ServerUnreachable(f"{what}: no Immich server at this address?")
    if answer.status == TOO_LARGE:
        return errors.FileTooLarge(what)
    if says.startswith("Missing required permission"):
        return errors.PermissionMissing(what)
    # A 403 without Immich's JSON comes from a filter on the way, and is about this file.
    if answer.status == UNAUTHORIZED or (answer.status == FORBIDDEN and says):
        return errors.ServerRefusedKey(what)
    return errors.FileRefused(what)


def _message(body: bytes) -> str:
    try:
        table = json.loads(body)
        says = table["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    if isinstance(says, list):  # validation errors of servers before 3.0
        says = "; ".join(str(line) for line in says)
    details = table.get("errors")
    if isinstance(details, list) and details:
        says = f"{says}: " + "; ".join(_detail(entry) for entry in details[:3])
    return str(says)[:300]


def _detail(entry: object) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    path = entry.get("path")
    place = ".".join(map(str, path)) if isinstance(path, list) else ""
    return f"{place} {entry.get('message', entry.get('code', ''))}".strip()
