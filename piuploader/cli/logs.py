"""Logging for commands: to standard error, and never with the key in it."""

import logging
import sys
from typing import TextIO

SHORTEST_SECRET = 8  # characters; a shorter text could be part of any word
FORMAT = "%(levelname)s %(name)s: %(message)s"


class LateStderr(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that moment: a live view takes its place."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = sys.stderr
        super().emit(record)


class Discreet(logging.Formatter):
    """Puts stars where a secret would stand, also in a traceback."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__(FORMAT)
        self._secrets = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's whole text, without the secrets."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def start_logging(level: int, *, secrets: tuple[str, ...] = ()) -> None:
    """Send what is logged from `level` up to standard error."""
    handler = LateStderr()
    handler.setFormatter(Discreet(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
