"""One connection through its life: kept, rested, lost, silent, broken off."""

import contextlib
import os
import socket
import tracemalloc
from pathlib import Path
from threading import Thread, active_count

import pytest

from piuploader import errors
from tests.adapters.raw_server import DUPLICATE, RawServer, answer
from tests.adapters.sending import LARGE, SMALL, Count, file_of, send, sparse, upload_of, wire_to
from tests.certificates import Authority
from tests.waiting import wait_until

FILM = 40_000_000  # more than all buffers on the way hold


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def serving(request, authority):
    """Make servers and what a client needs for them, without TLS and with it."""

    def make(*scripts, **options):
        secure = request.param == "https"
        server = RawServer(*scripts, tls=authority.server() if secure else None, **options)
        return server, {"context": authority.client() if secure else None}

    return make


def serve_forever(peer):
    peer.serve(*[answer()] * 1000)


def serve_once_and_leave(peer):
    headers = peer.head()
    peer.skip(int(headers["content-length"]))
    peer.say(answer())


# ---- kept and rested


def test_one_connection_carries_many_files(serving, tmp_path):
    server, trust = serving(serve_forever)
    small, large = upload_of(file_of(tmp_path, SMALL)), upload_of(file_of(tmp_path, LARGE, "b.mp4"))
    with server, wire_to(server.url, **trust) as wire:
        for _ in range(20):
            wire.send(small, Count())
            wire.send(large, Count())
        assert len(server.peers) == 1
        assert len(server.heads) == 40


