"""UploadWire: send files over one connection, and read what the server says.

Three ways for a file's bytes, by what pays:

    small           one read into a reused buffer, one system call for all
    checksum known  `os.sendfile`, which copies nothing (not under TLS)
    else            read, hash and send block by block: one pass over the drive

A server may answer before it has the whole file: it knows the checksum, or
refuses. So between blocks, and when sending breaks, an answer is looked for.
"""

import contextlib
import hashlib
import os
import select
import socket
import ssl
import stat
import time
from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import urlsplit

from piuploader import __version__, errors
from piuploader.adapters.wire.answer import (
    BUFFER,
    Answer,
    NoAnswer,
    asset_of,
    read_answer,
)
from piuploader.adapters.wire.endpoint import Endpoint, answer_within, connect, endpoint
from piuploader.adapters.wire.form import Form, Framed
from piuploader.core.media import Receipt, Upload

BLOCK = 256 * 1024  # bytes; larger gains nothing, and each connection holds one
SILENCE_S = 60.0  # no byte moves for so long: the connection is dead
SLOWEST_DISK = 1_000_000  # bytes/s at which a server may still digest a file before it answers
# Immich closes an idle connection after 5 s; leave a second for the way.
IDLE_S = 4.0
REDIRECTS = frozenset({301, 302, 307, 308})
MAX_REDIRECTS = 3


