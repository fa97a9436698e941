"""Tuner sessions as rows of text: written by `--tuner-log`, drawn and replayed later.

A row holds one second: every field of the sample, then the decision
that it led to. The first row is the beginning, of no length: nothing
is measured yet, and its decision is what was begun with. Numbers keep
all their digits, so that a replay gives the very same decisions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from piuploader.core.limit import Reason
from piuploader.core.tuner.sample import Decision, Sample
from piuploader.core.tuner.tuner import Tuner
from piuploader.errors import UsageError

SAMPLE_COLUMNS = tuple(field.name for field in fields(Sample))
DECISION_COLUMNS = tuple(field.name for field in fields(Decision))
COLUMNS = SAMPLE_COLUMNS + DECISION_COLUMNS

_LIMITS_BETWEEN = "; "
_FLAGS = {"throttled", "under_voltage", "same_host", "drop_surplus"}
_COUNTS = {
    "uploads_allowed", "uploads_active", "uploads_paused", "files_done", "overload_errors",
    "connection_errors", "cores", "queue_jobs", "uploads",
}  # fmt: skip


def as_row(sample: Sample, decision: Decision) -> list[str]:
    """Return the texts of one row, in the order of COLUMNS."""
    values = [getattr(sample, name) for name in SAMPLE_COLUMNS]
    values += [getattr(decision, name) for name in DECISION_COLUMNS]
    return [_as_text(value) for value in values]


def from_row(row: Mapping[str, str]) -> tuple[Sample, Decision]:
    """Read one row back; raise UsageError if it is not one of ours."""
    try:
        sample = {name: _as_value(name, row[name]) for name in SAMPLE_COLUMNS}
        decision = {name: _as_value(name, row[name]) for name in DECISION_COLUMNS}
        return Sample(**sample), Decision(**decision)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"this is no row of a tuner log: {error}") from error


def beginning(t_s: float, decision: Decision) -> list[str]:
    """Return the first row of a log."""
    return as_row(Sample(t_s=t_s, dt_s=0.0), decision)


def replay(seconds: Iterable[tuple[Sample, Decision]]) -> Iterator[tuple[Sample, Decision]]:
    """Yield a log again, with what a tuner of the present version decides on what was seen."""
    tuner: Tuner | None = None
    for sample, decision in seconds:
        if tuner is None:
            tuner = Tuner(start=decision.uploads)
            yield sample, decision
        else:
            yield sample, tuner.decide(sample)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        between = _LIMITS_BETWEEN if value and isinstance(value[0], str) else " "
        return between.join(str(one) for one in value)
    return str(value)


def _as_value(name: str, text: str) -> Any:
    if name == "limits":
        return tuple(text.split(_LIMITS_BETWEEN)) if text else ()
    if name == "response_times_s":
        return tuple(float(one) for one in text.split())
    if not text:
        return None
    if name == "reason":
        return Reason(text)
    if name in _FLAGS:
        return text == "yes"
    return int(text) if name in _COUNTS else float(text)
