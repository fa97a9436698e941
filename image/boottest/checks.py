"""What must hold inside the box: a sentence, and a command of the shell that proves it."""

from typing import Final

# Once the boot partition was heeded.
BOX: Final[dict[str, str]] = {
    "nothing was wrong with piuploader.toml": "! ls /boot/firmware/piuploader-error.txt",
    "the name is set": 'test "$(hostname)" = photobox',
    "the time zone is set": "readlink /etc/localtime | grep -q Europe/Lisbon",
    "the key is root's alone": (
        'test "$(stat -c %a:%U /etc/piuploader/immich-api-key)" = 600:root'
    ),
    "the data partition fills the card": "test $(df --output=size -m /data | tail -1) -gt 1000",
    "the root is read-only": "grep ' /media/root-ro ' /proc/mounts | grep -q ' ro,'",
    "there is no swap on the card": "! grep -qE 'vd|mmc|sd' /proc/swaps",
    "the watchdog is armed": "test $(cat /sys/class/watchdog/watchdog0/state) = active",
    "ssh listens for the key": (
        "for n in $(seq 60); do ss -ltn | grep -q ':22 ' && exit 0; sleep 1; done; "
        "systemctl status ssh; exit 1"
    ),
    "nobody has a password": "! grep -E '^[^:]+:\\$' /etc/shadow",
    "the service's own log is kept on the card": "ls /data/journal/*.piuploader/*.journal",
    "the service has no privileges": (
        "p=$(systemctl show -P MainPID piuploader) && grep -q '^CapEff:.0*$' /proc/$p/status && "
        "! grep -q '^Uid:.0' /proc/$p/status"
    ),
}

# After a power cut in the middle of an import, with half the memory.
AFTER_THE_CUT: Final[dict[str, str]] = {
    "the ledger is whole": """python3 - <<'PYTHON'
import sqlite3
found = sqlite3.connect("/var/lib/piuploader/ledger.db").execute("pragma integrity_check")
assert found.fetchone()[0] == "ok"
PYTHON""",
    "512 MB: what is in memory is compressed": "grep -q zram /proc/swaps",
    "512 MB: a quarter is free": "free -m; awk '/MemAvailable/ {exit $2 < 120000}' /proc/meminfo",
    "the name was kept": 'test "$(hostname)" = photobox',
    "the machine's number was kept": (
        "test -s /etc/machine-id && cmp /etc/machine-id /media/root-ro/etc/machine-id"
    ),
    "the log of the session before the cut is there": (
        "test $(journalctl --namespace=piuploader --list-boots --quiet | grep -c .) -gt 1"
    ),
}

# A chip like that of the Pi's header, simulated by the kernel, and an LED on its line 17.
SIMULATED_PINS: Final = """set -e
modprobe gpio-sim
cd /sys/kernel/config/gpio-sim
mkdir -p pi/bank0
echo 54 > pi/bank0/num_lines
echo pinctrl-bcm2711 > pi/bank0/label
echo 1 > pi/live
udevadm settle
printf '\\n[lights]\\nkind = "led"\\npins = [17]\\n' >> /etc/piuploader/config.toml
systemctl reload piuploader
echo /sys/devices/platform/$(cat pi/dev_name)/$(cat pi/bank0/chip_name)/sim_gpio17/value
"""
