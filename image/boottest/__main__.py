"""`make image-test`: boot the image, and prove what it promises.

    python -m image.boottest IMAGE OUT

Under emulation, with drives of every kind plugged in, pulled out and broken, the power cut
in the middle, and a server on this machine that tells what it received. Leaves in OUT the
serial console's log and a picture of the light for each start. Exits with 1 if anything
failed; the last line is "N passed, N failed".
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from image.boottest.checks import AFTER_THE_CUT, BOX, SIMULATED_PINS
from image.boottest.guest import Guest
from image.boottest.lights import draw, plays, read_changes
from image.boottest.machine import ACT_LINE, HOST, Machine
from image.boottest.proof import Proof
from image.boottest.sticks import Stick, make_stick
from image.packing.card import ALIGNED
from image.packing.programs import run
from piuploader.core.signals import SIGNALS, Light
from piuploader.sandbox import Sandbox

CARD_BYTES = 3 * 1024**3  # what somebody flashes the image to
BOOT_S = 420.0  # 60 to 120 s alone on two cores
STEP_S = 120.0
DONE = (Light.COMPLETE, Light.SERVER_WORKS)
TOML = """\
[server]
url = "http://{host}:{port}"
api_key = "{key}"

[box]
hostname = "photobox"
timezone = "Europe/Lisbon"
ssh_key = "{ssh_key}"

