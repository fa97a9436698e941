"""Open a connection to the server, or say in plain words why there is none.

TLS verification, the way through a proxy and the choice between IPv6 and
IPv4 are left to `http.client`: it has had them right for years.
"""

import errno
import http.client
import socket
import ssl
from urllib.parse import urlsplit

from piuploader.adapters.wire.endpoint import Endpoint
from piuploader.errors import ServerUnreachable

CONNECT_TIMEOUT_S = 10.0  # for each address of the host; Wi-Fi that wakes up takes a few seconds

# The codes of OpenSSL's x509_vfy.h for certificates that no `ca_file` can help.
_CLOCK = frozenset({9, 10, 11, 12})  # not valid yet, or not any more
_NAME = frozenset({62, 64})  # for another host, or another address
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_CUT_OFF = "the connection was cut off"
_NETWORK = {
    errno.ECONNREFUSED: "nothing listens there: does Immich run, and is the port right?",
    errno.EHOSTUNREACH: "there is no way to this address from here",
    errno.ENETUNREACH: "there is no way to this address from here: is the network up?",
    errno.ENETDOWN: "the network is down",
    errno.ECONNRESET: _CUT_OFF,
    errno.ECONNABORTED: _CUT_OFF,
    errno.EPIPE: _CUT_OFF,
    errno.ENOTCONN: _CUT_OFF,
}


def connect(to: Endpoint, *, silence_s: float) -> socket.socket:
    """Open a connection, or raise ServerUnreachable.

    The kernel ends it when the other side acknowledges nothing for `silence_s`, or, with
    nothing to acknowledge, no longer answers keep-alive probes.
    """
    connection = _connection(to)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # the socket may be open already
        raise ServerUnreachable(f"{to.authority}: {_through(to)}{plain_words(error)}") from error
    sock: socket.socket = connection.sock
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(silence_s * 1000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(silence_s / 2)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, int(silence_s / 6)))
    return sock


def plain_words(error: Exception) -> str:
    """Say what a failing connection means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error)
    if isinstance(error, ssl.SSLError):
        if error.reason in _NO_TLS:
            return "it does not speak TLS there: try http:// instead of https://"
        return f"no secure connection ({error.reason or error})"
    if isinstance(error, socket.gaierror):
        return "this name is not known in this network"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError) and error.errno in _NETWORK:
        return _NETWORK[error.errno]
    return str(error) or type(error).__name__


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    says = error.verify_message.rstrip(".")
    if error.verify_code in _NAME:
        return f"its certificate is for another name ({says}); use the name that it is for"
    if error.verify_code in _CLOCK:
        return f"its certificate is not valid now ({says}), or this machine's clock is wrong"
    return (
        f"its certificate is not trusted ({says}); "
        "name its authority with `ca_file` in the configuration"
    )


def _through(to: Endpoint) -> str:
    parts = urlsplit(to.proxy or "")  # may hold a password
    return f"through the proxy {parts.hostname}: " if parts.hostname else ""


def _connection(to: Endpoint) -> http.client.HTTPConnection:
    via = urlsplit(to.proxy) if to.proxy else None
    host, port = (via.hostname or "", via.port or 80) if via else (to.host, to.port)
    if not to.secure:
        return http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
    connection = http.client.HTTPSConnection(
        host, port, timeout=CONNECT_TIMEOUT_S, context=to.context or ssl.create_default_context()
    )
    if via:
        login = to.proxy_authorization
        headers = {"Proxy-Authorization": login} if login else {}
        connection.set_tunnel(to.host, to.port, headers)
    return connection
