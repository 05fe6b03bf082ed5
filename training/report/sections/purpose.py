"""What the model is for, what its probability is a probability of, and who may use it."""

from __future__ import annotations

from domain.decision import Product
from domain.labels import LABEL_POLICIES, LabelPolicy, Verdict
from domain.time import format_duration
from scoring.pages.meanings import kind_named, meaning
from scoring.pages.page import Block, Cell, Facts, Finding, Prose, Section, table_of
from scoring.pages.status import Status
from scoring.pages.values import column_named, value_named
from scoring.pages.words import Words, joined, say, worded
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """From the training settings and the label policy alone."""
    policy, product = LABEL_POLICIES.get(evidence.settings.label_policy), evidence.product.value
    after = meaning(format_duration(evidence.settings.maturity.after))
    blocks: list[Block] = [
        Prose(say(f"purpose.for_{product}")),
        Facts("purpose", _facts(evidence), say("purpose.facts")),
    ]
    if policy is None:
        version = evidence.settings.label_policy
        blocks.append(Finding("unknown_policy", Status.RED, say("purpose.unknown_policy", version=version)))
    else:
        blocks += [
            table_of(
                "labels", say("purpose.labels", version=policy.version),
                (say("purpose.verdict"), say("purpose.codes"), say("purpose.meaning")), _verdicts(policy, product),
            ),
            Prose(say(f"purpose.silence_{policy.silence.value}", after=after)),
        ]  # fmt: skip
    blocks += [
        Prose(say("purpose.users")),
        Prose(say(f"purpose.not_for_{product}")),
        Prose(say(f"purpose.texts_{product}"), quiet=True),
    ]
    return Section("purpose", say("purpose.title"), tuple(blocks))


def _facts(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    settings, about = evidence.settings, evidence.about
    product = evidence.product.value
    cuts = about.get("cutoffs") or {}
    told: list[tuple[Words, Cell]] = [
        (say("purpose.product"), say(f"purpose.{product}")),
        (say("purpose.subject"), kind_named(settings.subject_kind)),
        (say("purpose.positive"), say(f"purpose.positive_{product}")),
        (say("purpose.horizon"), _horizon(evidence)),
        (say("purpose.objective"), say(f"discrimination.{settings.objective}")),
    ]
    told += [
        (say("purpose.cutoff", grade=say(f"purpose.{grade}")), f"{float(cuts[grade]):.4g}")
        for grade in ("attention", "warning", "high")
        if grade in cuts
    ]
    if cuts.get("source"):
        by = say(f"purpose.by_{cuts['by']}")
        told.append((say("purpose.cutoff_source"), say("purpose.by_source", by=by, source=worded(cuts["source"]))))
    kept = joined(column_named(each) for each in settings.protected) or say("purpose.none")
    return (*told, (say("purpose.protected"), kept))


def _horizon(evidence: Evidence) -> Words:
    settings = evidence.settings
    if evidence.product is Product.PAYMENT:
        return say("purpose.horizon_payment", after=meaning(format_duration(settings.maturity.after)))
    stated = settings.master_scale or settings.pricing
    return say("purpose.horizon_loan", months=12 if stated is None else stated.horizon_months)


def _verdicts(policy: LabelPolicy, product: str) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for verdict in Verdict:
        codes = [code for code, found in policy.verdicts.items() if found is verdict]
        if codes:
            meaning = f"positive_{product}" if verdict is Verdict.POSITIVE else f"means_{verdict.value}"
            rows.append(
                (
                    say(f"purpose.is_{verdict.value}"),
                    joined(value_named("code", each) for each in codes),
                    say(f"purpose.{meaning}"),
                )
            )
    return rows


SECTION = Plan(30, "purpose", build)
