"""What limits the uploads: the tuner finds out, every display may say so."""

from enum import StrEnum


class Reason(StrEnum):
    """What limits the uploads now; the value is the word in the log."""

    SEARCHING = "searching"
    SETTLED = "settled"
    STARVED = "starved"
    DRIVE = "drive"
    CPU = "processor"
    LINK = "link"
    SERVER = "server"
    SERVER_GONE = "server-gone"
    OVERLOAD = "overload"
    LATENCY = "latency"
    MEMORY = "memory"
    HEAT = "heat"
    VOLTAGE = "under-voltage"
    BACKLOG = "backlog"
    BANDWIDTH = "bandwidth-limit"
