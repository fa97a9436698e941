"""UploadWire: send files over one connection, and read what the server says.

A server may answer before it has the whole file: it knows the checksum, or
refuses. Then no more is sent, and the connection is given up.
"""

import socket
import time
from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import urljoin

from piuploader import __version__, errors
from piuploader.adapters.wire.answer import Answer, NoAnswer, asset_of, read_answer
from piuploader.adapters.wire.body import Body
from piuploader.adapters.wire.endpoint import Endpoint, endpoint
from piuploader.adapters.wire.form import Form
from piuploader.adapters.wire.line import BUFFER, Line
from piuploader.adapters.wire.opening import connect, plain_words
from piuploader.core.media import Receipt, Upload

BLOCK = 256 * 1024  # bytes; larger gains nothing, and each connection holds one
SILENCE_S = 60.0  # no byte moves for so long: the connection is dead
SLOWEST_DISK = 1_000_000  # bytes/s at which a server may still digest a file before it answers
# Immich closes an idle connection after 5 s; leave a second for the way.
IDLE_S = 4.0
# That a resting connection was closed at the other end shows before so much is sent: the kernel
# takes up to 4 MiB (tcp_wmem) before it has to hear from there.
STALE_BYTES = 8 * 1024 * 1024
# From this size a file's pages leave the cache when they were sent. Where memory is small, the
# kernel would rather drop those that were hashed and wait for their turn: they were used once only.
# With 300 MB, one byte in seven was read twice.
FORGET_FROM = BLOCK
REDIRECTS = frozenset({301, 302, 307, 308})
MAX_REDIRECTS = 3
AGENT = f"piuploader/{__version__}"
PATH = "/api/assets"


class UploadWire:
    """One connection to one server, for one thread."""

    def __init__(
        self,
        to: Endpoint,
        key: str,
        *,
        device_fields: bool = False,
        silence_s: float = SILENCE_S,
        forget_from: int = FORGET_FROM,
        leaving: Callable[[socket.socket], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raise ConfigError for a key that cannot be sent.

        `device_fields`: the server is older than 3.0 and wants deviceAssetId and deviceId.
        `silence_s`: no byte moves for so long: the connection is dead.
        `forget_from`: files of so many bytes leave the page cache as they are sent.
        `leaving(socket)` is called before a connection is closed, for a last look at it.
        """
        self._to = to
        self._key = key
        self._device_fields = device_fields
        self._silence_s = silence_s
        self._forget_from = forget_from
        self._leaving = leaving
        self._clock = clock
        self._block = memoryview(bytearray(BLOCK))
        self._answer_buffer = bytearray(BUFFER)
        self._line: Line | None = None
        self._idle_since = 0.0
        self._aborted = False
        self._form = self._new_form()

    @property
    def socket(self) -> socket.socket | None:
        """The open connection's socket, for a look at its TCP_INFO."""
        line = self._line
        return line.sock if line else None

    def send(self, upload: Upload, moved: Callable[[int], object]) -> Receipt:
        """Send one file. `moved(n)` is called before each n bytes and may hold them back.

        Raise FileUnreadable or FileChanged for the file's faults, a ServerError for the rest.
        """
        body = Body(upload, moved, block=self._block, forget_from=self._forget_from)
        try:
            body.prepare()
            answer = self._deliver(body)
            if answer.status in REDIRECTS and answer.location:
                answer = self._follow(answer, body)
        finally:
            body.close()
        asset_id, duplicate = asset_of(answer)
        if not body.checksum:
            raise errors.ServerError(f"{self._to.authority}: answered before it had the file")
        return Receipt(asset_id, duplicate, body.checksum)

    def close(self) -> None:
        """Hang up. A closed wire opens again with the next file."""
        if self._line is not None:
            self._leaving(self._line.sock)
            self._line.close()
            self._line = None

    def abort(self) -> None:
        """Break off what is under way, from another thread, for good."""
        self._aborted = True
        if (line := self._line) is not None:
            line.abort()

    def _new_form(self) -> Form:
        return Form(self._to, self._key, device_fields=self._device_fields, agent=AGENT)

    def _deliver(self, body: Body) -> Answer:
        """Send once; again over a new connection if a resting one turns out dead."""
        while True:
            rested = self._rested()
            line = rested or self._connect()
            try:
                self._end_if_aborted()
                return self._exchange(line, body)
            except NoAnswer as error:
                self.close()
                if not rested or body.counted > STALE_BYTES:
                    raise errors.ServerUnreachable(f"{self._to.authority}: {error}") from error
            except BaseException:
                self.close()
                raise

    def _rested(self) -> Line | None:
        """Return the connection that the last file left, if it is still good."""
        line = self._line
        if line and (self._clock() - self._idle_since >= IDLE_S or not line.is_quiet()):
            self.close()
        return self._line

    def _connect(self) -> Line:
        self._end_if_aborted()
        sock = connect(self._to, silence_s=self._silence_s)
        self._line = Line(sock, silence_s=self._silence_s)
        return self._line

    def _end_if_aborted(self) -> None:
        if self._aborted:
            raise errors.ServerUnreachable(f"{self._to.authority}: broken off")

    def _exchange(self, line: Line, body: Body) -> Answer:
        within_s = self._silence_s + body.upload.size / SLOWEST_DISK
        try:
            try:
                whole = body.send(line, self._form.frame(body.upload))
            except ConnectionError:
                whole = False  # the server hung up on us; it may have said why
            answer = read_answer(line, self._answer_buffer, within_s=within_s)
        except NoAnswer:
            raise
        except TimeoutError as error:
            raise errors.ServerUnreachable(
                f"{self._to.authority}: nothing moved for {self._silence_s:.0f} s or more"
            ) from error
        except HTTPException as error:
            raise errors.ServerUnreachable(
                f"{self._to.authority}: its answer broke off or is none: {error!r}"
            ) from error
        except OSError as error:
            raise errors.ServerUnreachable(f"{self._to.authority}: {plain_words(error)}") from error
        if whole and answer.keep_alive:
            self._idle_since = self._clock()
        else:
            self.close()
        return answer

    def _follow(self, answer: Answer, body: Body) -> Answer:
        """Send again where the server sends us."""
        for _ in range(MAX_REDIRECTS):
            self._move_to(answer.location or "")
            answer = self._deliver(body)
            if answer.status not in REDIRECTS or not answer.location:
                return answer
        raise errors.ServerUnreachable(f"{self._to.authority}: redirects in a circle")

    def _move_to(self, location: str) -> None:
        """Take a new address, but only on the same host: the key goes nowhere else."""
        self.close()
        there = location
        try:
            there = urljoin(self._to.url + PATH, location).partition("?")[0]
            to = endpoint(there.removesuffix(PATH), self._to.context)
        except (errors.ConfigError, ValueError) as error:
            raise errors.ServerUnreachable(
                f"{self._to.authority}: redirects to {there!r}: {error}"
            ) from error
        if to.host != self._to.host or not there.endswith(PATH):
            raise errors.ServerUnreachable(
                f"{self._to.authority}: sends uploads on to {there}; "
                "use that address if it is your server's"
            )
        if self._to.secure and not to.secure:
            raise errors.ServerUnreachable(f"{self._to.authority}: redirects to plain http")
        self._to = to
        self._form = self._new_form()
