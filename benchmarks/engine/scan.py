"""Scan a drive that the ledger knows, as the engine does it, and ask nobody.

    python -m benchmarks.engine.scan FOLDER STATE

Prints the CPU seconds of the scan alone: Python's start, which `find` does
not have, is measured elsewhere.
"""

import json
import sys
import time
from pathlib import Path

from piuploader.adapters.folder import open_drive
from piuploader.adapters.ledger import SqliteLedger
from piuploader.app.account import Account
from piuploader.app.reader import Parcel, Reader
from piuploader.app.stop import Stop
from piuploader.app.window import Window
from piuploader.core.media import MediaTypes

TYPES = MediaTypes(frozenset({".jpg"}), frozenset({".mp4"}), frozenset({".xmp"}))


def main(folder: str, state: str) -> None:
    """Scan once."""
    ledger = SqliteLedger(Path(state) / "ledger.db")
    window = Window(max_files=sys.maxsize)
    known = 0

    def take(parcel: Parcel) -> None:
        nonlocal known
        known += sum(item.known for item in parcel)

    began_s = time.process_time()
    reader = Reader(
        open_drive(Path(folder)),
        ledger,
        TYPES,
        account=Account(ledger, 0, window, lambda _: None),
        window=window,
        stop=Stop(),
        hand_over=take,
        send_blindly=False,
    )
    reader.run()
    cpu_s = time.process_time() - began_s
    ledger.close()
    print(json.dumps({"cpu_s": cpu_s, "known": known, "read_bytes": reader.read_bytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
