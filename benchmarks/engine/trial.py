"""One run: what it took, and whether all of it arrived."""

import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine.contenders import Command, Contender, environment
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.programs import program
from benchmarks.engine.sink import Sink

MAY_LOSE = 0.01  # of a peer's files; ours must send all


class DidNotArrive(Exception):
    """A run that does not count: not all was sent, or confirmed."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a process took, its children included."""

    status: int
    began_ns: int
    wall_s: float
    user_s: float
    system_s: float
    peak_kib: int

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time."""
        return self.user_s + self.system_s


@dataclass(frozen=True, slots=True)
class Trial:
    """One contender, one corpus, once."""

    contender: str
    corpus: str
    files: int
    bytes: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    first_upload_s: float | None  # from the start of the process; None: there was none
    sink_cpu_s: float
    lost: int = 0  # files that a peer did not send, and did not fail for

    @property
    def mb_per_s(self) -> float:
        """Millions of bytes a second."""
        return self.bytes / self.wall_s / 1e6

    @property
    def files_per_s(self) -> float:
        """Files a second."""
        return self.files / self.wall_s

    @property
    def cpu_s_per_gb(self) -> float:
        """Seconds of processor time for 10^9 bytes."""
        return self.cpu_s / self.bytes * 1e9

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def start(command: Command, home: Path, *, before: list[str] | None = None) -> Used:
    """Run a command to its end, with its output in `home`. `before`: what starts it in turn."""
    report = home / "used.json"
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        launch = [*(before or []), str(program("launch")), str(report)]
        subprocess.run(
            [*launch, *command.arguments],
            env=environment(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            check=False,
            cwd=home,
        )
    return Used(**json.loads(report.read_text()))


def run(contender: Contender, corpus: Corpus, sink: Sink, **how: Any) -> Trial:
    """Send a corpus once."""
    with tempfile.TemporaryDirectory(prefix="piuploader-bench-") as name:
        home = Path(name)
        command = contender.command(corpus, sink, home)
        sink.forget()
        before_s = sink.counts()["cpu_s"]
        used = start(command, home, **how)
        counts = sink.counts()
        lost = corpus.files - counts["uploads"]
        if contender.confirms or used.status or lost > corpus.files * MAY_LOSE:
            _require_all(contender, corpus, used, counts, home)
    first_ns = counts["first_upload_ns"]
    return Trial(
        contender=contender.name,
        corpus=corpus.name,
        files=corpus.files,
        bytes=corpus.bytes,
        wall_s=used.wall_s,
        cpu_s=used.cpu_s,
        peak_mib=used.peak_kib / 1024,
        first_upload_s=(first_ns - used.began_ns) / 1e9 if first_ns else None,
        sink_cpu_s=counts["cpu_s"] - before_s,
        lost=lost,
    )


def _require_all(
    contender: Contender, corpus: Corpus, used: Used, counts: dict[str, Any], home: Path
) -> None:
    says = ""
    if used.status or counts["uploads"] != corpus.files:
        says = f"exit {used.status}, {counts['uploads']} of {corpus.files} files arrived"
    elif contender.confirms:
        summary = json.loads((home / "out").read_bytes().splitlines()[-1])
        if not summary["balanced"] or summary["endings"]["confirmed"] != corpus.files:
            says = f"not all is confirmed: {summary['endings']}"
    if says:
        told = "".join((home / name).read_text(errors="replace")[-1000:] for name in ("out", "err"))
        raise DidNotArrive(f"{contender.name} on {corpus.name}: {says}\n{told}")
