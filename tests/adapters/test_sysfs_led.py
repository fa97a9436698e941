"""The board's own LED: taken over, played, given back."""

import pytest

from piuploader.adapters.sysfs_led import SysfsLamp, find_board_led
from piuploader.core.rhythm import is_steady
from piuploader.core.signals import SIGNALS, Colour, Light


def make_led(leds, name="ACT", *, triggers="none [mmc0] timer pattern", attributes=(), full="255"):
    folder = leds / name
    folder.mkdir(parents=True)
    for attribute, content in {
        "trigger": triggers,
        "brightness": "7",
        "max_brightness": full,
        **dict.fromkeys(attributes, ""),
    }.items():
        (folder / attribute).write_text(content)
    return folder


def content(folder, name):
    return (folder / name).read_text()


def test_the_usual_led_is_found(tmp_path):
    assert find_board_led("auto", tmp_path) is None
    make_led(tmp_path, "led0")
    folder = make_led(tmp_path, "ACT")
    assert find_board_led("auto", tmp_path) == folder
    assert find_board_led("none", tmp_path) is None
    assert find_board_led("led0", tmp_path) == tmp_path / "led0"


def test_an_led_asked_for_by_name_must_be_there(tmp_path):
    with pytest.raises(OSError, match="no LED 'PWR'"):
        find_board_led("PWR", tmp_path)


@pytest.mark.parametrize("inverted", [False, True])
def test_it_is_lit_and_dark_by_brightness(tmp_path, inverted):
    folder = make_led(tmp_path)
    lamp = SysfsLamp(folder, inverted=inverted)
    assert content(folder, "trigger") == "none"
    lamp.light(Colour.GREEN)
    assert content(folder, "brightness") == ("0" if inverted else "255")
    lamp.light(None)
    assert content(folder, "brightness") == ("255" if inverted else "0")


def test_closing_gives_the_led_back_and_may_be_done_twice(tmp_path):
    folder = make_led(tmp_path)
    lamp = SysfsLamp(folder)
    lamp.close()
    assert content(folder, "trigger") == "mmc0"
    (folder / "trigger").write_text("heartbeat")
    lamp.close()
    assert content(folder, "trigger") == "heartbeat"


def test_an_led_without_a_trigger_gets_its_brightness_back(tmp_path):
    folder = make_led(tmp_path, triggers="[none] mmc0")
    SysfsLamp(folder).close()
    assert content(folder, "brightness") == "7"


@pytest.mark.parametrize("light", [each for each in Light if not is_steady(SIGNALS[each].beats)])
def test_the_kernel_plays_patterns_with_sharp_edges(tmp_path, light):
    """brightness ms brightness 0: the step of no time keeps the kernel from fading."""
    folder = make_led(tmp_path, attributes=("pattern", "repeat"))
    lamp = SysfsLamp(folder)
    assert lamp.play(SIGNALS[light])
    assert content(folder, "trigger") == "pattern"
    assert content(folder, "repeat") == "-1"
    numbers = list(map(int, content(folder, "pattern").split()))
    steps = list(zip(numbers[::2], numbers[1::2], strict=True))
    held = [(level, ms) for level, ms in steps if ms]
    expected = [
        (255 if index % 2 == 0 else 0, round(beat * 1000))
        for index, beat in enumerate(SIGNALS[light].beats)
    ]
    assert held == expected
    assert all(steps[n][0] == steps[n - 1][0] for n in range(len(steps)) if steps[n][1] == 0)


def test_without_the_pattern_trigger_even_rhythms_go_by_the_timer(tmp_path):
    folder = make_led(tmp_path, triggers="none [mmc0] timer", attributes=("delay_on", "delay_off"))
    lamp = SysfsLamp(folder)
    assert lamp.play(SIGNALS[Light.READING])
    assert (content(folder, "trigger"), content(folder, "delay_on")) == ("timer", "1000")
    assert not lamp.play(SIGNALS[Light.FAILED])  # three flashes are beyond a timer
    assert content(folder, "trigger") == "none"


def test_attributes_that_are_root_s_leave_the_rhythm_to_the_light_show(tmp_path):
    """They appear with the trigger, and may not be ours to write."""
    folder = make_led(tmp_path)  # `pattern` and `delay_on` are missing
    lamp = SysfsLamp(folder)
    assert not lamp.play(SIGNALS[Light.FAILED])
    assert content(folder, "trigger") == "none"


def test_steady_needs_no_rhythm(tmp_path):
    folder = make_led(tmp_path, triggers="[none]", full="1")
    lamp = SysfsLamp(folder)
    assert lamp.play(SIGNALS[Light.COMPLETE])
    assert content(folder, "brightness") == "1"
