"""One request, one answer, or one of our errors.

This is the only place that speaks HTTP here, and the only one that sees the key.
"""

import ssl
from collections.abc import Mapping
from json import loads
from typing import Any
from urllib.parse import urljoin

import requests

from piuploader import __version__, errors
from piuploader.adapters.immich import failure
from piuploader.adapters.immich.tls import TrustingAdapter
from piuploader.core.address import base_url

USER_AGENT = f"piuploader/{__version__}"
PING = "/server/ping"
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; 5,000 checks are 0.7 MB, 10,000 albums 20 MB
CHUNK = 64 * 1024


class Transport:
    """Carries calls to one server with one API key. For one thread at a time."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        context: ssl.SSLContext,
        timeout_s: tuple[float, float],
        user_agent: str = USER_AGENT,
    ) -> None:
        self.url = base_url(url)
        self._timeout_s = timeout_s
        self._http = requests.Session()
        self._http.headers.update({"user-agent": user_agent, "accept": "application/json"})
        if key:
            self._http.headers["x-api-key"] = _clean(key)
        self._http.auth = _no_login
        self._http.mount("https://", TrustingAdapter(context))

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def call(self, method: str, path: str, json: object = None) -> Any:
        """Make one call (a path below /api) and return its JSON, None where it has no content.

        Public for the rooms that add calls of their own. Raises a ServerError of the right kind.
        """
        with self._send(method, path, json) as reply:
            return self._answer(reply, f"{method} {path}")

    def moved_to(self) -> str | None:
        """Return the base URL that the server sends us to, None if it answers here."""
        with self._send("GET", PING, None) as reply:
            to = urljoin(self.url + "/api" + PING, reply.headers.get("location", ""))
            if reply.status_code not in failure.MOVED or not to.endswith("/api" + PING):
                self._answer(reply, f"GET {PING}")
                return None
        return base_url(to.removesuffix(PING))

    def headers(self, path: str) -> Mapping[str, str]:
        """Return what stands above the answer to a GET, whatever the answer is."""
        with self._send("GET", path, None) as reply:
            return reply.headers

    def _answer(self, reply: requests.Response, call: str) -> Any:
        answer = self._read(reply)
        if not 200 <= reply.status_code < 300:  # noqa: PLR2004  that is what "success" is
            raise failure.refusal(
                reply.status_code, reply.headers, answer, call=call, where=self.url
            )
        if not answer:
            return None
        try:
            return loads(answer)
        except (ValueError, RecursionError) as error:
            got = reply.headers.get("content-type", "nothing").partition(";")[0]
            raise failure.not_immich(self.url, f"got {got}") from error

    def _send(self, method: str, path: str, body: object) -> requests.Response:
        try:
            return self._http.request(
                method,
                f"{self.url}/api{path}",
                json=body,
                timeout=self._timeout_s,
                allow_redirects=False,  # the key is for this server alone
                stream=True,
            )
        except (requests.RequestException, OSError, UnicodeError) as error:
            raise self._no_answer(error) from error

    def _read(self, reply: requests.Response) -> bytes:
        answer = bytearray()
        try:
            for piece in reply.iter_content(CHUNK):
                answer += piece
                if len(answer) > LARGEST_ANSWER:
                    raise errors.ServerError(f"{self.url}: the answer has no end")
        except (requests.RequestException, OSError) as error:
            raise self._no_answer(error) from error
        return bytes(answer)

    def _no_answer(self, error: Exception) -> errors.ServerError:
        return failure.no_answer(error, where=self.url, timeout_s=self._timeout_s)


def _clean(key: str) -> str:
    """Refuse what cannot be sent, without repeating it in the message."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise errors.ConfigError("the API key holds characters that no API key has")
    return key


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from sending what a ~/.netrc holds for this host."""
    return request
