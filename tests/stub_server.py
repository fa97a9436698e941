"""A small HTTP server that answers what a test tells it to, and remembers what it was asked."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple, Self


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """One answer. A `body` that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


Answer = Reply | Callable[[Asked], Reply]

PING = {("GET", "/api/server/ping"): Reply(body={"res": "pong"})}


class StubServer:
    """Answers by method and path; what it does not know gets Immich's 404."""

    def __init__(
        self, answers: dict[tuple[str, str], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        self.answers = dict(answers)
        self.asked: list[Asked] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                stub.asked.append(asked)
                reply = stub.answer(asked)
                content = reply.content()
                self.send_response_only(reply.status)
                usual = {"date": self.date_time_string(), "content-type": "application/json"}
                for name, value in {**usual, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A client that hangs up, or does not trust us, is no fault of the server."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def answer(self, asked: Asked) -> Reply:
        found = self.answers.get((asked.method, asked.path.partition("?")[0]))
        if found is None:
            says = f"Cannot {asked.method} {asked.path}"
            return Reply(404, {"message": says, "error": "Not Found", "statusCode": 404})
        return found if isinstance(found, Reply) else found(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
