"""The credit book: how loans age, where arrears roll to, what may be lost and what is held against it."""

from __future__ import annotations

from monitoring.book.book import Book, Sources, read_book
from monitoring.book.judged import judged
from monitoring.book.pictures import reserve_picture, share_picture, vintage_picture
from monitoring.book.rolls import Matrix
from monitoring.book.settings import BookSettings, pricing_of
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import (
    NONE_OF_THEM,
    Block,
    Cell,
    Facts,
    Percent,
    Prose,
    Section,
    Statistics,
    Table,
    percent_of,
    table_of,
)
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.values import value_named
from scoring.pages.words import Words, say, worded
from stores.settings_files import load_settings


def build(look: Look) -> tuple[Section, ...]:
    """State, ageing, movement, losses and reserve, limits and concentration."""
    settings = load_settings(look.configs / "book.yaml", BookSettings)
    pricing = pricing_of(look.configs / "credit.yaml")
    book = read_book(Sources.of_look(look), settings, pricing, look.platform, look.until)
    if not book.n_loans:
        none = not_assessed("book", say("book.title"), say("book.none"), n=0)
        return (Section("state", say("book.state"), (Statistics((none,)),)),)
    return (
        _state(book, settings),
        _ageing(book, settings),
        _moving(book),
        _losses(book, settings),
        _concentration(book, settings),
    )


def _state(book: Book, settings: BookSettings) -> Section:
    facts: list[tuple[Words, Cell]] = [
        (say("book.day"), book.day),
        (say("book.n_loans"), book.n_loans),
        (say("book.n_owed"), book.n_owed),
        (say("book.disbursed", currency=book.currency), round(book.disbursed / book.unit)),
        (say("book.balance", currency=book.currency), round(book.balance / book.unit)),
    ]
    if book.n_orphans:
        facts.append((say("book.n_orphans"), book.n_orphans))
    rows: list[tuple[Cell, ...]] = [
        (_named(name), n, round(balance / book.unit), Percent(balance / book.balance) if book.balance else None)
        for name, n, balance in book.by_bucket
    ]
    heads = [say("book.bucket"), say("book.n"), say("book.balance", currency=book.currency), say("book.share")]
    blocks: list[Block] = [
        Facts("facts", tuple(facts)),
        Statistics(_judged(book, settings, "bad_debt"), say("book.judged")),
        table_of("by_bucket", say("book.by_bucket"), heads, rows),
        Prose(say("book.conventions", source=worded(settings.conventions.source)), quiet=True),
    ]
    return Section("state", say("book.state"), tuple(blocks))


def _judged(book: Book, settings: BookSettings, *beginnings: str) -> tuple[Statistic, ...]:
    return tuple(each for each in judged(book, settings) if each.key.startswith(beginnings))


def _ageing(book: Book, settings: BookSettings) -> Section:
    blocks: list[Block] = [
        Prose(say("book.blank"), quiet=True),
        vintage_picture(book.vintages, (30, 90), settings.months_on_book),
    ]
    for key, shares in (("first_payment", book.first_payment), ("bad_rates", book.bad_rates)):
        if any(each.value is not None for each in shares):
            blocks.append(share_picture(key, shares))
        else:
            few = say("book.few", least=settings.least_rows)
            blocks.append(Statistics((not_assessed(key, say(f"book.{key}"), few),)))
    return Section("ageing", say("book.ageing"), tuple(blocks))


def _moving(book: Book) -> Section:
    blocks: list[Block] = [
        Prose(say("book.moving_said"), quiet=True),
        _matrix("rolls", book.rolls),
        _matrix("classes", book.classes),
    ]
    if any(map(any, book.statements.counts)):
        blocks.append(_matrix("statements", book.statements))
    if book.grades is None:
        none = not_assessed("grades", say("book.grades"), say("book.no_grades"), n=0)
        blocks.append(Statistics((none,)))
    else:
        blocks.append(_matrix("grades", book.grades))
    return Section("moving", say("book.moving"), tuple(blocks))


def _matrix(key: str, matrix: Matrix) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (_named(name), sum(line), *(Percent(count / sum(line)) if count else NONE_OF_THEM for count in line))
        for name, line in zip(matrix.names, matrix.counts, strict=True)
        if sum(line)
    ]
    title = say("book.from_to", what=say(f"book.{key}"), since=matrix.since, until=matrix.until)
    return table_of(key, title, [say("book.source"), say("book.n"), *(_named(name) for name in matrix.names)], rows)


