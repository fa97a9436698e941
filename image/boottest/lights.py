"""What the LED did: QEMU tells every change of its pin, with the time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from piuploader.core.rhythm import is_steady

# Six beats are the longest rhythm: with one in six wrong it would be taken for another.
GOOD_SHARE = 0.87
CHANGE = re.compile(r"@(\d+\.\d+):pl061_set_output .*? output (\d+) to (\d)")


@dataclass(frozen=True, slots=True)
class Change:
    """The LED went on, or off."""

    at_s: float  # since 1970
    lit: bool


def read_changes(log: Path, *, line: int) -> list[Change]:
    """Return the changes of one line of the GPIO chip, first one first."""
    found = []
    for text in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = CHANGE.search(text)
        if match and int(match[2]) == line:
            found.append(Change(float(match[1]), match[3] == "1"))
    return found


def plays(
    changes: Sequence[Change], beats: tuple[float, ...], *, since_s: float, until_s: float
) -> bool:
    """Tell whether these changes are that rhythm: lit, dark, lit, dark ... in seconds.

    Emulated timers come late, by a tenth of a second and more on a busy machine.
    """
    inside = [each for each in changes if since_s <= each.at_s <= until_s]
    if is_steady(beats):
        before = [each for each in changes if each.at_s < since_s]
        return not inside and bool(before) and before[-1].lit
    spans = [
        (first.lit, second.at_s - first.at_s)
        for first, second in pairwise(inside)
        if first.lit != second.lit
    ]
    if len(spans) < len(beats):
        return False
    wanted = [(index % 2 == 0, beat) for index, beat in enumerate(beats)]
    return any(_fits(spans, wanted, shift) for shift in range(len(wanted)))


def _fits(
    spans: Sequence[tuple[bool, float]], wanted: Sequence[tuple[bool, float]], shift: int
) -> bool:
    """Tell whether nearly all spans are as they should be, starting somewhere in the rhythm."""
    good = 0
    for index, (lit, span) in enumerate(spans):
        should_be_lit, beat = wanted[(index + shift) % len(wanted)]
        good += lit == should_be_lit and abs(span - beat) <= 0.12 + 0.2 * beat
    return good >= GOOD_SHARE * len(spans)


def draw(
    changes: Sequence[Change],
    notes: Sequence[tuple[float, str]],
    *,
    from_s: float,
    until_s: float,
    row_s: float = 60.0,
) -> str:
    """Draw the timeline as SVG: a row for each minute, notes above where they happened."""
    scale, height, left = 16.0, 46, 60
    rows = max(1, int((until_s - from_s) / row_s) + 1)
    width = left + row_s * scale + 20
    size = f'width="{width:.0f}" height="{rows * height + 20}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    lit_since: float | None = None
    spans = []
    for each in [*changes, Change(until_s, lit=False)]:
        if each.lit and lit_since is None:
            lit_since = each.at_s
        elif not each.lit and lit_since is not None:
            spans.append((lit_since, each.at_s))
            lit_since = None
    for row in range(rows):
        begin = from_s + row * row_s
        y = row * height + 20
        parts.append(f'<text x="4" y="{y + 18}">{row * row_s:.0f} s</text>')
        parts.append(
            f'<rect x="{left}" y="{y + 8}" width="{row_s * scale}" height="12" fill="#222"/>'
        )
        for start, end in spans:
            start, end = max(start, begin), min(end, begin + row_s)  # noqa: PLW2901
            if end > start:
                x, long = left + (start - begin) * scale, (end - start) * scale
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 8}" width="{max(long, 0.8):.1f}" height="12" '
                    'fill="#3ddc84"/>'
                )
        for at, note in notes:
            if begin <= at < begin + row_s:
                x = left + (at - begin) * scale
                parts.append(f'<path d="M{x:.1f} {y + 4} v18" stroke="#d33"/>')
                parts.append(
                    f'<text x="{x + 2:.1f}" y="{y + 4}" fill="#d33">{_escaped(note)}</text>'
                )
    return "\n".join([*parts, "</svg>", ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
