"""`piuploader setup`: ask, check against the living server, remember."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piuploader.cli import options
from piuploader.errors import ConfigError, PiUploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piuploader.app.doctor import Finding
    from piuploader.config import Settings

TRIES = 5

CaFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The authority of a certificate made at home."),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: take what is given, and the defaults.")
]


def setup(
    *,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    ca_file: CaFile = None,
    config: options.ConfigFile = None,
    yes: Yes = False,
) -> None:
    """Ask for the server and the API key, check them, and remember them.

    In Immich, make the key under Account Settings > API Keys. It needs asset.upload;
    what else it may do is listed here, with what that is good for.
    """
    from piuploader.config import write
    from piuploader.config.places import own_file

    path = config or own_file()
    before = _before(path)
    ca_file = ca_file or before.ca_file
    url = _ask_server(server or before.url, ca_file, ask=not yes)
    key = _ask_key(api_key_file, before, url, ca_file, ask=not yes)
    upload = {} if yes else _ask_upload(before)
    document = _document(path)
    table = {name: value for name, value in document.get("server", {}).items() if name != "api_key"}
    table |= {"url": url} | ({"ca_file": str(ca_file.absolute())} if ca_file else {})
    if api_key_file:
        # The key stays in its own file: one place to change it.
        table["api_key_file"] = str(api_key_file.absolute())
    elif key != before.key or "api_key_file" not in table:
        table.pop("api_key_file", None)
        table["api_key"] = key
    document["server"] = table
    document["upload"] = document.get("upload", {}) | upload
    write(path, {name: content for name, content in document.items() if content})
    typer.echo(f"Remembered in {path}, which only you can read.")
    typer.echo("Now: piuploader upload FOLDER")


def _before(path: Path) -> "Settings":
    """Return what is set already, as far as it can be read."""
    from piuploader.config import Config, Settings, settings

    try:
        return settings(config=path if path.is_file() else None)
    except ConfigError as error:
        typer.echo(f"The present configuration is set aside: {error}", err=True)
        return Settings(config=Config(), url="", key="", key_from="", ca_file=None)


def _document(path: Path) -> dict[str, Any]:
    """Return the present file's tables: the answers are put into them."""
    import tomllib

    from piuploader.config import load

    if not path.is_file():
        return {}
    try:
        load(path)
    except ConfigError:
        path.replace(path.with_name(path.name + ".old"))
        return {}
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def _ask_server(given: str, ca_file: Path | None, *, ask: bool) -> str:
    """Return the base URL at which an Immich server answers."""
    from piuploader.adapters.immich import resolve

    if not ask and not given:
        raise UsageError("--yes asks nothing: name the server with --server")
    for _ in range(TRIES if ask else 1):
        answer = (
            typer.prompt("The server's address (like immich.local:2283)", default=given or None)
            if ask
            else given
        )
        try:
            url = resolve(str(answer), ca_file)
        except PiUploaderError as error:
            if not ask:
                raise
            typer.echo(f"  {error}\n  {error.hint}".rstrip())
        else:
            typer.echo(f"  An Immich server answers at {url}.")
            return url
    raise ConfigError("no server was found; nothing was changed")


def _ask_key(
    file: Path | None, before: "Settings", url: str, ca_file: Path | None, *, ask: bool
) -> str:
    """Return a key that the server knows, and tell what it may not do."""
    from piuploader.config.settings import read_key

    given = read_key(file) if file else before.key
    if not ask and not given:
        raise UsageError("--yes asks nothing: name the key's file with --api-key-file")
    for attempt in range(TRIES if ask else 1):
        key = given
        if ask and not (file and attempt == 0):
            kept = " (empty: keep the present one)" if given else ""
            key = typer.prompt(
                f"The API key{kept}", hide_input=True, default="", show_default=False
            )
            key = str(key).strip() or given
        try:
            findings = list(_look(url, key, ca_file))
        except ConfigError as error:
            if not ask:
                raise
            typer.echo(f"  {error}")
            continue
        good = _tell(findings)
        if good:
            return key
        if not ask:
            raise ConfigError("the API key cannot be used; nothing was changed")
    raise ConfigError("no API key was found that can be used; nothing was changed")


def _look(url: str, key: str, ca_file: Path | None) -> "Iterator[Finding]":
    from piuploader.adapters.immich import ImmichClient
    from piuploader.app.doctor import examine_key

    with ImmichClient(url, key, ca_file=ca_file) as client:
        yield from examine_key(client)


def _tell(findings: "list[Finding]") -> bool:
    """Print what was found; tell whether the key can be used."""
    from piuploader.app.doctor import Level
    from piuploader.cli.doctor import print_finding

    for found in findings:
        print_finding(found)
    return all(found.level is not Level.FAIL or found.topic == "storage" for found in findings)


def _ask_upload(before: "Settings") -> dict[str, Any]:
    """Ask for what people set most often; return only what differs from the defaults."""
    from piuploader.config import values

    now = before.config.upload
    album = typer.prompt("Put all into one album? Its name, or empty", default=now.album)
    while True:
        zone = typer.prompt("Time zone of the camera's clock (empty: ours)", default=now.timezone)
        try:
            zone = values.time_zone(str(zone).strip())
            break
        except ValueError as error:
            typer.echo(f"  The time zone {error}.")
    chosen = {"album": str(album).strip(), "timezone": zone}
    present = {"album": now.album, "timezone": now.timezone}
    return {name: value for name, value in chosen.items() if value != present[name] or value}
