"""``assay book``: the credit book, how it ages, what it may cost, and what is held against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from rich.table import Table

    from monitoring.book.book import Book
    from monitoring.book.rolls import Matrix
    from monitoring.book.settings import BookSettings


def book(
    context: typer.Context,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="As known before this ISO 8601 time; now.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Show the credit book: vintages, roll rates, migration, losses expected and not, reserve and stress.

    Months that are not over are blank, never zero. Exit code 1 when a figure is beyond its limit. Conventions, reserve,
    scenarios and limits with their sources: configs/book.yaml; LGD: pricing of configs/credit.yaml.

      assay book
      assay book --until 2026-05-01T00:00:00+08:00 --json
    """
    from cli.screen import print_json
    from monitoring.book.judged import judged
    from monitoring.book.settings import BookSettings
    from monitoring.oversight.site import catalogue
    from scoring.pages.status import Status
    from stores.settings_files import load_settings

    session = session_of(context)
    settings = load_settings(session.configs / "book.yaml", BookSettings)
    made = read(session, settings, until)
    figures = judged(made, settings)
    if as_json:
        english = catalogue().tongue("en")
        told = {each.key: {"value": each.value, "limit": each.threshold, "source": english(each.source),
                           "status": each.status.value} for each in figures}  # fmt: skip
        print_json({**made.as_dict(), "figures": told})
    else:
        _show(made)
        for each in figures:
            _say(f"{each.key}: {each.value if each.value is None else format(each.value, each.form)} "
                 f"{each.threshold} {each.status.value}")  # fmt: skip
    if any(each.status is Status.RED for each in figures):
        raise typer.Exit(FINDING)


def read(session: Session, settings: BookSettings, until: str | None) -> Book:
    """The book of a home as known before an instant."""
    from domain.time import DAY, parse_instant, system_clock
    from monitoring.book.book import Sources, read_book
    from monitoring.book.settings import pricing_of
    from monitoring.oversight.look import Look

    platform = session.platform()
    end = system_clock() if until is None else parse_instant(until, platform.time_zone)
    with session.database() as database:
        look = Look(session.home, session.configs, platform, database, session.journal(database),
                    session.ledger(database), end - DAY, end)  # fmt: skip
        return read_book(Sources.of_look(look), settings, pricing_of(session.configs / "credit.yaml"), platform, end)


def _say(text: str) -> None:
    from cli.screen import say

    say(text)


def _show(book: Book) -> None:
    from cli.screen import out, table
    from domain.bilingual import in_english

    console = out()
    months = (3, 6, 12)
    rows = [
        [vintage.month, vintage.n, *(vintage.share(severity, k) for severity in (30, 90) for k in months)]
        for vintage in book.vintages[-18:]
    ]
    heads = ["disbursed", "loans", *(f"{severity}+ by {k}m" for severity in (30, 90) for k in months)]
    console.print(table("vintages: share ever past due", heads, rows, right=heads[1:]))
    console.print(_matrix(f"roll rates {book.rolls.since} to {book.rolls.until}", book.rolls))
    console.print(_matrix(f"five classes {book.classes.since} to {book.classes.until}", book.classes))
    losses = [
        [each.bucket, each.origin, each.n, round(each.balance / book.unit), each.pd,
         _whole(each.expected_loss, book.unit)]
        for each in book.pieces
    ]  # fmt: skip
    heads = ["bucket", "PD from", "loans", "owed", "PD", "expected loss"]
    console.print(table(f"expected loss, {book.currency}", heads, losses, right=heads[2:]))
    stress = [
        [each.en, each.lgd, _whole(each.needed, book.unit), _whole(each.unexpected, book.unit),
         each.cover, in_english(each.note)]
        for each in (book.present, *book.scenarios)
    ]  # fmt: skip
    heads = ["scenario", "LGD", "reserve needed", "unexpected loss", "cover", "note"]
    console.print(table(f"reserve, {book.currency}", heads, stress, right=heads[1:5]))


def _matrix(title: str, matrix: Matrix) -> Table:
    from cli.screen import table

    rows = [
        [name, sum(line), *(count / sum(line) if sum(line) else None for count in line)]
        for name, line in zip(matrix.names, matrix.counts, strict=True)
        if sum(line)
    ]
    return table(title, ["from", "loans", *matrix.names], rows, right=["loans", *matrix.names])


def _whole(minor: float | None, unit: int) -> int | None:
    return None if minor is None else round(minor / unit)
