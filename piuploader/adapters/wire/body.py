"""A file on its way: read, counted, hashed if need be, and sent in the form's frame.

Three ways for a file's bytes, by what pays:

    small           one read into a reused buffer, one system call for all
    checksum known  `os.sendfile`, which copies nothing (not under TLS)
    else            read, hash and send block by block: one pass over the drive
"""

import hashlib
import io
import os
from collections.abc import Callable

from piuploader.adapters.wire.form import Framed
from piuploader.adapters.wire.line import Line
from piuploader.adapters.wire.source import (
    NETWORK,
    close_source,
    fill,
    forget,
    open_source,
    require_unchanged,
    shorter,
    unreadable,
)
from piuploader.core.media import Upload

# More than is under way in the send buffer (tcp_wmem: up to 4 MiB), whose pages cannot go.
FORGET_STEP = 8 * 1024 * 1024


class Body:
    """One file's bytes, to be sent once, or again from the start."""

    __slots__ = ("_block", "_forget_from", "_moved", "_source", "checksum", "counted", "upload")

    def __init__(
        self,
        upload: Upload,
        moved: Callable[[int], object],
        *,
        block: memoryview,
        forget_from: int,
    ) -> None:
        """Open the file; raise FileUnreadable or FileChanged.

        `block`: what is read at a time; a file that fits is small. Files of `forget_from` bytes
        and more leave the page cache as they are sent.
        """
        self.upload = upload
        self.checksum = upload.checksum or ""
        self.counted = 0  # bytes that `moved` has heard of
        self._moved = moved
        self._block = block
        self._forget_from = forget_from
        self._source = open_source(upload)

    def close(self) -> None:
        """Close the file."""
        if self.upload.size >= self._forget_from:
            forget(self._source)
        close_source(self._source)

    def prepare(self) -> None:
        """Do what may take long before the connection is looked at, which must not rest long."""
        if self.upload.size <= len(self._block):
            fill(self._source, self._block[: self.upload.size], 0, self.upload)
        self._count(min(self.upload.size, len(self._block)))

    def send(self, line: Line, framed: Framed) -> bool:
        """Send all; False if an answer, or the end of the connection, came before."""
        if self.upload.size > len(self._block):
            return self._send_large(line, framed)
        data = self._block[: self.upload.size]
        try:
            return line.send(framed.head, data, framed.tail)
        finally:
            if not self.checksum:
                self.checksum = hashlib.sha1(data, usedforsecurity=False).hexdigest()

    def _count(self, end: int) -> None:
        """Tell `moved` of the bytes up to `end`, those that are sent again only once."""
        if end > self.counted:
            self._moved(end - self.counted)
            self.counted = end

    def _send_large(self, line: Line, framed: Framed) -> bool:
        upload, source = self.upload, self._source
        digest = hashlib.sha1(usedforsecurity=False) if upload.checksum is None else None
        copy = line.is_secure or digest is not None
        os.posix_fadvise(source, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        if not line.write(framed.head, more=True):
            return False
        offset = forgotten = 0
        while offset < upload.size:
            data = self._block[: upload.size - offset]
            self._count(offset + len(data))
            if not line.ready():
                return False
            if copy:
                fill(source, data, offset, upload)
                if digest:
                    digest.update(data)
                going = line.write(data, more=True)
            else:
                try:
                    going = self._send_file(line, offset, len(data))
                except io.UnsupportedOperation:
                    copy = True
                    continue
            if not going:
                return False
            offset += len(data)
            if upload.size >= self._forget_from and offset - forgotten >= 2 * FORGET_STEP:
                forget(source, forgotten, FORGET_STEP)
                forgotten += FORGET_STEP
        require_unchanged(source, upload)
        whole = line.write(framed.tail)
        if digest:
            self.checksum = digest.hexdigest()
        return whole

    def _send_file(self, line: Line, offset: int, count: int) -> bool:
        """Let the kernel send a part of the file, and tell the drive's failures from the wire's."""
        try:
            return line.write_file(self._source, offset, count)
        except EOFError as error:
            raise shorter(self.upload) from error
        except OSError as error:
            if error.errno in NETWORK or isinstance(error, io.UnsupportedOperation):
                raise
            raise unreadable(self.upload, error) from error
