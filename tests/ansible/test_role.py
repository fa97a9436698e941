"""The role's parts agree with each other. (`image/lint` runs ansible-lint itself.)"""

import re
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
ROLE = HOUSE / "ansible" / "roles" / "piuploader"
TASKS = "\n".join(path.read_text(encoding="utf-8") for path in ROLE.glob("tasks/*.yml"))
DEFAULTS = set(
    re.findall(r"^(piuploader_\w+):", (ROLE / "defaults/main.yml").read_text("utf-8"), re.MULTILINE)
)


def test_what_can_be_set_is_checked():
    """A variable without a rule would be taken with any value."""
    specs = (ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"^      (piuploader_\w+):", specs, re.MULTILINE)) == DEFAULTS


def test_what_can_be_set_is_written_down():
    """The handbook's table is the interface."""
    table = (HOUSE / "docs/fleet.md").read_text(encoding="utf-8")

    assert {name for name in DEFAULTS if f"`{name}`" not in table} <= {
        "piuploader_log_memory_mib",
        "piuploader_log_kept_mib",
        "piuploader_package_lists_age_s",
        "piuploader_start",
    }


def test_every_file_of_the_image_is_installed():
    """And none is named that is not there."""
    root = ROLE / "files/image/root"
    there = {f"/{path.relative_to(root)}" for path in root.rglob("*") if path.is_file()}
    tasks = (ROLE / "tasks/image.yml").read_text(encoding="utf-8")

    assert (
        set(re.findall(r"^    - (/(?:etc|usr)/\S+\.?\w+)$", tasks, re.MULTILINE)) & there == there
    )


def test_tasks_that_handle_the_key_do_not_show_it():
    """Nobody reads it in a log of Ansible's."""
    tasks = re.split(r"^- name: ", TASKS, flags=re.MULTILINE)

    handling = [task for task in tasks if re.search(r"\bpiuploader_api_key\b", task)]

    assert handling
    assert all("no_log: true" in task for task in handling)


@pytest.mark.parametrize("name", ["program", "drives", "network", "image"])
def test_the_recipe_reads_the_roles_lists(name):
    """The base root file system is made of what the role would install."""
    script = f'. image/settings.sh; packages "piuploader_packages_{name}"'
    found = subprocess.run(
        ["sh", "-c", script, "image/x"], check=True, capture_output=True, text=True, cwd=HOUSE
    ).stdout.split()
    lists = (ROLE / "vars/main.yml").read_text(encoding="utf-8")

    block = re.search(rf"^piuploader_packages_{name}:\n((?:  - \S+\n)+)", lists, re.MULTILINE)
    assert found == re.findall(r"- (\S+)", block[1])
    assert found == sorted(found)
