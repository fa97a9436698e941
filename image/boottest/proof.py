"""What was proved: one line for each thing, and the count at the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Proof:
    """Collects what was seen, and when."""

    began_s: float = field(default_factory=time.time)
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Write down what is done now; it is shown beside the lights."""
        self.notes.append((time.time(), text))
        print(f"{self._clock()}  --  {text}", flush=True)

    def check(self, what: str, *, good: bool, seen: object = "") -> bool:
        """Count one thing that must hold."""
        (self.passed if good else self.failed).append(what)
        tail = f"  [{seen}]" if seen != "" and not good else ""
        print(f"{self._clock()}  {'ok  ' if good else 'FAIL'}  {what}{tail}", flush=True)
        return good

    def wait(self, what: str, is_so: Callable[[], object], *, within_s: float) -> bool:
        """Count one thing that must come to hold."""
        begun = time.monotonic()
        seen: object = ""
        while time.monotonic() - begun < within_s:
            try:
                seen = is_so()
            except TimeoutError as error:
                seen = error
            else:
                if seen is True:
                    took = time.monotonic() - begun
                    return self.check(f"{what} ({took:.0f} s)", good=True)
            time.sleep(0.5)
        return self.check(f"{what} within {within_s:.0f} s", good=False, seen=seen)

    def closing(self) -> str:
        """Return the line by which runners are read."""
        return f"{len(self.passed)} passed, {len(self.failed)} failed"

    def _clock(self) -> str:
        return f"{time.time() - self.began_s:6.1f} s"
