"""The wire that carries uploads: one connection, one file after the other.

    endpoint.py     where the server is, and how to reach it: TLS, proxy, IPv6
    form.py         the multipart body's head and tail around a file
    answer.py       the server's answer -> a receipt, or one of our errors
    connection.py   UploadWire: the file's bytes between the two

Requests and urllib3 cost 300 to 800 µs a file, more than a Pi Zero 2 W can
spare, so files are sent from here on sockets that `http.client` opened:
it stays in charge of TLS, proxies, IPv6 and unusual answers.
"""

from piuploader.adapters.wire.connection import UploadWire
from piuploader.adapters.wire.endpoint import Endpoint, endpoint

__all__ = ["Endpoint", "UploadWire", "endpoint"]
