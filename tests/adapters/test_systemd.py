"""What systemd hears."""

import io
import logging
import socket

import pytest

from piuploader.adapters.systemd import JournalFormatter, Systemd, log_to


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(5)
        yield made


def test_it_hears_that_the_service_is_ready_alive_and_where_it_stands(listener):
    systemd = Systemd({"NOTIFY_SOCKET": listener.getsockname()})
    systemd.ready()
    systemd.alive()
    systemd.say("sda1: uploading,\n3 of 9 files")
    systemd.say("sda1: uploading, 3 of 9 files")  # the same: not sent again
    systemd.stopping()
    heard = [listener.recv(200).decode() for _ in range(4)]
    assert heard == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=sda1: uploading, 3 of 9 files",
        "STOPPING=1",
    ]


def test_a_reload_carries_the_time_that_systemd_asks_for(listener):
    Systemd({"NOTIFY_SOCKET": listener.getsockname()}).reloading()
    assert listener.recv(200).decode().startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_names_in_the_abstract_space_are_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("\0piuploader-test-notify")
        made.settimeout(5)
        Systemd({"NOTIFY_SOCKET": "@piuploader-test-notify"}).ready()
        assert made.recv(50) == b"READY=1"


def test_without_systemd_or_with_one_that_went_away_nothing_happens(tmp_path):
    Systemd({}).ready()
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()


def test_each_line_carries_its_priority_for_the_journal():
    formatter = JournalFormatter("%(message)s")
    record = logging.LogRecord("a", logging.WARNING, "", 1, "one\ntwo", (), None)
    assert formatter.format(record) == "<4>one\n<4>two"


def test_outside_the_journal_a_line_has_its_time():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    try:
        log_to(stream, level=logging.INFO, environ={})
        logging.getLogger("x").info("hello")
        log_to(stream, level=logging.INFO, environ={"JOURNAL_STREAM": "8:1"})
        logging.getLogger("x").error("trouble")
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    first, second = stream.getvalue().splitlines()
    assert first.endswith("INFO    hello")
    assert second == "<3>trouble"
