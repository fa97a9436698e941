"""How a plan is told: line by line to a person, as JSON lines to a program."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TextIO

from piuploader import __version__
from piuploader.cli import jsonl
from piuploader.cli.words import counted, plain, size
from piuploader.core.status import ImportStatus
from piuploader.core.steps import Action, Step, Steps
from piuploader.core.tally import Fate, Reason

WORDS = {
    Action.UPLOAD: "would be uploaded",
    Action.SAME: "the same bytes as another file",
    Action.THERE: "on the server already",
    Action.RESTORE: "would be taken out of the server's trash",
    Action.SKIP: "would be skipped",
    Action.FAIL: "would fail",
}


class _Page:
    """Where a plan is written. Counts what it says."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.files: Counter[Action] = Counter()
        self.bytes: Counter[Action] = Counter()
        self.problems: list[str] = []

    @property
    def fails(self) -> bool:
        """Tell whether a file would fail."""
        return self.files[Action.FAIL] > 0

    def add(self, step: Step, root: str) -> None:
        """Write one step. `root`: the folder that its path is below."""
        self.files[step.action] += 1
        self.bytes[step.action] += step.fate.size
        self._write(self._told(step, root))

    def _told(self, step: Step, root: str) -> str:
        raise NotImplementedError

    def _write(self, line: str) -> None:
        # A reader who went away; the exit code still tells.
        with contextlib.suppress(OSError, ValueError):
            self._out.write(line + "\n")


class PlanLines(_Page):
    """For a person."""

    def begin(self, server: str, folders: Sequence[str]) -> None:
        """Say what this is."""
        self._write(f"Plan for {plain(', '.join(folders))} to {plain(server)}; nothing is sent:")

    def end(self, _code: int) -> None:
        """Give the sums."""
        self._write(f"{counted(self.files.total(), 'file')}:")
        for action, words in WORDS.items():
            if count := self.files[action]:
                self._write(f"  {count:>9,}  {words}  {size(self.bytes[action])}")
        for problem in self.problems:
            self._write(f"problem: {plain(problem)}")

    def _told(self, step: Step, root: str) -> str:  # noqa: ARG002  the other page's
        fate = step.fate
        why = f": {_why(step)}" if step.action is not Action.UPLOAD else ""
        gets = "; ".join(_gets(step))
        line = f"{step.action.value:<7} {size(fate.size):>8}  {plain(fate.path)}{why}"
        return f"{line} -> {gets}" if gets else line


class JsonPlan(_Page):
    """For a program. The fields are explained in docs/cli.md."""

    def begin(self, server: str, folders: Sequence[str]) -> None:
        """Say what this is."""
        about = {"schema": jsonl.SCHEMA, "piuploader": __version__, "server": server}
        self._event("plan", about | {"folders": [jsonl.text(folder) for folder in folders]})

    def end(self, code: int) -> None:
        """Give the sums."""
        facts = {
            "files": {action.value: self.files[action] for action in Action},
            "bytes": {action.value: self.bytes[action] for action in Action},
            "problems": [jsonl.text(problem) for problem in self.problems],
            "exit_code": code,
        }
        self._event("summary", facts)

    def _told(self, step: Step, root: str) -> str:
        facts = jsonl.file(step.fate, root)
        del facts["ending"]
        if step.action not in {Action.SKIP, Action.FAIL}:
            facts |= {"reason": None, "why": None}
        facts |= {
            "action": step.action.value,
            "same_as": None if step.same_as is None else jsonl.text(step.same_as),
            "albums": list(step.albums),
            "tags": list(step.tags),
        }
        return json.dumps({"event": "step", **facts}, separators=(",", ":"))

    def _event(self, event: str, facts: dict[str, Any]) -> None:
        self._write(json.dumps({"event": event, **facts}, separators=(",", ":")))


class Watch:
    """Watches a dry run, and has its fates told as steps."""

    def __init__(self, page: PlanLines | JsonPlan, steps: Callable[[str], Steps]) -> None:
        """Take the page to write on, and what makes steps, given the drive's name."""
        self._page = page
        self._make_steps = steps
        self._steps: Steps | None = None
        self._lock = Lock()

    def begin(self, status: Callable[[], ImportStatus]) -> None:
        """Learn the drive's name."""
        self._steps = self._make_steps(status().drive)

    def fate(self, fate: Fate, root: str = "") -> None:
        """Tell what would be done with a file. Called from any thread."""
        with self._lock:
            if self._steps:
                self._page.add(self._steps.step(fate), root)

    def end(self, status: ImportStatus, exit_code: int) -> None:  # noqa: ARG002  the port's
        """Take over what a person should know."""
        self._page.problems += status.problems


def _why(step: Step) -> str:
    if step.same_as is not None:
        return f"the same bytes as {plain(step.same_as)}"
    if step.action in {Action.THERE, Action.RESTORE}:
        return WORDS[step.action].removeprefix("would be ")
    fate = step.fate
    detail = f" ({plain(fate.detail)})" if fate.detail else ""
    return f"{fate.reason.value if fate.reason is not Reason.NONE else ''}{detail}"


def _gets(step: Step) -> list[str]:
    fate = step.fate
    gets = [f"album {plain(album)}" for album in step.albums]
    gets += [f"tag {plain(tag)}" for tag in step.tags]
    if fate.cover is not None:
        on_top = "the cover of a stack" if fate.cover == fate.path else "in the stack of "
        gets.append(on_top + ("" if fate.cover == fate.path else plain(fate.cover)))
    if fate.named_at:
        gets.append(f"dated by its name: {fate.named_at}")
    return gets
