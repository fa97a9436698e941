"""What a server may answer, and when: all of it over real sockets."""

import contextlib
import json
from http.client import HTTPException

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piuploader import errors
from piuploader.adapters.wire.answer import Answer, asset_of, read_answer, refusal
from piuploader.adapters.wire.line import final
from tests.adapters.raw_server import DUPLICATE, RawServer, answer
from tests.adapters.sending import LARGE, SMALL, Count, file_of, send, sparse, upload_of, wire_to

FILM = 40_000_000  # more than all buffers on the way hold
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'9\r\n{"id":"5f\r\n15\r\n0c","status":"created\r\n2\r\n"}\r\n0\r\n\r\n'
)


@pytest.fixture(params=[True, False], ids=["known", "hashed"])
def known(request):
    """Both ways of a large file: sent by the kernel, or hashed while it is sent."""
    return request.param


# ---- in which form


WORDINGS = {
    "plain": [answer()],
    "chunked": [CHUNKED],
    "in small packets": [bytes([byte]) for byte in answer()],
    "head and body apart": [answer()[:40], answer()[40:]],
    "chunked in small packets": [CHUNKED[at : at + 3] for at in range(0, len(CHUNKED), 3)],
    "with large headers": [answer(X_Long="x" * 40_000, X_More="y" * 20_000)],
    "larger than the buffer": [answer(body={"id": "5f0c", "status": "created", "x": "y" * 50_000})],
    "after 100 Continue": [b"HTTP/1.1 100 Continue\r\n\r\n" + answer()],
    "after 103 Early Hints": [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", answer()],
    "after many": [b"HTTP/1.1 102 Processing\r\n\r\n" * 3, answer()[:8], answer()[8:]],
    "with a lower-case head": [answer().replace(b"Content-Length", b"content-length")],
    "with zeros in front of the length": [
        answer().replace(b"Content-Length: ", b"Content-Length: 000")
    ],
}


@pytest.mark.parametrize("parts", WORDINGS.values(), ids=WORDINGS)
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_an_answer_is_read_in_whatever_form_it_comes_and_the_connection_kept(tmp_path, parts, size):
    def script(peer):
        for _ in range(2):
            headers = peer.head()
            peer.skip(int(headers["content-length"]))
            peer.say(*parts)
        peer.drain()

    upload = upload_of(file_of(tmp_path, size))
    with RawServer(script) as server, wire_to(server.url) as wire:
        for _ in range(2):
            assert wire.send(upload, Count()).asset_id == "5f0c"
        assert len(server.peers) == 1


GOODBYES = {
    "Connection: close": answer(Connection="close"),
    "without a space": answer().replace(b"\r\n\r\n", b"\r\nConnection:close\r\n\r\n", 1),
    "in capitals": answer(CONNECTION="CLOSE"),
    "among others": answer(Connection="x, close"),
    "HTTP/1.0": answer(version="HTTP/1.0"),
    "without a length": answer(length=False),
}


@pytest.mark.parametrize("said", GOODBYES.values(), ids=GOODBYES)
def test_a_server_that_says_goodbye_gets_the_next_file_over_a_new_connection(tmp_path, said):
    def script(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(said)

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(script) as server, wire_to(server.url) as wire:
        for _ in range(2):
            assert wire.send(upload, Count()).asset_id == "5f0c"
        assert len(server.peers) == 2


def test_http_1_0_may_keep_the_connection(tmp_path):
    said = answer(version="HTTP/1.0", Connection="keep-alive")
    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(lambda peer: peer.serve(said, said)) as server, wire_to(server.url) as wire:
        for _ in range(2):
            wire.send(upload, Count())
        assert len(server.peers) == 1


BROKEN = {
    "in the head": answer()[:30],
    "before the body": answer().partition(b"{")[0],
    "in the body": answer()[:-5],
    "in a chunk": CHUNKED[:70],
    "in a refusal": answer(403, {"message": "Missing required permission: asset.upload"})[:-10],
    "in an answer that was none yet": b"HTTP/1.1 100 Continue\r\n\r\n",
    "with a chunk below zero": b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
    "with a chunk that is no number": b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "in no HTTP": b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
    "in too many headers": b"HTTP/1.1 201 C\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "in a header without end": b"HTTP/1.1 201 C\r\nX: " + b"y" * 80_000,
    "in a length of 5,000 digits": answer().replace(b"Length: ", b"Length: " + b"9" * 5_000)[:-1],
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_is_no_answer_and_is_not_asked_for_twice(tmp_path, said):
    """The file is tried again by the rules of patience, not by the wire."""

    def script(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(said)

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(script) as server, wire_to(server.url) as wire:
        wire.send(upload, Count())
        with pytest.raises(errors.ServerUnreachable):
            wire.send(upload, Count())
        assert len(server.heads) == 2


def test_an_answer_that_is_reset_after_its_first_bytes_is_not_asked_for_twice(tmp_path):
    def script(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer()[:30])
        reading.wait(10)
        peer.reset()

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(script) as server, wire_to(server.url) as wire:
        reading = server.let_go
        wire.send(upload, Count())
        reading.set()
        with pytest.raises(errors.ServerUnreachable):
            wire.send(upload, Count())
        assert len(server.heads) == 2


def test_an_answer_without_end_is_given_up(tmp_path):
    def script(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
        try:
            while True:
                peer.say(b"x" * 65536)
        except ConnectionError:
            pass

    with RawServer(script) as server, pytest.raises(errors.ServerUnreachable):
        send(server.url, file_of(tmp_path, SMALL))


def test_a_login_page_of_the_network_is_not_taken_for_the_server(tmp_path):
    page = answer(200, b"<html>Welcome to our hotel</html>" * 100, Content_Type="text/html")
    with (
        RawServer(lambda peer: peer.serve(page)) as server,
        pytest.raises(errors.ServerUnreachable, match="login page"),
    ):
        send(server.url, file_of(tmp_path, SMALL))


PIECES = [
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 x\r\n", b"HTTP/1.1 503 x\r\n", b"\r\n", b"\xb2"),
    *(b"Content-Length: 2\r\n", b"Content-Length: -2\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"Retry-After: \xb2\r\n", b"Location: http://[\r\n"),
    *(b"2\r\n", b"{}", b"-1\r\n", b"0\r\n\r\n", b"[" * 2000),
]


class Said:
    """What came in, in parts."""

    def __init__(self, data, size):
        self._parts = [data[at : at + size] for at in range(0, len(data), size)]

    def overheard(self):
        return b""

    def receive(self, into, *, within_s):
        part = self._parts.pop(0) if self._parts else b""
        into[: len(part)] = part
        return len(part)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(lambda junk: b"HTTP/1.1 201 Created\r\n" + junk),
        st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    ),
    st.integers(1, 50),
)
def test_nothing_that_a_server_sends_is_a_bug_of_ours(data, size):
    """Whatever comes in is an answer, or one of the errors that are expected."""
    with contextlib.suppress(errors.ServerError, OSError, HTTPException):
        asset_of(read_answer(Said(data, size), bytearray(16384), within_s=1.0))


# ---- at which time


def test_a_duplicate_is_told_before_the_body_is_read_and_the_rest_is_not_sent(tmp_path):
    def script(peer):
        peer.head()
        peer.say(DUPLICATE)
        peer.drain()

    moved = Count()
    with RawServer(script) as server:
        receipt = send(server.url, sparse(tmp_path, FILM), moved=moved)
        assert receipt == ("5f0c", True, "ab" * 20)
    assert moved.total < FILM


EARLY = {
    "401": (answer(401, {"message": "Invalid API key"}), errors.ServerRefusedKey),
    "413": (answer(413, b"<html>too large</html>"), errors.FileTooLarge),
    "503": (answer(503, b"", Retry_After="7"), errors.ServerBusy),
}


@pytest.mark.parametrize(("said", "error"), EARLY.values(), ids=EARLY)
@pytest.mark.parametrize("manner", ["closes", "reads on", "reads no more", "resets"])
@pytest.mark.parametrize("read", [0, 1_000_000])
def test_a_refusal_is_heard_while_the_file_is_sent(  # noqa: PLR0917
    tmp_path, known, said, error, manner, read
):
    def script(peer):
        peer.head()
        peer.skip(read)
        peer.say(said)
        match manner:
            case "reads on":
                peer.drain()
            case "reads no more":
                server.let_go.wait(20)
            case "resets":
                peer.reset()

    moved = Count()
    with RawServer(script) as server:
        with pytest.raises(error):
            send(server.url, sparse(tmp_path, FILM), known=known, moved=moved)
        server.let_go.set()
    assert moved.total < FILM


def test_what_comes_before_the_answer_does_not_stop_the_sending(tmp_path, known):
    """100 Continue and 103 are no reason to hold back the file."""

    def script(peer):
        headers = peer.head()
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Ea", b"rly Hints\r\nA: b\r\n\r\n")
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        peer.drain()

    with RawServer(script) as server:
        receipt = send(server.url, sparse(tmp_path, FILM), known=known)
        assert not receipt.duplicate


def test_success_for_half_a_file_is_not_believed(tmp_path):
    """Without a checksum the server cannot know the file, so it cannot be a duplicate."""

    def script(peer):
        peer.head()
        peer.say(DUPLICATE)
        peer.drain()

    with RawServer(script) as server, pytest.raises(errors.ServerError, match="before it had"):
        send(server.url, sparse(tmp_path, FILM), known=False)


@pytest.mark.parametrize("read", [0, 1_000_000])
def test_a_connection_cut_off_in_mid_file_is_the_networks_fault(tmp_path, known, read):
    def script(peer):
        peer.head()
        peer.skip(read)
        peer.reset()

    with RawServer(script) as server:
        with pytest.raises(errors.ServerUnreachable):
            send(server.url, sparse(tmp_path, FILM), known=known)
        assert len(server.peers) == 1


# ---- with which meaning

SAYS = "Unsupported file type quota.xyz"
MEANINGS = [
    (400, {"message": "File is empty"}, errors.FileRefused),
    (400, {"message": SAYS}, errors.FileRefused),
    (400, {"message": ["dates must be dates"], "error": "Bad Request"}, errors.FileRefused),
    (400, {"message": "Validation failed", "errors": [{"path": ["a", 0]}, 1]}, errors.FileRefused),
    (400, {"message": "Quota has been exceeded!"}, errors.ServerFull),
    (400, b"<html>", errors.FileRefused),
    (401, {"message": "Invalid API key"}, errors.ServerRefusedKey),
    (401, b"<html>login</html>", errors.ServerUnreachable),
    (403, {"message": "Missing required permission: asset.upload"}, errors.PermissionMissing),
    (403, {"message": "Forbidden"}, errors.ServerRefusedKey),
    (403, b"<html>blocked</html>", errors.FileRefused),
    (404, {"message": "Cannot POST /api/assets"}, errors.ServerUnreachable),
    (405, b"", errors.ServerUnreachable),
    (407, b"", errors.ServerUnreachable),
    (408, b"", errors.ServerBusy),
    (413, b"", errors.FileTooLarge),
    (415, b"", errors.FileRefused),
    (429, b"", errors.ServerBusy),
    (500, {"message": "Internal server error"}, errors.ServerBusy),
    (502, b"<html>", errors.ServerBusy),
    (503, b"", errors.ServerBusy),
    (504, b"", errors.ServerBusy),
    (507, b"", errors.ServerFull),
    (511, b"<html>", errors.ServerUnreachable),
    (204, b"", errors.ServerUnreachable),
    (303, b"", errors.ServerUnreachable),
    (400, b'{"message":' + b"[" * 5000, errors.FileRefused),
]


@pytest.mark.parametrize(("status", "body", "kind"), MEANINGS)
def test_a_refusal_means(status, body, kind):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = refusal(Answer(status, content, keep_alive=True))
    assert type(error) is kind
    assert str(status) in str(error)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b'"x"', b"{}", b'{"id":null,"status":"created"}', b'{"id":"x"}'),
        *(b'{"id":"x","status":1}', b"\xff\xfe", b"[" * 100_000),
    ],
)
def test_a_success_without_an_asset_is_no_success(body):
    with pytest.raises(errors.ServerUnreachable, match="not as an Immich server"):
        asset_of(Answer(200, body, keep_alive=True))


NOW = "Mon, 01 Jan 2024 10:00:00 GMT"
PAUSES = [
    ({"Retry_After": "7"}, 7.0),
    ({"Retry_After": "Mon, 01 Jan 2024 10:00:30 GMT", "Date": NOW}, 30.0),
    ({"Retry_After": "Mon, 01 Jan 2024 09:00:00 GMT", "Date": NOW}, 0.0),
    ({"Retry_After": "Mon, 01 Jan 2024 10:00:30 GMT"}, None),
    ({"Retry_After": "soon", "Date": NOW}, None),
    ({"Retry_After": "\xb2"}, None),
    ({"Retry_After": "9" * 400}, 999999999.0),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "pause_s"), PAUSES)
def test_a_busy_server_may_name_a_time(tmp_path, headers, pause_s):
    said = answer(503, b"", **headers).decode().encode("latin-1")
    with (
        RawServer(lambda peer: peer.serve(said)) as server,
        pytest.raises(errors.ServerBusy) as caught,
    ):
        send(server.url, file_of(tmp_path, SMALL))
    assert caught.value.retry_after_s == pause_s


def test_only_whole_answers_1xx_are_dropped():
    assert final(b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 2") == b"HTTP/1.1 2"
    assert final(b"HTTP/1.1 100 C\r\nA: b") == b"HTTP/1.1 100 C\r\nA: b"
    assert final(b"nothing 1 of the kind\r\n\r\n") == b"nothing 1 of the kind\r\n\r\n"
