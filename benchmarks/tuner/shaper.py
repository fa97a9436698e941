"""A link in user space: an HTTP proxy with a round trip, bounds, weather and a crowd limit.

Where `tc netem` is missing (no root, or a kernel without it) this stands
in for the network. Real bytes over real sockets; each connection has a
thread. Its receive buffers are small, so that what the sender's kernel
calls acknowledged has nearly arrived.
"""

import math
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from piuploader.core.pace import TokenBucket

BLOCK = 16 * 1024
BUFFER = 64 * 1024
FORECAST_S = 600
UPLOAD = b"POST /api/assets HTTP"
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n"
    b"content-length: 4\r\nconnection: close\r\n\r\nbusy"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the link is like; bytes a second and seconds."""

    name: str
    link: float
    per_connection: float = 1e12
    rtt_s: float = 0.0
    answer_s: float = 0.0
    weather: float = 0.0
    weather_s: float = 3.0
    stalls_per_s: float = 0.0
    stall_s: float = 0.3
    uploads_at_once: int = 10_000


class Shaper:
    """Stands before a server on 127.0.0.1; counts the bytes of bodies that passed."""

    def __init__(self, shape: Shape, *, server_port: int, seed: int) -> None:
        self._shape = shape
        self._server_port = server_port
        self._luck = random.Random(seed)
        self._lock = threading.Lock()
        self._bucket = TokenBucket(shape.link)
        self._weather = _weather(shape, seed)
        self._second = -1
        self._open: set[socket.socket] = set()
        self._uploads = 0
        self.passed_bytes = 0
        self.refused = 0
        self.first_s: float | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Cut all connections."""
        with self._lock:
            sockets = [self._listener, *self._open]
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._server_port))
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        time.sleep(self._shape.rtt_s)  # the handshake
        try:
            with suppress(OSError, ConnectionError):
                own = TokenBucket(self._shape.per_connection)
                while self._request(near, far, own):
                    pass
        finally:
            with self._lock:
                self._open -= {near, far}
            near.close()
            far.close()

    def _request(self, near: socket.socket, far: socket.socket, own: TokenBucket) -> bool:
        """Pass one request and its answer; False when the connection is at its end."""
        head, rest = _head(near)
        if head is None:
            return False
        is_upload = head.startswith(UPLOAD)
        if is_upload and not self._enter():
            time.sleep(self._shape.rtt_s)
            near.sendall(REFUSAL)
            return False
        try:
            far.sendall(head)
            self._pass(near, far, rest, _length(head), own, counts=is_upload)
            answer, more = _head(far)
            if answer is None:
                return False
            time.sleep(self._shape.rtt_s + (self._shape.answer_s if is_upload else 0.0))
            near.sendall(answer + more)
            left = _length(answer) - len(more)
            while left > 0:
                block = far.recv(min(left, BLOCK))
                if not block:
                    return False
                near.sendall(block)
                left -= len(block)
        finally:
            if is_upload:
                with self._lock:
                    self._uploads -= 1
        return b"connection: close" not in answer.lower()

    def _enter(self) -> bool:
        with self._lock:
            if self._uploads >= self._shape.uploads_at_once:
                self.refused += 1
                return False
            self._uploads += 1
            if self.first_s is None:
                self.first_s = time.monotonic()
            return True

    def _pass(
        self,
        near: socket.socket,
        far: socket.socket,
        rest: bytes,
        left: int,
        own: TokenBucket,
        *,
        counts: bool,
    ) -> None:
        block = rest
        while left > 0:
            if not block:
                block = near.recv(min(left, BLOCK))
            if not block:
                raise ConnectionError("the sender hung up")
            time.sleep(self._wait(own, len(block)))
            far.sendall(block)
            left -= len(block)
            if counts:
                with self._lock:
                    self.passed_bytes += len(block)
            block = b""

    def _wait(self, own: TokenBucket, count: int) -> float:
        """Return how long this block has to wait: its own bound, the link, a lost packet."""
        shape = self._shape
        with self._lock:
            now = time.monotonic()
            second = 0 if self.first_s is None else int(now - self.first_s)
            if second != self._second:
                self._second = second
                self._bucket.retune(now, shape.link * self._weather[second % FORECAST_S])
            wait = max(self._bucket.take(now, count), own.take(now, count))
            share = count / min(shape.link, shape.per_connection)
            if self._luck.random() < shape.stalls_per_s * share:
                wait += shape.stall_s
        return wait


def _weather(shape: Shape, seed: int) -> list[float]:
    """Return what the link gives in each second: the same for all who are measured on it."""
    sky, mood, factors = random.Random(seed), 0.0, []
    keep = math.exp(-1.0 / shape.weather_s)
    for _ in range(FORECAST_S):
        mood = keep * mood + math.sqrt(1.0 - keep * keep) * sky.gauss(0.0, 1.0)
        factors.append(math.exp(shape.weather * mood))
    return factors


def _head(peer: socket.socket) -> tuple[bytes | None, bytes]:
    """Read up to the empty line; return it and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = peer.recv(BLOCK)
        if not block:
            return None, b""
        data += block
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
