"""Operating point: what the model gives where it is used, at a desk's capacity for payments, at approvals for loans."""

from __future__ import annotations

from domain.decision import Product
from scoring.pages.page import Section, Statistics
from scoring.pages.status import not_assessed
from scoring.pages.words import say
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.sections.operating_loans import loan_blocks
from training.report.sections.operating_payments import payment_blocks
from training.report.settings import ReportSettings

LEAST_EVENTS = 10
"""Positives; with fewer every share of them is mostly chance."""


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Alerts, money and cost of payments; bands, approvals and swap set of loans."""
    test = evidence.test.scored()
    n, n_events = len(test.y), int(test.y.sum())
    title = say("operating_point.title")
    if n_events < LEAST_EVENTS or n - n_events < LEAST_EVENTS:
        why = say("operating_point.few", n=n, events=n_events, least=LEAST_EVENTS)
        key = "recall_at_budget" if evidence.product is Product.PAYMENT else "top_decile_lift"
        missing = not_assessed(key, say(f"operating_point.{key}"), why, n=n, n_events=n_events)
        return Section("operating_point", title, (Statistics((missing,)),), (why,))
    blocks_of = payment_blocks if evidence.product is Product.PAYMENT else loan_blocks
    blocks, not_run = blocks_of(evidence, settings, test)
    return Section("operating_point", title, tuple(blocks), tuple(not_run))


SECTION = Plan(100, "operating_point", build)
