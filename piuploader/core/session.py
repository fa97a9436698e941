"""The life of one drive, from plugged in to safe to remove.

A phase is either work in progress, and then the drive must stay in, or
it is at rest, and then the drive may be pulled out. The stages of an
import overlap, so the phase that people see follows from where the
files stand: `phase_of` says how.
"""

from enum import Enum


class Phase(Enum):
    """Where a session stands."""

    IDLE = "idle"
    MOUNTING = "mounting"
    SCANNING = "scanning"
    CHECKING = "checking"
    UPLOADING = "uploading"
    CONFIRMING = "confirming"
    PAUSED = "paused"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


AT_REST = frozenset({Phase.IDLE, Phase.COMPLETE, Phase.INCOMPLETE, Phase.FAILED})


def phase_of(
    *, scanned: bool, unidentified: int, unchecked: int, unsent: int, unconfirmed: int, paused: bool
) -> Phase:
    """Name the phase of a running import by the files that wait at each stage.

    The stage that takes longest wins: as soon as anything is to be sent,
    people see UPLOADING, though the scan may still go on behind it.
    """
    if paused:
        return Phase.PAUSED
    if unsent:
        return Phase.UPLOADING
    if not scanned or unidentified:
        return Phase.SCANNING
    if unchecked:
        return Phase.CHECKING
    return Phase.CONFIRMING if unconfirmed else Phase.CHECKING


def phase_at_end(*, stopped: bool, failed: int) -> Phase:
    """Name the phase of a session that is over."""
    if stopped:
        return Phase.FAILED
    return Phase.INCOMPLETE if failed else Phase.COMPLETE


def may_remove_drive(phase: Phase) -> bool:
    """Tell whether pulling the drive out now leaves nothing half done."""
    return phase in AT_REST
