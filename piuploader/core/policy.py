"""Uploads first: which of the server's queues wait, and when they run again.

    OFF     leave the server alone
    PAUSE   the heavy queues wait during the upload, then all run again
    SLOW    they run one job at a time during the upload (their concurrency is
            lowered), then as before
    STAGED  as PAUSE, but when the uploads are done the thumbnails run alone
            first, so that the photos can be seen, and then the rest

    WATCHING ──uploads begin──> UPLOADING ──uploads over──> THUMBNAILS ──settled──> WATCHING
                                    ^                (STAGED only)  │
                                    └────────uploads begin──────────┘

What rules whom:

- Only a queue that runs is paused, and only what we paused is given back.
- A queue that somebody changes meanwhile is theirs until the visit is over:
  one that we paused and that runs now, one that we found paused and that runs now.
  (One that is paused a second time while we hold it cannot be told apart.)
- A queue found paused is not adopted. If another piuploader of this device
  holds it, it may be paused once that one has given it back.
- A pause has a limit; then the queues get a turn, and then it may go on.
- In the quiet hours (the server's nightly tasks and its backup) nothing is
  newly paused, and nothing heavy is set free either, but by the limit or
  because we leave.
- When the server's disk is nearly full nothing is held: work that waits
  would hide how much room it will need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from piuploader.core.queues import EMPTY_POLLS, HEAVY, Queue, backlog, upstream

Setting: TypeAlias = "bool | int | float | str | tuple[Setting, ...] | None"

THUMBNAILS = "thumbnailGeneration"
BEFORE_THUMBNAILS = ("sidecar", *upstream(THUMBNAILS))
SLOWEST = 1  # the least concurrency that Immich takes


class Policy(Enum):
    """How the server's work gives way to uploads."""

    OFF = "off"
    PAUSE = "pause"
    SLOW = "slow"
    STAGED = "staged"


class Stage(Enum):
    """Where one visit stands, for the server's queues."""

    WATCHING = "watching"
    UPLOADING = "uploading"
    THUMBNAILS = "thumbnails"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the queues wait, and how long their turn is after that."""

    lease_s: float = 12 * 3600.0
    turn_s: float = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that we changed for a while."""

    key: str  # dotted, as in job.ocr.concurrency
    was: Setting
    ours: tuple[Setting, ...]  # what it may hold by our hand


@dataclass(frozen=True, slots=True)
class Holding:
    """All that must be given back, and what somebody took from us."""

    paused: frozenset[str] = frozenset()
    changed: tuple[Change, ...] = ()
    theirs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.paused or self.changed)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look passes on to the next."""

    stage: Stage = Stage.WATCHING
    holding: Holding = field(default_factory=Holding)
    unsure: frozenset[str] = frozenset()  # held, but the server did not answer
    found_paused: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset()  # of these: held by another piuploader here
    since_s: float | None = None  # since when anything is held
    turn_s: float | None = None  # since when the queues have their turn
    empty_looks: int = 0  # without work before or in the thumbnails
    slowed: bool = False  # the server's settings are as SLOW wants them

    def paused(self, name: str) -> "Standing":
        """Note that the server did pause a queue."""
        return replace(self, unsure=self.unsure - {name})

    def gave_back(self, name: str) -> "Standing":
        """Note that the server did resume a queue."""
        return self._without({name})

    def refused(self, name: str) -> "Standing":
        """Note that the server will not pause a queue: do not ask again."""
        return self._without({name}, theirs=frozenset({name}))

    def slowing(self, changed: Sequence[Change]) -> "Standing":
        """Note which settings are about to be changed, besides those that were."""
        old = {change.key for change in self.holding.changed}
        new = tuple(change for change in changed if change.key not in old)
        return replace(self, holding=replace(self.holding, changed=(*self.holding.changed, *new)))

    def restored(self) -> "Standing":
        """Note that the settings are as they were."""
        return replace(self, holding=replace(self.holding, changed=()), slowed=False)

    def _without(self, names: set[str], theirs: frozenset[str] = frozenset()) -> "Standing":
        held = self.holding
        return replace(
            self,
            holding=Holding(held.paused - names, held.changed, held.theirs | theirs),
            unsure=self.unsure - names,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true now."""

    now_s: float  # monotonic
    queues: Sequence[Queue]
    uploading: bool = False
    leaving: bool = False
    quiet: bool = False
    disk_low: bool = False
    lent: frozenset[str] = frozenset()  # held by other piuploaders of this device
    taken: frozenset[str] = frozenset()  # what somebody took from those


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do now, in this order; `standing` is to be written down before."""

    standing: Standing
    pause: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    slow: bool = False  # lower the concurrency now
    restore: bool = False  # give the settings back now
    notes: tuple[str, ...] = ()


def decide(policy: Policy, limits: Limits, standing: Standing, moment: Moment) -> Orders:
    """Take one look, and say what to do."""
    if moment.uploading and standing.stage is Stage.WATCHING and not standing.holding:
        standing = Standing(turn_s=standing.turn_s)  # a new visit: old grudges end
    now = {queue.name: queue for queue in moment.queues}
    standing, notes = _heed_others(standing, moment, now)
    standing = _advance(policy, limits, standing, moment)
    held = standing.holding
    wanted = _wanted(policy, standing, moment)
    free = wanted - held.paused - held.theirs - standing.found_paused
    pause = frozenset() if moment.quiet else frozenset(n for n in free if n in now)
    give = held.paused - wanted
    kept = moment.quiet and not (moment.leaving or moment.disk_low or standing.turn_s is not None)
    if kept:
        give = frozenset()
    slowing = policy is Policy.SLOW and _may_hold(standing, moment)
    slow = slowing and not standing.slowed and not moment.quiet
    again = standing.unsure & wanted  # asked before, unheard
    if pause or again or slow:
        standing = replace(
            standing,
            holding=replace(held, paused=held.paused | pause),
            unsure=standing.unsure | pause,
            since_s=moment.now_s if standing.since_s is None else standing.since_s,
        )
    return Orders(
        standing=standing,
        pause=in_order(pause | again),
        resume=in_order(give),
        slow=slow,
        restore=bool(held.changed) and not slowing and not kept,
        notes=tuple(notes),
    )


def in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Sort queues so that the thumbnails run first, then as work flows."""
    return tuple(sorted(names, key=lambda n: HEAVY.index(n) if n in HEAVY else len(HEAVY)))


