"""The upload engine against its peers: `python -m benchmarks.engine`, or `make bench`.

__main__.py    which parts to run, and in which order
programs.py    the C programs, built when they are wanted
corpora.py     the files that are sent
sink.py        the server that takes them and throws them away
contenders.py  who sends: ours and the peers, as command lines
trial.py       one run: what it took, and whether all of it arrived
rounds.py      runs interleaved, round by round
pi.py          a drive and a memory as a Pi has them
replug.py      a drive that is known already, against `find`
startup.py     how long `--help` takes, and what the process weighs
goals.py       what was promised, against what was measured
report.py      tables for people
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "bench"
