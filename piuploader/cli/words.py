"""Sizes, times and names as a person reads them."""

import sys

UNITS = ("kB", "MB", "GB", "TB")


def plain(name: str) -> str:
    r"""Return a file name that is safe to print.

    A name on a drive is a stranger's text: it may move the cursor, or turn the
    line around (U+202E) so that `gpj.exe` reads as `exe.jpg`. Whatever does
    not print is shown by its code: `\x1b`, `\u202e`, `\xff` for a byte that is
    not UTF-8.
    """
    return name if name.isprintable() else "".join(map(_shown, name))


def _shown(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  how Python keeps a byte that it cannot decode
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def size(count: float) -> str:
    """Return a number of bytes in thousands, as Immich and drives' labels count: `12.3 MB`."""
    unit = "B"
    for larger in UNITS:
        if count < 999.5:  # noqa: PLR2004  which would read as 1000
            break
        count, unit = count / 1000, larger
    digits = 0 if unit == "B" or count >= 99.95 else 1  # noqa: PLR2004
    return f"{count:.{digits}f} {unit}"


def duration(seconds: float) -> str:
    """Return a time in two units at most: `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    left = round(seconds)
    for unit, in_s, smaller, smaller_s in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if left >= in_s:
            whole, rest = divmod(left, in_s)
            second = rest // smaller_s
            return f"{whole} {unit}" + (f" {second} {smaller}" if second else "")
    return f"{left} s"


def number(count: int) -> str:
    """Return a number with its thousands apart: `12,345`."""
    return f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its word: `1 file`, `2 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def printable_streams() -> None:
    """Keep a terminal that lacks a character from ending the run: it shows `?` there."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
