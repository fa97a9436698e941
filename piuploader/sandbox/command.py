"""The command `sandbox`: starts a server and runs it until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer


def sandbox(  # noqa: PLR0917 - typer makes options of them
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 2283,
    api_key: Annotated[
        str | None, typer.Option(help="An admin's key that may do everything; made if not given.")
    ] = None,
    upload_key: Annotated[
        str | None, typer.Option(help="A key with asset.upload and asset.read only.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder to keep everything in; else it is forgotten.")
    ] = None,
    version_string: Annotated[str, typer.Option(help="Immich version to behave like.")] = "3.1.0",
    cpu_model: Annotated[
        str, typer.Option(help="Machine whose CPU uploads and jobs share: off, pi4 or pi5.")
    ] = "off",
    job_speed: Annotated[float, typer.Option(help="How much faster than life jobs run.")] = 1.0,
    backlog: Annotated[
        str, typer.Option(help="Jobs that wait at the start: thumbnailGeneration=400,ocr=100.")
    ] = "",
    fault: Annotated[
        list[str] | None,
        typer.Option(help="A fault, such as status:status=503,probability=0.05. May be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the faults' luck.")] = 0,
    quota_bytes: Annotated[int | None, typer.Option(help="The user's storage quota.")] = None,
    disk_bytes: Annotated[int | None, typer.Option(help="The server's disk size.")] = None,
    config_file: Annotated[  # noqa: FBT002
        bool, typer.Option("--config-file", help="Behave as if IMMICH_CONFIG_FILE were in use.")
    ] = False,
) -> None:
    """Run a small server that behaves like Immich, for trying things out and for tests."""
    import asyncio  # noqa: PLC0415

    from piuploader.sandbox import faults, machine  # noqa: PLC0415
    from piuploader.sandbox.settings import Settings  # noqa: PLC0415

    if cpu_model not in machine.MODELS:
        raise typer.BadParameter(f"There is no model {cpu_model!r}: {', '.join(machine.MODELS)}.")
    try:
        chosen = tuple(faults.parsed(text) for text in fault or ())
        jobs = {name: int(count) for name, count in _pairs(backlog)}
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if unknown := set(jobs) - set(machine.QUEUES):
        raise typer.BadParameter(f"There is no queue {min(unknown)!r}.")
    settings = Settings(
        host=host,
        port=port,
        api_key=api_key,
        upload_key=upload_key,
        data=data,
        version=version_string,
        cpu_model=cpu_model,
        job_speed=job_speed,
        backlog=jobs,
        faults=chosen,
        seed=seed,
        quota_bytes=quota_bytes,
        disk_bytes=disk_bytes,
        config_file=config_file,
    )
    try:
        asyncio.run(_serve(settings, show_keys=api_key is None))
    except ModuleNotFoundError as error:
        hint = "python -m pip install 'piuploader[sandbox]'"
        typer.echo(f"The sandbox needs {error.name}: {hint}", err=True)
        raise typer.Exit(1) from error


def _pairs(text: str) -> list[tuple[str, str]]:
    found = [pair.partition("=") for pair in text.split(",") if pair]
    return [(name.strip(), count) for name, _, count in found]


async def _serve(settings: object, *, show_keys: bool) -> None:
    import asyncio  # noqa: PLC0415
    import signal  # noqa: PLC0415

    from piuploader.sandbox.server import Server  # noqa: PLC0415
    from piuploader.sandbox.settings import Settings  # noqa: PLC0415

    if not isinstance(settings, Settings):
        raise TypeError(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(settings)
    try:
        await server.start()
    except OSError as error:
        await server.stop()
        typer.echo(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"The sandbox listens on {server.url}")
    if show_keys:
        typer.echo(f"Admin's API key: {server.world.key_named('admin').secret}")
        typer.echo(f"Upload-only API key: {server.world.key_named('upload').secret}")
    await stop.wait()
    await server.stop()
