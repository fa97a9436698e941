"""Sandboxes for tests: one in a thread of this process, one as a process of its own.

    with Sandbox() as sandbox:
        requests.get(f"{sandbox.url}/api/users/me", headers={"x-api-key": sandbox.admin_key})

Both have `url`, `admin_key` and `upload_key`, which is all that a test
needs that is also to run against a real server.
"""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from piuploader.sandbox import control
from piuploader.sandbox.faults import Faults
from piuploader.sandbox.server import Server
from piuploader.sandbox.settings import Settings
from piuploader.sandbox.world import Exchange, World

T = TypeVar("T")
_START_S = 20.0


class Sandbox:
    """A sandbox in a thread with its own event loop. Options are those of `Settings`."""

    def __init__(self, **options: Any) -> None:
        self._settings = Settings(**options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._server: Server | None = None
        self.url = ""
        self.admin_key = ""
        self.upload_key = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(self._start())
        self.url = self._server.url
        self.admin_key = self.world.key_named("admin").secret
        self.upload_key = self.world.key_named("upload").secret
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server and its thread; may be called twice."""
        if self._loop.is_closed():
            return
        if self._server is not None:
            self._call(self._end(self._server))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def world(self) -> World:
        """Everything inside. Read it freely; change it through the methods here."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return self._server.world

    @property
    def faults(self) -> Faults:
        """The faults in force: `sandbox.faults.add("reset", at_bytes=1000, times=1)`."""
        return self.world.faults

    def state(self) -> dict[str, Any]:
        """Return what /sandbox/state shows."""
        return self._do(lambda: control.snapshot(self.world))

    def assets(self) -> list[dict[str, Any]]:
        """Return all assets, with the `path` of their bytes."""
        found: list[dict[str, Any]] = self.state()["assets"]
        return found

    def counters(self) -> dict[str, int]:
        """Return the counters of uploads."""
        found: dict[str, int] = self.state()["counters"]
        return found

    def queues(self) -> dict[str, dict[str, Any]]:
        """Return every queue's counts, by name."""
        return self._do(lambda: control.queue_states(self.world))

    def exchanges(self) -> list[Exchange]:
        """Return every request and answer since the start, where `record=True` was given."""
        return self._do(lambda: list(self.world.exchanges))

    def add_backlog(self, **counts: int) -> None:
        """Queue jobs of old, such as `thumbnailGeneration=400`."""
        for name, count in counts.items():
            self._do(lambda name=name, count=count: self.world.machine.add(name, [None] * count))  # type: ignore[misc]

    def pause(self, *names: str, paused: bool = True) -> None:
        """Pause or resume queues, as a person does in the web page."""
        for name in names:
            self._do(lambda name=name: self.world.pause(name, paused=paused))  # type: ignore[misc]

    def fast_forward(self, seconds: float) -> None:
        """Let `seconds` of the queues' time pass at once."""
        self._do(lambda: self.world.fast_forward(seconds))

    def is_settled(self) -> bool:
        """Tell whether no queue has anything left."""
        return bool(self.state()["settled"])

    def add_key(self, permissions: list[str], *, admin: bool = True, name: str = "key") -> str:
        """Make a key. `admin=False` makes a user for it who is none."""
        return self._do(lambda: control.make_key(self.world, permissions, admin=admin, name=name))

    def revoke(self, secret: str) -> None:
        """Make a key unknown."""
        self._do(lambda: control.revoke(self.world, secret))

    def trash(self, *ids: str) -> None:
        """Put assets into the trash; all of them without ids."""
        self._do(lambda: control.trash(self.world, list(ids) or None))

    def set_quota(self, quota_bytes: int | None) -> None:
        """Limit the admin's storage."""
        self._do(lambda: setattr(self.world.admin, "quota_bytes", quota_bytes))

    def restart(self, down_s: float = 0.0) -> None:
        """Drop every connection, refuse new ones for `down_s`, return when it listens again."""
        if self._server is not None:
            self._call(self._server.restart(down_s))

    # --- the thread ---

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _start(self) -> Server:
        server = Server(self._settings)
        await server.start()
        return server

    @staticmethod
    async def _end(server: Server) -> None:
        await server.stop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _do(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return self._call(run())


class SandboxProcess:
    """A sandbox as a process, to be killed and started again on the same folder and port."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self._data = data
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.admin_key = "sandbox-admin-key"
        self.upload_key = "sandbox-upload-key"
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address that a client is given; the same after every start."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return when ping answers."""
        command = [sys.executable, "-m", "piuploader.sandbox", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--data", str(self._data)]
        command += ["--api-key", self.admin_key, "--upload-key", self.upload_key]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, *self._arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        output = self._process.stdout
        first = output.readline().decode() if output else ""
        if "http://" not in first:
            self.close()
            raise RuntimeError(f"the sandbox did not start: {first!r}")
        self.port = int(first.rsplit(":", 1)[1])
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            try:
                self.request("GET", "/api/server/ping")
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.close()
        raise RuntimeError("the sandbox does not answer")

    def kill(self) -> None:
        """Kill it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def close(self) -> None:
        """End it in order; may be called twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._reap()

    def state(self) -> dict[str, Any]:
        """Return what /sandbox/state shows."""
        found: dict[str, Any] = self.request("GET", "/sandbox/state")
        return found

    def assets(self) -> list[dict[str, Any]]:
        """Return all assets, with the `path` of their bytes."""
        found: list[dict[str, Any]] = self.state()["assets"]
        return found

    def fault(self, kind: str, **options: Any) -> None:
        """Put a fault in force."""
        self.request("POST", "/sandbox/faults", {"kind": kind, **options})

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Ask the sandbox itself; admin's key, JSON in and out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START_S)
        try:
            headers = {"x-api-key": self.admin_key, "content-type": "application/json"}
            connection.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            return json.loads(connection.getresponse().read() or "null")
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid if self._process else os.getpid()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
