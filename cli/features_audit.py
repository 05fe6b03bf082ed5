"""``assay features audit``: logged vectors, computed again from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.parity_report import ParityReport

_SHOWN = 10


def audit(
    context: typer.Context,
    product: Annotated[
        Literal["payment", "loan"] | None, typer.Option(metavar="payment|loan", help="Whose decisions; both.")
    ] = None,
    last: Annotated[str | None, typer.Option(metavar="DURATION", help="The last 30d, 24h, …, up to now.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From this ISO 8601 time on.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this ISO 8601 time.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Compare at most this many, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the sample.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Entities are shared out over this many.")] = 2,
    as_json: AS_JSON = False,
) -> None:
    """Compute logged feature vectors again from the journal and compare them bit for bit.

    Missing: decisions without a vector (features were dropped), or without their request in the journal. Extra: requests of the service's clients on which nobody decided. Exit code 1 when a bit differs or a request is gone.

      assay features audit --last 30d
      assay features audit --product payment --sample 10000 --json
    """  # noqa: E501 - a paragraph of the help
    from cli.screen import print_json

    session = session_of(context)
    period = _period(session, since, until, last)
    products = ("payment", "loan") if product is None else (product,)
    reports = _reports(session, products, period, sample, seed, threads)
    if as_json:
        print_json([report.as_dict() for report in reports])
    else:
        for report in reports:
            _show(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(FINDING)


def _period(session: Session, since: str | None, until: str | None, last: str | None) -> tuple[int | None, int | None]:
    from domain.errors import InputError, expected_got
    from domain.time import parse_duration, parse_instant, system_clock

    if last is not None:
        if since is not None or until is not None:
            raise InputError(expected_got("--last, or --from and --to", "both", "assay features audit"))
        now = system_clock()
        return now - parse_duration(last), now
    zone = session.platform().time_zone
    return tuple(None if text is None else parse_instant(text, zone) for text in (since, until))  # type: ignore[return-value]  # two of them


def _reports(
    session: Session, products: Sequence[str], period: tuple[int | None, int | None], sample: int | None, seed: int,
    threads: int,
) -> list[ParityReport]:  # fmt: skip
    from functools import cache

    from monitoring.parity import audit as compare
    from scoring.bundle import Bundle, load_bundle
    from serving.auth import list_keys

    @cache
    def bundle_of(digest: str) -> Bundle:
        # Deployment proved it in a process of its own, and every byte is verified again here.
        return load_bundle(session.home.bundles / digest, score_golden_in_child=False)

    scorers = {
        product: [name for name, roles in list_keys(session.home).items() if f"{product}s-scorer" in roles]
        for product in products
    }
    with session.database() as database:
        ledger, journal = session.ledger(database), session.journal(database)
        return [
            compare(
                product, ledger, journal, bundle_of, since=period[0], until=period[1], sample=sample, seed=seed,
                clients=scorers[product], threads=threads,
            )
            for product in products
        ]  # fmt: skip


def _show(report: ParityReport) -> None:
    from cli.screen import out, say, table

    say(
        f"{report.product}: {report.n_decisions:,} decisions, {report.n_compared:,} vectors compared "
        f"({report.n_values:,} values): {report.n_matches:,} match bit for bit, {report.n_mismatches:,} do not; "
        f"{len(report.missing):,} missing, {len(report.extra):,} extra",
        style="" if report.ok else "red",
    )
    different = [[one.name, one.n_different, one.n_compared] for one in report.features if one.n_different]
    if different:
        out().print(table("features that differ", ["feature", "differ", "of"], different, right=["differ", "of"]))
        rows = [[d.feature, d.decision_id, d.seq, repr(d.logged), repr(d.computed)] for d in report.differences]
        columns = ["feature", "decision", "seq", "logged", "computed"]
        title = f"the first {min(_SHOWN, len(rows))} of {len(rows):,} differences"
        out().print(table(title, columns, rows[:_SHOWN], right=["seq", "logged", "computed"]))
    for cause, n in report.causes().items():
        say(f"missing, {n:,}: {cause}")
    for one in report.lost[:_SHOWN]:
        say(f"missing: decision {one.decision_id}, seq {one.seq}: {one.cause}")
    for extra in report.extra[:_SHOWN]:
        say(f"extra: seq {extra.seq}: {extra.event_id} of {extra.client}")
    if len(report.extra) > _SHOWN:
        say(f"… and {len(report.extra) - _SHOWN:,} more; --json lists all")
