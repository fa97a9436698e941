"""Reads the body of an upload: part by part to the disk, never whole in memory."""

import asyncio
import hashlib
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from aiohttp import BodyPartReader
from aiohttp.multipart import BadContentDispositionHeader

from piuploader.sandbox import media
from piuploader.sandbox.machine import Work
from piuploader.sandbox.records import new_id
from piuploader.sandbox.web import Call, Refusal

_CHUNK_BYTES = 256 * 1024
_MAX_FIELD_BYTES = 1024 * 1024  # multer's default


class Dropped(Exception):
    """The connection is gone; there is nobody to answer."""


@dataclass(slots=True)
class File:
    """A file that came in."""

    path: Path
    name: str  # as the part called it
    extension: str
    size_bytes: int
    checksum: str


@dataclass(slots=True)
class Form:
    """What a body held."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def discard(self) -> None:
        """Remove the files again."""
        for file in self.files.values():
            file.path.unlink(missing_ok=True)


class Intake:
    """Reads one body, at the pace that the faults and the CPU model allow."""

    def __init__(self, call: Call, work: Work) -> None:
        self._call = call
        self._work = work
        self._stalled: set[int] = set()
        self.received_bytes = 0

    async def form(self) -> Form:
        """Read the whole body; what it left on the disk is removed if that fails."""
        form = Form()
        try:
            async for part in self._parts():
                name, filename = _disposition(part)
                if filename is None:
                    await self._read_field(part, name, form)
                else:
                    await self._read_file(part, name, _plain(filename), form)
        except BaseException:
            form.discard()
            raise
        return form

    async def _parts(self) -> AsyncIterator[BodyPartReader]:
        # aiohttp stumbles over semicolons in a name, and says so; `_disposition` does not.
        warnings.filterwarnings("ignore", category=BadContentDispositionHeader)
        try:
            reader = await self._call.request.multipart()
        except (AssertionError, ValueError) as error:
            raise Refusal(400, "Multipart: Boundary not found") from error
        while True:
            try:
                part = await reader.next()
            except ValueError as error:
                raise Refusal(400, "Unexpected end of form") from error
            if part is None:
                return
            if not isinstance(part, BodyPartReader):
                raise Refusal(400, "Unexpected field")
            yield part

    async def _read_field(self, part: BodyPartReader, name: str, form: Form) -> None:
        raw = bytes(await part.read())
        if len(raw) > _MAX_FIELD_BYTES:
            raise Refusal(400, "Field value too long")
        form.fields[name] = raw.decode("utf-8", "replace")

    async def _read_file(
        self, part: BodyPartReader, field_name: str, name: str, form: Form
    ) -> None:
        told = form.fields.get("filename") or name
        if field_name not in {"assetData", "sidecarData"} or field_name in form.files:
            raise Refusal(400, "Unexpected field")
        is_asset = field_name == "assetData"
        extension = media.extension_of(told)
        if not (media.asset_type(extension) if is_asset else media.is_sidecar(told)):
            raise Refusal(400, f"Unsupported file type {told}")
        path = self._call.world.store.folder / "incoming" / new_id()
        file = File(path, name, extension, 0, "")
        form.files[field_name] = file
        digest = hashlib.sha1(usedforsecurity=False)
        with path.open("wb", buffering=0) as sink:
            await self._copy(part, sink, digest, file, spoil=is_asset)
        file.checksum = digest.hexdigest()

    async def _copy(
        self, part: BodyPartReader, sink: BinaryIO, digest: Any, file: File, *, spoil: bool
    ) -> None:
        corrupt = spoil and any(fault.kind == "corrupt" for fault in self._call.faults)
        while chunk := bytes(await part.read_chunk(_CHUNK_BYTES)):
            self.received_bytes += len(chunk)
            self._call.world.counters.bytes_received += len(chunk)
            if self._call.faults:
                await self._suffer(len(chunk))
            await self.work_off(len(chunk))
            if corrupt:
                chunk, corrupt = self._call.world.faults.flip(chunk), False
            digest.update(chunk)
            sink.write(chunk)
            file.size_bytes += len(chunk)

    async def _suffer(self, count: int) -> None:
        for fault in self._call.faults:
            if fault.kind == "slow":
                await asyncio.sleep(count / fault.bytes_per_s)
            elif self.received_bytes >= fault.at_bytes and fault.id not in self._stalled:
                if fault.kind == "stall":
                    self._stalled.add(fault.id)
                    await asyncio.sleep(fault.seconds)
                elif fault.kind == "reset":
                    raise Dropped

    async def work_off(self, count: int, *, with_base: bool = False) -> None:
        """Take as long as the machine needs for so many bytes, beside all else that it does."""
        world = self._call.world
        while True:
            left_s = world.machine.owe(self._work, size_bytes=count, with_base=with_base)
            if left_s <= 0:
                return
            # Look again soon: what runs beside us may change while we wait.
            await asyncio.sleep(min(left_s / world.settings.job_speed, 0.05))
            world.catch_up()
            count, with_base = 0, False


def _disposition(part: BodyPartReader) -> tuple[str, str | None]:
    """Return the name of a part's field, and its file's name if it is a file."""
    header = Message()
    header["content-disposition"] = part.headers.get("content-disposition", "")
    name = header.get_param("name", "", header="content-disposition")
    filename = header.get_param("filename", None, header="content-disposition")
    return collapse_rfc2231_value(name), filename and collapse_rfc2231_value(filename)


def _plain(name: str) -> str:
    """Return a part's file name without folders, and with what is not UTF-8 replaced."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return PurePosixPath(text.replace("\\", "/")).name
