"""``assay aml case``, ``cases`` and ``pack``: cases of suspicion and their evidence, for a person to file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.aml_office import desk_of
from cli.options import AS_JSON, SINCE, UNTIL

case = typer.Typer(no_args_is_help=True, help="A case of suspicion: open it, write on it, close it.")

CASE = Annotated[str, typer.Argument(metavar="CASE", help="As `assay aml cases` lists it.")]


@case.command(name="open")
def open_(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The identifier as it came in, or its token.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What is suspected.")],
) -> None:
    """Open a case on a customer; while it is open nothing of him is erased.

    assay aml case open c-1842 --reason "money passes through within hours" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.cases import open_case
    from stores.holds import Holds

    with desk_of(context, "aml case open") as desk:
        token = desk.token("customer_id", customer)
        number = open_case(desk.office, Holds(desk.database), token, reason)
    say(f"{number}: customer {token}")


@case.command()
def note(
    context: typer.Context,
    number: CASE,
    text: Annotated[str, typer.Option(metavar="TEXT", help="What was found.")],
) -> None:
    """Write on a case.

    assay aml case note case-000004 --text "payee opened the account a day before" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.cases import write_on

    with desk_of(context, "aml case note") as desk:
        say(write_on(desk.office, number, text))


@case.command()
def close(
    context: typer.Context,
    number: CASE,
    result: Annotated[
        Literal["filed", "dismissed"],
        typer.Option(metavar="filed|dismissed", help="A report was filed, or nothing was."),
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="What it was decided on.")],
    reference: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The report's number, where one was filed.")
    ] = None,
) -> None:
    """Close a case.

    assay aml case close case-000004 --result filed --reference 2026-0099 --why "pattern confirmed" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.cases import close_case

    with desk_of(context, "aml case close") as desk:
        say(close_case(desk.office, number, result, why, reference))


def cases(context: typer.Context, as_json: AS_JSON = False) -> None:
    """List cases and what was said on them.

    assay aml cases --actor NAME
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, table
    from domain.time import format_instant
    from monitoring.aml.cases import cases as every_case

    with desk_of(context, "aml cases") as desk:
        found = every_case(desk.office.store.read())
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [
        [each.case_id, format_instant(each.opened_at), each.opened_by, each.customer, each.reason, len(each.said),
         each.result or "open"]
        for each in found
    ]  # fmt: skip
    out().print(table(f"{len(rows)} cases", ["case", "opened", "by", "customer", "reason", "said", "result"], rows))


def pack(
    context: typer.Context,
    number: CASE,
    since: SINCE = None,
    until: UNTIL = None,
    last: Annotated[str, typer.Option(metavar="DURATION", help="The period up to --until, or up to now.")] = "90d",
    to: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also export it there in clear, which is recorded.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Draft the evidence of a case for a person to file: facts, graph of funds, features, reasons, timeline.

    One page in Chinese, one in English, and the same as JSON. The draft is kept sealed among the restricted records;
    only --out, or `assay aml export`, writes it in clear, for its owner alone. Nothing is sent.

      assay aml pack case-000004 --last 90d --actor NAME
    """
    from cli.oversight import period_of
    from monitoring.aml.cases import case_of
    from monitoring.aml.evidence_page import draft_pack, export_pack, keep_pack

    with desk_of(context, "aml pack") as desk:
        begin, end = period_of(desk.session, since, until, last)
        case = case_of(desk.office.store.read(), number)
        drafted = draft_pack(
            desk.world(), case, since=begin, until=end, made_at=desk.office.at, by=desk.office.actor
        )  # fmt: skip
        kept = keep_pack(desk.office, case, drafted)
        written = () if to is None else export_pack(desk.office, kept, to)
    _say_pack(kept, written, as_json)


def export(
    context: typer.Context,
    kept: Annotated[str, typer.Argument(metavar="PACK", help="As `assay aml pack` named it.")],
    to: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where it goes, in clear.")],
    as_json: AS_JSON = False,
) -> None:
    """Write a draft of evidence in clear, for its owner alone: to be filed. Who exported it, and where to, is recorded.

    assay aml export case_pack-000007 --out /media/filing --actor NAME
    """
    from monitoring.aml.evidence_page import export_pack

    with desk_of(context, "aml export") as desk:
        written = export_pack(desk.office, kept, to)
    _say_pack(kept, written, as_json)


def _say_pack(kept: str, written: tuple[Path, ...], as_json: bool) -> None:
    from cli.screen import print_json, say

    if as_json:
        print_json({"pack": kept, "exported": [str(path) for path in written]})
        return
    say(f"{kept}: kept sealed")
    say("\n".join(f"wrote {path}" for path in written) or f"next: assay aml export {kept} --out DIR")
