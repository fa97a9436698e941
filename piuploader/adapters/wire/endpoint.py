"""Where the server is, and how a connection to it is opened.

TLS verification, the proxies of the environment and IPv6 are left to
`http.client` and `urllib.request`: they have been right for years.
"""

import base64
import http.client
import socket
import ssl
import struct
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from piuploader.errors import ConfigError, ServerUnreachable

CONNECT_TIMEOUT_S = 10.0  # Wi-Fi that wakes up takes a few seconds


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An Immich server as a connection sees it."""

    secure: bool
    host: str
    port: int
    path: str  # in front of /api, "" for most servers
    context: ssl.SSLContext | None = None
    proxy: str | None = None  # the proxy's URL

    @property
    def authority(self) -> str:
        """The Host header: brackets for IPv6, the port only where it is unusual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """The path in front of /api; a plain proxy wants the whole address there."""
        if self.proxy and not self.secure:
            return f"http://{self.authority}{self.path}"
        return self.path

    @property
    def proxy_authorization(self) -> str | None:
        """The header for a proxy that wants a name and a password."""
        parts = urlsplit(self.proxy or "")
        if parts.username is None:
            return None
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


def endpoint(url: str, context: ssl.SSLContext | None) -> Endpoint:
    """Parse the server's base URL (without /api); raise ConfigError if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ConfigError(f"the server's address is not valid: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("the server's address must begin with http:// or https://")
    secure = parts.scheme == "https"
    return Endpoint(
        secure=secure,
        host=parts.hostname,
        port=port,
        path=parts.path.rstrip("/"),
        context=(context or ssl.create_default_context()) if secure else None,
        proxy=_proxy(parts),
    )


def _proxy(parts: SplitResult) -> str | None:
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def connect(to: Endpoint, *, silence_s: float) -> socket.socket:
    """Open a connection, or raise ServerUnreachable.

    A plain socket stays blocking, with the kernel's own time limits: a
    socket with a Python timeout is non-blocking underneath, and
    `os.sendfile` cannot wait on one.
    """
    try:
        connection = _connection(to)
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise ServerUnreachable(
            f"{to.authority}: its certificate is not trusted ({error.verify_message}); "
            "name its authority with `ca_file` in the configuration"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise ServerUnreachable(f"{to.authority}: {error}") from error
    sock: socket.socket = connection.sock
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if to.secure:
        sock.settimeout(silence_s)
    else:
        sock.settimeout(None)
        _limit(sock, socket.SO_SNDTIMEO, silence_s)
        _limit(sock, socket.SO_RCVTIMEO, silence_s)
    return sock


def answer_within(sock: socket.socket, seconds: float) -> None:
    """Set how long to wait for the next bytes of an answer."""
    if isinstance(sock, ssl.SSLSocket):
        sock.settimeout(seconds)
    else:
        _limit(sock, socket.SO_RCVTIMEO, seconds)


def _connection(to: Endpoint) -> http.client.HTTPConnection:
    via = urlsplit(to.proxy) if to.proxy else None
    host, port = (via.hostname or "", via.port or 80) if via else (to.host, to.port)
    if not to.secure:
        return http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
    connection = http.client.HTTPSConnection(
        host, port, timeout=CONNECT_TIMEOUT_S, context=to.context
    )
    if via:
        login = to.proxy_authorization
        headers = {"Proxy-Authorization": login} if login else {}
        connection.set_tunnel(to.host, to.port, headers)
    return connection


def _limit(sock: socket.socket, option: int, seconds: float) -> None:
    whole, fraction = divmod(seconds, 1)
    packed = struct.pack("ll", int(whole), int(fraction * 1e6))
    sock.setsockopt(socket.SOL_SOCKET, option, packed)
