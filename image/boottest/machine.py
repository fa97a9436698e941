"""An arm64 machine under QEMU: a card, USB ports, a network, an LED, and a plug to pull.

There are no test hooks in the image. A root shell on a virtual console comes from the
kernel's command line (systemd.debug_shell), and the LED from the device tree.
"""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from image.packing.card import ALIGNED
from image.packing.programs import run

# Besides what the image's own cmdline.txt says: another console to log, a shell to ask.
MORE_WORDS = "console=ttyAMA0 loglevel=5 systemd.debug_shell=hvc0 systemd.getty_auto=no"
ACT_LINE = 1  # of the machine's own GPIO chip, a PL061
HOST = "10.0.2.2"  # the host, as QEMU's user network shows it
BEGIN, END = "@@begin@@", "@@end@@"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command in the guest printed, and its exit code."""

    text: str
    code: int


class Machine:
    """One machine, from power on to power off."""

    def __init__(
        self, card: Path, folder: Path, name: str, *, memory_mib: int = 1024, ssh_port: int = 0
    ) -> None:
        self.lights = folder / f"{name}-lights.log"
        self.serial = folder / f"{name}-serial.log"
        self._card = card
        self._folder = folder
        self._name = name
        self._memory_mib = memory_mib
        self._ssh_port = ssh_port  # on this machine's loopback; 0: none
        self._process: subprocess.Popen[bytes] | None = None
        self._qmp: socket.socket | None = None
        self._console: socket.socket | None = None
        self._buffer = b""
        self._heard = b""

    def __enter__(self) -> Self:
        """Switch on."""
        for path in (self.lights, self.serial):
            path.unlink(missing_ok=True)
        kernel, initrd, words = self._from_card("vmlinuz", "initrd", "cmdline")
        own = words.read_text(encoding="ascii").split()
        command_line = " ".join([w for w in own if not w.startswith("console=")] + [MORE_WORDS])
        tree = self._device_tree()
        network = "user,id=net0"
        if self._ssh_port:
            network += f",hostfwd=tcp:127.0.0.1:{self._ssh_port}-:22"
        arguments = [
            *self._arguments(tree),
            "-kernel", str(kernel), "-initrd", str(initrd), "-append", command_line,
            "-drive", f"if=none,id=card,file={self._card},format=raw,cache=writeback",
            "-device", "virtio-blk-pci,drive=card",
            "-netdev", network, "-device", "virtio-net-pci,id=nic0,netdev=net0,romfile=",
            "-device", "qemu-xhci,id=usb,p2=8,p3=8",
            "-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset",
            "-serial", f"file:{self.serial}",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=hvc,path={self._socket('hvc')},server=on,wait=off",
            "-device", "virtconsole,chardev=hvc",
            "-qmp", f"unix:{self._socket('qmp')},server=on,wait=off",
            "-trace", "pl061_set_output", "-msg", "timestamp=on", "-D", str(self.lights),
        ]  # fmt: skip
        self.switched_on_s = time.time()
        self._process = subprocess.Popen(["nice", "-n", "19", *arguments], stdin=subprocess.DEVNULL)
        self._qmp = self._connect("qmp")
        self._read_line()
        self.qmp("qmp_capabilities")
        self._console = self._connect("hvc")
        return self

    def __exit__(self, *_error: object) -> None:
        """Pull the plug, if nobody did."""
        self.pull_plug()

    def pull_plug(self) -> None:
        """Cut the power."""
        for each in (self._qmp, self._console):
            if each:
                each.close()
        self._qmp = self._console = None
        if self._process and self._process.poll() is None:
            # nice(1) became QEMU by exec: it is the one process.
            os.kill(self._process.pid, signal.SIGKILL)
        if self._process:
            self._process.wait()

    def shut_down(self, *, within_s: float) -> bool:
        """Press the power button; tell whether the machine went off by itself."""
        self.qmp("system_powerdown")
        try:
            self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def plug(self, name: str, image: Path) -> None:
        """Plug a USB drive in."""
        node = {"driver": "raw", "node-name": name,
                "file": {"driver": "file", "filename": str(image)}}  # fmt: skip
        self.qmp("blockdev-add", **node)
        self.qmp("device_add", driver="usb-storage", id=f"dev-{name}", drive=name, bus="usb.0")

    def unplug(self, name: str) -> None:
        """Pull a USB drive out, whatever it is doing."""
        self.qmp("device_del", id=f"dev-{name}")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(RuntimeError):
                self.qmp("blockdev-del", **{"node-name": name})
                return
            time.sleep(0.2)
        raise RuntimeError(f"the drive {name} does not go")

    def network(self, *, on: bool) -> None:
        """Pull the network cable, or put it back."""
        self.qmp("set_link", name="nic0", up=on)

    def qmp(self, command: str, **arguments: Any) -> Any:
        """Give QEMU a command; raise RuntimeError with what it says is wrong."""
        message = {"execute": command, "arguments": arguments}
        self._qmp.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = json.loads(self._read_line())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def wait_for_shell(self, *, within_s: float) -> None:
        """Wait until the root shell answers."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self._console.sendall(b"\nstty -echo; PS1=; PS2=; echo sh''ell-is-there\n")
            with contextlib.suppress(TimeoutError):
                self._hear(b"shell-is-there\r\n", 5.0)
                return
        raise TimeoutError(f"no shell within {within_s:.0f} s")

    def ask(self, command: str, *, within_s: float = 120.0) -> Answer:
        """Run a command in the guest as root."""
        packed = base64.b64encode(command.encode()).decode()
        # In two pieces, so that an echo of the line is not taken for its answer.
        begin, end = (f"{mark[:3]}''{mark[3:]}" for mark in (BEGIN, END))
        line = f"echo {begin}; echo {packed} | base64 -d | sh 2>&1; echo {end}$?\n"
        self._console.sendall(line.encode())
        self._hear(BEGIN.encode(), within_s)
        heard = self._hear(END.encode(), within_s).decode(errors="replace")
        code = self._hear(b"\n", within_s).decode().strip()
        text = heard.removesuffix(END).replace("\r", "").strip("\n")
        return Answer(text, int(code or 0))

    def _hear(self, wanted: bytes, within_s: float) -> bytes:
        deadline = time.monotonic() + within_s
        while wanted not in self._heard:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not heard from the guest: {wanted!r}; {self._heard[-500:]!r}")
            self._console.settimeout(left)
            try:
                data = self._console.recv(65536)
            except TimeoutError:
                continue
            if not data:
                raise ConnectionError("the machine is off")
            self._heard += data
        end = self._heard.index(wanted) + len(wanted)
        found, self._heard = self._heard[:end], self._heard[end:]
        return found

    def _read_line(self) -> bytes:
        self._qmp.settimeout(60)
        while b"\n" not in self._buffer:
            data = self._qmp.recv(65536)
            if not data:
                raise ConnectionError("QEMU is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _connect(self, name: str) -> socket.socket:
        deadline = time.monotonic() + 30
        while True:
            found = socket.socket(socket.AF_UNIX)
            try:
                found.connect(str(self._socket(name)))
            except OSError:
                found.close()
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return found

    def _socket(self, name: str) -> Path:
        return self._folder / f"{self._name}.{name}"

    def _arguments(self, tree: Path | None) -> list[str]:
        return [
            "qemu-system-aarch64", "-M", "virt" if tree else f"virt,dumpdtb={self._dumped()}",
            "-cpu", "cortex-a72", "-smp", "2", "-m", str(self._memory_mib),
            "-accel", "tcg,thread=multi", "-display", "none", "-nodefaults", "-no-user-config",
            *(["-dtb", str(tree)] if tree else []),
        ]  # fmt: skip

    def _dumped(self) -> Path:
        return self._folder / f"{self._name}.dtb"

    def _from_card(self, *names: str) -> list[Path]:
        """Take the image's own kernel and the like from its boot partition."""
        boot = f"{self._card}@@{ALIGNED}"
        listing = run("mdir", "-b", "-i", boot, "::/").split()
        found = []
        for name in names:
            source = next(each for each in listing if each.startswith(f"::/{name}"))
            run("mcopy", "-n", "-o", "-i", boot, source, self._folder / name)
            found.append(self._folder / name)
        return found

    def _device_tree(self) -> Path:
        """Return QEMU's own device tree with an LED, as the Pi's is called, on its GPIO chip."""
        run(*self._arguments(None))
        source = run("dtc", "-q", "-I", "dtb", "-O", "dts", self._dumped())
        chip = re.search(r"pl061@\w+ \{[^}]*?phandle = <(0x\w+)>", source)
        if not chip:
            raise RuntimeError("QEMU's machine has no GPIO chip")
        led = (
            f'leds {{ compatible = "gpio-leds"; act {{ label = "ACT"; '
            f'gpios = <{chip[1]} {ACT_LINE} 0>; linux,default-trigger = "none"; }}; }};'
        )
        head, brace, tail = source.rpartition("};")
        changed = self._folder / f"{self._name}.dts"
        changed.write_text(f"{head}{led}\n{brace}{tail}", encoding="ascii")
        tree = self._folder / f"{self._name}-led.dtb"
        run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, changed)
        return tree
