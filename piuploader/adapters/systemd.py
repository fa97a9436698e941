"""What the service says to systemd: ready, alive, where it stands; and the journal's priorities.

The protocol is sd_notify(3): datagrams to the socket in NOTIFY_SOCKET.
Without one nothing is said, so that the daemon runs anywhere.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping
from typing import TextIO

PATIENCE_S = 1.0  # with a busy systemd
# sd-daemon(3): a "<N>" in front of a line is its priority.
PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


class Systemd:
    """Talks to the service manager, if there is one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # An "@" stands for the NUL byte of the abstract name space.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._said = ""

    def ready(self) -> None:
        """Say that the service has started, or has reloaded its configuration."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again (Type=notify-reload wants the time)."""
        self._send(
            f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
        )

    def stopping(self) -> None:
        """Say that the service ends."""
        self._send("STOPPING=1")

    def say(self, line: str) -> None:
        """Show one line in `systemctl status`."""
        line = " ".join(line.split())
        if line != self._said:
            self._said = line
            self._send(f"STATUS={line}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # systemd may be busy or restarting: the next message says it again.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
        ):
            notify.settimeout(PATIENCE_S)
            notify.sendto(message.encode(), self._address)


class JournalFormatter(logging.Formatter):
    """One record, each line with its priority in front: the journal keeps the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines."""
        priority = next(number for level, number in PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def log_to(stream: TextIO, *, level: int, environ: Mapping[str, str] = os.environ) -> None:
    """Send the log to this stream: as the journal wants it, or with the time for a person."""
    handler = logging.StreamHandler(stream)
    if "JOURNAL_STREAM" in environ:
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
