"""Where the server is: its base URL taken apart, and the proxy on the way."""

import base64
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from piuploader.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An Immich server as a connection sees it."""

    secure: bool
    host: str
    port: int
    path: str  # in front of /api, "" for most servers
    context: ssl.SSLContext | None = None  # kept for plain servers too: they may redirect to TLS
    proxy: str | None = None  # the proxy's URL

    @property
    def authority(self) -> str:
        """The Host header: brackets for IPv6, the port only where it is unusual."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL again."""
        return f"http{'s' if self.secure else ''}://{self.authority}{self.path}"

    @property
    def target(self) -> str:
        """The path in front of /api; a plain proxy wants the whole address there."""
        return self.url if self.proxy and not self.secure else self.path

    @property
    def proxy_authorization(self) -> str | None:
        """The header for a proxy that wants a name and a password."""
        parts = urlsplit(self.proxy or "")
        if parts.username is None:
            return None
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


def endpoint(url: str, context: ssl.SSLContext | None = None) -> Endpoint:
    """Parse the server's base URL (without /api); raise ConfigError if it is none.

    `context`: whom to trust; without one, the system's authorities.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = _plain(parts.hostname or "")
    except ValueError as error:
        raise ConfigError(f"the server's address is not valid: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError("the server's address must begin with http:// or https://")
    path = parts.path.rstrip("/")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ConfigError("the server's address is not valid: encode its path with % signs")
    return Endpoint(
        secure=parts.scheme == "https",
        host=host,
        port=port,
        path=path,
        context=context,
        proxy=_proxy(url),
    )


def _plain(host: str) -> str:
    """Return a host name as the network wants it: müller.example is xn--mller-kva.example.

    Raise ValueError if it can be none.
    """
    plain = host.encode("idna").decode()
    if not plain.isprintable() or " " in plain:
        raise ValueError("a host's name has no spaces")
    return plain


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for this address.

    Requests decides, as it does for all other calls to this server.
    """
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415  slow to load

    proxy: str | None = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    scheme, found, _ = proxy.partition("://")
    if not found:
        scheme, proxy = "http", f"http://{proxy}"
    if scheme.lower() != "http":
        raise ConfigError(
            f"the environment names a proxy of the kind {scheme}://, and uploads can only use "
            "http:// ones: change the variables http_proxy, https_proxy and all_proxy, "
            "or name the server in no_proxy"
        )
    try:
        via = urlsplit(proxy)
        valid = bool(_plain(via.hostname or "")) and via.port != 0
    except ValueError:
        valid = False
    if not valid:  # and do not repeat it: it may hold a password
        raise ConfigError("the proxy that the environment names has no valid address")
    return proxy