class UploadWire:
    """One connection to one server, for one thread."""

    def __init__(
        self,
        to: Endpoint,
        key: str,
        *,
        device_fields: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`device_fields`: the server is older than 3.0 and wants deviceAssetId and deviceId."""
        self._to = to
        self._key = key
        self._device_fields = device_fields
        self._clock = clock
        self._block = memoryview(bytearray(BLOCK))
        self._answer_buffer = bytearray(BUFFER)
        self.socket: socket.socket | None = None  # the tuner reads its TCP_INFO
        self._poll = select.poll()
        self._idle_since = 0.0
        self._form = self._new_form()

    def send(self, upload: Upload, moved: Callable[[int], object]) -> Receipt:
        """Send one file. `moved(n)` is called before each n bytes and may hold them back.

        Raise FileUnreadable or FileChanged for the file's faults, a ServerError for the rest.
        """
        source = _open(upload)
        try:
            answer, checksum = self._deliver(upload, source, moved)
            for _ in range(MAX_REDIRECTS):
                if answer.status not in REDIRECTS or not answer.location:
                    break
                self._move_to(answer.location)
                answer, checksum = self._deliver(upload, source, moved)
        finally:
            os.close(source)
        asset_id, duplicate = asset_of(answer)
        return Receipt(asset_id, duplicate, checksum)

    def close(self) -> None:
        """Hang up. A closed wire opens again with the next file."""
        if self.socket is not None:
            self._poll.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def abort(self) -> None:
        """Break off what is under way, from another thread."""
        if (sock := self.socket) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _new_form(self) -> Form:
        agent = f"piuploader/{__version__}"
        return Form(self._to, self._key, device_fields=self._device_fields, agent=agent)

    def _deliver(
        self, upload: Upload, source: int, moved: Callable[[int], object]
    ) -> tuple[Answer, str]:
        """Send once; again over a new connection if an idle one turns out dead."""
        framed = self._form.frame(upload)
        while True:
            fresh = self._ready()
            try:
                return self._exchange(framed, upload, source, moved)
            except NoAnswer as error:
                self.close()
                if fresh:
                    raise errors.ServerUnreachable(f"{self._to.authority}: {error}") from error
            except BaseException:
                self.close()
                raise

    def _ready(self) -> bool:
        """Have a live connection; tell whether it is a new one."""
        if self.socket is not None:
            rested = self._clock() - self._idle_since
            if rested < IDLE_S and not self._poll.poll(0):
                return False
            self.close()
        self.socket = connect(self._to, silence_s=SILENCE_S)
        self._poll.register(self.socket, select.POLLIN)
        return True

    def _exchange(
        self, framed: Framed, upload: Upload, source: int, moved: Callable[[int], object]
    ) -> tuple[Answer, str]:
        sock = self.socket
        if sock is None:  # _ready made one
            raise RuntimeError("no connection")
        whole = True
        broken: OSError | None = None
        try:
            if upload.size <= BLOCK:
                checksum = self._send_small(sock, framed, upload, source, moved)
            else:
                checksum, whole = self._send_large(sock, framed, upload, source, moved)
        except (BrokenPipeError, ConnectionResetError) as error:
            # The server hung up on us; it may have said why.
            whole, checksum, broken = False, upload.checksum or "", error
        except (TimeoutError, BlockingIOError) as error:
            raise self._silent() from error
        except OSError as error:
            raise errors.ServerUnreachable(f"{self._to.authority}: {error}") from error
        answer = self._hear(sock, upload.size, broken)
        if whole and answer.keep_alive:
            self._idle_since = self._clock()
        else:
            self.close()
        return answer, checksum

    def _hear(self, sock: socket.socket, size: int, broken: OSError | None) -> Answer:
        try:
            if size > BLOCK or broken:
                answer_within(sock, SILENCE_S + size / SLOWEST_DISK)
            answer = read_answer(sock, self._answer_buffer)
            if size > BLOCK:
                answer_within(sock, SILENCE_S)
        except (TimeoutError, BlockingIOError) as error:
            raise self._silent() from error
        except (NoAnswer, ConnectionResetError) as error:
            raise NoAnswer(str(broken or error)) from error
        except (OSError, HTTPException) as error:
            raise errors.ServerUnreachable(
                f"{self._to.authority}: the answer broke off: {error!r}"
            ) from error
        return answer

    def _silent(self) -> errors.ServerUnreachable:
        return errors.ServerUnreachable(f"{self._to.authority}: silent for {SILENCE_S:.0f} s")

    def _send_small(
        self,
        sock: socket.socket,
        framed: Framed,
        upload: Upload,
        source: int,
        moved: Callable[[int], object],
    ) -> str:
        data = self._block[: upload.size]
        if _read(source, data, 0, upload.path) != upload.size:
            raise errors.FileChanged(f"{upload.path}: became shorter")
        moved(upload.size)
        if isinstance(sock, ssl.SSLSocket):
            sock.sendall(b"".join((framed.head, data, framed.tail)))
        else:
            sent = sock.sendmsg([framed.head, data, framed.tail])
            if sent < len(framed.head) + upload.size + len(framed.tail):
                sock.sendall(b"".join((framed.head, data, framed.tail))[sent:])
        return upload.checksum or _sha1(data)

    def _send_large(
        self,
        sock: socket.socket,
        framed: Framed,
        upload: Upload,
        source: int,
        moved: Callable[[int], object],
    ) -> tuple[str, bool]:
        """Send block by block; tell the checksum, and whether all went out before an answer."""
        copy = isinstance(sock, ssl.SSLSocket) or upload.checksum is None
        sha1 = hashlib.sha1(usedforsecurity=False) if upload.checksum is None else None
        os.posix_fadvise(source, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        more = 0 if isinstance(sock, ssl.SSLSocket) else socket.MSG_MORE
        sock.sendall(framed.head, more)
        offset = 0
        while offset < upload.size:
            count = min(BLOCK, upload.size - offset)
            moved(count)
            if self._poll.poll(0):
                return upload.checksum or "", False
            if copy:
                data = self._block[:count]
                if _read(source, data, offset, upload.path) != count:
                    raise errors.FileChanged(f"{upload.path}: became shorter")
                if sha1:
                    sha1.update(data)
                sock.sendall(data, more)
                offset += count
            else:
                offset += _sendfile(sock, source, offset, count, upload.path)
        sock.sendall(framed.tail)
        return upload.checksum or (sha1.hexdigest() if sha1 else ""), True

    def _move_to(self, location: str) -> None:
        """Follow a redirect to the same host, so that the key goes nowhere else."""
        self.close()
        parts = urlsplit(location)
        path, found, _ = parts.path.rpartition("/api/assets")
        if parts.hostname != self._to.host or not found:
            raise errors.ServerUnreachable(
                f"{self._to.authority}: sends uploads on to {parts.netloc}; "
                "use that address if it is your server's"
            )
        moved = endpoint(f"{parts.scheme}://{parts.netloc}{path}", self._to.context)
        if self._to.secure and not moved.secure:
            raise errors.ServerUnreachable(f"{self._to.authority}: redirects to plain http")
        self._to = moved
        self._form = self._new_form()


def _open(upload: Upload) -> int:
    """Open the very file that was listed, or say how it differs."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        source = os.open(upload.path, flags)
    except OSError as error:
        raise errors.FileUnreadable(f"{upload.path}: {error.strerror}") from error
    found = os.fstat(source)
    if not stat.S_ISREG(found.st_mode):
        os.close(source)
        raise errors.FileUnreadable(f"{upload.path}: not a regular file")
    if (found.st_size, found.st_mtime_ns) != (upload.size, upload.mtime_ns):
        os.close(source)
        raise errors.FileChanged(f"{upload.path}: changed since it was listed")
    return source


def _read(source: int, into: memoryview, offset: int, path: str) -> int:
    """Fill `into` from the file; return fewer bytes only at its end."""
    try:
        done = os.preadv(source, [into], offset)
        while 0 < done < len(into):
            more = os.preadv(source, [into[done:]], offset + done)
            if not more:
                break
            done += more
    except OSError as error:
        raise errors.FileUnreadable(f"{path}: {error.strerror}") from error
    return done


def _sendfile(sock: socket.socket, source: int, offset: int, count: int, path: str) -> int:
    try:
        sent = os.sendfile(sock.fileno(), source, offset, count)
    except (BrokenPipeError, ConnectionResetError, BlockingIOError):
        raise
    except OSError as error:
        # The drive and the network fail through the same call: ask the drive.
        try:
            os.pread(source, 1, offset)
        except OSError as unreadable:
            raise errors.FileUnreadable(f"{path}: {unreadable.strerror}") from error
        raise
    if not sent:
        raise errors.FileChanged(f"{path}: became shorter")
    return sent


def _sha1(data: memoryview) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
