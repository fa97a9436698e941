"""Whether the image must be tested again is told by content."""

import shutil
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def house(tmp_path):
    """Lay out a small house with the same rooms."""
    for name in ("image", "ansible", "piuploader"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name, encoding="utf-8")
    for name in ("ci-needed", "settings.sh"):
        shutil.copy(HOUSE / "image" / name, tmp_path / "image" / name)
    return tmp_path


def ask(house, *arguments):
    return subprocess.run(
        [house / "image" / "ci-needed", *arguments], check=False, capture_output=True, text=True
    )


def pass_it(house):
    ask(house, "--passed", ask(house, "--hash").stdout.strip())


def test_what_was_never_tested_is_needed(house):
    """A new house has no record."""
    assert ask(house).returncode == 0


def test_what_passed_is_not_needed_again(house):
    """The record itself does not count, nor do caches."""
    pass_it(house)
    (house / "piuploader" / "content.pyc").touch()

    assert ask(house).returncode == 1


@pytest.mark.parametrize("room", ["image", "ansible", "piuploader"])
def test_any_change_is_needed(house, room):
    """The program is part of the image, too."""
    pass_it(house)
    (house / room / "content").write_text("changed", encoding="utf-8")

    assert ask(house).returncode == 0


def test_a_new_file_is_needed(house):
    """Also an empty one."""
    pass_it(house)
    (house / "ansible" / "new.yml").touch()

    assert ask(house).returncode == 0
