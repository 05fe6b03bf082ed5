"""The borrower card as one sheet, in Chinese or English."""

from __future__ import annotations

from domain.bilingual import Both
from monitoring.disclosure.borrower_card import TIGHT, BorrowerCard
from scoring.pages.page import Block, Cell, Facts, Page, Prose, Section, Statistics, table_of
from scoring.pages.status import Limit, Statistic, not_assessed
from scoring.pages.words import Words, say


def card_page(card: BorrowerCard) -> Page:
    """The sheet: what was decided, repayment ability and reasons, what the card does not know."""
    facts: list[tuple[Words, Cell]] = [
        (say("borrower.application"), card.application),
        (say("borrower.decision"), card.decision_id),
        (say("borrower.decided_on"), card.decided_on),
        (say("borrower.asked"), _asked(card)),
        (say("borrower.risk_level"), Both(card.risk_grade_zh, card.risk_grade)),
        (say("borrower.credit_grade"), _grade(card)),
        (say("borrower.action"), say(f"borrower.{card.action}")),
    ]
    subject = Both(
        f"{card.risk_grade_zh} · {card.credit_grade or '—'}", f"{card.risk_grade} · {card.credit_grade or '—'}"
    )
    section = Section("ability", say("borrower.ability"), (*_ability(card), *_why(card)))
    return Page(say("borrower.kind"), subject, Facts("card", tuple(facts)), (section,))


def _asked(card: BorrowerCard) -> Cell:
    if card.term_months is None:
        return card.amount
    return say("borrower.asked_for", amount=card.amount, months=card.term_months)


def _grade(card: BorrowerCard) -> Cell:
    if card.credit_grade is None:
        return say("borrower.no_grade")
    if card.pd_band is None or card.pd_horizon is None:
        return card.credit_grade
    low, high = (f"{edge:.1%}" for edge in card.pd_band)
    months = card.pd_horizon.removesuffix("m")
    return say("borrower.graded", grade=card.credit_grade, low=low, high=high, months=months)


def _ability(card: BorrowerCard) -> list[Block]:
    made = card.ability
    rows: list[tuple[Words, Cell]] = [
        (say("borrower.income"), made.income),
        (say("borrower.debt"), made.debt),
        (say("borrower.debt_to_income"), _percent(made.debt_to_income)),
        (say("borrower.instalment"), made.instalment),
        (say("borrower.affordable"), made.affordable),
        (say("borrower.burden"), say(f"borrower.{made.burden}")),
    ]
    name = say("borrower.with_loan")
    if made.with_loan is None:
        judged = not_assessed("with_loan", name, say(f"borrower.{made.note}"))
    else:
        note = say(f"borrower.{made.note}") if made.note else ""
        judged = Statistic("with_loan", name, made.with_loan, form=".1%", note=note)
    if made.affordable_share is not None:
        share = made.affordable_share
        judged = judged.held(Limit(most=share, amber_most=TIGHT * share, firm=True, source=made.source))
    return [Facts("ability", tuple(rows)), Statistics((judged,), say("borrower.held"))]


def _why(card: BorrowerCard) -> list[Block]:
    blocks: list[Block] = []
    if card.reasons:
        rows = [(number, Both(reason.zh, reason.en)) for number, reason in enumerate(card.reasons, 1)]
        blocks.append(table_of("reasons", say("borrower.reasons"), ["", say("borrower.reason")], rows))
    else:
        blocks.append(Prose(say("borrower.no_reasons")))
    return [*blocks, *(Prose(say(f"borrower.caveat_{each}"), quiet=True) for each in card.caveats)]


def _percent(share: float | None) -> Cell:
    return None if share is None else f"{share:.1%}"
