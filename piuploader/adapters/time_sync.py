"""Is the clock set? systemd-timesyncd leaves a file once it is."""

import time
from collections.abc import Callable
from pathlib import Path

TIMESYNC = Path("/run/systemd/timesync")


class TimeSync:
    """Looks at the clock and at what timesyncd left."""

    def __init__(self, *, folder: Path = TIMESYNC, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now

    def year(self) -> int:
        """Return the year by the system's clock, in UTC."""
        return time.gmtime(self._now()).tm_year

    def is_synchronised(self) -> bool:
        """Tell whether a time server was heard; without timesyncd, somebody else cares for that."""
        return not self._folder.is_dir() or (self._folder / "synchronized").exists()
