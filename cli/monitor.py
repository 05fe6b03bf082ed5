"""``assay monitor``: the decisions of a period against the reference of the deployed bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.door import FINDING
from cli.options import AS_JSON, SINCE, UNTIL
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.report import MonitorReport


def monitor(
    context: typer.Context,
    product: Annotated[Literal["payment", "loan"], typer.Argument(metavar="payment|loan", help="Whose decisions.")],
    since: SINCE = None,
    until: UNTIL = None,
    last: Annotated[str | None, typer.Option(metavar="DURATION", help="The last 30d, 24h, …, up to now.")] = None,
    every: Annotated[
        bool, typer.Option("--all", metavar="", help="Show every line, not only the telling ones.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Compare decisions with the model's reference: score, features, rates, degradation.

    Exit code 1 when a line says warning or high. Limits and their sources: configs/monitoring.yaml.

      assay monitor payment
      assay monitor loan --last 30d --json
    """
    from cli.screen import print_json

    session = session_of(context)
    report = look_back(session, product, *period(session, since, until, last))
    if as_json:
        print_json(report.as_dict())
    else:
        show_report(report, every=every)
    if report.at_least("warning"):
        raise typer.Exit(FINDING)


def period(session: Session, since: str | None, until: str | None, last: str | None) -> tuple[int | None, int | None]:
    """The period asked for, in µs UTC; open ends are None."""
    from domain.errors import InputError, expected_got
    from domain.time import parse_duration, parse_instant, system_clock

    zone = session.platform().time_zone
    if last is not None:
        if since is not None or until is not None:
            raise InputError(expected_got("--last, or --since and --until", "both", "assay monitor"))
        now = system_clock()
        return now - parse_duration(last), now
    return (
        None if since is None else parse_instant(since, zone),
        None if until is None else parse_instant(until, zone),
    )


def look_back(session: Session, product: str, since: int | None, until: int | None) -> MonitorReport:
    """The report on what the deployed bundle of a product decided in a period.

    Raises
    ------
    ModelError
        When no bundle is deployed.
    """
    from domain.decision import Product
    from domain.errors import ModelError, expected_got
    from monitoring.monitor import monitor as look
    from monitoring.settings import MonitoringSettings
    from scoring.bundle import load_bundle
    from scoring.policy import POLICY_FILES
    from scoring.policy_settings import PolicySettings
    from stores.bundles import pointed
    from stores.settings_files import load_settings

    settings = load_settings(session.configs / "monitoring.yaml", MonitoringSettings)
    policy = load_settings(session.configs / "policy" / POLICY_FILES[Product(product)], PolicySettings)
    with session.database() as database:
        digest = pointed(session.home.pointers, product)
        if digest is None:
            where = str(session.home.pointers)
            raise ModelError(expected_got(f"a deployed {product} model (`assay deploy`)", None, where))
        # Deployment proved it in a process of its own, and every byte is verified again here.
        bundle = load_bundle(session.home.bundles / digest, score_golden_in_child=False)
        return look(
            product, session.ledger(database), bundle, policy, settings, since=since, until=until,
            journal=session.journal(database),
        )  # fmt: skip


def show_report(report: MonitorReport, *, every: bool) -> None:
    """The report as a table: what is not normal, the score and the rates; all lines when asked for."""
    from cli.screen import between, out, say, table

    plain = ("feature", "missing")
    records = [
        r for r in report.table() if every or r["group"] not in plain or r["status"] in ("attention", "warning", "high")
    ]
    rows = [
        [r["status"], r["group"], r["name"], r["value"], r["expected"], between(r["low"], r["high"]), r["n_current"],
         r["threshold"], r["note"]]
        for r in records
    ]  # fmt: skip
    columns = ["status", "group", "name", "value", "expected", "interval", "n", "next limit", "note"]
    title = f"{report.product}: {report.n_decisions:,} decisions, {report.n_by_model:,} by bundle {report.bundle[:12]}…"
    out().print(table(title, columns, rows, right=["value", "expected", "n", "next limit"]))
    hidden = len(report.lines) - len(records)
    if hidden:
        say(f"{hidden} feature lines are normal or not assessed; --all shows them")
    say(f"worst: {report.worst}")
