"""``assay aml large-value``, ``filed``, ``structuring`` and ``flows``: what the payments of a period show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.aml_office import desk_of
from cli.door import FINDING
from cli.options import AS_JSON, SINCE, UNTIL

LAST = Annotated[str, typer.Option(metavar="DURATION", help="The period up to --until, or up to now.")]


def large_value(
    context: typer.Context,
    since: SINCE = None,
    until: UNTIL = None,
    last: LAST = "30d",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Also write the lines, .csv or .json, for a person to file."),
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Report days on which a customer received or paid a large value, with the days left to file. Nothing is sent.

    Exit code 1 when a line is overdue.

      assay aml large-value --last 30d --to large.csv --actor NAME
    """
    from cli.oversight import period_of
    from cli.screen import out, print_json, say, table
    from domain.errors import InputError, expected_got
    from domain.time import business_day
    from monitoring.aml.large_value import FILED, as_csv, as_records, large_values
    from stores.private_files import write_private

    if to is not None and to.suffix not in (".csv", ".json"):
        raise InputError(expected_got("a file ending in .csv or .json", to.name, "--to"))
    with desk_of(context, "aml large-value") as desk:
        begin, end = period_of(desk.session, since, until, last)
        world = desk.world()
    zone = world.platform.time_zone
    days = business_day(begin, zone), business_day(end - 1, zone)
    lines = large_values(
        world.legs, world.standings, world.of(FILED), world.settings.large_value, world.fx, since=days[0],
        upto=days[1], today=business_day(world.until - 1, zone), zone=zone,
    )  # fmt: skip
    records = as_records(lines)
    if to is not None:
        import json

        to.parent.mkdir(parents=True, exist_ok=True)
        text = as_csv(lines) if to.suffix == ".csv" else json.dumps(records, ensure_ascii=False, indent=1) + "\n"
        write_private(to, text)
    if as_json:
        print_json(records)
    else:
        columns = ["key", "day", "customer", "party", "way", "rule", "total", "limit", "n", "file by", "state"]
        rows = [
            [e.key, str(e.day), e.customer, e.party if e.party_known else f"{e.party}?", e.direction, e.rule,
             r["total"], r["limit"], e.n_payments, str(e.due_on or "not assessed"), e.state]
            for e, r in zip(lines, records, strict=True)
        ]  # fmt: skip
        out().print(table(f"{len(rows)} large values", columns, rows, right=["total", "limit", "n"]))
        say("party with ?: no due-diligence record; taken as a person, whose limits are the stricter ones")
    if any(line.state == "overdue" for line in lines):
        raise typer.Exit(FINDING)


def filed(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Of a line of `assay aml large-value`.")],
    reference: Annotated[str, typer.Option(metavar="NUMBER", help="The number the report was filed under.")],
) -> None:
    """Write down that a person filed a large-value report.

    assay aml filed 1f0c2d3e4a5b6c7d --reference 2026-0042 --actor NAME
    """
    from cli.screen import say
    from domain.errors import DataError, InputError, expected_got
    from monitoring.aml.large_value import FILED, day_of, large_values

    if not reference.strip():
        raise InputError(expected_got("a number", reference, "--reference"))
    with desk_of(context, "aml filed") as desk:
        world = desk.world()
        lines = large_values(
            world.legs, world.standings, world.of(FILED), world.settings.large_value, world.fx, since=day_of(0),
            upto=day_of(40_000), today=day_of(40_000), zone=world.platform.time_zone,
        )  # fmt: skip
        line = next((each for each in lines if each.key == key), None)
        if line is None:
            raise DataError(expected_got("the key of a large value", key, "filed"))
        if line.filed_on is not None:
            raise DataError(expected_got("a line that was not filed", f"one filed on {line.filed_on}", key))
        number = desk.office.note(FILED, line.customer, {"key": key, "reference": reference.strip()})
    say(f"{number}: {key} filed under {reference.strip()}")


def structuring(
    context: typer.Context,
    since: SINCE = None,
    until: UNTIL = None,
    last: LAST = "90d",
    every: Annotated[bool, typer.Option("--all", metavar="", help="Also those tested and not found.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Find customers whose sums stay just below a limit more often than chance allows.

    Exit code 1 when somebody is found. The null and the correction: monitoring/aml/structuring.py.

      assay aml structuring --last 90d --actor NAME
    """
    from dataclasses import asdict

    from cli.oversight import period_of
    from cli.screen import between, out, print_json, table
    from monitoring.aml.structuring import structuring as look

    with desk_of(context, "aml structuring") as desk:
        begin, end = period_of(desk.session, since, until, last)
        world = desk.world()
    legs = world.legs[(world.legs["at"] >= begin) & (world.legs["at"] < end)]
    tested = look(legs, world.standings, world.settings.large_value, world.settings.structuring, world.fx)
    found = [each for each in tested if each.found]
    shown = list(tested) if every else found
    if as_json:
        print_json([asdict(each) for each in shown])
    else:
        rows = [
            [e.customer, e.rule, e.direction, e.level, f"{e.n_below} of {e.n}", e.share, between(e.low, e.high),
             e.expected, f"{e.p:.2g}", e.n_accounts, e.n_branches, e.found]
            for e in shown
        ]  # fmt: skip
        columns = ["customer", "rule", "way", "sums of", "below", "share", "95 %", "null", "p", "accounts", "branches",
                   "found"]  # fmt: skip
        out().print(table(f"{len(found)} found, {len(tested)} tested", columns, rows, right=["share", "null", "p"]))
    if found:
        raise typer.Exit(FINDING)


def flows(
    context: typer.Context,
    since: SINCE = None,
    until: UNTIL = None,
    last: LAST = "30d",
    as_json: AS_JSON = False,
) -> None:
    """List accounts where payments gather, scatter, pass through or come back within a window.

    A ranking to look at, no verdict: what it is worth on known patterns prints `assay benchmark amlsim`.

      assay aml flows --last 30d --actor NAME
    """
    from dataclasses import asdict

    from cli.oversight import period_of
    from cli.screen import out, print_json, table
    from monitoring.aml.anomalies import anomalies, graph_of

    with desk_of(context, "aml flows") as desk:
        begin, end = period_of(desk.session, since, until, last)
        world = desk.world()
    found = anomalies(world.legs, graph_of(world.legs, world.fx, since=begin, until=end), world.settings.flows)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [
        [e.account, e.customer, ", ".join(e.patterns), e.n_payers, e.n_payees, e.passed_share, e.n_cycles, e.rarity]
        for e in found
    ]
    columns = ["account", "customer", "patterns", "payers", "payees", "passed on", "cycles", "rarity"]
    out().print(table(f"{len(rows)} accounts", columns, rows, right=columns[3:]))
