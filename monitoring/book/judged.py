"""The figures of the book that have limits, judged."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.book.book import Book
from monitoring.book.settings import BookSettings
from scoring.pages.status import Limit, Statistic, not_assessed
from scoring.pages.words import Words, say


def judged(book: Book, settings: BookSettings) -> tuple[Statistic, ...]:
    """Cover, bad debt, concentration and grades against their limits; counted over the whole book, so no chance."""
    return (*_figures(book, settings), *_grades(book))


def _figures(book: Book, settings: BookSettings) -> Iterator[Statistic]:
    n = book.n_owed
    values: dict[str, tuple[float | None, str]] = {
        "cover": (book.present.cover, ".2f"),
        "cover_bad": (book.cover_bad, ".1%"),
        "cover_book": (book.cover_book, ".1%"),
        "bad_debt_rate": (book.bad_debt_rate, ".1%"),
    }
    for each in book.concentrations:
        values[f"hhi_{each.dimension}"] = (each.index, ".3f")
        if each.dimension == "borrower":
            values["top_borrower"] = (each.parts[0].share, ".1%")
    for key, (value, form) in values.items():
        name = say(f"book.{key}")
        if value is None:
            yield not_assessed(key, name, _why(book, key), n=n)
            continue
        limit = settings.limits.get(key)
        bounds = None if limit is None else Limit(firm=True, **limit.model_dump())
        yield Statistic(key, name, value, n=n, form=form).held(bounds)


def _why(book: Book, key: str) -> Words:
    if not book.n_owed:
        return say("book.nothing_owed")
    if key.startswith("cover") and book.held is None:
        return say("book.no_reserve")
    if book.present.note:
        return book.present.note
    return say("book.no_bad")


def _grades(book: Book) -> Iterator[Statistic]:
    for line in book.by_grade:
        if line.grade is None or line.limit is None or not line.n:
            continue
        limit = Limit(most=line.limit, firm=True, source=line.source)
        name = say("book.grade_share", grade=line.grade)
        yield Statistic(f"grade_{line.grade}", name, line.share, n=line.n, form=".1%").held(limit)
