"""The file that is sent: open the very one that was listed, read it, let go of its pages.

Whatever goes wrong here is the file's or the drive's fault, and is said so.
"""

import contextlib
import errno
import os
import stat

from piuploader.core.media import Upload
from piuploader.errors import FileChanged, FileUnreadable

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link, no waiting for a FIFO
# `os.sendfile` fails for either side with the same call. These are the connection's.
NETWORK = frozenset(
    {
        *(errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EACCES),  # a firewall says EPERM
    }
)


def open_source(upload: Upload) -> int:
    """Open the file; FileUnreadable if it cannot be, FileChanged if it is not as listed."""
    try:
        source = os.open(upload.path, FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileChanged(f"{upload.path}: has become a link") from error
        raise unreadable(upload, error) from error
    try:
        require_unchanged(source, upload)
    except BaseException:
        close_source(source)
        raise
    return source


def require_unchanged(source: int, upload: Upload) -> None:
    """Raise FileChanged if an open file is not as it was listed."""
    try:
        found = os.fstat(source)
    except OSError as error:
        raise unreadable(upload, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise FileChanged(f"{upload.path}: no regular file any more")
    if found.st_size != upload.size or found.st_mtime_ns != upload.mtime_ns:
        raise FileChanged(f"{upload.path}: changed since it was listed")


def fill(source: int, into: memoryview, offset: int, upload: Upload) -> None:
    """Fill `into` from the file, or raise FileUnreadable, or FileChanged at its end."""
    done = 0
    try:
        while done < len(into):
            count = os.preadv(source, [into[done:] if done else into], offset + done)
            if not count:
                raise shorter(upload)
            done += count
    except OSError as error:
        raise unreadable(upload, error) from error


def forget(source: int, offset: int = 0, count: int = 0) -> None:
    """Free the page cache of a part of a file (count 0: to its end) for what comes next."""
    with contextlib.suppress(OSError):  # it was only advice
        os.posix_fadvise(source, offset, count, os.POSIX_FADV_DONTNEED)


def close_source(source: int) -> None:
    """Close the file. What a drive that was pulled says to that is of no interest."""
    try:  # noqa: SIM105  contextlib.suppress costs more than the close
        os.close(source)
    except OSError:
        pass


def shorter(upload: Upload) -> FileChanged:
    """Return the error for a file that ended too early."""
    return FileChanged(f"{upload.path}: became shorter")


def unreadable(upload: Upload, error: OSError) -> FileUnreadable:
    """Return the error for a file that the system cannot read."""
    return FileUnreadable(f"{upload.path}: {error.strerror or error}")
