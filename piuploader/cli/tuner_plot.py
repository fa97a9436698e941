"""Draw a tuner log: uploads, goodput, temperature, and what limited when."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from piuploader.core.tuner import Decision, Sample

MB = 1e6

mpl.rcParams["svg.hashsalt"] = "piuploader"  # the same log gives the same file


def draw(seconds: Sequence[tuple[Sample, Decision]], target: Path, *, title: str) -> None:
    """Write the picture; the suffix of the target tells its format."""
    samples = [sample for sample, _ in seconds]
    decisions = [decision for _, decision in seconds]
    begin = samples[0].t_s
    at = [sample.t_s - begin for sample in samples]

    figure = Figure(figsize=(10, 7), layout="constrained")
    figure.suptitle(title)
    uploads, goodput, heat, why = figure.subplots(
        4, 1, sharex=True, gridspec_kw={"height_ratios": [3, 3, 2, 2]}
    )

    uploads.step(at, [decision.uploads for decision in decisions], where="post")
    uploads.set_ylabel("uploads")
    uploads.set_ylim(bottom=0)

    goodput.plot(at, [sample.acked_bytes / max(sample.dt_s, 1e-3) / MB for sample in samples])
    paces = [decision.pace_bytes_per_s for decision in decisions]
    if any(pace is not None for pace in paces):
        shown = [float("nan") if pace is None else pace / MB for pace in paces]
        goodput.plot(at, shown, linestyle="--", label="pace")
        goodput.legend(loc="lower right")
    goodput.set_ylabel("MB/s")
    goodput.set_ylim(bottom=0)

    temperatures = [sample.temperature_c for sample in samples]
    heat.plot(at, [float("nan") if t is None else t for t in temperatures])
    if all(t is None for t in temperatures):
        heat.text(0.5, 0.5, "no thermometer", ha="center", transform=heat.transAxes)
    heat.set_ylabel("°C")

    names = sorted({decision.reason.value for decision in decisions})
    for begun, ended, reason in _stretches(at, decisions):
        row = names.index(reason)
        why.barh(row, ended - begun, left=begun, height=0.8, color=f"C{row % 10}")
    why.set_yticks(range(len(names)), names)
    why.set_xlabel("seconds")
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def _stretches(
    at: Sequence[float], decisions: Sequence[Decision]
) -> Iterator[tuple[float, float, str]]:
    """Yield from when to when one reason held."""
    begun = 0
    for now in range(1, len(at)):
        if decisions[now].reason is not decisions[begun].reason:
            yield at[begun], at[now], decisions[begun].reason.value
            begun = now
    yield at[begun], at[-1] + 1.0, decisions[begun].reason.value
