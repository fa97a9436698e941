"""The server's address as people write it, and the base URLs that it may mean.

    immich.local:2283              -> http://immich.local:2283, https://immich.local:2283
    photos.example.com             -> https://photos.example.com, http://photos.example.com
    https://example.com/immich/api -> https://example.com/immich
    2001:db8::5                    -> https://[2001:db8::5], http://[2001:db8::5]

A base URL has no `/api` and no slash at its end. Which of several it is, only
the network can tell: `piuploader.adapters.immich.resolve` asks.
"""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from piuploader.errors import ConfigError

IMMICH_PORT = 2283  # where Immich listens when nobody chose otherwise; plain HTTP
# What is left in the address bar of a browser that shows Immich.
PAGES = ("/api", "/auth/login", "/photos", "/albums", "/user-settings", "/admin/user-management")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")


def candidates(text: str) -> tuple[str, ...]:
    """Return the base URLs that an address may mean, likeliest first; ConfigError if none."""
    scheme, rest = _split(text.strip())
    if scheme:
        return (_base(scheme, rest, text),)
    likely = ("http", "https") if _has_port(rest) else ("https", "http")
    return tuple(_base(scheme, rest, text) for scheme in likely)


def base_url(text: str) -> str:
    """Return the likeliest base URL of an address; raise ConfigError if it is none."""
    return candidates(text)[0]


def _split(text: str) -> tuple[str, str]:
    scheme, found, rest = text.partition("://")
    if found:
        return scheme.lower(), rest
    try:
        return "", f"[{IPv6Address(text)}]"
    except ValueError:
        return "", text


def _has_port(rest: str) -> bool:
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return re.search(r":\d+$", host) is not None


def _base(scheme: str, rest: str, text: str) -> str:
    if scheme not in {"http", "https"}:
        raise ConfigError(f"the server's address {text!r} must begin with http:// or https://")
    if "@" in rest:  # and do not repeat it: it may hold a password
        raise ConfigError("the server's address must not hold a name and password")
    wrong = ConfigError(
        f"the server's address {text!r} is not valid, try http://HOST:{IMMICH_PORT}"
    )
    if _SPACE.search(rest):
        raise wrong
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise wrong from error
    if not host:
        raise wrong
    path = parts.path.rstrip("/")
    for page in PAGES:
        path = path.removesuffix(page)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "") + path.rstrip("/")
