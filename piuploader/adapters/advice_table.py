"""Read the advisor's rules from the package."""

import tomllib
from importlib.resources import files

from piuploader.core.advice import Table


def advice_table() -> Table:
    """Return the rules that this version ships."""
    text = files("piuploader.data").joinpath("advice.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return Table(table["rule"], table["advice"], table["about"], table["pace"])
