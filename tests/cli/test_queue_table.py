"""The table of queues fits into the terminal that it is shown in."""

import pytest

from piuploader.cli.queue_table import lines
from piuploader.core.flow import Flow
from piuploader.core.queues import HEAVY, PIPELINE, Queue


def view(*, seconds=60):
    """Return a look at a server with a long backlog, some of it paused."""
    flow = Flow()
    for second in range(0, seconds + 1, 2):
        queues = [Queue(name) for name in PIPELINE if name not in HEAVY]
        queues += [
            Queue(name, active=2, waiting=1000 * (number + 1) - second * (number + 1))
            if number % 3
            else Queue(name, is_paused=True, paused=5000)
            for number, name in enumerate(HEAVY)
        ]
        seen = flow.look(float(second), tuple(queues))
    return seen


def test_where_there_is_room_every_queue_and_every_count_is_shown():
    shown = lines(view())
    assert len([line for line in shown if line.split(" ")[0] in PIPELINE]) == len(PIPELINE)
    assert "delayed" in shown[0]


@pytest.mark.parametrize(("width", "height"), [(80, 23), (100, 23), (200, 23), (80, 200)])
def test_it_fits_with_what_a_person_must_know(width, height):
    shown = lines(view(), held={"ocr"}, width=width, height=height)
    assert max(map(len, shown)) <= width
    assert len(shown) <= height
    assert "this program may be closed" in " ".join(shown[-3:])
    assert any(line.startswith("thumbnailGeneration") and "paused" in line for line in shown)
    assert all(any(line.startswith(name) for line in shown) for name in HEAVY)


def test_where_rows_lack_empty_queues_are_only_counted():
    shown = lines(view(), width=80, height=23)
    assert f"… and {len(PIPELINE) - len(HEAVY)} empty queues" in shown
