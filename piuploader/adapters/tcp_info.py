"""What the kernel knows of our connections: bytes acknowledged, round trips.

`struct tcp_info` of <linux/tcp.h>; fields are only ever added at its
end, so a shorter answer is an older kernel, and what it lacks is None.
Bytes written to a socket say little, they may sit in our own buffers;
bytes acknowledged have arrived.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from piuploader.core.tuner import Flow

RTT_AT = 68  # __u32 tcpi_rtt, µs
BYTES_ACKED_AT = 120  # __u64 tcpi_bytes_acked, Linux 4.1
MIN_RTT_AT = 148  # __u32 tcpi_min_rtt, µs, Linux 4.6
ASK_FOR_BYTES = 256
NO_MIN_RTT = 0xFFFFFFFF
MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """The fields that we use, of one connection."""

    acked_bytes: int | None
    rtt_s: float | None
    rtt_base_s: float | None


def read_tcp_info(connection: socket.socket) -> TcpInfo | None:
    """Ask the kernel about one connection; None if it is closed or not TCP."""
    try:
        answer = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ASK_FOR_BYTES)
    except (OSError, AttributeError):  # closed or no TCP; no TCP_INFO outside Linux
        return None
    return parse_tcp_info(answer)


def parse_tcp_info(answer: bytes) -> TcpInfo:
    """Read the kernel's answer, as far as it goes."""
    rtt = _field(answer, "=I", RTT_AT)
    base = _field(answer, "=I", MIN_RTT_AT)
    return TcpInfo(
        acked_bytes=_field(answer, "=Q", BYTES_ACKED_AT),
        rtt_s=rtt * MICROSECOND if rtt else None,
        rtt_base_s=base * MICROSECOND if base and base != NO_MIN_RTT else None,
    )


class TcpWatch:
    """Adds up what the connections of the uploads have moved since it was last asked."""

    def __init__(self) -> None:
        self._acked: WeakKeyDictionary[socket.socket, int] = WeakKeyDictionary()
        self._left_bytes = 0

    def read(self, connections: Iterable[socket.socket]) -> Flow:
        """Return the bytes acknowledged since the last call, and the round trips now."""
        moved, self._left_bytes = self._left_bytes, 0
        known = False
        rtts, bases = [], []
        for connection in connections:
            info = read_tcp_info(connection)
            if info is None:
                continue
            if info.acked_bytes is not None:
                known = True
                moved += self._advance(connection, info.acked_bytes)
            if info.rtt_s is not None:
                rtts.append(info.rtt_s)
            if info.rtt_base_s is not None:
                bases.append(info.rtt_base_s)
        return Flow(
            acked_bytes=float(moved) if known or moved else None,
            rtt_s=sorted(rtts)[len(rtts) // 2] if rtts else None,
            rtt_base_s=min(bases, default=None),
        )

    def leave(self, connection: socket.socket) -> None:
        """Count what a connection moved before it is closed: later the kernel has forgotten."""
        info = read_tcp_info(connection)
        if info is not None and info.acked_bytes is not None:
            self._left_bytes += self._advance(connection, info.acked_bytes)
        self._acked.pop(connection, None)

    def _advance(self, connection: socket.socket, acked: int) -> int:
        before = self._acked.get(connection, 0)
        self._acked[connection] = acked
        return max(0, acked - before)


def _field(answer: bytes, form: str, at: int) -> int | None:
    if len(answer) < at + struct.calcsize(form):
        return None
    value: int = struct.unpack_from(form, answer, at)[0]
    return value
