"""Faults on demand: what a bad network, proxy, disk or server does to a request.

A fault waits for requests of its kind and strikes each with its
probability until it has struck `times` times. Randomness is seeded.

| kind        | does                                                              |
|-------------|-------------------------------------------------------------------|
| stall       | stops reading the body for `seconds` after `at_bytes`             |
| slow        | reads the body at `bytes_per_s`                                   |
| reset       | resets the connection after `at_bytes` of the body                |
| latency     | waits `seconds` before anything else                              |
| status      | answers `status`, before the body is read unless `late`           |
| html        | answers 200 with a web page, like a captive portal                |
| full        | answers that the quota is exceeded, after the body                |
| disk_full   | answers 500, after the body                                       |
| corrupt     | stores the file with one bit flipped                              |
| drop_answer | does the work, then drops the connection without an answer        |
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

KINDS = (
    "stall",
    "slow",
    "reset",
    "latency",
    "status",
    "html",
    "full",
    "disk_full",
    "corrupt",
    "drop_answer",
)
UPLOAD = "POST /assets"
_SHORTHANDS = {
    "upload": UPLOAD,
    "check": "POST /assets/bulk-upload-check",
    "all": "",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault and whom it strikes."""

    kind: str
    where: str = "upload"  # upload, check, all, or a prefix of "METHOD /path" below /api
    probability: float = 1.0
    times: int | None = None  # strikes so often, then is over
    skip: int = 0  # lets so many requests pass first
    above_parallel: int = 0  # strikes only beyond so many parallel uploads
    above_bytes: int = 0  # strikes only bodies larger than this
    seconds: float = 0.0
    at_bytes: int = 0
    bytes_per_s: float = 100_000.0
    status: int = 503
    retry_after_s: int | None = None
    late: bool = False
    message: str | None = None
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}, only {', '.join(KINDS)}.")

    def fits(self, line: str, *, size_bytes: int, parallel: int) -> bool:
        """Tell whether a request (line: METHOD /path) is one that this fault strikes."""
        if self.times is not None and self.hits >= self.times:
            return False
        place = _SHORTHANDS.get(self.where, self.where)
        here = line == place if place == UPLOAD else line.startswith(place)
        crowded = not self.above_parallel or parallel > self.above_parallel
        large = not self.above_bytes or size_bytes > self.above_bytes
        return here and crowded and large


class Faults:
    """The faults that are in force."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - tests want the same luck twice
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, kind: str, **options: Any) -> Fault:
        """Put a fault in force; see `Fault` for its options."""
        self._last_id += 1
        fault = Fault(kind=kind, id=self._last_id, **options)
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> None:
        """End one fault."""
        self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def clear(self) -> None:
        """End all faults."""
        self._faults = []

    def listing(self) -> list[dict[str, Any]]:
        """Return the faults in force, with how often each struck."""
        return [asdict(fault) for fault in self._faults]

    def strike(self, line: str, *, size_bytes: int, parallel: int) -> list[Fault]:
        """Choose the faults that strike this request, and count them."""
        struck = []
        for fault in self._faults:
            if not fault.fits(line, size_bytes=size_bytes, parallel=parallel):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.probability >= 1 or self._rng.random() < fault.probability:
                fault.hits += 1
                struck.append(fault)
        return struck

    def flip(self, data: bytes) -> bytes:
        """Return `data` with one bit flipped."""
        place = self._rng.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def parsed(text: str) -> Mapping[str, Any]:
    """Read a fault from a command line: KIND or KIND:OPTION=VALUE,OPTION=VALUE."""
    kind, _, rest = text.partition(":")
    types = {one.name: one.type for one in fields(Fault)}
    options: dict[str, Any] = {"kind": kind}
    for pair in filter(None, rest.split(",")):
        name, _, value = pair.partition("=")
        kind_of_value = types.get(name)
        if kind_of_value is None:
            raise ValueError(f"A fault has no option {name!r}.")
        if kind_of_value is bool:
            options[name] = value.lower() in {"", "1", "true", "yes"}
        elif kind_of_value is float:
            options[name] = float(value)
        elif kind_of_value is str or name == "message":
            options[name] = value
        else:
            options[name] = int(value)
    Fault(**options)
    return options
