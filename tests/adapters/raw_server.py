"""A server whose every byte and every silence is scripted.

    def script(peer):
        peer.head()                # read a request's head
        peer.say(answer(413))      # and answer before its body
        peer.reset()

    with RawServer(script) as server: ...

One script is run for each connection, in a thread of its own: the first for the first
connection and so on, the last for all that follow. What goes wrong in a script fails the test.
"""

import contextlib
import json
import socket
import ssl
import struct
from threading import Event, Thread
from typing import Self

WITHIN_S = 20.0  # no test waits longer for a byte


def answer(status=201, body=None, *, version="HTTP/1.1", length=True, **headers) -> bytes:
    """Return an answer as Immich words it. `body`: bytes, or what becomes JSON."""
    if body is None:
        body = {"id": "5f0c", "status": "created"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{version} {status} Said"]
    if length:
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


DUPLICATE = answer(200, {"id": "5f0c", "status": "duplicate"})


class Peer:
    """A connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._read = b""
        self.heads: list[bytes] = []
        self.received = 0  # bytes of bodies

    def head(self) -> dict[str, str]:
        """Read a request's head; return its headers, and its first line as ""."""
        while b"\r\n\r\n" not in self._read:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError
            self._read += got
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        self.heads.append(head)
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines]
        return {"": first} | {name.lower(): value for name, value in pairs}

    def body(self, count: int) -> bytes:
        """Read so many bytes of a body, and keep them."""
        while len(self._read) < count:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError
            self._read += got
        part, self._read = self._read[:count], self._read[count:]
        self.received += count
        return part

    def request(self) -> tuple[dict[str, str], bytes]:
        """Read a whole request."""
        headers = self.head()
        return headers, self.body(int(headers["content-length"]))

    def skip(self, count: int) -> None:
        """Read so many bytes of a body, and let them go."""
        had, self._read = self._read[:count], self._read[count:]
        self.received += len(had)
        count -= len(had)
        buffer = bytearray(65536)
        while count > 0:
            got = self.sock.recv_into(buffer, min(count, len(buffer)))
            if not got:
                raise EOFError
            self.received += got
            count -= got

    def drain(self) -> int:
        """Read until the other side hangs up; return how many bytes came."""
        count, self._read = len(self._read), b""
        buffer = bytearray(65536)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while got := self.sock.recv_into(buffer):
                count += got
        self.received += count
        return count

    def say(self, *parts: bytes) -> None:
        """Send bytes, each part in a packet of its own."""
        for part in parts:
            self.sock.sendall(part)

    def serve(self, *answers: bytes) -> None:
        """Read a request for each answer, and answer it; then wait for the other side to leave."""
        for each in answers:
            headers = self.head()
            self.skip(int(headers["content-length"]))
            self.say(each)
        self.drain()

    def reset(self) -> None:
        """Break the connection off, without a goodbye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock = socket.socket(fileno=self.sock.detach())
        self.sock.close()

    def pipe(self, port: int) -> None:
        """Become a relay to a port of this machine, until both sides have hung up."""
        with socket.create_connection(("127.0.0.1", port), WITHIN_S) as other:
            if self._read:
                other.sendall(self._read)
                self._read = b""
            back = Thread(target=_copy, args=(other, self.sock))
            back.start()
            _copy(self.sock, other)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(target, socket.SHUT_WR)


class RawServer:
    """Listens on a free port of the loopback, with TLS if it is given settings for it."""

    def __init__(self, *scripts, tls=None, host="127.0.0.1", receive_buffer=None) -> None:
        self._scripts = scripts or (lambda peer: peer.serve(answer()),)
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.authority = f"{shown}:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.authority}"
        self.peers: list[Peer] = []
        self.failures: list[BaseException] = []
        self.let_go = Event()  # for scripts that wait for the test
        self._threads: list[Thread] = []
        self._open = True

    @property
    def heads(self) -> list[bytes]:
        """The heads of all requests, connection by connection."""
        return [head for peer in self.peers for head in peer.heads]

    def __enter__(self) -> Self:
        self._start(self._listen)
        return self

    def __exit__(self, kind, *_: object) -> None:
        self._open = False
        self.let_go.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WITHIN_S)
        self._listener.close()
        if kind is None and self.failures:
            raise self.failures[0]

    def _start(self, target, *args) -> None:
        thread = Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while self._open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(WITHIN_S)
            script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
            peer = Peer(sock)
            self.peers.append(peer)
            self._start(self._serve, script, peer)

    def _serve(self, script, peer) -> None:
        try:
            if self._tls:
                try:
                    peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
                except (OSError, ssl.SSLError):
                    return  # a client that does not trust us is no fault of the script
            script(peer)
        except EOFError:
            pass  # the client hung up
        except BaseException as error:  # noqa: BLE001  told to the test at its end
            self.failures.append(error)
        finally:
            peer.sock.close()
