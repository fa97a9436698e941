"""The card of the lights: as text for a terminal, and as a picture for the handbook.

Both are drawn from the table of signals, so there is nothing to keep up to date.
"""

from html import escape

from piuploader.core.rhythm import drawn, is_steady
from piuploader.core.signals import SIGNALS, Colour, Light

CELL_S = 0.1
TEXT_CELLS = 40  # 4 s
SHOWN_S = 8.0  # in the picture

SHADES = {
    Colour.GREEN: "#1a9641",
    Colour.BLUE: "#2c7bb6",
    Colour.AMBER: "#e08a00",
    Colour.RED: "#d7191c",
}
WIDTH, ROW, HEAD, LEFT, RULER = 760, 40, 92, 350, 380
INK, PAPER, DARK = "#222222", "#ffffff", "#dddddd"

# In the order in which a person meets them.
ORDER: tuple[Light, ...] = tuple(Light)

RULES = (
    "Blinking evenly, or mostly lit: leave the drive in.",
    "Steady: done, take it out. Mostly dark: count the flashes.",
)


def text_card() -> str:
    """Return the card as lines of text: name, rhythm of four seconds, words."""
    rows = [
        f"{light.value:<13}{SIGNALS[light].colour.name.lower():<7}"
        f"{drawn(SIGNALS[light].beats, cell_s=CELL_S, cells=TEXT_CELLS)}  {SIGNALS[light].says}"
        for light in ORDER
    ]
    return "\n".join([*RULES, "", *rows])


def svg_card() -> str:
    """Return the card as an SVG picture."""
    height = HEAD + ROW * len(ORDER) + 16
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="sans-serif" font-size="14" role="img" aria-labelledby="title">'
        ),
        '<title id="title">What the light of piuploader says</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        *(
            f'<text x="16" y="{28 + 22 * line}" fill="{INK}">{escape(rule)}</text>'
            for line, rule in enumerate(RULES)
        ),
        (
            f'<text x="{LEFT}" y="{HEAD - 12}" font-size="11" fill="{INK}">'
            f"{SHOWN_S:.0f} seconds of light</text>"
        ),
    ]
    for number, light in enumerate(ORDER):
        parts += _row(light, HEAD + ROW * number)
    return "\n".join([*parts, "</svg>", ""])


def _row(light: Light, top: int) -> list[str]:
    signal = SIGNALS[light]
    shade = SHADES[signal.colour]
    row = [
        f'<circle cx="26" cy="{top + 15}" r="8" fill="{shade}"/>',
        f'<text x="44" y="{top + 20}" fill="{INK}">{escape(signal.says)}</text>',
        f'<rect x="{LEFT}" y="{top + 5}" width="{RULER}" height="20" fill="{DARK}"/>',
    ]
    scale = RULER / SHOWN_S
    at_s = 0.0
    beats = (SHOWN_S, 0.0) if is_steady(signal.beats) else signal.beats
    while at_s < SHOWN_S:
        for number, beat_s in enumerate(beats):
            length_s = min(beat_s, SHOWN_S - at_s)
            if number % 2 == 0 and length_s > 0:
                row.append(
                    f'<rect x="{LEFT + at_s * scale:.1f}" y="{top + 5}" '
                    f'width="{length_s * scale:.1f}" height="20" fill="{shade}"/>'
                )
            at_s += beat_s
    return row
