"""The tuner on real sockets, against fixed numbers:  python -m benchmarks.real_tuning --save

The whole product (`piuploader upload`) sends real files to the sandbox
through a shaped link (`benchmarks/tuner/shaper.py`). Every run starts
from nothing: a new server, an empty ledger, nothing learnt. What counts
is how many bytes passed in a given time after the first one. The runs
of one shape are interleaved, so that a busy machine harms all alike.
"""

import argparse
import csv
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tuner.shaper import Shape, Shaper

MB = 1e6
KEY = "benchmark-key"  # it may not see the queues: on loopback their jobs would count as ours
RESULTS = Path(__file__).parent / "RESULTS-real-tuning.md"
START_TIMEOUT_S = 30.0

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("lan", link=24 * MB, answer_s=0.06),
        Shape("wan, 40 ms, capped", link=7 * MB, per_connection=0.7 * MB, rtt_s=0.04,
              answer_s=0.05),
        Shape("lossy wi-fi", link=4.5 * MB, per_connection=1.6 * MB, rtt_s=0.006, weather=0.2,
              stalls_per_s=0.4),
        Shape("503 beyond 6", link=10 * MB, per_connection=2.2 * MB, rtt_s=0.002, answer_s=0.08,
              uploads_at_once=6),
    )
}  # fmt: skip
CHOICES = ("auto", "1", "2", "4", "6", "16")


def main() -> None:
    """Play all shapes and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shapes", default=";".join(SHAPES), help="names, with ; between")
    parser.add_argument("--jobs", default=",".join(CHOICES))
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} as well")
    options = parser.parse_args()
    choices = options.jobs.split(",")
    lines = [
        "| link | " + " | ".join(choices) + " | auto / best fixed | auto's N |",
        "|---" * (len(choices) + 3) + "|",
    ]
    with tempfile.TemporaryDirectory(prefix="real-tuning-") as folder:
        pictures = Path(folder) / "drive"
        for name in options.shapes.split(";"):
            shape = SHAPES[name]
            make_files(pictures, int(shape.link * options.seconds * 1.3))
            rates: dict[str, list[float]] = {choice: [] for choice in choices}
            numbers: list[int] = []
            for turn in range(options.rounds):
                for choice in choices:
                    room = Path(folder) / f"{name}-{turn}-{choice}"
                    rates[choice].append(
                        run(
                            shape,
                            choice,
                            pictures=pictures,
                            room=room,
                            seconds=options.seconds,
                            seed=turn,
                        )
                    )
                    if choice == "auto":
                        numbers += uploads_of(room / "tuner.csv")
            lines.append(row(name, rates, numbers))
            print(lines[-1], flush=True)
    print("\n".join(["", *lines]))
    if options.save:
        text = "# Results: the tuner on real sockets\n\n" + HOW + "\n".join(lines) + "\n"
        RESULTS.write_text(text, encoding="utf-8")


HOW = """\
`python -m benchmarks.real_tuning --save` wrote this. Megabytes a second that passed the shaped link
in the first 20 s, medians of interleaved runs; every run starts from nothing, so the tuner's search
is in its figure. The last column is the middle of the N that the tuner ran.

"""


def row(name: str, rates: dict[str, list[float]], numbers: list[int]) -> str:
    """Return one line of the table."""
    medians = {choice: statistics.median(values) / MB for choice, values in rates.items()}
    fixed = max((value for choice, value in medians.items() if choice != "auto"), default=0.0)
    shown = " | ".join(f"{value:.2f}" for value in medians.values())
    share = f"{medians['auto'] / fixed:.0%}" if fixed and "auto" in medians else ""
    middle = f"{statistics.median(numbers):.0f}" if numbers else ""
    return f"| {name} | {shown} | {share} | {middle} |"


def make_files(folder: Path, total_bytes: int) -> None:
    """Fill a folder with files of 0.4 to 2.4 MB, no two alike."""
    folder.mkdir(exist_ok=True)
    noise = os.urandom(int(2.4 * MB))
    have = sum(file.stat().st_size for file in folder.iterdir())
    number = sum(1 for _ in folder.iterdir())
    while have < total_bytes:
        size = int(0.4 * MB + (number * 7919 % 2000) * 1000)
        with (folder / f"IMG_{number:05}.jpg").open("wb") as file:
            file.write(b"\xff\xd8\xff\xe0" + number.to_bytes(8, "big"))
            file.write(noise[: size - 12])
        have += size
        number += 1


def run(shape: Shape, jobs: str, *, pictures: Path, room: Path, seconds: float, seed: int) -> float:
    """Upload for so many seconds and return the bytes a second that passed."""
    room.mkdir()
    (room / "key").write_text(KEY, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(room),
        "XDG_STATE_HOME": str(room / "state"),
        "XDG_CACHE_HOME": str(room / "cache"),
        "XDG_CONFIG_HOME": str(room / "config"),
    }
    product = [sys.executable, "-m", "piuploader"]
    server = subprocess.Popen(
        [*product, "sandbox", "--port", "0", "--upload-key", KEY],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONUNBUFFERED": "1"},
    )
    shaper = None
    try:
        shaper = Shaper(shape, server_port=_port(server), seed=seed)
        said = (room / "said").open("w", encoding="utf-8")
        upload = subprocess.Popen(
            [*product, "upload", str(pictures), "--server", f"http://127.0.0.1:{shaper.port}",
             "--api-key-file", str(room / "key"), "--jobs", jobs, "--json", "--no-stay",
             "--policy", "off", "--tuner-log", str(room / "tuner.csv")],
            stdout=subprocess.DEVNULL,
            stderr=said,
            text=True,
            env=environment,
        )  # fmt: skip
        try:
            return _measure(shaper, upload, seconds)
        except RuntimeError as error:
            error.add_note((room / "said").read_text(encoding="utf-8"))
            raise
        finally:
            _end(upload)
            said.close()
    finally:
        if shaper is not None:
            shaper.close()
        _end(server)


def uploads_of(log: Path) -> list[int]:
    """Return the N of each second of a tuner log."""
    with log.open(encoding="utf-8", newline="") as file:
        return [int(line["uploads"]) for line in csv.DictReader(file)]


def _measure(shaper: Shaper, upload: subprocess.Popen[str], seconds: float) -> float:
    deadline = time.monotonic() + START_TIMEOUT_S
    while shaper.first_s is None:
        if upload.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("nothing was uploaded")
        time.sleep(0.05)
    time.sleep(max(0.0, shaper.first_s + seconds - time.monotonic()))
    if upload.poll() is not None:
        raise RuntimeError("all was uploaded before the time was over: more files are needed")
    return shaper.passed_bytes / (time.monotonic() - shaper.first_s)


def _port(server: subprocess.Popen[str]) -> int:
    assert server.stdout is not None
    for line in server.stdout:
        _, found, port = line.rstrip().rpartition("http://127.0.0.1:")
        if found and port.isdigit():
            return int(port)
    raise RuntimeError("the sandbox did not start")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


if __name__ == "__main__":
    main()