def slow_changes(settings: Mapping[str, Setting], theirs: frozenset[str]) -> tuple[Change, ...]:
    """Return what SLOW changes: the heavy queues that have a key and more than one at a time."""
    keys = [f"job.{name}.concurrency" for name in HEAVY]
    now = [(key, settings[key]) for key in keys if key in settings and key not in theirs]
    return tuple(Change(k, v, (SLOWEST,)) for k, v in now if isinstance(v, int) and v > SLOWEST)


def restorations(
    settings: Mapping[str, Setting], changed: Sequence[Change]
) -> tuple[dict[str, Setting], tuple[str, ...]]:
    """Return what to set to give settings back, and which keys somebody changed meanwhile."""
    back = {c.key: c.was for c in changed if settings.get(c.key) in c.ours}
    mine = {*back, *(c.key for c in changed if settings.get(c.key) == c.was)}
    return back, tuple(change.key for change in changed if change.key not in mine)


def _heed_others(
    standing: Standing, moment: Moment, now: Mapping[str, Queue]
) -> tuple[Standing, list[str]]:
    """Leave to others what others changed, and what is theirs from the start."""
    runs = frozenset(name for name, queue in now.items() if not queue.is_paused)
    held = standing.holding.paused
    notes = []
    took = (held - standing.unsure) & runs
    gone = held - now.keys()
    if took:
        notes.append(f"Somebody resumed {', '.join(in_order(took))}: left alone from now on.")
    standing = standing._without({*took, *gone}, theirs=took)  # noqa: SLF001 - its own room
    # What we were not sure of and find paused is ours: the answer got lost on the way.
    standing = replace(standing, unsure=standing.unsure & runs)
    if standing.stage is Stage.WATCHING and not moment.uploading:
        return standing, notes
    woke = standing.found_paused & runs - moment.lent
    ours_to_take = woke & standing.lent - moment.taken
    paused = frozenset(n for n in HEAVY if n in now and n not in runs) - standing.holding.paused
    if not moment.uploading:
        paused &= standing.found_paused
    new = paused - standing.found_paused - standing.holding.theirs
    if new:
        who = "another piuploader on this device" if new <= moment.lent else "somebody else"
        notes.append(f"Already paused by {who}, left as it is: {', '.join(in_order(new))}.")
    return replace(
        standing,
        holding=replace(standing.holding, theirs=standing.holding.theirs | (woke - ours_to_take)),
        found_paused=(standing.found_paused - woke) | paused,
        lent=(standing.lent | (moment.lent & paused)) - woke,
    ), notes


def _advance(policy: Policy, limits: Limits, standing: Standing, moment: Moment) -> Standing:
    """Move to the stage and the turn that this moment belongs to."""
    stage = standing.stage
    if moment.uploading:
        standing = replace(standing, stage=Stage.UPLOADING, empty_looks=0)
    elif stage is not Stage.WATCHING:
        empty = not _thumbnail_work(standing, moment)
        looks = standing.empty_looks + 1 if empty else 0
        over = policy is not Policy.STAGED or moment.leaving or looks >= EMPTY_POLLS
        standing = replace(
            standing, stage=Stage.WATCHING if over else Stage.THUMBNAILS, empty_looks=looks
        )
    if standing.turn_s is not None and moment.now_s - standing.turn_s >= limits.turn_s:
        standing = replace(standing, turn_s=None)
    if not standing.holding:
        return replace(standing, since_s=None)
    if standing.since_s is not None and moment.now_s - standing.since_s >= limits.lease_s:
        return replace(standing, since_s=None, turn_s=moment.now_s)
    return standing


def _may_hold(standing: Standing, moment: Moment) -> bool:
    at_work = standing.stage is not Stage.WATCHING and not moment.leaving
    return at_work and standing.turn_s is None and not moment.disk_low


def _wanted(policy: Policy, standing: Standing, moment: Moment) -> frozenset[str]:
    """Return the queues that should wait now."""
    if policy not in {Policy.PAUSE, Policy.STAGED} or not _may_hold(standing, moment):
        return frozenset()
    if standing.stage is Stage.UPLOADING:
        return frozenset(HEAVY)
    return standing.holding.paused - {THUMBNAILS}


def _thumbnail_work(standing: Standing, moment: Moment) -> int:
    """Count the jobs that thumbnails still wait for; what others paused will not come."""
    kept = {name for name in BEFORE_THUMBNAILS if name not in HEAVY} | standing.found_paused
    moving = [q for q in moment.queues if not (q.is_paused and q.name in kept)]
    return backlog(moving, BEFORE_THUMBNAILS)