[daemon]
clock_wait_s = 0
server_look_s = 5
"""


class Trial:
    """The whole promise, in the order in which a person would meet it."""

    def __init__(self, image: Path, out: Path, sandbox: Sandbox, work: Path) -> None:
        self._out = out
        self._sandbox = sandbox
        self._work = work
        self._proof = Proof()
        self.card = work / "card.img"
        # With holes, and by reference where the file system can.
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, self.card], check=True)
        with self.card.open("r+b") as file:
            file.truncate(CARD_BYTES)

    def run(self) -> Proof:
        """Go through everything; what breaks in the middle counts as failed."""
        self.configure()
        sticks = self._make_sticks()
        for scene in (self._first_start, self._second_start):
            try:
                scene(sticks)
            except (OSError, RuntimeError, TimeoutError) as error:
                self._proof.check(f"{scene.__name__} runs to its end", good=False, seen=repr(error))
        return self._proof

    def configure(self) -> None:
        """Write piuploader.toml, as a person would with the card in a computer."""
        key = self._work / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key)
        text = TOML.format(
            host=HOST,
            port=self._sandbox.url.rsplit(":", 1)[1],
            key=self._sandbox.admin_key,
            ssh_key=key.with_suffix(".pub").read_text(encoding="ascii").strip(),
        )
        ours = self._work / "piuploader.toml"
        ours.write_text(text, encoding="utf-8")
        run("mcopy", "-o", "-i", f"{self.card}@@{ALIGNED}", ours, "::/piuploader.toml")

    def _make_sticks(self) -> dict[str, Stick]:
        kinds = ("vfat", "exfat", "ntfs", "ext4", "broken")
        made = {kind: make_stick(self._work, kind, seed) for seed, kind in enumerate(kinds, 1)}
        made["bare"] = make_stick(self._work, "vfat", 11, table=False)
        made["pulled"] = make_stick(self._work, "vfat", 12, count=12)
        made["cut"] = make_stick(self._work, "ext4", 13, count=12)
        return made

    def _first_start(self, sticks: dict[str, Stick]) -> None:
        proof = self._proof
        proof.note("power on, without a network")
        with Machine(self.card, self._out, "first") as machine:
            try:
                machine.network(on=False)
                guest = Guest(machine, proof)
                machine.wait_for_shell(within_s=BOOT_S)
                self._booted(guest)
                guest.shows(Light.NO_SERVER, when="no network", within_s=STEP_S)
                proof.note("network on")
                machine.network(on=True)
                guest.shows(Light.READY, when="network back", within_s=STEP_S)
                self._box(guest)
                self._pin(guest)
                for name in ("vfat", "exfat", "ntfs", "ext4", "bare"):
                    self._import(guest, {name: sticks[name]})
                    self._pull(guest, name)
                again = {"vfat": sticks["vfat"], "exfat": sticks["exfat"]}
                before = self._sandbox.counters()["uploads_created"]
                self._import(guest, again, when="two at once, again")
                after = self._sandbox.counters()["uploads_created"]
                proof.check("what is there is not sent again", good=before == after, seen=after)
                self._pull(guest, "vfat", then=Light.COMPLETE)  # the other still says so
                self._pull(guest, "exfat")
                self._broken(guest, sticks["broken"])
                self._pulled_early(guest, sticks["pulled"])
                self._power_cut(guest, sticks["cut"])
            finally:
                self._keep("first", machine)

    def _second_start(self, sticks: dict[str, Stick]) -> None:
        proof = self._proof
        proof.note("power on, 512 MB, the drive still in")
        with Machine(self.card, self._out, "second", memory_mib=512) as machine:
            try:
                machine.plug("cut", sticks["cut"].image)
                guest = Guest(machine, proof)
                machine.wait_for_shell(within_s=BOOT_S)
                self._booted(guest)
                proof.wait(
                    "after the power cut: every photo is on the server",
                    lambda: self._lacks(sticks["cut"]) or True,
                    within_s=STEP_S,
                )
                guest.shows(*DONE, when="after the power cut", within_s=STEP_S)
                self._balances(guest, "after the power cut")
                guest.all_hold(AFTER_THE_CUT)
                self._pull(guest, "cut")
                proof.wait("the server's queues are given back", self._queues_back, within_s=60)
                proof.note("the key is withdrawn")
                self._sandbox.revoke(self._sandbox.admin_key)
                guest.shows(Light.FAILED, when="wrong key", within_s=STEP_S)
                proof.note("power button")
                proof.check("shuts down in order", good=machine.shut_down(within_s=STEP_S))
            finally:
                self._keep("second", machine)

    def _booted(self, guest: Guest) -> None:
        state = guest.prints("systemctl is-system-running --wait", within_s=BOOT_S).strip()
        took = time.time() - guest.machine.switched_on_s
        failed = guest.prints("systemctl --failed --no-legend --plain")
        self._proof.check(
            f"is up after {took:.0f} s", good=state == "running", seen=f"{state}: {failed}"
        )

    def _box(self, guest: Guest) -> None:
        """Prove that the boot partition was heeded, and that the system is as it should be."""
        key = self._sandbox.admin_key
        file = guest.prints("cat /boot/firmware/piuploader.toml")
        self._proof.check(
            "the key is blanked on the card", good=key not in file and "api_key" in file
        )
        guest.all_hold(BOX)
        rss = guest.prints("grep VmRSS /proc/$(systemctl show -P MainPID piuploader)/status")
        self._proof.note(
            f"the service takes {' '.join(rss.split()[1:])}; {guest.prints('free -m | sed -n 2p')}"
        )

    def _pin(self, guest: Guest) -> None:
        """Prove that an LED on a pin plays, too."""
        beats = SIGNALS[Light.READY].beats
        value = guest.prints(SIMULATED_PINS).splitlines()[-1]
        guest.shows(Light.READY, when="an LED on GPIO 17", within_s=60, rhythm=False)
        changes = guest.pin_changes(value, for_s=4 * sum(beats))
        seen = [(round(each.at_s, 2), each.lit) for each in changes]
        end = changes[-1].at_s if changes else 0.0
        good = plays(changes[1:], beats, since_s=0.0, until_s=end)
        self._proof.check("an LED on GPIO 17 plays ready", good=good, seen=seen or value)

    def _import(self, guest: Guest, sticks: dict[str, Stick], *, when: str = "") -> None:
        title = when or " and ".join(sticks)
        for name, stick in sticks.items():
            self._proof.note(f"{name} in")
            guest.machine.plug(name, stick.image)
        guest.shows(*DONE, when=title, within_s=STEP_S, rhythm=len(sticks) == 1)
        lacks = [self._lacks(stick) for stick in sticks.values() if self._lacks(stick)]
        self._proof.check(f"{title}: every byte is on the server", good=not lacks, seen=lacks)
        self._balances(guest, title)

    def _pull(self, guest: Guest, name: str, *, then: Light = Light.READY) -> None:
        self._proof.note(f"{name} out")
        guest.machine.unplug(name)
        guest.shows(then, when=f"{name} out", within_s=60, rhythm=False)

    def _broken(self, guest: Guest, stick: Stick) -> None:
        self._proof.note("a broken drive in")
        guest.machine.plug("broken", stick.image)
        guest.shows(Light.FAILED, Light.INCOMPLETE, when="a broken drive", within_s=STEP_S)
        guest.succeeds(
            "a broken drive: said in a sentence",
            "cat /run/piuploader-drives/.problems/* | grep -q .",
        )
        self._pull(guest, "broken")

    def _slow(self, guest: Guest, name: str, stick: Stick) -> None:
        """Plug a drive in with the server slow, and wait until it is half sent."""
        self._sandbox.faults.add("slow", where="upload", bytes_per_s=60_000)
        self._proof.note(f"{name} in, slowly")
        guest.machine.plug(name, stick.image)
        self._proof.wait(
            f"{name}: some photos are there, and some are not",
            lambda: True if 0 < len(self._missing(stick)) < len(stick.checksums) else "none",
            within_s=STEP_S,
        )

    def _pulled_early(self, guest: Guest, stick: Stick) -> None:
        self._slow(guest, "pulled", stick)
        guest.shows(Light.UPLOADING, when="uploading", within_s=20, rhythm=False)
        # Else the guest goes on from its memory, and a small drive ends well without itself.
        guest.prints("echo 3 > /proc/sys/vm/drop_caches")
        self._proof.note("pulled out too early")
        guest.machine.unplug("pulled")
        guest.shows(Light.FAILED, when="pulled out too early", within_s=STEP_S)
        guest.succeeds(
            "pulled out too early: nothing is left mounted",
            "! grep piuploader-drives/ /proc/mounts",
        )
        self._sandbox.faults.clear()
        self._import(guest, {"pulled": stick}, when="put back")
        self._pull(guest, "pulled")

    def _power_cut(self, guest: Guest, stick: Stick) -> None:
        self._slow(guest, "cut", stick)
        self._proof.note("power cut")
        guest.machine.pull_plug()
        self._sandbox.faults.clear()
        self._proof.check("the power was cut in the middle", good=bool(self._missing(stick)))

    def _missing(self, stick: Stick) -> set[str]:
        return set(stick.checksums) - {asset["checksum"] for asset in self._sandbox.assets()}

    def _lacks(self, stick: Stick) -> str:
        missing = self._missing(stick)
        return f"{len(missing)} of {len(stick.checksums)} missing" if missing else ""

    def _balances(self, guest: Guest, title: str) -> None:
        drives = [drive for drive in guest.status().get("drives", []) if drive.get("session")]
        files = [drive["session"]["files"] for drive in drives]
        endings = ("confirmed", "duplicate", "skipped", "failed")
        good = bool(files) and all(
            each["found"] == sum(each[ending] for ending in endings) for each in files
        )
        self._proof.check(f"{title}: the account balances", good=good, seen=files)

    def _queues_back(self) -> object:
        paused = [name for name, each in self._sandbox.queues().items() if each["is_paused"]]
        return paused or True

    def _keep(self, name: str, machine: Machine) -> None:
        """Draw what the LED did."""
        changes = read_changes(machine.lights, line=ACT_LINE)
        notes = [each for each in self._proof.notes if each[0] >= machine.switched_on_s - 1]
        picture = draw(changes, notes, from_s=machine.switched_on_s, until_s=time.time())
        (self._out / f"{name}-lights.svg").write_text(picture, encoding="utf-8")


def main() -> int:
    """Prove it; return the exit code."""
    image, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    # The machine is switched off also when somebody ends the test.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with (
        tempfile.TemporaryDirectory(dir=out, prefix="work.") as work,
        Sandbox(job_speed=20.0) as sandbox,
    ):
        proof = Trial(image, out, sandbox, Path(work)).run()
    for what in proof.failed:
        print(f"failed: {what}")
    print(proof.closing())
    return 1 if proof.failed else 0


if __name__ == "__main__":
    sys.exit(main())
