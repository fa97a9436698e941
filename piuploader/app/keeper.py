"""Carry out what `core.policy` orders, so that a kill at any moment loses nothing.

What is about to be taken is on disk before the server is asked, and leaves
the disk only after the server gave it back.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from piuploader.core.policy import Holding, Orders, Standing, restorations, slow_changes
from piuploader.errors import (
    LedgerError,
    PermissionMissing,
    ServerBusy,
    ServerError,
    ServerRefusedKey,
    ServerTooOld,
    ServerUnreachable,
)
from piuploader.ports import Journal, QueueServer

log = logging.getLogger(__name__)

AWAY = (ServerUnreachable, ServerBusy)
BARRED = (PermissionMissing, ServerRefusedKey, ServerTooOld)


class Keeper:
    """Holds queues and settings of one server, in memory as on disk."""

    def __init__(
        self, server: QueueServer, journal: Journal, *, say: Callable[[str], object]
    ) -> None:
        """Begin with nothing in hand. `say` hears what a person should know."""
        self._server = server
        self._journal = journal
        self._say = say
        self.standing = Standing()
        self.takes = True  # False: nothing may be taken any more, only given back

    def carry_out(self, orders: Orders) -> None:
        """Do what is ordered. Raises a ServerError when the server does not follow."""
        if not self._write_down(orders.standing):
            return
        # Giving back comes first: it must not wait for what else may fail.
        for name in orders.resume:
            self._server.resume(name)
            self._write_down(self.standing.gave_back(name))
        if orders.restore:
            self._restore()
        for name in orders.pause:
            self._pause(name)
        if orders.slow:
            self._slow()

    def barred(self) -> None:
        """Take nothing any more, and forget what the server never let us take."""
        self.takes = False
        held = self.standing.holding.paused
        if self.standing.unsure >= held:
            for name in held:
                self._write_down(self.standing.refused(name))

    def close(self) -> None:
        """Let go of the journal; what is still written there is given back by the next start."""
        self._journal.close()

    def _pause(self, name: str) -> None:
        try:
            self._server.pause(name)
        except (*AWAY, *BARRED):
            raise
        except ServerError as error:
            self._say(f"The server does not pause {name}: {error}")
            self._write_down(self.standing.refused(name))
        else:
            self.standing = self.standing.paused(name)

    def _slow(self) -> None:
        settings = self._server.settings()
        changes = slow_changes(settings, self.standing.holding.theirs)
        if self._write_down(self.standing.slowing(changes)):
            if changes:
                self._server.change({change.key: change.ours[0] for change in changes})
            self.standing = replace(self.standing, slowed=True)

    def _restore(self) -> None:
        back, theirs = restorations(self._server.settings(), self.standing.holding.changed)
        if back:
            self._server.change(back)
        if theirs:
            self._say(f"Changed by somebody meanwhile, left as it is: {', '.join(theirs)}.")
        self._write_down(self.standing.restored())

    def _write_down(self, standing: Standing) -> bool:
        """Put on disk what is held from now on; False if it may not be held for want of that."""
        try:
            if standing.holding != self.standing.holding:
                self._journal.write(standing.holding)
        except LedgerError as error:
            self.takes = False
            self._say(f"The server's queues are left alone: {error}")
            if not _is_less(standing.holding, self.standing.holding):
                return False
        self.standing = standing
        return True


def _is_less(new: Holding, old: Holding) -> bool:
    """Tell whether this only gives back: that must not wait for a disk."""
    return new.paused <= old.paused and {*new.changed} <= {*old.changed}
