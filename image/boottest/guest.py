"""The box as it is asked from inside: its light, its status, its files."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from image.boottest.lights import Change, plays, read_changes
from image.boottest.machine import ACT_LINE, Machine
from image.boottest.proof import Proof
from piuploader.core.signals import SIGNALS, Light

LED = "/sys/class/leds/ACT"
SAMPLER = """
import time
end, before = time.monotonic() + {for_s}, ""
while time.monotonic() < end:
    now = open("{value}").read().strip()
    if now != before:
        print(time.monotonic(), now)
        before = now
    time.sleep(0.02)
"""
A_MOMENT_S = 0.002  # the kernel counts in milliseconds


class Guest:
    """A running machine, and the proof that is being made of it."""

    def __init__(self, machine: Machine, proof: Proof) -> None:
        self.machine = machine
        self._proof = proof

    def prints(self, command: str, *, within_s: float = 120.0) -> str:
        """Return what a command prints."""
        return self.machine.ask(command, within_s=within_s).text

    def succeeds(self, what: str, command: str) -> bool:
        """Prove that a command ends well."""
        answer = self.machine.ask(command)
        return self._proof.check(what, good=answer.code == 0, seen=answer.text[-400:])

    def all_hold(self, checks: Mapping[str, str]) -> None:
        """Prove each of these: a sentence, and a command that ends well if it is so."""
        for what, command in checks.items():
            self.succeeds(what, command)

    def status(self) -> dict[str, Any]:
        """Return the snapshot that the service shows to others, {} if there is none."""
        try:
            found: dict[str, Any] = json.loads(self.prints("cat /run/piuploader/status.json"))
        except ValueError:
            return {}
        return found

    def pin_changes(self, value: str, *, for_s: float) -> list[Change]:
        """Return how a simulated pin changed; `value` is the simulator's file."""
        script = SAMPLER.format(value=value, for_s=for_s)
        printed = self.prints(f"python3 -c '{script}'", within_s=for_s + 120)
        words = [line.split() for line in printed.splitlines()]
        return [Change(float(at), lit=level == "1") for at, level in words]

    def light(self) -> str:
        """Return the name of the signal that the service says it shows."""
        return str(self.status().get("light", {}).get("name", ""))

    def shows(self, *lights: Light, when: str, within_s: float, rhythm: bool = True) -> bool:
        """Prove that a light comes: told by the service, known to the kernel, played by the LED."""
        names = " or ".join(light.value for light in lights)
        wanted = {light.value: light for light in lights}

        def has_come() -> object:
            name = self.light()
            return True if name in wanted else name

        if not self._proof.wait(f"{when}: the light says {names}", has_come, within_s=within_s):
            return False
        light = wanted.get(self.light(), lights[0])
        beats = SIGNALS[light].beats
        told = _told(self.prints(f"cd {LED} && cat trigger brightness pattern 2>/dev/null"))
        # An LED whose trigger the service may not set is switched by the service itself.
        by_kernel = len(told) > 0
        same = len(told) == len(beats) and all(
            abs(one - other) < A_MOMENT_S for one, other in zip(told, beats, strict=True)
        )
        if by_kernel:
            self._proof.check(f"{when}: the kernel plays {light.value}", good=same, seen=told)
        if not rhythm:
            return same or not by_kernel
        begin = time.time()
        time.sleep(max(3.0 * sum(beats), 4.0))
        changes = read_changes(self.machine.lights, line=ACT_LINE)
        good = plays(changes, beats, since_s=begin, until_s=time.time())
        recent = [(round(each.at_s - begin, 2), each.lit) for each in changes if each.at_s >= begin]
        return self._proof.check(
            f"{when}: the LED itself plays {light.value}", good=good, seen=recent[:16]
        )


def _told(text: str) -> Sequence[float]:
    """Return lit and dark times from what the LED's files say; none if no trigger plays."""
    trigger = re.search(r"\[(\S+)\]", text)
    lines = text.splitlines()
    if not trigger or trigger[1] == "none":
        return ()
    numbers = [int(word) for word in lines[-1].split()] if lines else []
    spans: list[float] = []
    lit_before: bool | None = None
    for level, span_ms in zip(numbers[::2], numbers[1::2], strict=False):
        lit = level > 0
        if lit == lit_before:
            spans[-1] += span_ms / 1000
        else:
            spans.append(span_ms / 1000)
        lit_before = lit
    return spans