def _losses(book: Book, settings: BookSettings) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (_named(each.bucket), say(f"book.from_{each.origin}"), each.n, round(each.balance / book.unit),
         percent_of(each.pd),
         None if each.expected_loss is None else round(each.expected_loss / book.unit))
        for each in book.pieces
    ]  # fmt: skip
    heads = [say(f"book.{name}") for name in ("bucket", "origin", "n")]
    heads += [say("book.balance", currency=book.currency), say("book.pd"), say("book.expected")]
    pools: list[tuple[Cell, ...]] = [
        (_named(each.bucket), each.n, each.n_rows, *map(percent_of, (each.pd, each.low, each.high)))
        for each in book.pools
    ]
    pool_heads = [say(f"book.{name}") for name in ("bucket", "n", "n_rows", "pd", "from", "to")]
    blocks: list[Block] = [
        Prose(say("book.expected_said"), quiet=True),
        Statistics(_judged(book, settings, "cover"), say("book.judged")),
    ]
    if book.unassessed > 0:
        why = say("book.unassessed", share=f"{book.unassessed / book.balance:.1%}")
        blocks.append(Statistics((not_assessed("unassessed", say("book.pd"), why),)))
    blocks.append(table_of("pieces", say("book.pieces"), heads, rows))
    blocks.append(table_of("pools", say("book.pools"), pool_heads, pools, folded=True))
    if book.present.needed is None:
        none = not_assessed("reserve", say("book.needed"), book.present.note)
        blocks.append(Statistics((none,)))
    else:
        blocks.append(reserve_picture(book))
        if settings.unexpected is not None:
            rules = settings.unexpected
            told = say(
                "book.unexpected_said", confidence=f"{rules.confidence:.1%}",
                correlation=f"{rules.correlation.value:.2f}", source=worded(rules.correlation.source),
            )  # fmt: skip
            blocks.append(Prose(told, quiet=True))
    if book.held is not None:
        blocks.append(Prose(say("book.held_said", amount=book.held.amount.grouped(), since=str(book.held.since),
                                source=worded(book.held.source)), quiet=True))  # fmt: skip
    return Section("losses", say("book.losses"), tuple(blocks))


def _concentration(book: Book, settings: BookSettings) -> Section:
    grades: list[tuple[Cell, ...]] = [
        (each.grade or say("book.ungraded"), each.n, round(each.balance / book.unit), percent_of(each.share),
         percent_of(each.limit), worded(each.source) or None)
        for each in book.by_grade
    ]  # fmt: skip
    heads = [say("book.grade"), say("book.n"), say("book.balance", currency=book.currency), say("book.share"),
             say("book.limit"), say("book.limit_source")]  # fmt: skip
    blocks: list[Block] = [
        Statistics(_judged(book, settings, "hhi", "top", "grade"), say("book.judged")),
        table_of("by_grade", say("book.by_grade"), heads, grades),
    ]
    blocks += [Prose(say("book.concentration_said"), quiet=True)]
    for each in book.concentrations:
        rows: list[tuple[Cell, ...]] = [
            (
                value_named(each.dimension, part.name) if part.name else say("book.unnamed"),
                part.n,
                round(part.balance / book.unit),
                Percent(part.share),
            )
            for part in each.parts
        ]
        title = say("book.concentration_of", what=say(f"book.of_{each.dimension}"), index=f"{each.index:.3f}",
                    equal=f"{each.equal_parts:.1f}", n=each.n_parts)  # fmt: skip
        heads = [say(f"book.of_{each.dimension}"), say("book.n"), say("book.balance", currency=book.currency),
                 say("book.share")]  # fmt: skip
        blocks.append(table_of(f"by_{each.dimension}", title, heads, rows))
    return Section("concentration", say("book.concentration"), tuple(blocks))


_NAMES = {
    "current", "settled", "written_off", "normal", "special_mention", "substandard", "doubtful", "loss",
}  # fmt: skip


def _named(name: str) -> Words:
    return say(f"book.{name}") if name in _NAMES else name


PAGE = PagePlan(50, "book", say("book.title"), build)
