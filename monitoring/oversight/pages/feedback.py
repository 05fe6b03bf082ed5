"""Feedback: what outcomes came in and by whom, what is held back, and requests to train again."""

from __future__ import annotations

import os

import pandas as pd
import pyarrow as pa

from domain.labels import CREDIT_POLICY, FRAUD_POLICY, LabelPolicy
from domain.time import parse_instant
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.seen import seen
from scoring.label_intake import UNSAID, Held, LabelIntake, hold
from scoring.pages.page import Block, Cell, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.values import value_named
from scoring.pages.words import say, worded
from stores.label_rulings import LabelRulings
from stores.retraining import Retraining
from stores.settings_files import load_settings

_POLICIES: dict[str, LabelPolicy] = {"payment": FRAUD_POLICY, "loan": CREDIT_POLICY}


def build(look: Look) -> tuple[Section, ...]:
    """Outcomes of each product, then the requests."""
    rules = load_settings(look.configs / "labels.yaml", LabelIntake)
    outcomes = seen(look.journal, "outcome", look.until)
    parts = [_outcomes(look, name, policy, outcomes, rules) for name, policy in _POLICIES.items()]
    return (*parts, _requests(look))


def _outcomes(look: Look, name: str, policy: LabelPolicy, outcomes: pa.Table, rules: LabelIntake) -> Section:
    title = say(f"feedback.{name}")
    rulings = {each.seq: each.ruling for each in LabelRulings(look.database).all() if each.at < look.until}
    held = hold(outcomes, policy, rules, rulings=rulings)
    if not held.n_outcomes:
        none = not_assessed(name, title, say("feedback.none"), n=0)
        return Section(name, title, (Statistics((none,)),))
    waiting = Statistic(
        "held", say("feedback.held"), float(held.n_open), n=held.n_outcomes, threshold="≤ 0",
        source=worded(rules.said_by), status=Status.RED if held.n_open else Status.PASS, form=",.0f",
    )  # fmt: skip
    blocks: list[Block] = [Statistics((waiting,)), _sources(look, policy, outcomes)]
    if len(held.seq):
        blocks.append(_held(held))
    blocks.append(Prose(say("feedback.held_said"), quiet=True))
    return Section(name, title, tuple(blocks))


def _sources(look: Look, policy: LabelPolicy, outcomes: pa.Table) -> Block:
    """Outcomes by source: all, and those of the period, with the share that told a verdict of fraud or default."""
    frame: pd.DataFrame = outcomes.select(["source", "code", "known_at", "subject_kind"]).to_pandas()
    frame = frame[frame["subject_kind"] == policy.subject_kind]
    source = frame["source"].astype(object).fillna(UNSAID)
    positive = frame["code"].map({code: policy.verdict(code).value for code in frame["code"].unique()}) == "positive"
    now = frame["known_at"] >= look.since
    rows: list[tuple[Cell, ...]] = [
        (value_named("source", each), int((source == each).sum()), int(((source == each) & now).sum()),
         int(((source == each) & now & positive).sum()))
        for each in sorted(source.unique())
    ]  # fmt: skip
    heads = [say(f"feedback.{name}") for name in ("source", "n_all", "n_period", "n_positive")]
    return table_of("sources", say("feedback.sources"), heads, rows)


def _held(held: Held) -> Block:
    records = held.table().to_dict("records")
    rows: list[tuple[Cell, ...]] = [
        (
            value_named("source", str(row["source"])),
            str(row["client"]),
            say(f"feedback.{str(row['reason']).replace(' ', '_')}"),
            int(row["n"]),
        )
        for row in records
    ]
    heads = [say(f"feedback.{name}") for name in ("source", "client", "reason", "n")]
    return table_of("held_by", say("feedback.held_by"), heads, rows)


def _requests(look: Look) -> Section:
    title = say("feedback.requests")
    found = []
    if look.home.retraining.is_file():
        found = Retraining.open(look.home, os.environ, lambda: look.until).all()
    found = [each for each in found if parse_instant(each.at) < look.until]
    if not found:
        return Section("requests", title, (Prose(say("feedback.no_request")),))
    rows: list[tuple[Cell, ...]] = [
        (each.id, each.model, say(f"feedback.{each.state}"), each.by, each.at[:10], each.why,
         len(each.evidence.get("drift", ())), each.evidence.get("age_days"))
        for each in found
    ]  # fmt: skip
    heads = [say(f"feedback.{name}") for name in ("id", "model", "state", "by", "asked", "why", "drifting", "age")]
    return Section("requests", title, (table_of("requests_made", title, heads, rows),))


PAGE = PagePlan(30, "feedback", say("feedback.title"), build)
