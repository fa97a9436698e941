"""The wire that carries uploads: one connection, one file after the other.

    endpoint.py     where the server is, and the proxy on the way
    opening.py      a new connection to it: TLS, proxy, IPv6
    line.py         an open connection: bytes out, bytes in, an end to silence
    form.py         the multipart body's head and tail around a file
    source.py       the file itself: open, read, let go
    body.py         the file's bytes through the form onto the line
    answer.py       the server's answer -> a receipt, or one of our errors
    connection.py   UploadWire: all of it, file after file

Requests and urllib3 cost 300 to 800 µs a file, more than a Pi Zero 2 W can
spare, so files are sent from here on sockets that `http.client` opened:
it stays in charge of TLS, proxies, IPv6 and unusual answers.
"""

from piuploader.adapters.wire.connection import UploadWire
from piuploader.adapters.wire.endpoint import Endpoint, endpoint

__all__ = ["Endpoint", "UploadWire", "endpoint"]
