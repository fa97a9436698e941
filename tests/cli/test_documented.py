"""What is not written down does not exist."""

import re
from pathlib import Path

import pytest

from piuploader import errors
from piuploader.config import UploadSettings, load, settings
from piuploader.config.tables import QueueSettings, ServerSettings
from tests.cli.test_lines_and_json import SCHEMAS

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [ServerSettings, UploadSettings, QueueSettings])
def test_every_key_of_the_file_is_in_the_example(kind):
    for name in kind.__dataclass_fields__:
        assert re.search(rf"\b{name} = ", PAGE), name


def test_the_example_is_a_valid_configuration(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "config.toml"
    path.write_text(example.replace("…", "key"), encoding="utf-8")
    path.chmod(0o600)
    assert load(path).upload.min_size == 50_000
    assert settings(config=path, environ={}).require().url == "http://immich.local:2283"


@pytest.mark.parametrize("event", SCHEMAS)
def test_every_field_of_the_json_lines_is_explained(event):
    for name in SCHEMAS[event]:
        assert f"`{name}`" in PAGE, name


def test_every_exit_code_is_explained():
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.PiUploaderError)
    }
    codes -= {errors.PiUploaderError.exit_code}
    codes |= {getattr(errors, name) for name in vars(errors) if name.startswith("EXIT_")}
    for code in codes:
        assert re.search(rf"^\| {code} \|", PAGE, re.MULTILINE), code


def test_every_variable_is_explained():
    source = Path(settings.__code__.co_filename).parent
    names = {
        name
        for module in source.glob("*.py")
        for name in re.findall(r"\b(?:PIUPLOADER|IMMICH)_[A-Z_]+\b", module.read_text())
    } - {"IMMICH_PORT"}
    for name in names:
        assert name in PAGE, name
