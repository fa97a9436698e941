"""The text of piuploader.toml on the boot partition, as people write it on any computer.

They use whatever editor there is: marks at the beginning, UTF-16 from
Windows, typographic quotes from a Mac or a phone. What can only mean one
thing is understood; all else gets a sentence that names the line.

Secrets are taken out of the text once they are safe elsewhere; everything
else in it, comments too, stays as it was written.
"""

import codecs
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from piuploader.errors import ConfigError

Tables = dict[str, dict[str, Any]]

SECRETS = (("server", "api_key"), ("wifi", "password"))
LARGEST = 256 * 1024  # bytes; the template has some 3,000
DOUBLE = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{DOUBLE LOW-9 QUOTATION MARK}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
)
SINGLE = "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
TYPOGRAPHIC = DOUBLE + SINGLE
QUOTES = str.maketrans(dict.fromkeys(DOUBLE, '"') | dict.fromkeys(SINGLE, "'"))
NO_BREAK = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{ZERO WIDTH NO-BREAK SPACE}": ""})
SHORTEST_ALONE = 12  # characters: a secret from here on is looked for in the whole text


def decode(content: bytes) -> str:
    """Return the text that an editor saved; raise ConfigError if it is none."""
    if len(content) > LARGEST:
        raise ConfigError("the file is far too large for a configuration")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[1::2].count(0) > len(content) // 4:
        encoding = "utf-16-le"  # without a mark: every other byte of plain text is zero
    else:
        encoding = "utf-8-sig"  # with or without a mark
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"line {line}: a character cannot be read: save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise ConfigError("this is not a text file: save it as plain text, UTF-8")
    return text


def parse(text: str) -> Tables:
    """Return the tables; raise ConfigError that names the line, and never repeats it."""
    plain = _straightened(text)
    try:
        document = tomllib.loads(plain)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(_explained(plain, str(error))) from None
    for name, table in document.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"{name!r} stands alone: it belongs below a line with a table, such as [server]"
            )
    return document


def secrets_of(tables: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the secrets that are written down, by their place; empty ones are none."""
    found = {}
    for table, key in SECRETS:
        value = tables.get(table, {}).get(key)
        if isinstance(value, str) and value.strip():
            found[table, key] = value.strip()
    return found


def blanked(text: str) -> str | None:
    """Return the text with empty secrets, all else as it was; None if that cannot be done safely.

    The result is checked: it means the same but for the secrets, and holds none.
    """
    tables = parse(text)
    secrets = secrets_of(tables)
    changed = text
    for table, key in secrets:
        changed = _emptied(changed, table, key)
    wanted = {name: dict(table) for name, table in tables.items()}
    for table, key in secrets:
        wanted[table][key] = ""
    try:
        same = parse(changed) == wanted
    except ConfigError:
        return None
    leaks = any(len(secret) >= SHORTEST_ALONE and secret in changed for secret in secrets.values())
    return changed if same and not leaks else None


def _emptied(text: str, table: str, key: str) -> str:
    """Empty the value of a key that stands on a line of its own, below its table."""
    # "api_key" and 'api_key' are the same key to TOML.
    pattern = re.compile(
        rf"""^(\s*["']?{key}["']?\s*=\s*)(["'{TYPOGRAPHIC}]).*?(["'{TYPOGRAPHIC}])(\s*(?:\#.*)?)$"""
    )
    here = ""
    lines = []
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", body):
            here = header[1]
        if here == table and (found := pattern.match(body)):
            note = found[4] or "  # taken over by the box"
            line = found[1] + '""' + note + line[len(body) :]  # noqa: PLW2901 - one line at a time
        lines.append(line)
    return "".join(lines)


def _straightened(text: str) -> str:
    """Make typographic quotes straight where they stand for TOML's own: around a value."""
    lines = []
    for line in text.translate(NO_BREAK).splitlines():
        match = re.fullmatch(rf"(\s*[\w.\"'-]+\s*=\s*)([{TYPOGRAPHIC}].*)", line)
        lines.append(match[1] + match[2].translate(QUOTES) if match else line)
    return "\n".join(lines) + "\n"


def _explained(text: str, said: str) -> str:
    """Put TOML's complaint into words for somebody who has never heard of it."""
    number = int(found[1]) if (found := re.search(r"line (\d+)", said)) else 0
    lines = text.splitlines()
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    where = f"line {number}: " if number else ""
    if any(sign in line for sign in TYPOGRAPHIC):
        return f'{where}the quotes are typographic ones: use straight ones, like "this"'
    if re.match(r"\s*[\w-]+\s*=\s*[^\s\"'\[{\d]", line) and not re.search(
        r"=\s*(true|false)\b", line
    ):
        return f'{where}a text must stand in straight quotes: name = "text"'
    if re.match(r"\s*[\w-]+\s*:", line):
        return f'{where}a key and its value have "=" between them, not ":"'
    return f"{where}this is not valid TOML ({said})"


def merged_secrets(
    written: Mapping[tuple[str, str], str],
    kept: Mapping[tuple[str, str], str],
    places: Iterable[tuple[str, str]] = SECRETS,
) -> dict[tuple[str, str], str]:
    """Return the secrets that hold: the new ones, else those taken over before."""
    return {place: secret for place in places if (secret := written.get(place) or kept.get(place))}
