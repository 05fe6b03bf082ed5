"""``assay records``: how long records are kept, what holds them, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.aml_office import Desk, desk_of
from cli.options import AS_JSON

if TYPE_CHECKING:
    from monitoring.aml.retention import Kept

records = typer.Typer(
    no_args_is_help=True, help="Record keeping: what is due, legal holds, the end by crypto-shredding."
)

CUSTOMER = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The identifier as it came in, or its token.")]
REASON = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with your name and the date.")]


@records.command()
def due(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", metavar="", help="Also what is still to be kept.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """List customers whose retention period has ended, and what holds those that could end.

    assay records due --actor NAME
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, say, table
    from domain.bilingual import in_english

    with desk_of(context, "records due") as desk:
        found = kept_by(desk)
    shown = [each for each in found if every or each.state in ("due", "held")]
    if as_json:
        print_json([asdict(each) for each in shown])
        return
    rows = [
        [e.customer, e.records, str(e.counted_from or ""), str(e.due_on or ""), ", ".join(e.held_by), e.state]
        for e in shown
    ]
    out().print(table(f"{len(rows)} of {len(found)}", ["customer", "records", "from", "due", "held by", "state"], rows))
    retention = desk.settings.retention
    say(f"aml: {retention.aml.years} years ({in_english(retention.aml.source)})")
    say(f"service: {retention.service.years} years ({in_english(retention.service.source)})")


@records.command()
def hold(context: typer.Context, customer: CUSTOMER, reason: REASON) -> None:
    """Put a legal hold on a customer's records: neither `shred` nor `assay erase` ends them.

    assay records hold c-1842 --reason "court order 2026-17" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.holding import place
    from stores.holds import Holds

    with desk_of(context, "records hold") as desk:
        token = desk.token("customer_id", customer)
        number = place(desk.office, Holds(desk.database), token, reason)
    say(f"hold {number} on {token}")


@records.command()
def holds(context: typer.Context, as_json: AS_JSON = False) -> None:
    """List every hold: named, dated, with its reason and its end.

    assay records holds --actor NAME
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, table
    from domain.time import format_instant
    from monitoring.aml.holding import named
    from stores.holds import Holds

    with desk_of(context, "records holds") as desk:
        found = named(desk.office.store.read(), Holds(desk.database))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [
        [e.hold_id, e.token, e.basis, format_instant(e.placed_at), e.placed_by, e.reason,
         "" if e.released_at is None else format_instant(e.released_at)]
        for e in found
    ]  # fmt: skip
    out().print(table(f"{len(rows)} holds", ["hold", "customer", "basis", "placed", "by", "reason", "released"], rows))


@records.command()
def release(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="HOLD", help="As `assay records holds` lists it.")],
    reason: REASON,
) -> None:
    """Release a legal hold; others on the same customer go on. What holds for a period ends with it, by `shred`.

    assay records release 3 --reason "case dismissed" --actor NAME
    """
    from cli.screen import say
    from monitoring.aml.holding import release as end
    from stores.holds import Holds

    with desk_of(context, "records release") as desk:
        end(desk.office, Holds(desk.database), number, reason)
    say(f"hold {number} released")


@records.command()
def shred(
    context: typer.Context,
    customer: CUSTOMER,
    states: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Servers that hold states as well; may be given again.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """End a customer's records whose time has come, by destroying keys; the chains still verify.

    Refused while a period runs, a hold stands or a case is open. Payments and decisions stay, nameless.

      assay records shred c-1842 --actor NAME
    """
    from cli.erase import forget, keeping_of, unsay
    from cli.matter_books import books_over
    from cli.screen import print_json, say
    from monitoring.aml.holding import named, release
    from monitoring.aml.retention import SHRED, check_shreddable
    from stores.holds import Holds
    from stores.restricted import PLATFORM

    with desk_of(context, "records shred") as desk:
        token = desk.token("customer_id", customer)
        check_shreddable(token, kept_by(desk))
        holds = Holds(desk.database)
        # First what can be done again, the keys last: whatever fails leaves the rest to a second try.
        n_states = forget(desk.session, "customer_id", token, states)
        for each in named(desk.office.store.read(), holds, token):
            if each.basis == "retention" and each.released_at is None:
                release(desk.office, holds, each.hold_id, "the retention period has ended", period_over=True)
        books, keeping = books_over(desk.session, desk.database), keeping_of(desk.session, desk.database)
        texts = unsay(books, "customer_id", token, keeping)
        erased = desk.session.vault(desk.database).erase_token("customer_id", token)
        gone = desk.office.store.shred(token)
        number = desk.office.note(SHRED, PLATFORM, {"customer": token, "key": erased, "records": gone})
        faults = [*desk.office.store.verify(), *desk.session.ledger(desk.database).verify()]
    if as_json:
        print_json({"record": number, "key": erased, "records": gone, "n_states": n_states, "n_texts": texts.n_erased,
                    "faults": faults})  # fmt: skip
    else:
        gone_too = f"{n_states} records of feature states, {texts.n_erased} texts"
        say(f"{number}: keys destroyed; {gone_too}; {len(faults)} faults in the chains")


def kept_by(desk: Desk) -> tuple[Kept, ...]:
    """Every customer's records and when they end."""
    from domain.time import business_day
    from monitoring.aml.holding import named
    from monitoring.aml.last_seen import last_money, last_service
    from monitoring.aml.retention import kept
    from stores.holds import Holds

    world = desk.world()
    zone = world.platform.time_zone
    journal, until = desk.session.journal(desk.database), world.until
    return kept(
        last_money(world.legs, journal, until=until), last_service(journal, until=until),
        world.standings, world.records, named(world.records, Holds(desk.database)), world.settings.retention,
        today=business_day(desk.office.at, zone), zone=zone,
    )  # fmt: skip
