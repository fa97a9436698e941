"""The scenarios: what people plug where. And a held-out set, which nobody tuned to.

Device constants are plausible, not measured. Compare inside a row.
"""

import math
import random
from dataclasses import fields, replace

from benchmarks.tuner.world import MB, MBIT, Scenario, World

ZERO_2 = World(
    core_s_per_byte=42e-9, core_s_per_file=0.045, usable_cores=1.6, memory_total=512 * MB,
    memory_free=230 * MB, memory_each=20 * MB, idle_w=0.9, full_w=3.1, drive=24 * MB,
)  # fmt: skip
PI_3 = World(
    core_s_per_byte=28e-9, core_s_per_file=0.028, usable_cores=1.8, memory_total=1000 * MB,
    memory_free=560 * MB, idle_w=2.3, full_w=5.6, drive=28 * MB, link=11.6 * MB,
)  # fmt: skip
PI_4 = World()
PI_5 = World(
    core_s_per_byte=4.2e-9, core_s_per_file=0.004, usable_cores=2.4, memory_total=8000 * MB,
    memory_free=6000 * MB, drive=420 * MB, drive_crowd=0.01, fast_k_per_w=2.5, slow_k_per_w=3.0,
    idle_w=2.8, full_w=8.5,
)  # fmt: skip

FILMS = ((0.5, 600 * MB, 0.7, 6000 * MB), (0.5, 150 * MB, 0.7, 2000 * MB))
MESSENGER = ((1.0, 0.12 * MB, 0.6, 1 * MB),)
MIXED = ((0.9, 3.8 * MB, 0.5, 40 * MB), (0.1, 70 * MB, 0.9, 900 * MB))

SCENARIOS = (
    Scenario("wifi", replace(ZERO_2, link=36 * MBIT, rtt_s=0.006, per_connection=22 * MBIT,
             weather=0.16, weather_s=12.0, fades_per_s=0.01, queue_s=0.06), 900,
             says="Zero 2 W on fading Wi-Fi"),
    Scenario("lan-100", PI_3, 480, says="Pi 3 B+ on 100 Mbit"),
    Scenario("lan-1000", replace(PI_4, files=MIXED), 420, says="Pi 4 on a gigabit"),
    Scenario("lan-fast", replace(PI_5, answer_s=0.07), 360, says="Pi 5: latency counts"),
    Scenario("wan", replace(PI_4, link=44 * MBIT, rtt_s=0.09, per_connection=5 * MBIT, spread=0.3,
             weather=0.07, queue_s=0.1, answer_s=0.2, files=MIXED), 900,
             says="a home uplink, 90 ms and 5 Mbit a connection"),
    Scenario("weak-server", replace(PI_4, server=14 * MB, server_crowd=0.05,
             server_s_per_file=0.06, refuses_beyond=7, answer_s=0.08), 600,
             says="an old NAS that says 503 beyond 7"),
    Scenario("changing", replace(PI_4, link=200 * MBIT, rtt_s=0.004, per_connection=80 * MBIT,
             weather=0.06), 900,
             ((300, {"link": 30 * MBIT, "per_connection": 30 * MBIT}),
              (600, {"link": 220 * MBIT, "per_connection": 20 * MBIT, "rtt_s": 0.045})),
             says="the link changes twice"),
    Scenario("restart", replace(PI_4, answer_s=0.1), 420,
             ((150, {"is_down": True}), (190, {"is_down": False, "answer_s": 0.35}),
              (270, {"answer_s": 0.1})), says="the server restarts and warms up"),
    Scenario("messenger", replace(PI_4, files=MESSENGER, answer_s=0.08, server_s_per_file=0.006),
             300, says="images of 120 KB"),
    Scenario("films", replace(PI_4, files=FILMS, drive=95 * MB, drive_crowd=0.3), 600,
             says="films from a hard disk that seeks"),
    Scenario("hot", replace(PI_4, core_s_per_byte=24e-9, usable_cores=3.2, ambient_c=38.0,
             fast_k_per_w=4.0, slow_k_per_w=8.0, slow_s=120.0, begins_at_c=66.0), 900,
             says="a closed box at 38 °C"),
    Scenario("little-memory", replace(ZERO_2, memory_free=100 * MB, memory_each=15 * MB,
             link=40 * MBIT, rtt_s=0.08, per_connection=4.5 * MBIT, answer_s=0.15), 600,
             says="100 MB free"),
    Scenario("slow-stick", replace(PI_4, drive=11 * MB, drive_crowd=0.1), 480,
             says="a USB 2 stick that hates parallel readers"),
)  # fmt: skip

OPTIONAL = (
    "rtt_s", "psi_memory", "temperature_c", "drive_busy", "cpu_cores", "cpu_own_cores",
    "response_times_s",
)  # fmt: skip
BLIND_IN_TURN = (
    frozenset[str](),
    frozenset({"psi_memory"}),
    frozenset({"rtt_s", "psi_memory", "drive_busy"}),
    frozenset({"temperature_c", "throttled", "cpu_cores", "cpu_own_cores", "rtt_s"}),
)
SHAKEN = {
    "drive": 0.4, "drive_crowd": 0.6, "core_s_per_byte": 0.4, "core_s_per_file": 0.4,
    "memory_free": 0.25, "memory_each": 0.2, "slow_k_per_w": 0.15, "fast_k_per_w": 0.15,
    "slow_s": 0.3, "link": 0.4, "rtt_s": 0.7, "per_connection": 0.4, "weather": 0.5,
    "answer_s": 0.6, "server": 0.3, "server_s_per_file": 0.4,
}  # fmt: skip


def held_out(count: int, seed: int = 2024) -> tuple[Scenario, ...]:
    """Shake every constant of the scenarios, and blind some machines to some sensors."""
    dice = random.Random(seed)
    shaken = []
    for number in range(count):
        scenario = SCENARIOS[number % len(SCENARIOS)]
        factors = {name: math.exp(dice.gauss(0.0, sigma)) for name, sigma in SHAKEN.items()}
        blind = BLIND_IN_TURN[dice.randrange(len(BLIND_IN_TURN))]
        if scenario.name == "hot":
            blind = frozenset()  # without any thermometer nobody can keep cool
        shaken.append(
            replace(
                scenario,
                name=f"{scenario.name}-{number}",
                world=_shake(scenario.world, factors),
                changes=tuple((at, _shake_change(c, factors)) for at, c in scenario.changes),
                blind=blind,
            )
        )
    return tuple(shaken)


def _shake(world: World, factors: dict[str, float]) -> World:
    names = {field.name for field in fields(World)} & factors.keys()
    return replace(world, **{name: getattr(world, name) * factors[name] for name in names})


def _shake_change(change: dict[str, object], factors: dict[str, float]) -> dict[str, object]:
    return {
        name: value * factors.get(name, 1.0) if isinstance(value, float) else value
        for name, value in change.items()
    }
