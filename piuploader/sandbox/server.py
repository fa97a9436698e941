"""Runs the application on a socket, and takes it down and up again."""

import asyncio
import socket
import tempfile
from pathlib import Path

from aiohttp import web

from piuploader.sandbox.app import build
from piuploader.sandbox.settings import Settings
from piuploader.sandbox.world import World

KEEP_ALIVE_S = 5.0  # as Node's server: a pooled connection goes stale after this
_TICK_S = 0.25
_ARRIVAL_S = 0.02
_BACKLOG = 512


class Server:
    """A world behind a socket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = None if settings.data else tempfile.TemporaryDirectory(prefix="sandbox-")
        self.world = World(
            settings, settings.data or Path(self._folder.name if self._folder else "")
        )
        self.port = settings.port
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._listener: socket.socket | None = None
        self._ticker: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address that a client is given."""
        host = self._settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Listen; when this returns, ping answers."""
        self._runner = web.AppRunner(
            build(self.world, self.restart),
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_S,
            shutdown_timeout=0.2,
            lingering_time=60.0,
        )
        await self._runner.setup()
        await self._listen()
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Close all connections and the store."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        if self._runner is not None:
            await self._refuse()
            await self._runner.cleanup()
        self.world.store.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def restart(self, down_s: float = 0.0) -> None:
        """Drop every connection, refuse new ones for a while, then listen again."""
        await self._refuse()
        await asyncio.sleep(down_s)
        await self._listen()

    async def _listen(self) -> None:
        if self._runner is None:
            raise RuntimeError("the server was not started")
        host = self._settings.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, self.port), family=family, backlog=_BACKLOG)
        self.port = listener.getsockname()[1]
        self._site = web.SockSite(self._runner, listener)
        await self._site.start()
        self._listener = listener

    async def _refuse(self) -> None:
        """Accept nothing more and drop every connection."""
        if self._site is None or self._listener is None or self._runner is None:
            return
        # asyncio loses a connection that it accepted but has not yet set up when the
        # listener closes: stop accepting first, and let those arrive.
        asyncio.get_running_loop().remove_reader(self._listener)
        await asyncio.sleep(_ARRIVAL_S)
        await self._site.stop()
        self._site = self._listener = None
        server = self._runner.server
        for connection in server.connections if server else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _tick(self) -> None:
        """Let the queues go on while nobody asks."""
        while True:
            await asyncio.sleep(_TICK_S)
            self.world.catch_up()
