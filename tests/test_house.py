"""The house rules that a linter cannot know."""

import re
import tomllib
from pathlib import Path

import pytest

from piuploader import __version__, errors
from piuploader.cli.main import COMMANDS

HOUSE = Path(__file__).parent.parent
README = (HOUSE / "README.md").read_text(encoding="utf-8")
MODULES = sorted((HOUSE / "piuploader").rglob("*.py"))
PAGES = [HOUSE / "README.md", *sorted((HOUSE / "docs").glob("*.md"))]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(HOUSE)))
def test_a_room_can_be_read_in_one_sitting(module):
    """More than 300 lines is two rooms."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command):
    """What is not written down does not exist."""
    assert f"`piuploader {command}" in README


def test_the_tree_of_errors_is_complete():
    """The docstring names each class and its exit code."""
    drawn = dict(re.findall(r"(\w+) +(?:exit +)?(\d+)  ", errors.__doc__))
    drawn |= dict(re.findall(r"^    (PiUploaderError) +exit +(\d+)$", errors.__doc__, re.MULTILINE))
    classes = [c for c in vars(errors).values() if isinstance(c, type)]
    ours = {c.__name__: str(c.exit_code) for c in classes if issubclass(c, errors.PiUploaderError)}
    assert drawn == ours


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_version_is_told_once():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(HOUSE)))
def test_no_work_is_left_lying_about(module):
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", module.read_text(encoding="utf-8"))
