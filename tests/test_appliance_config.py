"""The appliance's tables: defaults for a bare box, and a clear no."""

import re
from pathlib import Path

import pytest

from piuploader.config import load
from piuploader.config.appliance import ROOMS, LightsConfig
from piuploader.core.boot_template import TEMPLATE
from piuploader.errors import ConfigError

PAGE = (Path(__file__).parents[1] / "docs" / "appliance.md").read_text(encoding="utf-8")


def read(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, rooms=ROOMS).rooms


def test_a_box_without_wiring_needs_no_table(tmp_path):
    assert read(tmp_path, "")["lights"] == LightsConfig()


def test_the_example_of_the_handbook_is_valid_and_complete(tmp_path):
    example = next(
        text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "rgb" in text
    )
    assert read(tmp_path, example)["lights"].pins == (17, 27, 22)
    for name, kind in ROOMS.items():
        table = example.split(f"[{name}]")[1].split("\n[")[0]
        assert set(re.findall(r"^(\w+) = ", table, re.MULTILINE)) == set(kind.__dataclass_fields__)


def test_the_tables_of_the_template_are_known(tmp_path):
    text = re.sub(r"(?s)\[(wifi|box)\].*?(?=\n\[)", "", TEMPLATE)
    assert read(tmp_path, text)["lights"] == LightsConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[lights]\nkind = "rgb"\npins = [17]', "needs 3 pins, not 1"),
        ('[lights]\nkind = "led"\npins = [17]\nbar = [17]', "GPIO 17 is used twice"),
        ('[lights]\nkind = "led"\npins = [40]', "GPIO 40 cannot be used"),
        ('[lights]\nkind = "led"\npins = "17"', "pins must be a list"),
        ("[lights]\nbrightness = 0.0", "between 0.05 and 1"),
        ('[lights]\nboard = "../../etc"', "not a path"),
        ("[button]\npin = 1", "GPIO 1 cannot be used"),
        ("[button]\nhold_s = 30.0", "between 1 and 10"),
        ("[buzzer]\npin = -3", "GPIO -3 cannot be used"),
        ('[daemon]\ndrives = "drives"', "absolute path"),
        ("[daemon]\nclock_wait_s = -1.0", "must not be negative"),
        ("[daemon]\nserver_look_s = 0.1", "1 second or more"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert f"config.toml: {text.splitlines()[0]}: " in str(error.value)
