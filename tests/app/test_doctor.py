"""What the doctor finds, and what it advises."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from piuploader.app.doctor import Level, Machine, examine, worst
from piuploader.core.media import MediaTypes
from piuploader.core.permissions import PERMISSIONS, missing
from piuploader.core.server import Storage, User, Version
from piuploader.errors import ConfigError, ServerRefusedKey, ServerUnreachable

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MACHINE = Machine(
    config_file="/etc/piuploader/config.toml",
    key_from="the file",
    warnings=(),
    state="/var/lib/piuploader",
    state_writable=True,
    state_free_bytes=10**10,
    now=NOW,
    time_zone="UTC",
)


HEALTHY = Version(3, 1, 0)
ADA = User("u", "Ada", is_admin=True, quota_bytes=None, used_bytes=0)
ROOMY = Storage(10**12, 5 * 10**11)


@dataclass
class HealthyServer:
    """A server without a fault, to be given one."""

    url: str = "http://immich.local:2283"
    time: datetime | None = NOW
    before: str = ""
    runs: Version = HEALTHY
    granted: frozenset = frozenset({"all"})
    user: User = ADA
    room: Storage = ROOMY
    breaks: dict = field(default_factory=dict)

    def _tell(self, name, value):
        if name in self.breaks:
            raise self.breaks[name]
        return value

    def ping(self):
        self._tell("ping", None)

    def date(self):
        return self._tell("date", self.time)

    def front(self):
        return self._tell("front", self.before)

    def version(self):
        return self._tell("version", self.runs)

    def media_types(self):
        types = MediaTypes(frozenset({".jpg"}), frozenset({".mp4"}), frozenset({".xmp"}))
        return self._tell("media_types", types)

    def permissions(self):
        return self._tell("permissions", self.granted)

    def me(self):
        return self._tell("me", self.user)

    def storage(self):
        return self._tell("storage", self.room)


def look(machine=MACHINE, **faults):
    found = list(examine(machine, lambda: HealthyServer(**faults)))
    return found, {(one.topic, one.level): one for one in found}


def test_a_healthy_set_up_has_no_fault():
    found, _ = look()
    assert {one.level for one in found} == {Level.OK}
    assert worst(found) == 0


@pytest.mark.parametrize(
    ("faults", "topic", "level", "says", "code"),
    [
        ({"runs": Version(1, 144, 0)}, "version", Level.FAIL, "1.144.0 lacks", 69),
        ({"runs": Version(3, 9, 0)}, "version", Level.WARN, "newer", 0),
        ({"runs": Version(3, 2, 9)}, "version", Level.OK, "3.2.9", 0),
        ({"time": NOW + timedelta(minutes=30)}, "clocks", Level.WARN, "30 minutes behind", 0),
        ({"time": NOW - timedelta(minutes=5)}, "clocks", Level.WARN, "5 minutes ahead of", 0),
        ({"time": None}, "clocks", Level.OK, "does not tell", 0),
        ({"before": "cloudflare"}, "proxy", Level.WARN, "100 MB", 0),
        ({"before": "nginx/1.26"}, "proxy", Level.OK, "nginx", 0),
        ({"room": Storage(10**12, 10**8)}, "storage", Level.FAIL, "0.1 of 1,000.0 GB", 69),
        ({"room": Storage(10**12, 5 * 10**9)}, "storage", Level.WARN, "5.0 of", 0),
        ({"room": Storage(32 * 10**9, 9 * 10**9)}, "storage", Level.OK, "9.0 of", 0),
        (
            {"user": User("u", "Ada", is_admin=True, quota_bytes=10**10, used_bytes=10**10)},
            "quota",
            Level.FAIL,
            "0.0 of 10.0 GB",
            69,
        ),
        (
            {"breaks": {"permissions": ServerRefusedKey("Invalid API key")}},
            "API key",
            Level.FAIL,
            "Invalid API key",
            77,
        ),
        ({"breaks": {"me": ServerUnreachable("cut off")}}, "user", Level.FAIL, "cut off", 75),
    ],
)
def test_each_fault_of_the_server_is_found(faults, topic, level, says, code):
    found, by = look(**faults)
    assert says in by[topic, level].says
    assert worst(found) == code
    if level is not Level.OK:
        assert by[topic, level].remedy


def test_a_server_that_is_away_ends_the_look():
    found, by = look(breaks={"ping": ServerUnreachable("no answer")})
    assert found[-1].topic == "server"
    assert by["server", Level.FAIL].remedy
    assert worst(found) == 75


def test_a_missing_configuration_is_told_like_any_fault():
    def nobody():
        raise ConfigError("no server is configured")

    assert worst(list(examine(MACHINE, nobody))) == 78


@pytest.mark.parametrize(
    ("machine", "topic", "level", "code"),
    [
        (replace(MACHINE, state_writable=False), "state", Level.FAIL, 73),
        (replace(MACHINE, state_free_bytes=10**6), "state", Level.WARN, 0),
        (replace(MACHINE, now=datetime(1970, 1, 1, tzinfo=UTC)), "clock", Level.FAIL, 75),
        (replace(MACHINE, warnings=("x is open: chmod 600 x",)), "configuration", Level.WARN, 0),
    ],
)
def test_each_fault_of_this_machine_is_found(machine, topic, level, code):
    found, by = look(replace(machine))
    assert by[topic, level].remedy
    assert worst([one for one in found if one.topic == topic]) == code


def test_a_small_key_is_told_what_each_missing_permission_costs():
    found, _ = look(granted=frozenset({"asset.upload"}))
    lacking = {one.says.split()[0]: one for one in found if one.topic == "permission"}
    assert "albumAsset.create" in lacking
    assert "queue.read" not in lacking  # nobody can tell that its owner is an administrator
    assert all(one.level is Level.WARN for one in lacking.values())
    assert "put photos into albums" in lacking["albumAsset.create"].says
    assert worst(found) == 0


def test_a_key_that_may_not_upload_is_of_no_use():
    found, _ = look(granted=frozenset({"user.read"}))
    assert worst(found) == 77


def test_older_and_newer_names_of_a_permission_count():
    everything = {one.name for one in PERMISSIONS}
    renamed = everything - {"queue.read", "systemConfig.read"} | {"job.read", "adminConfig.read"}
    assert missing(renamed, is_admin=True) == ()
    assert [one.name for one in missing(everything - {"queue.read"}, is_admin=True)] == [
        "queue.read"
    ]
    assert missing(everything - {"queue.read"}, is_admin=False) == ()
