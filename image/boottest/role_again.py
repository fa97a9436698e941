"""Run the role once more, over ssh, on the box that it made: it must find nothing to do.

    python -m image.boottest.role_again IMAGE OUT PACKAGE

Not a part of `make image-test`, for it takes long under emulation. Also looks whether check
mode works, and whether ssh lets in who has the key, and nobody else.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from image.boottest.__main__ import BOOT_S, Trial
from image.boottest.guest import Guest
from image.boottest.machine import Machine
from image.boottest.proof import Proof
from piuploader.sandbox import Sandbox

FEW_TASKS = 20  # fewer would mean that the role was not run
HOUSE = Path(__file__).parents[2]


def run_role(port: int, key: Path, package: Path, *more: str) -> str:
    """Run the playbook of the image against the running box; return what Ansible said."""
    variables = (
        f'{{"piuploader_deb": "{package}", "piuploader_image_runs": true, '
        f'"piuploader_hostname": "photobox", "ansible_port": {port}, "ansible_user": "admin", '
        f'"ansible_become": true, "ansible_ssh_private_key_file": "{key}"}}'
    )
    done = subprocess.run(
        [HOUSE / ".cache/image/venv/bin/ansible-playbook", "-i", "127.0.0.1,",
         "playbooks/image.yml", "-e", variables, *more],
        check=False, capture_output=True, text=True, cwd=HOUSE / "ansible",
        env={**os.environ, "ANSIBLE_HOST_KEY_CHECKING": "false", "ANSIBLE_TIMEOUT": "120"},
    )  # fmt: skip
    return done.stdout + done.stderr


def main() -> int:
    """Prove it; return the exit code."""
    image, out, package = (Path(word).resolve() for word in sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    proof = Proof()
    with (
        tempfile.TemporaryDirectory(dir=out, prefix="work.") as work,
        Sandbox(job_speed=20.0) as sandbox,
    ):
        trial = Trial(image, out, sandbox, Path(work))
        trial.configure()
        with Machine(trial.card, out, "role", ssh_port=port) as machine:
            machine.wait_for_shell(within_s=BOOT_S)
            guest = Guest(machine, proof)
            proof.wait(
                "ssh listens",
                lambda: machine.ask("ss -ltn | grep -q ':22 '").code == 0,
                within_s=BOOT_S,
            )
            for title, more in (("check mode", ("--check",)), ("the role again", ())):
                said = run_role(port, Path(work) / "key", package, *more)
                (out / f"{title.replace(' ', '-')}.log").write_text(said, encoding="utf-8")
                recap = re.search(r"ok=(\d+) +changed=(\d+).*failed=(\d+)", said)
                good = bool(recap) and int(recap[1]) > FEW_TASKS and recap[2] == recap[3] == "0"
                proof.check(f"{title}: changes nothing", good=good, seen=said[-1500:])
            guest.succeeds("the service still runs", "systemctl is-active piuploader")
    print(proof.closing())
    return 1 if proof.failed else 0


if __name__ == "__main__":
    sys.exit(main())
