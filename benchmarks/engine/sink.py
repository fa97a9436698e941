"""The server that takes files and throws them away, as a process."""

import hashlib
import json
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.engine import CACHE
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.programs import program
from piuploader.core.films import LARGE_BYTES

FIRST_BYTES = 16  # as in sink/sink.h


@dataclass(frozen=True, slots=True)
class Wire:
    """What the way to the server is like."""

    delay_ms: float = 0  # every answer comes so much later
    bytes_per_s: float = 0  # 0: as fast as it goes
    tls: bool = False


class Sink:
    """A running sink. `learns`: it hashes what comes without a checksum, to be asked for it."""

    def __init__(self, wire: Wire = Wire(), *, learns: bool = True) -> None:
        command = [str(program("sink")), "--delay-ms", str(wire.delay_ms)]
        command += ["--bytes-per-s", str(int(wire.bytes_per_s))]
        command += ["--hash"] if learns else []
        self.certificate: Path | None = None
        self._context: ssl.SSLContext | None = None
        if wire.tls:
            self.certificate, key = certificate()
            command += ["--cert", str(self.certificate), "--key", str(key)]
            self._context = ssl.create_default_context(cafile=str(self.certificate))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.url = f"http{'s' if wire.tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def teach(self, corpus: Corpus) -> None:
        """Tell the checksums of large files, which come without one, so that it need not hash."""
        lines = []
        for path in corpus.paths():
            if path.stat().st_size > LARGE_BYTES:
                with path.open("rb") as file:
                    first = file.read(FIRST_BYTES).hex()
                    file.seek(0)
                    lines.append(f"{first}{hashlib.file_digest(file, 'sha1').hexdigest()}\n")
        self._call("/sink/teach", "".join(lines).encode())

    def counts(self) -> dict[str, Any]:
        """Return what arrived since the last reset."""
        return dict(json.loads(self._call("/sink/counts")))

    def forget(self) -> None:
        """Forget every file, and count from nought."""
        self._call("/sink/forget")

    def recount(self) -> None:
        """Count from nought, but remember the files."""
        self._call("/sink/recount")

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        # No proxy of the environment has business here.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        with opener.open(self.url + path, body) as answer:
            says: bytes = answer.read()
            return says


def certificate() -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1 and its key, made once."""
    cert, key = CACHE / "tls" / "cert.pem", CACHE / "tls" / "key.pem"
    if not cert.exists():
        cert.parent.mkdir(parents=True, exist_ok=True)
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650"
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(
            [*command.split(), *names, "-keyout", str(key), "-out", str(cert)],
            check=True,
            capture_output=True,
        )
    return cert, key
