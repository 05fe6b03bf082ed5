"""``assay aml diligence``: due-diligence records of customers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.aml_office import desk_of
from cli.door import FINDING
from cli.options import AS_JSON

if TYPE_CHECKING:
    from monitoring.aml.diligence import Standing

diligence = typer.Typer(no_args_is_help=True, help="Due-diligence records: add, list, show with their history.")


@diligence.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The record as YAML; see docs/aml.md.")],
) -> None:
    """Add a customer's record; earlier ones stay as its history. Identifiers become tokens here.

    assay aml diligence add customer.yaml --actor NAME
    """
    from cli.screen import say
    from domain.errors import InputError, expected_got
    from monitoring.aml.diligence import KIND, read_diligence
    from monitoring.aml.holding import note_kept
    from stores.holds import Holds

    with desk_of(context, "aml diligence add") as desk:
        customer, record = read_diligence(file, desk.session.vault(desk.database))
        known = desk.settings.large_value.exemptions
        if record.exemption is not None and record.exemption not in known:
            raise InputError(
                expected_got(f"one of {', '.join(known) or 'none'}", record.exemption, f"{file}: exemption")
            )
        number = note_kept(desk.office, Holds(desk.database), KIND, customer, record.model_dump(mode="json"))
    say(f"{number}: customer {customer}, {record.party}, {record.grade} risk")


@diligence.command(name="list")
def list_all(
    context: typer.Context,
    attention: Annotated[
        bool, typer.Option("--attention", metavar="", help="Only overdue reviews and documents that end or have ended.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """List customers by grade, with overdue reviews and expired documents.

    Exit code 1 when a review is overdue or a document has expired.

      assay aml diligence list --attention --actor NAME
    """
    from cli.screen import out, print_json, say, table

    with desk_of(context, "aml diligence list") as desk:
        world = desk.world()
    late = [each for each in world.standings.values() if each.overdue_days or each.expired]
    chosen = [e for e in world.standings.values() if not attention or e.overdue_days or e.expired or e.expiring]
    n_without = len(set(world.legs["customer"]) - set(world.standings))
    if as_json:
        print_json({"customers": [told(each) for each in chosen], "n_without_record": n_without})
    else:
        rows = [
            [e.customer, e.record.party, e.record.grade, e.review_on or "not assessed", e.overdue_days,
             len(e.record.evidence), len(e.expired), len(e.expiring), len(e.history)]
            for e in sorted(chosen, key=lambda each: (-(each.overdue_days or 0), each.customer))
        ]  # fmt: skip
        columns = ["customer", "party", "grade", "review", "days overdue", "evidence", "expired", "ending", "earlier"]
        out().print(table(f"{len(rows)} customers", columns, rows, right=columns[4:]))
        say(f"{n_without:,} customers pay or are paid and have no record")
    if late:
        raise typer.Exit(FINDING)


@diligence.command()
def show(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The identifier as it came in, or its token.")],
    as_json: AS_JSON = False,
) -> None:
    """Show a customer's record and every earlier grade with its reasons.

    assay aml diligence show c-1842 --actor NAME
    """
    from cli.screen import print_json, say
    from domain.errors import DataError, expected_got
    from domain.time import format_instant

    with desk_of(context, "aml diligence show") as desk:
        token = desk.token("customer_id", customer)
        standing = desk.world().standings.get(token)
    if standing is None:
        raise DataError(expected_got("a customer with a due-diligence record", "none", "diligence"))
    if as_json:
        print_json(told(standing))
        return
    record = standing.record
    say(f"{standing.customer}: {record.party}, {record.grade} risk: {'; '.join(record.reasons)}")
    say(f"review: {standing.review_on or 'not assessed'}; overdue by {standing.overdue_days or 0} days")
    for each in standing.record.evidence:
        seen = f"by {each.verified_by} on {each.verified_on}"
        say(f"{each.kind} {each.sha256[:12]}… {seen}, until {each.expires_on or '-'}")
    for at, grade, reasons, by in standing.history:
        say(f"before, {format_instant(at)}: {grade} by {by}: {'; '.join(reasons)}")


def told(standing: Standing) -> dict[str, Any]:
    """A standing as JSON."""
    return {
        "customer": standing.customer,
        **standing.record.model_dump(mode="json"),
        "made_at": standing.made_at,
        "made_by": standing.made_by,
        "review_on": standing.review_on,
        "overdue_days": standing.overdue_days,
        "expired": [each.kind for each in standing.expired],
        "expiring": [each.kind for each in standing.expiring],
        "history": [dict(zip(("at", "grade", "reasons", "by"), each, strict=True)) for each in standing.history],
    }
