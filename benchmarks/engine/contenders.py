"""Who sends: ours and the peers, as command lines."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import ROOT
from benchmarks.engine.corpora import Corpus
from benchmarks.engine.programs import program
from benchmarks.engine.sink import Sink

KEY = "benchmark"
STAMP = "2024-06-01T12:30:00.000+02:00"


@dataclass(frozen=True, slots=True)
class Command:
    """What to start."""

    arguments: list[str]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to send a corpus."""

    name: str
    command: Callable[[Corpus, Sink, Path], Command]  # the path is a fresh folder for its files
    confirms: bool = False  # it asks the sink again, which must learn checksums for it


def ours(uploads: int | None = 4) -> Contender:
    """Return piuploader itself: scan, check, upload, confirm, ledger. None: it finds the number."""
    jobs = "auto" if uploads is None else str(uploads)

    def command(corpus: Corpus, sink: Sink, home: Path) -> Command:
        config = home / "config.toml"
        trust = f'[server]\nca_file = "{sink.certificate}"\n' if sink.certificate else ""
        config.write_text(trust, encoding="utf-8")
        arguments = [sys.executable, "-m", "piuploader", "upload", "--json", "--jobs", jobs]
        return Command(
            [*arguments, str(corpus.folder)],
            {
                "PIUPLOADER_SERVER": sink.url,
                "PIUPLOADER_API_KEY": KEY,
                "PIUPLOADER_CONFIG": str(config),
                "PIUPLOADER_STATE": str(home / "state"),
                "PYTHONPATH": str(ROOT),
            },
        )

    return Contender(f"piuploader {jobs}", command, confirms=True)


def official(uploads: int | None = None) -> Contender:
    """Return Immich's own `@immich/cli`. None: its default, the number of processors less one."""
    from tests.sandbox import peers

    start = peers.install().immich_cli

    def command(corpus: Corpus, sink: Sink, home: Path) -> Command:
        jobs = [] if uploads is None else ["--concurrency", str(uploads)]
        arguments = [*start, "upload", "--recursive", "--no-progress", *jobs, str(corpus.folder)]
        environment = {
            "IMMICH_INSTANCE_URL": f"{sink.url}/api",
            "IMMICH_API_KEY": KEY,
            "IMMICH_CONFIG_DIR": str(home),
        }
        if sink.certificate:
            environment["NODE_EXTRA_CA_CERTS"] = str(sink.certificate)
        return Command(arguments, environment)

    return Contender("@immich/cli " + ("default" if uploads is None else str(uploads)), command)


def curl(uploads: int = 4) -> Contender:
    """Return one curl that sends all files: it neither hashes nor asks nor confirms."""

    def command(corpus: Corpus, sink: Sink, home: Path) -> Command:
        config = home / "curl.conf"
        trust = f'cacert = "{sink.certificate}"\n' if sink.certificate else ""
        with config.open("w", encoding="utf-8") as file:
            for number, path in enumerate(corpus.paths()):
                file.write("next\n" if number else "")
                file.write(
                    f'{trust}url = "{sink.url}/api/assets"\nheader = "x-api-key: {KEY}"\n'
                    f'header = "Expect:"\noutput = "/dev/null"\n'
                    f'form-string = "fileCreatedAt={STAMP}"\n'
                    f'form-string = "fileModifiedAt={STAMP}"\n'
                    f'form-string = "filename={path.name}"\nform = "assetData=@{path}"\n'
                )
        options = ["--silent", "--fail", "--parallel", "--parallel-max", str(uploads)]
        return Command(["curl", "--disable", *options, "--config", str(config)], {})

    return Contender(f"curl {uploads}", command)


def floor(uploads: int = 4) -> Contender:
    """Return the C program that reads, hashes and sends, and does nothing else."""

    def command(corpus: Corpus, sink: Sink, home: Path) -> Command:
        names = home / "list"
        names.write_text("".join(f"{path}\n" for path in corpus.paths()), encoding="utf-8")
        return Command([str(program("floor")), str(sink.port), str(uploads), str(names)], {})

    return Contender(f"floor {uploads}", command)


def environment(command: Command) -> dict[str, str]:
    """Return the whole environment of a contender: ours without proxies and settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return kept | command.environment
