"""The kernel's view of real connections over loopback."""

import gc
import socket
import struct
import time
from contextlib import ExitStack

import pytest

from piuploader.adapters.tcp_info import TcpWatch, parse_tcp_info, read_tcp_info
from piuploader.core.tuner import Flow


@pytest.fixture
def pair():
    """Two ends of one TCP connection."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        near = stack.enter_context(socket.create_connection(listener.getsockname()))
        far, _ = listener.accept()
        stack.enter_context(far)
        yield near, far


def drain(far, count):
    while count:
        count -= len(far.recv(min(count, 1 << 16)))


def until_acked(watch, near, count):
    """Add up what the watch sees until so much has arrived; give up after 5 s."""
    total, ends = 0.0, time.monotonic() + 5.0
    while total < count and time.monotonic() < ends:
        total += watch.read([near]).acked_bytes
    return total


def test_bytes_count_when_they_have_arrived(pair):
    near, far = pair
    watch = TcpWatch()
    assert watch.read([near]).acked_bytes <= 1  # the handshake counts as one
    near.sendall(b"x" * 50_000)
    drain(far, 50_000)
    assert until_acked(watch, near, 50_000) == pytest.approx(50_000, abs=1)


def test_bytes_in_our_own_buffer_do_not_count(pair):
    """The other side reads nothing: what its kernel took is all that counts."""
    near, _ = pair
    near.setblocking(False)
    written = 0
    try:
        while written < 64 << 20:
            written += near.send(b"x" * 65536)
    except BlockingIOError:
        pass
    assert TcpWatch().read([near]).acked_bytes < written


def test_the_round_trip_over_loopback_is_short(pair):
    near, far = pair
    near.sendall(b"x" * 1000)
    drain(far, 1000)
    flow = TcpWatch().read([near])
    assert 0.0 < flow.rtt_base_s <= flow.rtt_s < 0.5


def test_what_moved_before_a_connection_closed_is_not_lost(pair):
    near, far = pair
    watch = TcpWatch()
    watch.read([near])
    near.sendall(b"x" * 10_000)
    drain(far, 10_000)
    ends = time.monotonic() + 5.0
    while read_tcp_info(near).acked_bytes < 10_000 and time.monotonic() < ends:
        pass
    watch.leave(near)
    near.close()
    assert watch.read([]).acked_bytes == pytest.approx(10_000, abs=1)
    assert watch.read([]) == Flow()


def test_a_closed_connection_and_another_kind_are_passed_over(pair):
    near, _ = pair
    near.close()
    assert read_tcp_info(near) is None
    left, right = socket.socketpair()
    with left, right:
        assert read_tcp_info(left) is None
        assert TcpWatch().read([near, left]) == Flow()


def test_connections_are_forgotten_with_their_socket(pair):
    watch = TcpWatch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        watch.read([other])
        other.close()
        accepted.close()
        del other
    gc.collect()
    assert watch.read([pair[0]]).acked_bytes <= 1


def test_an_old_kernel_tells_less():
    """The structure only ever grew at its end."""
    whole = bytearray(152)
    struct.pack_into("=I", whole, 68, 1500)
    struct.pack_into("=Q", whole, 120, 77)
    struct.pack_into("=I", whole, 148, 1200)
    info = parse_tcp_info(bytes(whole))
    assert (info.acked_bytes, info.rtt_s, info.rtt_base_s) == (77, 0.0015, 0.0012)
    info = parse_tcp_info(bytes(whole[:104]))
    assert (info.acked_bytes, info.rtt_s, info.rtt_base_s) == (None, 0.0015, None)


def test_a_connection_without_a_round_trip_yet_has_none():
    whole = bytearray(152)
    struct.pack_into("=I", whole, 148, 0xFFFFFFFF)
    info = parse_tcp_info(bytes(whole))
    assert (info.rtt_s, info.rtt_base_s) == (None, None)
