"""``assay funds``: customers' money in custody, the platform's ledger against the bank's statement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON, UNTIL
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.funds.look import Funds
    from monitoring.funds.settings import FundsSettings

funds = typer.Typer(no_args_is_help=True, help="Customers' money in custody: read statements, reconcile, coverage.")


@funds.command()
def read(
    context: typer.Context,
    statement: Annotated[Path, typer.Argument(metavar="FILE", help="The bank's CSV; its mapping: configs/funds.yaml.")],
    as_json: AS_JSON = False,
) -> None:
    """Keep the lines of a statement; whole or not at all. The same lines again change nothing.

    assay funds read statement-2026-03-31.csv
    """
    from cli.screen import print_json, say
    from domain.time import system_clock
    from monitoring.funds.statement import read_statement
    from stores.statements import Statements

    session = session_of(context)
    settings = funds_settings(session)
    with session.database() as database:
        digest, lines = read_statement(statement, settings, session.vault(database))
        store = Statements(database)
        n_new = store.keep(settings.account, digest, lines, read_at=system_clock(), read_by=session.actor)
    told = {"statement": digest, "n_lines": len(lines), "n_new": n_new}
    if as_json:
        print_json(told)
    else:
        say(f"{len(lines):,} lines, {n_new:,} new; statement {digest[:12]}…")


@funds.command()
def reconcile(
    context: typer.Context,
    until: UNTIL = None,
    every: Annotated[bool, typer.Option("--all", metavar="", help="Every break, not only the newest thirty.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Set the platform's movements against the bank's lines: matched, breaks with their age, flags, running balance.

    Exit code 1 when there is a break or a flag.

      assay funds reconcile
      assay funds reconcile --until 2026-04-01T00:00:00+08:00 --json
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, say, table

    session = session_of(context)
    settings = funds_settings(session)
    look = looked_at(session, settings, until)
    found = look.found
    if as_json:
        told = {name: value for name, value in asdict(found).items() if name != "matched"}
        print_json({**told, "n_matched": len(found.matched), "flags": [asdict(each) for each in look.flags]})
    else:
        shown = found.breaks if every else found.breaks[-30:]
        rows = [
            [e.kind, e.day, e.event_id, e.bank_ref, money(e.ours, settings), money(e.theirs, settings),
             money(e.difference, settings), e.age_days]
            for e in shown
        ]  # fmt: skip
        columns = ["break", "day", "event", "bank", "ours", "theirs", "difference", "days open"]
        out().print(table(f"{len(found.breaks)} breaks", columns, rows, right=columns[4:]))
        flagged = [[e.what, e.day, e.bank_ref, money(e.minor, settings), e.event_id] for e in look.flags]
        if flagged:
            out().print(
                table(f"{len(flagged)} flags", ["flag", "day", "bank", "amount", "event"], flagged, right=["amount"])
            )
        last = found.days[-1] if found.days else None
        span = f"{found.first or '-'} to {found.last or '-'}"
        say(f"{len(found.matched):,} matched, {len(found.in_transit)} in transit, {span}")
        if last is not None:
            apart = f"{money(last.apart, settings)} {settings.currency}"
            say(f"bank's balance {money(last.closing, settings)}; apart by {apart}")
    if found.breaks or look.flags:
        raise typer.Exit(FINDING)


@funds.command()
def coverage(context: typer.Context, until: UNTIL = None, as_json: AS_JSON = False) -> None:
    """Show how far the money in custody reaches: its balance over the largest withdrawals of a horizon.

    Exit code 1 when it is below its limit; without a limit in configs/funds.yaml it is not assessed.

      assay funds coverage
    """
    from dataclasses import asdict

    from cli.screen import print_json, say
    from domain.bilingual import in_english

    session = session_of(context)
    settings = funds_settings(session)
    found = looked_at(session, settings, until).coverage
    limit = settings.coverage.limit
    low = found.ratio is not None and limit is not None and limit.least is not None and found.ratio < limit.least
    if as_json:
        judged = "not assessed" if found.ratio is None or limit is None else "below the limit" if low else "kept"
        told = None if limit is None else {**limit.model_dump(), "source": in_english(limit.source)}
        print_json({**asdict(found), "limit": told, "verdict": judged})
    else:
        ratio = "not assessed: " + found.why if found.ratio is None else f"{found.ratio:.2f}"
        held = "not assessed: nobody has set a limit"
        if limit is not None:
            held = f"{limit.written('.2f')} ({in_english(limit.source)})"
        say(f"coverage {ratio}; limit {held}")
        if found.ratio is not None:
            largest = f"{money(found.largest, settings)}, {found.worst_day}"
            say(f"{money(found.balance, settings)} on {found.day}; largest {largest}")
    if low:
        raise typer.Exit(FINDING)


@funds.command()
def simulate(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the statement goes, as CSV.")],
    until: UNTIL = None,
    faults: Annotated[bool, typer.Option("--faults", metavar="", help="Plant one fault of each kind.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of days and faults.")] = 7,
    as_json: AS_JSON = False,
) -> None:
    """Write the statement a bank would have sent for the movements of this home: for trying things out.

    assay funds simulate --to statement.csv --faults
    """
    from datetime import date

    from cli.screen import print_json, say
    from data.simulator.custody import Movement, statement
    from domain.errors import DataError, InputError, expected_got
    from domain.money import exponent

    session = session_of(context)
    settings = funds_settings(session)
    if faults and not settings.own_accounts:
        raise InputError(expected_got("an account in own_accounts of configs/funds.yaml", "none", "--faults"))
    ledger = looked_at(session, settings, until).ledger
    ledger = ledger[ledger["currency"] == settings.currency]
    if not len(ledger):
        raise DataError(expected_got("movements of customers' money in the journal", "none", str(session.root)))
    made = statement(
        [Movement(str(r["event_id"]), str(r["kind"]), date.fromisoformat(str(r["day"])), int(r["minor"]))
         for r in ledger.to_dict("records")],
        currency=settings.currency, places=exponent(settings.currency),
        opening=max(0, int(-ledger["minor"].cumsum().min())) + int(ledger["minor"].abs().max()),
        own_account=next(iter(settings.own_accounts), ""), faults=faults, seed=seed,
    )  # fmt: skip
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(made.text, encoding="utf-8")
    if as_json:
        print_json({"file": str(to), "n_lines": made.text.count("\n") - 1, "faults": dict(made.faults)})
    else:
        planted = ", ".join(f"{what} {' '.join(where)}" for what, where in made.faults.items())
        say(f"{made.text.count(chr(10)) - 1:,} lines in {to}{f'; planted: {planted}' if planted else ''}")


def funds_settings(session: Session) -> FundsSettings:
    """``funds.yaml`` of the configs folder."""
    from monitoring.funds.settings import FundsSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "funds.yaml", FundsSettings)


def looked_at(session: Session, settings: FundsSettings, until: str | None) -> Funds:
    """The custody account as known before a time, now by default."""
    from domain.time import parse_instant, system_clock
    from monitoring.funds.look import account_tokens, look_at_funds
    from stores.statements import Statements

    platform = session.platform()
    end = system_clock() + 1 if until is None else parse_instant(until, platform.time_zone)
    with session.database() as database:
        declined = session.ledger(database).declined()
        lines = Statements(database).lines(settings.account)
        accounts = account_tokens(settings, session.vault(database))
        return look_at_funds(session.journal(database), declined, lines, settings, platform, accounts, until=end)


def money(minor: int | None, settings: FundsSettings) -> str:
    """An amount with its decimals and thousands separated; nothing for None."""
    from domain.money import exponent

    places = exponent(settings.currency)
    return "" if minor is None else f"{minor / 10**places:,.{places}f}"
