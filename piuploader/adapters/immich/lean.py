"""Load requests without the library by which it guesses the encoding of a text.

Immich answers in JSON, whose encoding is known, so nothing is ever guessed
here. Left out, it saves 3 MB and a twentieth of the start, which count on a Pi
Zero. Requests provides for its absence, and warns of it.
"""

import sys
import warnings
from importlib import import_module

GUESSERS = ("chardet", "charset_normalizer")


def load_requests() -> None:
    """Import requests; whoever else wants to guess can import a guesser afterwards."""
    hidden = [name for name in GUESSERS if name not in sys.modules]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # None there means: not to be had.
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
        try:
            import_module("requests")
        finally:
            for name in hidden:
                del sys.modules[name]


load_requests()
