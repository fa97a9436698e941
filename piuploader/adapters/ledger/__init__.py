"""The ledger: what this device remembers, in one SQLite file."""

from piuploader.adapters.ledger.ledger import SqliteLedger

__all__ = ["SqliteLedger"]
