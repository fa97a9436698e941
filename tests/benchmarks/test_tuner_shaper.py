"""The shaped link is as slow as it says, and passes all else unchanged."""

import hashlib
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.tuner.shaper import Shape, Shaper

MB = 1_000_000


class Taker(BaseHTTPRequestHandler):
    """Takes a body and answers with its checksum."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = hashlib.sha1(body).hexdigest().encode()
        self.send_response(201)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def taker():
    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def shaped(taker):
    shapers = []

    def start(**shape):
        shapers.append(Shaper(Shape("a link", **shape), server_port=taker, seed=1))
        return shapers[-1]

    yield start
    for shaper in shapers:
        shaper.close()


def post(shaper, body, path="/api/assets"):
    connection = HTTPConnection("127.0.0.1", shaper.port, timeout=10)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_passes_is_what_was_sent(shaped):
    shaper = shaped(link=50 * MB)
    body = bytes(range(256)) * 4000
    assert post(shaper, body) == (201, hashlib.sha1(body).hexdigest().encode())
    assert shaper.passed_bytes == len(body)


def test_other_requests_are_passed_and_not_counted(shaped):
    shaper = shaped(link=50 * MB)
    assert post(shaper, b"{}", "/api/assets/bulk-upload-check")[0] == 201
    assert (shaper.passed_bytes, shaper.first_s) == (0, None)


@pytest.mark.parametrize("bound", ["link", "per_connection"])
def test_a_connection_is_no_faster_than_its_bound(shaped, bound):
    shaper = shaped(**{"link": 50 * MB, bound: 1 * MB})
    begun = time.monotonic()
    post(shaper, bytes(800_000))
    assert time.monotonic() - begun > 0.5


def test_beyond_the_limit_it_says_503(shaped):
    shaper = shaped(link=50 * MB, per_connection=0.5 * MB, uploads_at_once=1)
    first = threading.Thread(target=post, args=(shaper, bytes(400_000)))
    first.start()
    while shaper.first_s is None:
        time.sleep(0.005)
    assert post(shaper, b"x")[0] == 503
    first.join()
    assert shaper.refused == 1
