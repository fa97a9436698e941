"""What a light says. One table; every lamp plays it.

At work it blinks evenly or is mostly lit: leave the drive in. At rest
it is steady, or mostly dark, and then count the flashes: one short is
ready, two look, three act; a long flash speaks of the server. When it
is mostly lit, count the gaps: one waits, two is hot, three is weak
power. The rhythm alone says it all, so that a single-colour LED and a
colour-blind eye lose nothing.

With several drives in, the one that must stay in longest speaks for
all: see `LOUDEST`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from piuploader.core.rhythm import Beats, Look, look


class Colour(Enum):
    """The usual meanings: green fine, blue busy, amber look, red act. Levels 0 to 1."""

    GREEN = (0.0, 1.0, 0.0)
    BLUE = (0.0, 0.0, 1.0)
    AMBER = (1.0, 0.4, 0.0)
    RED = (1.0, 0.0, 0.0)


class Light(Enum):
    """What the appliance as a whole has to say."""

    STARTING = "starting"
    READY = "ready"
    NO_SERVER = "no-server"
    READING = "reading"
    UPLOADING = "uploading"
    WAITING = "waiting"
    HOT = "hot"
    WEAK_POWER = "weak-power"
    COMPLETE = "complete"
    SERVER_WORKS = "server-works"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Signal:
    """A colour and a rhythm with one meaning."""

    colour: Colour
    beats: Beats  # lit, dark, lit, dark ... in seconds, repeated
    says: str  # on the card: 32 characters at most
    more: str  # what to do, in a sentence

    @property
    def look(self) -> Look:
        """What is seen without colour."""
        return look(self.beats)


SIGNALS: dict[Light, Signal] = {
    Light.STARTING: Signal(
        Colour.BLUE, (2.5, 2.5), "starting: wait", "The box has just been switched on."
    ),
    Light.READY: Signal(
        Colour.GREEN, (0.1, 3.9), "ready: plug in a drive", "Nothing is plugged in."
    ),
    Light.NO_SERVER: Signal(
        Colour.AMBER,
        (1.0, 4.0),
        "no network or no server",
        "Look at the network and the server. A drive may be plugged in: it will wait.",
    ),
    Light.READING: Signal(
        Colour.BLUE,
        (1.0, 1.0),
        "reading the drive: leave it in",
        "Its files are listed, read and compared with the server.",
    ),
    Light.UPLOADING: Signal(
        Colour.BLUE, (0.3, 0.3), "uploading: leave it in", "Photos are on their way."
    ),
    Light.WAITING: Signal(
        Colour.AMBER,
        (1.8, 0.2),
        "waiting: leave it in",
        "For the server, the network or the time. It goes on by itself.",
    ),
    Light.HOT: Signal(
        Colour.AMBER,
        (1.6, 0.2, 0.4, 0.2),
        "hot, goes slowly: leave it in",
        "Give the box air. It goes on by itself.",
    ),
    Light.WEAK_POWER: Signal(
        Colour.AMBER,
        (1.4, 0.2, 0.4, 0.2, 0.4, 0.2),
        "weak power, slow: leave it in",
        "Use the power supply made for this board, or a powered USB hub for the drive.",
    ),
    Light.COMPLETE: Signal(
        Colour.GREEN,
        (1.0, 0.0),
        "done: remove the drive",
        "Every photo on it was seen on the server.",
    ),
    Light.SERVER_WORKS: Signal(
        Colour.GREEN,
        (1.0, 0.4, 0.1, 3.5),
        "done: remove; server still works",
        "The drive may go. The server still makes thumbnails and the like, from its own copy.",
    ),
    Light.INCOMPLETE: Signal(
        Colour.AMBER,
        (0.2, 0.3, 0.2, 1.3),
        "remove it, then see the status",
        "Some files were not sent, or there was nothing to send: see the status.",
    ),
    Light.FAILED: Signal(
        Colour.RED,
        (0.2, 0.3, 0.2, 0.3, 0.2, 1.3),
        "stopped: needs you",
        "The drive may go. The status and the log say what to do.",
    ),
}

# The first that is true speaks for all: what must stay in comes before what may
# go, then what needs a person before what does not.
LOUDEST: tuple[Light, ...] = (
    Light.WEAK_POWER,
    Light.HOT,
    Light.WAITING,
    Light.UPLOADING,
    Light.READING,
    Light.STARTING,
    Light.FAILED,
    Light.INCOMPLETE,
    Light.SERVER_WORKS,
    Light.COMPLETE,
    Light.NO_SERVER,
    Light.READY,
)


def loudest(lights: Iterable[Light]) -> Light:
    """Return the one light that speaks for all of these; READY if there is none."""
    wanted = set(lights)
    return next((light for light in LOUDEST if light in wanted), Light.READY)


# The buzzer says only how a session ended, once.
BEEPS: dict[Light, int] = {
    Light.COMPLETE: 1,
    Light.INCOMPLETE: 2,
    Light.FAILED: 3,
}
