"""Decisions: what was decided in the period, day by day, by action and by grade."""

from __future__ import annotations

from collections import Counter

from domain.decision import ACTIONS, Action, Product
from domain.time import business_day
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Cell, Section, Statistics, table_of
from scoring.pages.status import not_assessed
from scoring.pages.words import say


def build(look: Look) -> tuple[Section, ...]:
    """A section for each product."""
    return tuple(_product(look, product) for product in Product)


def _product(look: Look, product: Product) -> Section:
    decisions = look.ledger.read(product.value, since=look.since, until=look.until)
    title = say(f"decisions.{product.value}")
    if not decisions.num_rows:
        none = not_assessed("decisions", title, say("decisions.none"), n=0)
        return Section(product.value, title, (Statistics((none,)),))
    days: dict[str, Counter[Action]] = {}
    pairs = zip(decisions["decided_at"].to_pylist(), decisions["action"].to_pylist(), strict=True)
    for at, action in pairs:
        days.setdefault(str(business_day(at, look.platform.time_zone)), Counter())[Action(action)] += 1
    actions = ACTIONS[product]
    rows: list[tuple[Cell, ...]] = [
        (day, count.total(), *(count[action] for action in actions)) for day, count in sorted(days.items())
    ]
    columns = [say("decisions.day"), say("decisions.n"), *(say(f"decisions.{action.value}") for action in actions)]
    return Section(product.value, title, (table_of("by_day", say("decisions.by_day"), columns, rows),))


PAGE = PagePlan(10, "decisions", say("decisions.title"), build)
