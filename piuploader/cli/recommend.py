"""`piuploader recommend`: what we would change at the server, do it, undo it, measure it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piuploader.cli import options
from piuploader.errors import UsageError

if TYPE_CHECKING:
    from piuploader.core.advice import Facts, Host, Recommendation, Table
    from piuploader.wiring.queues import Reach

THUMBNAILS = "job.thumbnailGeneration.concurrency"
PACE_S = 24.0
SETTLE_S = 15.0

ServerClass = Annotated[
    str | None,
    typer.Option(metavar="A..E[,F]", help="The server's class, see docs/queues.md; F: hard disk."),
]
Toml = Annotated[bool, typer.Option("--toml", help="Write TOML to standard output.")]
About = Annotated[
    str | None, typer.Option(metavar="KEY=N", help=f"Explain a value: {THUMBNAILS}=10.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Change the settings, after a question.")]
Only = Annotated[
    list[str] | None, typer.Option(metavar="KEY", help="Only this setting; repeatable.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
Undo = Annotated[bool, typer.Option("--undo", help="Restore what --apply changed last.")]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where to write a new configuration file for the server."),
]
Measure = Annotated[bool, typer.Option("--measure", help="Try values out; keep the best.")]
Key = Annotated[str, typer.Option(metavar="KEY", help="What --measure tries.")]
Values = Annotated[str, typer.Option(metavar="N,N,…", help="The values that --measure tries.")]
Minutes = Annotated[float, typer.Option(help="How long --measure gives each trial.")]
Rounds = Annotated[int, typer.Option(help="How often --measure goes forth and back.")]


def recommend(
    *,
    server_class: ServerClass = None,
    about: About = None,
    apply: Apply = False,
    only: Only = None,
    undo: Undo = False,
    measure: Measure = False,
    key: Key = THUMBNAILS,
    values: Values = "1,2,3,4",
    minutes: Minutes = 3.0,
    rounds: Rounds = 1,
    yes: Yes = False,
    output: Output = None,
    as_json: options.Json = False,
    toml: Toml = False,
    server: options.Server = None,
    api_key_file: options.ApiKeyFile = None,
    config: options.ConfigFile = None,
) -> None:
    """Recommend server settings for the machine that the server runs on, with reasons.

    Nothing is changed without --apply or --measure. Needs a key with
    systemConfig.read (from 3.2: adminConfig.read) whose owner is an administrator.
    """
    from piuploader.config import settings
    from piuploader.wiring.queues import reach

    chosen = settings(server=server, api_key_file=api_key_file, config=config)
    with reach(chosen) as at:
        if undo:
            _undo(at)
        elif measure:
            _measure(at, key, values, minutes, rounds, yes=yes, as_json=as_json)
        else:
            table, facts = _facts(at, server_class, ask=not (yes or as_json or toml), about=about)
            if about:
                _about(table, facts, about, as_json=as_json)
                return
            found = _show(at, table, facts, only, as_json=as_json, toml=toml)
            if apply:
                _apply(at, facts, found, yes=yes, output=output)


def _facts(
    at: "Reach", server_class: str | None, *, ask: bool, about: str | None
) -> "tuple[Table, Facts]":
    from piuploader.adapters.advice_table import advice_table
    from piuploader.core import advice
    from piuploader.wiring.queues import facts, own_host, thumbnails_per_min

    table = advice_table()
    # What a person says counts alone: a tunnel may end here, and then this is the wrong machine.
    host = own_host(at) if server_class is None else None
    pace: float | None = None
    if host is None and server_class is None and ask and sys.stdin.isatty():
        host = _interview()
    if (host is None and server_class is None) or (about and about.startswith(THUMBNAILS)):
        pace = thumbnails_per_min(at, seconds=PACE_S)
    try:
        classes, host = advice.machine(table, said=server_class, host=host, pace_per_min=pace)
    except ValueError as error:
        raise UsageError(f"--server-class: {error}") from None
    return table, facts(at, host, classes, thumbnails_per_min=pace)


def _interview() -> "Host":
    from piuploader.core.advice import Host

    typer.echo("The server runs on another machine. Three questions about it (Ctrl-C: leave):")
    memory = typer.prompt("Its memory in GB", type=float)
    cores = typer.prompt("Its processor cores", type=int, default=4)
    disk = typer.prompt("Its photos are on ssd, hdd or sd", default="ssd")
    board = typer.prompt("Raspberry Pi model, 0 for none (0, 3, 4, 5)", type=int, default=0)
    return Host(
        cores=cores,
        memory_mib=round(memory * 1000**3 / 1024**2),
        disk=disk.strip().lower(),
        board=f"Raspberry Pi {board}" if board else "",
        known_by="as you say",
    )


def _show(
    at: "Reach",
    table: "Table",
    facts: "Facts",
    only: list[str] | None,
    *,
    as_json: bool,
    toml: bool,
) -> "tuple[Recommendation, ...]":
    from piuploader.cli import advice_text
    from piuploader.core import advice

    found = advice.recommend(table, facts)
    if only:
        if missing := set(only) - {entry.setting for entry in found}:
            raise UsageError(f"nothing is recommended for {min(missing)}")
        found = tuple(entry for entry in found if entry.setting in only)
    besides = advice.advise(table, facts)
    if as_json:
        _write_json(advice_text.as_table(at.url, facts, found, besides))
    elif toml:
        import tomli_w

        sys.stdout.write(tomli_w.dumps(advice_text.as_table(at.url, facts, found, besides)))
    else:
        advice_text.show(facts, found, besides)
    return found


def _about(table: "Table", facts: "Facts", about: str, *, as_json: bool) -> None:
    from piuploader.core.about import explain, read_question

    key, asked = read_question(about, facts)
    said = explain(table, facts, key, asked)
    if as_json:
        _write_json({"setting": key, "asked": asked, "now": facts.settings[key], "says": said})
        return
    for sentence in said:
        typer.echo(sentence)


def _apply(
    at: "Reach",
    facts: "Facts",
    found: "tuple[Recommendation, ...]",
    *,
    yes: bool,
    output: Path | None,
) -> None:
    from piuploader.app.advise import apply
    from piuploader.cli import advice_text

    if facts.host.is_guess:
        raise UsageError("the server's class is only a guess: say --server-class to apply")
    wanted = {entry.setting: entry.recommended for entry in found}
    if not wanted:
        return
    if at.admin.is_from_a_file():
        text = at.admin.changed_document(wanted)
        path = at.book.write("immich-config.json", text) if output is None else output
        if output is not None:
            from piuploader.adapters.config_book import write_whole

            write_whole(output, text)
        typer.echo(
            f"The server reads its configuration from a file. Its new text is in {path} (it "
            "holds the server's secrets): put it where IMMICH_CONFIG_FILE points to, and "
            "restart Immich.",
            err=True,
        )
        return
    _ask(f"Change {len(wanted)} of the server's settings?", yes=yes)
    for line in advice_text.applied(apply(at.admin, at.book, wanted)):
        typer.echo(line, err=True)


def _undo(at: "Reach") -> None:
    from piuploader.app.advise import undo
    from piuploader.cli import advice_text

    done = undo(at.admin, at.book)
    lines = ["Nothing to undo."] if done is None else advice_text.applied(done)
    for line in lines:
        typer.echo(line)


def _measure(
    at: "Reach",
    key: str,
    values: str,
    minutes: float,
    rounds: int,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    from time import monotonic, sleep

    from piuploader.app.advise import apply
    from piuploader.app.measure import Experiment, Plan, Vitals
    from piuploader.cli import advice_text
    from piuploader.core.experiment import judge, schedule
    from piuploader.wiring.queues import own_host, own_vitals

    now = at.admin.settings().get(key)
    order = schedule(_numbers(values, now), rounds)
    trial_s = minutes * 60
    settle_s = min(SETTLE_S, trial_s / 4)
    long_min = len(order) * (trial_s + settle_s) / 60
    _ask(
        f"Try {key} = {', '.join(map(str, dict.fromkeys(order)))} for about {long_min:.0f} min, "
        f"then keep the best? (It is {now} now; Ctrl-C gives it back.)",
        yes=yes,
    )
    vitals = own_vitals if own_host(at) else Vitals
    plan = Plan(key=key, order=order, trial_s=trial_s, settle_s=settle_s)
    experiment = Experiment(
        at.admin,
        at.journal,
        plan,
        clock=monotonic,
        wait=sleep,
        vitals=vitals,
        poll_s=min(2.0, trial_s / 5),
    )
    trials = experiment.run(lambda trial: typer.echo(advice_text.trial(trial), err=True))
    verdict = judge(trials, now if isinstance(now, int) else 0)
    if verdict.keep != now:
        apply(at.admin, at.book, {key: verdict.keep})
    if as_json:
        _write_json(advice_text.verdict_table(key, trials, verdict))
        return
    for line in advice_text.verdict(key, verdict):
        typer.echo(line)


def _numbers(text: str, now: object) -> list[int]:
    """Read `1,2,3`, and put the present value first: all others are compared with it."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--values: {text!r} is no list of numbers like 1,2,3") from None
    if min(found) < 1:
        raise UsageError("--values: a concurrency is 1 or more")
    return list(dict.fromkeys(([now] if isinstance(now, int) else []) + found))


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to say yes: add --yes")
    typer.confirm(question, abort=True, err=True)


def _write_json(table: object) -> None:
    json.dump(table, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")
