"""Answer a person who asks about one value: would 10 be better? With this server's numbers."""

import re
from collections.abc import Mapping
from typing import Any

from piuploader.core.advice import Facts, Recommendation, Table, recommend
from piuploader.core.policy import Setting
from piuploader.errors import UsageError

MANY = 16  # "never above 16" (Immich's FAQ)
BASE_MIB = 2300  # database, Redis, server and models, before any job; simulated, Pi 4


def read_question(text: str, facts: Facts) -> tuple[str, int]:
    """Read `job.thumbnailGeneration.concurrency=10`; raise UsageError for what cannot be asked."""
    found = re.fullmatch(r"\s*([\w.]+)\s*=\s*(\d+)\s*", text)
    if not found or int(found[2]) < 1:
        raise UsageError(f"{text!r}: ask as in job.thumbnailGeneration.concurrency=10")
    key = found[1]
    if key not in facts.settings:
        near = [name for name in facts.settings if key.split(".")[-2:][0] in name]
        has = f"; it has {', '.join(near)}" if near else ""
        raise UsageError(f"this server has no setting {key!r}{has}")
    if not key.endswith(".concurrency"):
        raise UsageError(f"{key}: only a concurrency (job.….concurrency) can be reasoned about")
    return key, int(found[2])


def explain(table: Table, facts: Facts, key: str, asked: int) -> tuple[str, ...]:
    """Say what a value would do on this server, as far as that can be known without a trial."""
    now = facts.settings[key]
    entry: Mapping[str, Any] = next((e for e in table.about if e["setting"] == key), {})
    ours = next((r for r in recommend(table, facts) if r.setting == key), None)
    said = [_verdict(key, now, asked, ours, facts)]
    said += _numbers(entry, facts, asked)
    if asked > MANY:
        said.append(f"Immich's FAQ says: never above {MANY}.")
    if "simulated" in entry:
        curve = ", ".join(f"{n}: {pace}" for n, pace in entry["simulated"])
        said.append(f"Simulated (no measurement) on {entry['simulated_on']}: {curve}.")
    if facts.thumbnails_per_min and "thumbnailGeneration" in key:
        said.append(f"This server makes {facts.thumbnails_per_min:.0f} a minute now, with {now}.")
    if "history" in entry:
        said.append(entry["history"])
    said.append(
        "Do not believe this either: with a backlog present, "
        f"`piuploader recommend --measure --key {key} --values {_trial_values(now, asked)}` "
        "tries it on this server."
    )
    return tuple(said)


def _verdict(key: str, now: Setting, asked: int, ours: Recommendation | None, facts: Facts) -> str:
    best = ours.recommended if ours else now
    if not facts.classes:
        return (
            f"{key} is {now} now. What {asked} would do depends on the server's machine, "
            "which is not known: say --server-class."
        )
    letters = ", ".join(sorted(facts.classes))
    if asked == best:
        return f"{key} = {asked} is what we recommend for this server (class {letters})."
    reason = f", for {ours.why} ({ours.source})" if ours else ", as it is now"
    more = "more" if isinstance(best, int) and asked > best else "less"
    return (
        f"{key} = {asked} is {more} than we recommend for this server (class {letters}): "
        f"{best}{reason}. It is {now} now."
    )


def _numbers(entry: Mapping[str, Any], facts: Facts, asked: int) -> list[str]:
    said = []
    cores, memory_mib = facts.host.cores, facts.host.memory_mib
    if (each := entry.get("cores_each")) and cores:
        wanted = each * asked
        over = f", {wanted / cores:.1f} times what there is" if wanted > cores else ""
        said.append(
            f"{asked} at a time want about {wanted:.0f} cores, this server has {cores}{over}."
        )
    if (each := entry.get("memory_mib_each")) and memory_mib:
        wanted = each * asked
        left = memory_mib - BASE_MIB
        verdict = "too much" if wanted > left else "which is there"
        said.append(
            f"They want about {wanted:,} MiB of memory; of {memory_mib:,} MiB some "
            f"{max(0, left):,} are left beside Immich itself: {verdict} (simulated)."
        )
    if (pool := entry.get("pool")) and asked > pool:
        said.append(f"{asked} are more than {pool}: {entry['pool_why']}.")
    if "F" in facts.classes:
        said.append("Its photos are on a hard disk or card, which is the limit from 2 on.")
    return said


def _trial_values(now: Setting, asked: int) -> str:
    values = {1, asked} | ({now} if isinstance(now, int) else set())
    return ",".join(map(str, sorted(values)))
