"""An open connection: bytes out, bytes in, and an end to silence.

An answer is heard while there is still something to send, and what is
readable without being an answer (a TLS ticket, "100 Continue") does not stop
the sending. Under TLS the socket is non-blocking, and `poll` does all the
waiting. Without, a call that sends may wait a moment for room by itself: that
halves the system calls and the changes of thread of a large file.
"""

import contextlib
import errno
import fcntl
import io
import os
import select
import socket
import ssl
import struct
import termios

BUFFER = 16 * 1024  # bytes; an answer has about 500
# How much longer than the kernel (TCP_USER_TIMEOUT) we wait for room in the send buffer: on a
# link of a few KB/s it acknowledges all the time, and takes minutes to drain a third of it.
PATIENCE = 4
MOMENT_US = 250_000  # how much later, at most, an answer is heard that comes while we send
STATUS_AT = len("HTTP/1.1 ")
INTERIM = ord("1")  # 1xx: an answer that is none

# What a file system says that has no `sendfile`.
NO_SENDFILE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Line:
    """One connection, for one request at a time."""

    def __init__(self, sock: socket.socket, *, silence_s: float) -> None:
        """`silence_s`: how long nothing may move before the connection counts as dead."""
        self.sock = sock
        self.is_secure = isinstance(sock, ssl.SSLSocket)
        if self.is_secure:
            sock.setblocking(False)
        else:
            sock.setblocking(True)
            _send_within(sock, MOMENT_US)
        self._heard = b""  # of the answer, while there was still something to send
        self._silence_ms = int(silence_s * 1000)
        self._buffer = bytearray(BUFFER)
        self._incoming = select.poll()
        self._incoming.register(sock, select.POLLIN)
        self._any = select.poll()
        self._any.register(sock, select.POLLIN | select.POLLOUT)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def abort(self) -> None:
        """Wake up and end whatever is under way, from another thread."""
        with contextlib.suppress(OSError):
            # Not SSLSocket's own: it would first make the socket a plain one, and the other
            # thread's next block would go out in the clear.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def is_quiet(self) -> bool:
        """Tell whether a resting connection is still good: open, and nothing unasked came in."""
        if not self._incoming.poll(0):
            return True
        try:
            return self.is_secure and not self._take_in() and not self._heard
        except OSError:
            return False

    def ready(self) -> bool:
        """Wait until more can be sent; False: send no more, an answer or the end came."""
        if not self.is_secure and not self._incoming.poll(0):
            return True  # the call that sends waits for room
        return self._has_room()

    def _has_room(self) -> bool:
        while True:
            found = self._any.poll(self._silence_ms * PATIENCE)
            if not found:
                raise TimeoutError
            events = found[0][1]
            if events & select.POLLERR:
                self._raise_error()
            if events != select.POLLOUT and self._take_in():
                return False
            if events & select.POLLOUT:
                return True

    def send(self, head: bytes, data: memoryview, tail: bytes) -> bool:
        """Send a small request, in one system call where it fits; False as in `ready`."""
        sent = 0
        if not self.is_secure:
            try:
                sent = self.sock.sendmsg((head, data, tail))
            except BlockingIOError:
                sent = 0
            if sent == len(head) + len(data) + len(tail):
                return True
        return self.write(memoryview(b"".join((head, data, tail)))[sent:])

    def write(self, data: memoryview | bytes, *, more: bool = False) -> bool:
        """Send bytes; False as in `ready`. `more`: hold back a packet that is not full."""
        flags = socket.MSG_MORE if more and not self.is_secure else 0
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.sock.send(rest, flags) :]
            except _LATER:
                if not self._has_room():
                    return False
            except ssl.SSLError as error:
                raise BrokenPipeError(str(error)) from error
        return True

    def write_file(self, source: int, offset: int, count: int) -> bool:
        """Send a part of a file without copying it; False as in `ready`. Not under TLS.

        Raise EOFError if the file has become shorter, io.UnsupportedOperation, with nothing sent,
        if its file system cannot do this.
        """
        target, at, end = self.sock.fileno(), offset, offset + count
        while at < end:
            try:
                sent = os.sendfile(target, source, at, end - at)
            except BlockingIOError:
                if not self._has_room():
                    return False
                continue
            except OSError as error:
                if at == offset and error.errno in NO_SENDFILE:
                    raise io.UnsupportedOperation from error
                raise
            if not sent:
                raise EOFError
            at += sent
        return True

    def overheard(self) -> bytes:
        """Return what came in of the answer while there was still something to send."""
        heard, self._heard = self._heard, b""
        return heard

    def receive(self, into: bytearray | memoryview, *, within_s: float) -> int:
        """Wait for bytes and return how many came, 0 at the end.

        Raise TimeoutError if none come within this time of the last that we sent.
        """
        slow = False
        while True:
            pending = self.is_secure and self.sock.pending()  # type: ignore[attr-defined]
            if not pending and not self._incoming.poll(int(within_s * 1000)):
                # While a slow link still carries what we sent, the time does not count. (The
                # kernel ends the connection when nothing is acknowledged any more.)
                slow, was_slow = self._is_under_way(), slow
                if slow or was_slow:
                    continue
                raise TimeoutError
            try:
                return self._receive(into)
            except _LATER:
                continue
            except ssl.SSLError as error:
                raise ConnectionResetError(str(error)) from error

    def _receive(self, into: bytearray | memoryview) -> int:
        """Take what is there; raise one of `_LATER` if nothing is."""
        if self.is_secure:
            return self.sock.recv_into(into)
        return self.sock.recv_into(into, 0, socket.MSG_DONTWAIT)

    def _raise_error(self) -> None:
        """Raise what the kernel has against the connection: TLS would call it an end."""
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _is_under_way(self) -> bool:
        """Tell whether bytes that we sent are not acknowledged yet."""
        count = bytearray(4)
        fcntl.ioctl(self.sock, termios.TIOCOUTQ, count)
        return any(count)

    def _take_in(self) -> bool:
        """Take what came in; tell whether it is a real answer's beginning, or the end."""
        try:
            count = self._receive(self._buffer)
        except _LATER:
            return False
        if not count:
            return True
        self._heard = final(self._heard + self._buffer[:count])
        return len(self._heard) > STATUS_AT and self._heard[STATUS_AT] != INTERIM


def _send_within(sock: socket.socket, time_us: int) -> None:
    """Have the kernel return from a call that sends when there was no room for so long."""
    for kind in ("ll", "qq"):  # the time's size, which is no longer that of `long` everywhere
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack(kind, 0, time_us))
            return


def final(heard: bytes) -> bytes:
    """Return what was heard without whole answers 1xx (100 Continue, 103 Early Hints)."""
    while heard[STATUS_AT : STATUS_AT + 1] == b"1" and heard.startswith(b"HTTP/1."):
        _, found, rest = heard.partition(b"\r\n\r\n")
        if not found:
            break
        heard = rest
    return heard
