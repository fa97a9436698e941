"""Snapshots of imports, for all displays."""

from piuploader.core.session import Phase
from piuploader.core.status import ImportStatus, ServerWork, Transfer
from piuploader.core.tally import Ending, Fate, Reason, Tally

EMPTY = Fate("DCIM/empty.jpg", 0, 1, Ending.FAILED, Reason.EMPTY)
NASTY = Fate("DCIM/\x1b[31m\u202egpj.exe", 9, 1, Ending.FAILED, Reason.REFUSED, "says [bold]no")
SENT = Fate("DCIM/1.jpg", 4_000_000, 1, Ending.CONFIRMED, checksum="ab" * 20, asset_id="asset-1")
THERE = Fate("DCIM/2.jpg", 2_000_000, 1, Ending.DUPLICATE, checksum="cd" * 20, known=True)
JUNK = Fate("DCIM/._1.jpg", 4096, 1, Ending.SKIPPED, Reason.JUNK)
WOULD = Fate("DCIM/3.jpg", 5, 1, Ending.SKIPPED, Reason.DRY_RUN)


def tally(*fates, found=None):
    made = Tally(found=len(fates) if found is None else found)
    for fate in fates:
        made.add(fate)
    return made


def status(*fates, phase=Phase.COMPLETE, found=None, **facts):
    usual = {"drive": "EOS_DIGITAL", "scanned": True, "seconds": 200.0}
    return ImportStatus(phase=phase, tally=tally(*fates, found=found), **usual | facts)


def running(**facts):
    """An import in full swing."""
    usual = {
        "phase": Phase.UPLOADING,
        "found": 2100,
        "media_found": 1950,
        "media_bytes": 10_100_000_000,
        "settled_bytes": 6_200_000_000,
        "bytes_per_s": 12_300_000.0,
        "eta_s": 317.0,
        "uploads_active": 4,
        "uploads_queued": 128,
        "uploads_target": 6,
        "limits": "the server's answers",
        "transfers": tuple(Transfer(f"IMG_{n}.CR3", 31_000_000, n * 4_000_000) for n in range(8)),
        "server": ServerWork(3, 412, 2),
        "problems": ("the server was away for 12 s",),
    }
    return status(SENT, THERE, JUNK, EMPTY, **usual | facts)