def test_a_connection_that_rested_too_long_is_not_used_again(serving, tmp_path):
    server, trust = serving(serve_forever)
    clock = Clock()
    upload = upload_of(file_of(tmp_path, SMALL))
    with server, wire_to(server.url, clock=clock, **trust) as wire:
        wire.send(upload, Count())
        clock.now += 3.9
        wire.send(upload, Count())
        assert len(server.peers) == 1
        clock.now += 4.1
        wire.send(upload, Count())
        assert len(server.peers) == 2


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_connection_that_was_closed_while_it_rested_is_noticed(serving, tmp_path, size):
    server, trust = serving(serve_once_and_leave)
    upload = upload_of(file_of(tmp_path, size))
    moved = Count()
    with server, wire_to(server.url, **trust) as wire:
        for number in range(3):
            wire.send(upload, moved)
            wait_until(lambda n=number: server.peers[n].sock.fileno() == -1)
        assert len(server.peers) == 3
    assert moved.total == 3 * size


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("manner", ["close", "reset"])
def test_a_connection_that_dies_as_it_is_used_again_costs_no_file(serving, tmp_path, size, manner):
    """The server hangs up for idleness, just as our request is on its way."""

    def leave_at_the_second(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        peer.head()
        if manner == "reset":
            peer.reset()

    server, trust = serving(leave_at_the_second, serve_forever)
    upload = upload_of(file_of(tmp_path, size))
    with server, wire_to(server.url, **trust) as wire:
        wire.send(upload, Count())
        moved = Count()
        assert wire.send(upload, moved).asset_id == "5f0c"
        assert len(server.peers) == 2
        assert moved.total == size


def test_that_is_done_once_only(tmp_path):
    """Two connections that die without an answer are no accident of timing."""

    def die_at_the_second(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        peer.head()

    upload = upload_of(file_of(tmp_path, SMALL))
    with (
        RawServer(die_at_the_second, lambda peer: peer.head()) as server,
        wire_to(server.url) as wire,
    ):
        wire.send(upload, Count())
        with pytest.raises(errors.ServerUnreachable, match="without an answer"):
            wire.send(upload, Count())
        assert len(server.peers) == 2


def test_nor_is_it_done_in_the_middle_of_a_film(tmp_path):
    """What dies there was not stale: the rules of patience decide."""

    def die_in_the_film(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        peer.head()
        peer.skip(20_000_000)
        peer.reset()

    with RawServer(die_in_the_film) as server, wire_to(server.url) as wire:
        wire.send(upload_of(file_of(tmp_path, SMALL)), Count())
        with pytest.raises(errors.ServerUnreachable):
            wire.send(upload_of(sparse(tmp_path, FILM)), Count())
        assert len(server.peers) == 1


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(tmp_path):
    """Servers say 408 to a connection that rests, and hang up."""

    def say_too_much(peer):
        headers = peer.head()
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        said.wait(10)
        peer.say(answer(408, b"", Connection="close"))

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(say_too_much, serve_forever) as server, wire_to(server.url) as wire:
        said = server.let_go
        wire.send(upload, Count())
        said.set()
        wait_until(lambda: server.peers[0].sock.fileno() == -1)
        assert wire.send(upload, Count()).asset_id == "5f0c"


def test_a_pause_before_the_first_byte_does_not_cost_the_connection(tmp_path):
    """The gate may hold a file back for minutes: there is no open request meanwhile."""
    clock = Clock()

    def hold(count):
        clock.now += 60

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(serve_forever) as server, wire_to(server.url, clock=clock) as wire:
        wire.send(upload, Count())
        wire.send(upload, Count(hold))
        assert len(server.peers) == 2  # opened after the pause, not used after it
        assert server.heads[1]


def test_a_closed_wire_opens_again(tmp_path):
    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(serve_forever) as server, wire_to(server.url) as wire:
        wire.close()
        wire.send(upload, Count())
        assert wire.socket.getpeername()[1] == server.port
        wire.close()
        wire.close()
        assert wire.socket is None
        wire.send(upload, Count())
        assert len(server.peers) == 2


def test_a_connection_is_shown_once_before_it_is_closed(serving, tmp_path):
    """Its TCP_INFO is lost with it."""
    server, trust = serving(serve_once_and_leave)
    upload = upload_of(file_of(tmp_path, SMALL))
    seen = []
    with server, wire_to(server.url, leaving=lambda sock: seen.append(sock.fileno()), **trust) as w:
        for number in range(2):
            w.send(upload, Count())
            wait_until(lambda n=number: server.peers[n].sock.fileno() == -1)
        assert len(seen) == 1
        w.close()
        w.close()
    assert len(seen) == 2
    assert min(seen) > 0


# ---- silence


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_server_that_takes_a_file_and_says_nothing_is_given_up(serving, tmp_path, size):
    def be_silent(peer):
        peer.request()
        peer.drain()

    server, trust = serving(be_silent)
    with server, pytest.raises(errors.ServerUnreachable, match="nothing moved"):
        # A large file gets a second more for each MB, or this test could be quicker.
        send(server.url, file_of(tmp_path, size), silence_s=0.3, **trust)


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_stops_reading_is_given_up(serving, tmp_path, known):
    server, trust = serving(lambda peer: server.let_go.wait(20))
    with server:
        with pytest.raises(errors.ServerUnreachable, match="nothing moved"):
            send(server.url, sparse(tmp_path, FILM), known=known, silence_s=0.5, **trust)
        server.let_go.set()


def test_a_server_that_stops_in_the_middle_of_its_answer_is_given_up(serving, tmp_path):
    def trail_off(peer):
        peer.request()
        peer.say(answer()[:20])
        peer.drain()

    server, trust = serving(trail_off)
    with server, pytest.raises(errors.ServerUnreachable, match="nothing moved"):
        send(server.url, file_of(tmp_path, SMALL), silence_s=0.3, **trust)


def test_a_server_that_reads_on_after_a_while_gets_the_rest(serving, tmp_path):
    moved = Count()

    def hesitate(peer):
        headers = peer.head()
        peer.skip(1_000_000)
        last = []
        # Wait until the sender has not moved for some looks in a row: its buffers are full.
        wait_until(lambda: last.append(moved.total) or last[-20:] == [moved.total] * 20)
        peer.skip(int(headers["content-length"]) - 1_000_000)
        peer.say(answer())

    server, trust = serving(hesitate)
    with server:
        assert send(server.url, sparse(tmp_path, FILM), moved=moved, **trust).asset_id
    assert moved.total == FILM


@pytest.mark.slow
def test_a_slow_server_is_no_silent_one(serving, tmp_path):
    """The whole takes longer than the limit, and so may one block: only silence counts."""

    def read_slowly(peer):
        headers = peer.head()
        left = int(headers["content-length"])
        while left > 0:
            peer.skip(min(left, 25_000))
            left -= 25_000
            server.let_go.wait(0.05)
        peer.say(answer())

    server, trust = serving(read_slowly, receive_buffer=64 * 1024)
    with server:
        size = 2_500_000
        assert send(server.url, file_of(tmp_path, size), silence_s=0.5, **trust).asset_id


def test_the_kernel_watches_over_the_connection(tmp_path):
    """Where a server lost its power, nobody says goodbye."""
    with RawServer(serve_forever) as server, wire_to(server.url) as wire:
        wire.send(upload_of(file_of(tmp_path, SMALL)), Count())
        sock = wire.socket
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# ---- broken off


class Enough(Exception):
    pass


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("after", [0, 10_000_000])
def test_whoever_counts_the_bytes_may_end_the_upload(serving, tmp_path, known, after):
    def stop(count):
        if count.total > after:
            raise Enough

    server, trust = serving(lambda peer: peer.head() and peer.drain())
    with server, wire_to(server.url, **trust) as wire:
        with pytest.raises(Enough):
            wire.send(upload_of(sparse(tmp_path, FILM), known=known), Count(stop))
        assert wire.socket is None
    assert all(peer.received < FILM for peer in server.peers)


def test_a_count_that_ends_a_small_upload_sends_nothing(tmp_path):
    def stop(_):
        raise Enough

    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(serve_forever) as server, wire_to(server.url) as wire:
        with pytest.raises(Enough):
            wire.send(upload, Count(stop))
        assert server.heads == []
        assert wire.send(upload, Count()).asset_id


@pytest.mark.parametrize("where", ["sending", "waiting for the answer"])
@pytest.mark.parametrize("reused", [False, True])
def test_another_thread_can_break_an_upload_off(serving, tmp_path, where, reused):
    """At once, for good, and without a second try."""

    def stop_reading(peer):
        if reused:
            headers = peer.head()
            peer.skip(int(headers["content-length"]))
            peer.say(answer())
        headers = peer.head()
        if where != "sending":
            peer.skip(int(headers["content-length"]))
        server.let_go.wait(20)

    server, trust = serving(stop_reading)
    failed = []

    def run():
        try:
            wire.send(upload_of(path), Count())
        except errors.ServerUnreachable as error:
            failed.append(error)

    path = sparse(tmp_path, FILM) if where == "sending" else file_of(tmp_path, SMALL)
    with server, wire_to(server.url, **trust) as wire:
        if reused:
            wire.send(upload_of(file_of(tmp_path, SMALL, "b.jpg")), Count())
        thread = Thread(target=run)
        thread.start()
        wait_until(lambda: len(server.heads) == 1 + reused)
        wire.abort()
        thread.join(10)
        assert not thread.is_alive()
        assert len(failed) == 1
        with pytest.raises(errors.ServerUnreachable, match="broken off"):
            wire.send(upload_of(path), Count())
        server.let_go.set()
        assert len(server.peers) == 1


def test_a_wire_at_rest_can_be_broken_off_too(tmp_path):
    with RawServer(serve_forever) as server, wire_to(server.url) as wire:
        wire.abort()
        with pytest.raises(errors.ServerUnreachable, match="broken off"):
            wire.send(upload_of(file_of(tmp_path, SMALL)), Count())
        assert server.peers == []


def test_nothing_goes_out_in_the_clear_when_tls_is_broken_off(authority, tmp_path):
    """Python's own shutdown of a TLS socket turns it into a plain one."""
    with (
        RawServer(serve_forever, tls=authority.server()) as server,
        wire_to(server.url, context=authority.client()) as wire,
    ):
        wire.send(upload_of(file_of(tmp_path, SMALL)), Count())
        sock = wire.socket
        wire.abort()
        with pytest.raises(OSError, match=r"."):
            sock.send(b"a photo")
        assert sock.version()  # still TLS


# ---- what it leaves behind


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_file_and_no_socket_stays_open(serving, tmp_path):
    def misbehave(peer):
        peer.head()
        if len(server.peers) % 3 == 0:
            peer.reset()
        elif len(server.peers) % 3 == 1:
            peer.say(DUPLICATE)

    server, trust = serving(misbehave)
    gone = upload_of(file_of(tmp_path, SMALL, "gone.jpg"))
    (tmp_path / "gone.jpg").unlink()
    changed = upload_of(file_of(tmp_path, SMALL))._replace(size=1)
    film = upload_of(sparse(tmp_path, 5_000_000))
    with server:
        before = threads = 0
        for number in range(12):
            if number == 3:
                before, threads = open_files(), active_count()
            with wire_to(server.url, **trust) as wire:
                for upload in (gone, changed, film, film):
                    with contextlib.suppress(errors.DriveError, errors.ServerError):
                        wire.send(upload, Count())
        for peer in server.peers:
            wait_until(lambda peer=peer: peer.sock.fileno() == -1)
        assert open_files() <= before + 3  # server side sockets come and go
        assert active_count() <= threads + 3


def test_a_server_that_cannot_be_reached_leaves_nothing_open(authority, tmp_path):
    upload = upload_of(file_of(tmp_path, SMALL))
    with RawServer(tls=authority.server("elsewhere.example")) as strange:
        before = open_files()
        for url in [strange.url, strange.url.replace("https", "http"), "http://127.0.0.1:1"] * 3:
            with wire_to(url, context=authority.client()) as wire:
                with pytest.raises(errors.ServerUnreachable):
                    wire.send(upload, Count())
                assert wire.socket is None
        wait_until(lambda: open_files() <= before)


@pytest.mark.parametrize("known", [True, False])
def test_memory_does_not_grow_with_the_file(tmp_path, known):
    path = sparse(tmp_path, 300_000_000)
    with RawServer(serve_forever) as server, wire_to(server.url) as wire:
        wire.send(upload_of(file_of(tmp_path, LARGE), known=known), Count())
        tracemalloc.start()
        try:
            wire.send(upload_of(path, known=known), Count())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 1_000_000


def test_a_film_leaves_the_page_cache_and_a_photo_stays(tmp_path):
    """Else one film pushes out all the photos that were hashed and wait for their turn."""
    film, photo = file_of(tmp_path, 30_000_000, "film.mp4"), file_of(tmp_path, LARGE)
    for path in (film, photo):
        with path.open("rb") as made:
            os.fsync(made.fileno())
    if not cached_bytes(photo):
        pytest.skip("mincore tells nothing here")
    with RawServer(serve_forever) as server, wire_to(server.url, forget_from=20_000_000) as wire:
        wire.send(upload_of(photo), Count())
        wire.send(upload_of(film), Count())
    assert cached_bytes(photo) == LARGE
    wait_until(lambda: cached_bytes(film) < 5_000_000)


def cached_bytes(path):
    """Return how much of a file is in the page cache, as the kernel tells it."""
    import ctypes
    import mmap

    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), pages):
            return 0
    return min(size, sum(page & 1 for page in pages) * mmap.PAGESIZE)
