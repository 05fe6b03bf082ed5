"""``assay aml screen``, ``hits``, ``clear`` and ``names-benchmark``: names against a list that you supply."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.aml_office import desk_of, officers_settings
from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of


def screen(
    context: typer.Context,
    people: Annotated[
        Path, typer.Argument(metavar="PEOPLE", help="CSV: customer_id, name, birth_date (may be absent).")
    ],
    names: Annotated[
        Path,
        typer.Option("--list", metavar="FILE", help="CSV: entry_id, name; may have aliases, birth_dates, program."),
    ],
    as_json: AS_JSON = False,
) -> None:
    """Match names with a list; every run, who was looked at and every hit is recorded. Names lie encrypted.

    Exit code 1 when there is a new hit.

      assay aml screen people.csv --list sanctions.csv --actor NAME
    """
    from cli.screen import out, print_json, say, table
    from monitoring.aml.name_list import read_list, read_people
    from monitoring.aml.screening import match, record_run

    with desk_of(context, "aml screen") as desk:
        listed, asked = read_list(names), read_people(people)
        found = match(asked, listed.entries, desk.settings.screening)
        tokens = desk.session.vault(desk.database).tokens("customer_id", [person.customer_id for person in asked])
        new = record_run(desk.office, tokens, asked, listed, found, desk.settings.screening)
    if as_json:
        print_json({"n_people": len(asked), "n_entries": len(listed.entries), "n_hits": len(found), "new": new})
    else:
        rows = [
            [tokens[e.person.customer_id], e.person.name, e.entry.entry_id, e.name, e.score, e.birth, e.strength]
            for e in found
        ]
        columns = ["customer", "name", "entry", "listed as", "score", "birth", "strength"]
        out().print(table(f"{len(found)} hits, {len(new)} new", columns, rows, right=["score"]))
        say(f"{len(asked):,} people against {len(listed.entries):,} entries, list {listed.sha256[:12]}…")
    if new:
        raise typer.Exit(FINDING)


def hits(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", metavar="", help="Also those with a verdict.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """List hits that nobody has spoken on yet.

    Exit code 1 when there are some.

      assay aml hits --actor NAME
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, table
    from domain.time import format_instant
    from monitoring.aml.screening import hits as every_hit

    with desk_of(context, "aml hits") as desk:
        found = every_hit(desk.office.store.read())
    shown = [each for each in found if every or each.verdict is None]
    if as_json:
        print_json([asdict(each) for each in shown])
    else:
        rows = []
        for each in shown:
            body = each.body or {}
            rows.append(
                [each.hit_id, format_instant(each.found_at), each.customer, body.get("name"), body.get("list_name"),
                 body.get("score"), body.get("birth"), body.get("strength"), each.verdict, each.said_by, each.why]
            )  # fmt: skip
        columns = [
            "hit",
            "found",
            "customer",
            "name",
            "listed as",
            "score",
            "birth",
            "strength",
            "verdict",
            "by",
            "why",
        ]
        out().print(table(f"{len(shown)} hits", columns, rows, right=["score"]))
    if any(each.verdict is None for each in shown):
        raise typer.Exit(FINDING)


def clear(
    context: typer.Context,
    hit: Annotated[str, typer.Argument(metavar="HIT", help="As `assay aml hits` lists it.")],
    verdict: Annotated[
        Literal["cleared", "confirmed"], typer.Option(metavar="cleared|confirmed", help="Another person, or this one.")
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="What it was decided on.")],
) -> None:
    """Say what a hit is and why; recorded with your name. A later word counts, the earlier stays.

    assay aml clear hit-000012 --verdict cleared --why "born 1990, entry is of 1951" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.screening import clear as record

    with desk_of(context, "aml clear") as desk:
        number = record(desk.office, hit, verdict, why)
    say(f"{number}: {hit} {verdict}")


def names_benchmark(
    context: typer.Context,
    n: Annotated[int, typer.Option(metavar="N", min=10, max=2000, help="Cases of each kind.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the made-up names.")] = 1,
    as_json: AS_JSON = False,
) -> None:
    """Measure name matching on made-up names: planted variants that must hit, near misses that must not.

    assay aml names-benchmark
    """
    from dataclasses import asdict

    from cli.screen import between, out, print_json, say, table
    from monitoring.aml.name_benchmark import benchmark, precision, recall

    measured = benchmark(officers_settings(session_of(context)).screening, n=n, seed=seed)
    found, right = recall(measured), precision(measured)
    if as_json:
        print_json({"recall": found, "precision": right, "kinds": [asdict(each) for each in measured]})
        return
    rows = [
        [each.kind, "variant" if each.planted else "near miss", each.n_hits / each.n, between(each.low, each.high)]
        for each in measured
    ]
    out().print(table(f"{n} cases of each kind", ["kind", "what", "hits", "95 %"], rows, right=["hits"]))
    say(f"recall {found[0]:.3f} [{found[1]:.3f}, {found[2]:.3f}] over the variants; ", style="")
    say(f"precision {right[0]:.3f} [{right[1]:.3f}, {right[2]:.3f}] at as many near misses as are listed")
