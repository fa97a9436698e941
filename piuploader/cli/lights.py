"""`piuploader lights`: every signal in turn, on the lamps or in the terminal; or the card."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piuploader.cli import options
from piuploader.core.light_card import ORDER, svg_card, text_card
from piuploader.core.rhythm import is_lit, period_s
from piuploader.core.signals import SIGNALS, Colour, Light, Signal
from piuploader.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from piuploader.app.daemon_ports import Lamp
    from piuploader.config.appliance import LightsConfig

SHORTEST_S = 6.0  # each signal is shown for two rounds, but at least so long
TICK_S = 0.05
PAINT = {Colour.GREEN: 32, Colour.BLUE: 34, Colour.AMBER: 33, Colour.RED: 31}

Say = Annotated[bool, typer.Option("--say", help="Print the card of all signals, and end.")]
Svg = Annotated[
    Path | None, typer.Option("--svg", metavar="FILE", help="Draw the card as a picture, and end.")
]
ShowOne = Annotated[
    str | None, typer.Option("--show", metavar="SIGNAL", help="Show this one until stopped.")
]
Seconds = Annotated[
    float | None, typer.Option(metavar="S", help="How long to show each signal.", min=0.0)
]


def lights(
    *,
    say: Say = False,
    svg: Svg = None,
    show: ShowOne = None,
    seconds: Seconds = None,
    config: options.ConfigFile = None,
) -> None:
    """Show every light signal and what it means."""
    if say:
        typer.echo(text_card())
        return
    if svg:
        svg.write_text(svg_card(), encoding="utf-8")
        return
    wanted = [_named(show)] if show else list(ORDER)
    from piuploader.wiring.lamps import open_lamps

    lamps = open_lamps(_lights_config(config))
    if lamps:
        _play_on_lamps(lamps, wanted, seconds=seconds, endless=bool(show))
    else:
        _play_in_terminal(wanted, seconds=seconds, endless=bool(show))


def _named(name: str) -> Light:
    try:
        return Light(name)
    except ValueError:
        known = ", ".join(light.value for light in Light)
        raise UsageError(f"there is no signal {name!r}; there are: {known}") from None


def _lights_config(config: Path | None) -> "LightsConfig":
    """Return which lamps there are; with a file that is wrong, those that every box has."""
    from piuploader.config import config_file, load
    from piuploader.config.appliance import ROOMS, LightsConfig

    try:
        path = config_file(config)
        found = load(path, rooms=ROOMS).rooms["lights"] if path else LightsConfig()
    except ConfigError as error:
        typer.echo(f"piuploader: {error}", err=True)
        return LightsConfig()
    return found if isinstance(found, LightsConfig) else LightsConfig()


def _play_on_lamps(
    lamps: "list[Lamp]", wanted: list[Light], *, seconds: float | None, endless: bool
) -> None:
    import signal
    from threading import Event

    from piuploader.app.light_show import LightShow

    stopped = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    show = LightShow(lamps, clock=time.monotonic)
    show.start()
    try:
        for light in wanted:
            typer.echo(f"{light.value:<13}{SIGNALS[light].says}")
            show.show(SIGNALS[light])
            if stopped.wait(None if endless else _seconds(SIGNALS[light], seconds)):
                break
    finally:
        show.close()


def _play_in_terminal(wanted: list[Light], *, seconds: float | None, endless: bool) -> None:
    """Draw a lamp; where output is no terminal, only the words."""
    for light in wanted:
        signal = SIGNALS[light]
        line = f"{light.value:<13}{signal.says}. {signal.more}"
        if not sys.stdout.isatty():
            typer.echo(line)
            continue
        began = time.monotonic()
        while (at_s := time.monotonic() - began) < _seconds(signal, seconds) or endless:
            lamp = f"\x1b[{PAINT[signal.colour]}m●\x1b[0m" if is_lit(signal.beats, at_s) else "○"
            sys.stdout.write(f"\r {lamp}  {line}")
            sys.stdout.flush()
            time.sleep(TICK_S)
        typer.echo()


def _seconds(signal: Signal, seconds: float | None) -> float:
    return seconds if seconds is not None else max(SHORTEST_S, 2 * period_s(signal.beats))
