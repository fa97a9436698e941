"""The multipart body of an upload: what stands before and after the file's bytes.

The file itself is never copied into the form: the head says how long it
is, and the connection puts the bytes in between.

Immich wants `filename` before `assetData`, and judges the parts after it by
the extension of that name: hence the order sidecar, filename, file.
"""

import re
import secrets
from typing import NamedTuple

from piuploader.adapters.wire.endpoint import Endpoint
from piuploader.core.media import Upload
from piuploader.errors import ConfigError

_UNSAFE = re.compile(r'["\x00-\x1f\x7f]')
DEVICE_ID = "piuploader"  # what servers before 3.0 call the sender


class Framed(NamedTuple):
    """The bytes around a file: request line, headers and form before it, form after it."""

    head: bytes
    tail: bytes


class Form:
    """Writes the heads of one connection's uploads, from a template made once."""

    def __init__(self, to: Endpoint, key: str, *, device_fields: bool, agent: str) -> None:
        """Raise ConfigError for a key that cannot be sent."""
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError("the API key holds characters that no API key has")
        boundary = secrets.token_hex(16)
        lines = [
            f"POST {to.target}/api/assets HTTP/1.1",
            f"Host: {to.authority}",
            f"User-Agent: {agent}",
            "Accept: application/json",
            f"x-api-key: {key}",
            f"Content-Type: multipart/form-data; boundary={boundary}",
        ]
        if (login := to.proxy_authorization) and not to.secure:
            lines.append(f"Proxy-Authorization: {login}")
        self._request = ("\r\n".join(lines) + "\r\n").encode("latin-1")
        self._open = f'--{boundary}\r\nContent-Disposition: form-data; name="'.encode()
        self.tail = f"\r\n--{boundary}--\r\n".encode()
        self._device_fields = device_fields

    def frame(self, upload: Upload) -> Framed:
        """Return the bytes around this upload's file."""
        open_ = self._open
        name = printable(upload.name)
        created = upload.created_at.encode()
        modified = (upload.modified_at or upload.created_at).encode()
        form = b""
        if upload.sidecar:
            form = (
                b'%bsidecarData"; filename="%b"\r\nContent-Type: application/xml\r\n\r\n%b\r\n'
                % (open_, quoted(upload.sidecar.name), upload.sidecar.data)
            )
        form += (
            b'%bfileCreatedAt"\r\n\r\n%b\r\n%bfileModifiedAt"\r\n\r\n%b\r\n%bfilename"\r\n\r\n%b\r\n'
            % (open_, created, open_, modified, open_, name)
        )
        for field, value in self._optional(upload):
            form += b'%b%b"\r\n\r\n%b\r\n' % (open_, field, value)
        form += b'%bassetData"; filename="%b"\r\nContent-Type: application/octet-stream\r\n\r\n' % (
            open_,
            quoted(upload.name),
        )
        length = len(form) + upload.size + len(self.tail)
        checksum = (
            b"x-immich-checksum: %b\r\n" % upload.checksum.encode() if upload.checksum else b""
        )
        head = b"%b%bContent-Length: %d\r\n\r\n%b" % (self._request, checksum, length, form)
        return Framed(head, self.tail)

    def _optional(self, upload: Upload) -> list[tuple[bytes, bytes]]:
        fields = []
        if upload.hidden:
            fields.append((b"visibility", b"hidden"))
        if upload.live_photo_video_id:
            fields.append((b"livePhotoVideoId", upload.live_photo_video_id.encode()))
        if self._device_fields:
            asset = f"{upload.name}-{upload.size}-{upload.mtime_ns}"
            fields.append((b"deviceAssetId", printable(asset)))
            fields.append((b"deviceId", DEVICE_ID.encode()))
        return fields


def printable(name: str) -> bytes:
    """Encode a name as UTF-8; bytes that are no UTF-8 become the replacement character."""
    try:
        return name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


def quoted(name: str) -> bytes:
    """Return a name for a quoted parameter: what would end it is escaped as browsers do it.

    They escape quotes and line ends (WHATWG HTML, multipart/form-data). Other control characters
    are escaped too, for the server's parser takes none in a header.
    """
    if not name.isprintable() or '"' in name:
        name = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)
    return printable(name)
