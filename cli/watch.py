"""``assay watch``: the early warning, day by day: read, judge, tell; see what is open; take it on by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.aml_office import let_in
from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.limits import LimitSettings
    from monitoring.watch import Watched

watch = typer.Typer(no_args_is_help=True, help="Early warning: read indicators, raise breaches once, take them on.")

_RESTRICTED = Annotated[
    bool, typer.Option("--restricted", metavar="", help="Also breaches of the restricted class (AML).")
]


@watch.command()
def run(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="Read what ended by this ISO 8601 time; now by default.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Where indicators never read begin; else with their newest day.")
    ] = None,
    restricted: _RESTRICTED = False,
    as_json: AS_JSON = False,
) -> None:
    """Read every indicator for the days, weeks and months that ended; raise, worsen, clear and tell.

    A period is read once: running again raises nothing twice. Limits, owners and sinks: configs/limits.yaml.

    Exit code 1 when a breach of warning or high is open.

      assay watch run
      assay watch run --as-of 2026-05-02T00:00:00+08:00 --since 2026-04-01
    """
    from cli.screen import print_json

    session = session_of(context)
    if restricted:
        let_in(session, "watch run --restricted")
    done = watch_as_of(session, as_of, since, restricted=restricted)
    if as_json:
        print_json(done.as_dict())
    else:
        show(session, done)
    if done.alarming:
        raise typer.Exit(FINDING)


@watch.command()
def status(
    context: typer.Context,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="As it stood at this ISO 8601 time.")] = None,
    restricted: _RESTRICTED = False,
    as_json: AS_JSON = False,
) -> None:
    """Show open breaches, and whether the watch itself still runs.

    Exit code 1 when a breach of warning or high is open, or the watch has stopped.

      assay watch status --json
    """
    from cli.screen import print_json, say
    from domain.time import format_duration, format_instant
    from monitoring.heartbeat import read_heartbeat
    from monitoring.watch import breach_dict, is_alarming
    from stores.breaches import Breaches

    session = session_of(context)
    if restricted:
        let_in(session, "watch status --restricted")
    at, limits = instant(session, as_of), limit_settings(session)
    with session.database() as database:
        opened = Breaches(database).open(until=at + 1, restricted=restricted)
    beat = read_heartbeat(session.home.heartbeat)
    stopped = beat is None or at - beat.as_of > limits.heartbeat
    if as_json:
        ran = None if beat is None else format_instant(beat.as_of)
        print_json({"stopped": stopped, "ran_as_of": ran, "open": [breach_dict(each) for each in opened]})
    else:
        _table("open breaches", opened, limits)
        last = "never" if beat is None else format_instant(beat.as_of)
        said = f"the watch last ran as of {last}"
        too_long = f"{said}; expected a run every {format_duration(limits.heartbeat)}: monitoring stopped"
        say(too_long if stopped else said, style="red" if stopped else "")
    if stopped or is_alarming(opened):
        raise typer.Exit(FINDING)


@watch.command()
def acknowledge(
    context: typer.Context,
    breach: Annotated[str, typer.Argument(metavar="BREACH", help="Its id, or how it begins.")],
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who takes it on; the actor by default.")
    ] = None,
    said: Annotated[str, typer.Option("--note", metavar="TEXT", help="What is known or will be done.")] = "",
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="When; now by default.")] = None,
    restricted: _RESTRICTED = False,
    as_json: AS_JSON = False,
) -> None:
    """Write down who takes a breach on. It stays open until its values are calm again.

    assay watch acknowledge 3fb2a1 --by lin --note "the campaign of the fifth"
    """
    from cli.screen import print_json, say
    from monitoring.watch import breach_dict
    from stores.breaches import Breaches

    session = session_of(context)
    if restricted:
        let_in(session, "watch acknowledge --restricted")
    with session.database() as database:
        taken = Breaches(database).acknowledge(
            breach, by or session.actor, said, instant(session, as_of), restricted=restricted
        )
    if as_json:
        print_json(breach_dict(taken))
    else:
        say(f"{taken.breach} ({taken.limit} {taken.place}) acknowledged by {taken.acknowledged_by} (unverified)")


def watch_as_of(session: Session, as_of: str | None, since: str | None, *, restricted: bool = False) -> Watched:
    """Run the watch up to a time that was given, or up to now."""
    return watched(session, instant(session, as_of), None if since is None else instant(session, since), restricted)


def watched(session: Session, at: int, since: int | None, restricted: bool = False) -> Watched:
    """Run the watch over a home, and tell the sinks that are configured; times are µs UTC."""
    import os

    from domain.time import system_clock
    from monitoring.indicator import indicators
    from monitoring.oversight.look import Look
    from monitoring.sinks import configured
    from monitoring.watch import watch as run_watch
    from stores.kept_journal import KeptJournal

    limits, platform = limit_settings(session), session.platform()
    sinks = configured(limits, session.root, os.environ)
    with session.database() as database:
        look = Look(
            session.home, session.configs, platform, database, KeptJournal.of(session.journal(database)),
            session.ledger(database), at, at,
        )  # fmt: skip
        return run_watch(
            look, indicators(), limits, clock=system_clock, sinks=sinks, since=since, restricted=restricted
        )


def limit_settings(session: Session) -> LimitSettings:
    """``limits.yaml`` of the configs folder."""
    from monitoring.limits import LimitSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "limits.yaml", LimitSettings)


def instant(session: Session, text: str | None) -> int:
    """A time that was given, or now, µs UTC."""
    from domain.time import parse_instant, system_clock

    return system_clock() if text is None else parse_instant(text, session.platform().time_zone)


def show(session: Session, done: Watched) -> None:
    """What changed, what is open, and what could not be delivered."""
    from cli.screen import out, say, table

    if done.notes:
        rows = [[n.turn, n.level, n.limit, n.place, n.value, _day(session, n.at), n.breach] for n in done.notes]
        columns = ["what", "level", "limit", "where", "value", "as of", "breach"]
        out().print(table("new", columns, rows, right=["value"]))
    _table("open breaches", done.open, limit_settings(session))
    say(f"{done.n_chunks} chunks read, {done.n_readings:,} readings, {len(done.notes)} notes")
    for line in done.undelivered:
        say(f"not delivered: {line}", style="yellow")


def _day(session: Session, at: int) -> str:
    from domain.time import from_micros, zone_of

    return f"{from_micros(at).astimezone(zone_of(session.platform().time_zone)):%Y-%m-%d %H:%M}"


def _table(title: str, opened: Sequence[Any], limits: LimitSettings) -> None:
    from cli.screen import out, say, table
    from domain.bilingual import in_english

    if not opened:
        say("no breach is open")
        return
    order = {"high": 0, "warning": 1, "attention": 2}
    rows = []
    for each in sorted(opened, key=lambda one: (order[one.level], one.raised_at)):
        limit = limits.limits.get(each.limit)
        rows.append(
            [each.level, each.limit, each.place, each.value, each.acknowledged_by or "nobody yet",
             "" if limit is None else in_english(limit.owner), "" if limit is None else limit.action.en, each.breach]
        )  # fmt: skip
    columns = ["level", "limit", "where", "value", "taken on by", "owner", "what to do", "breach"]
    out().print(table(title, columns, rows, right=["value"]))
