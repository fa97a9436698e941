"""What goes wrong in a call, and which of our errors it is.

Immich says what it means in JSON: `{"message": …}`. An answer in another
form comes from something in between: a proxy, a login page of the network,
another program at the same address.
"""

import email.utils
import errno
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from piuploader import errors

BUSY = frozenset({408, 425, 429})
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_LARGE = 400, 401, 403, 404, 413
FULL = 507
MOVED = range(300, 400)
PERMISSION = "Missing required permission"
LONGEST = 300  # characters of a server's message that are worth showing


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, call: str, where: str
) -> errors.ServerError:
    """Return the error that an answer outside 200…299 means."""
    says = message_of(body)
    what = f"{call}: HTTP {status}" + (f": {says}" if says else "")
    if status in MOVED:
        to = headers.get("location", "elsewhere").partition("?")[0]
        return errors.ServerUnreachable(f"{where} sends us to {to}: use that address instead")
    if status == FULL or "quota" in says.lower():
        return errors.ServerFull(what)
    if status in BUSY or status >= 500:  # noqa: PLR2004  all of them say: not now
        return errors.ServerBusy(what, retry_after_s=retry_after_s(headers))
    if status == UNAUTHORIZED and says:
        return errors.ServerRefusedKey(f"the server refuses the API key: {says}")
    if status == FORBIDDEN and says.startswith(PERMISSION):
        return errors.PermissionMissing(f"the API key may not do this: {says} ({call})")
    if status == FORBIDDEN and says:
        # With the permission in the key, only the owner's role is left to be wrong.
        return errors.NotAnAdmin(
            f"{call}: only a key of an administrator may do this (the server says {says!r})"
        )
    if status == NOT_FOUND and says.startswith("Cannot "):
        return errors.ServerTooOld(f"the server does not know the call {call}")
    if status == TOO_LARGE:
        return errors.ServerError(f"{what}: a proxy limits the size of a request")
    if not says:
        return not_immich(where, f"HTTP {status}")
    return errors.ServerError(what)


def not_immich(where: str, got: str) -> errors.ServerUnreachable:
    """Return the error for an answer that cannot come from Immich."""
    return errors.ServerUnreachable(
        f"{where} answered, but not as an Immich server ({got}): "
        "a login page of the network, a proxy, or another program's address?"
    )


def no_answer(
    error: Exception, *, where: str, timeout_s: tuple[float, float]
) -> errors.ServerError:
    """Return the error for a request that brought no answer."""
    connect_s, read_s = timeout_s
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return errors.ServerUnreachable(f"{where}: {_tls(cause)}")
    if isinstance(error, requests.ConnectTimeout):
        return errors.ServerUnreachable(f"{where} did not answer within {connect_s:.0f} s")
    if isinstance(error, requests.ReadTimeout):
        return errors.ServerUnreachable(f"{where} said nothing for {read_s:.0f} s")
    if isinstance(error, requests.exceptions.ProxyError):
        return errors.ServerUnreachable(f"{where}: the proxy does not let us through: {error}")
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            host = where.partition("://")[2].partition("/")[0]
            return errors.ServerUnreachable(f"the name {host} is not known in this network")
        if isinstance(cause, OSError) and cause.errno in _NETWORK:
            return errors.ServerUnreachable(f"{where}: {_NETWORK[cause.errno]}")
    return errors.ServerUnreachable(f"{where}: no answer ({type(causes[-1]).__name__})")


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


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks us to wait, by its own clock where it names a time."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked[:9])
    try:
        until = email.utils.parsedate_to_datetime(asked)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


_NETWORK = {
    errno.ECONNREFUSED: "nothing listens there: does Immich run, and is the port right?",
    errno.EHOSTUNREACH: "there is no way to this address from here",
    errno.ENETUNREACH: "there is no way to this address from here: is the network up?",
    errno.ENETDOWN: "the network is down",
    errno.ECONNRESET: "the connection was cut off",
    errno.ECONNABORTED: "the connection was cut off",
    errno.EPIPE: "the connection was cut off",
}


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); "
            "name its authority with `ca_file` in the configuration"
        )
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return "it does not speak TLS there: try http:// instead of https://"
    return f"no secure connection ({error.reason or error})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps: requests and urllib3 nest them in several ways."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        reason: Any = getattr(at, "reason", None)
        inner = [arg for arg in at.args if isinstance(arg, BaseException)]
        if isinstance(reason, BaseException):
            inner.insert(0, reason)
        at = next(iter(inner), None) or at.__cause__ or at.__context__


def _detail(entry: object) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    path = entry.get("path")
    place = ".".join(map(str, path)) if isinstance(path, list) else ""
    return f"{place} {entry.get('message', entry.get('code', ''))}".strip()
