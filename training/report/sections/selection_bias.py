"""Whose labels were never seen, and what can be said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.decision import Product
from scoring.labels import Status as LabelStatus
from scoring.pages.page import Block, Cell, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say, worded
from training.propensity import SUFFIX
from training.proportion import wilson
from training.reject_inference import ACCEPTED_ONLY
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Censored rows, figures of all traffic where a sample was let through, reject inference as a sensitivity."""
    weighted, inferred = _weighted(evidence), evidence.json("reject_inference.json")
    censored = _censored(evidence)
    made = [censored, *_figures(evidence, weighted), *_changed(evidence, inferred)]
    blocks: list[Block] = [
        Prose(say(f"selection_bias.why_{evidence.product.value}")),
        _counts(evidence),
        Statistics(
            tuple(each.held(settings.limit(evidence.product, f"selection_bias.{each.key}")) for each in made),
            say("selection_bias.statistics"),
        ),
    ]
    told = bool(inferred and inferred["variants"]) or any(each["value"] is not None for each in weighted)
    if censored.n_events and not told:
        blocks.append(Finding("unseen", Status.AMBER, say("selection_bias.unseen")))
    elif not censored.n_events:
        blocks.append(Prose(say("selection_bias.none_recorded")))
    if inferred and inferred["variants"]:
        blocks += [_variants(inferred), Prose(say("selection_bias.only_a_guess"), quiet=True)]
    return Section("selection_bias", say("selection_bias.title"), tuple(blocks))


def _unseen(evidence: Evidence, part: str) -> tuple[int, int]:
    status = getattr(evidence, part).status
    return int((status == LabelStatus.CENSORED.value).sum()), len(status)


def _counts(evidence: Evidence) -> Table:
    rows: list[list[Cell]] = []
    for part in (TRAIN, CALIBRATION, TEST):
        unseen, n = _unseen(evidence, part)
        rows.append([say(f"selection_bias.{part}"), n, unseen, f"{unseen / n:.1%}" if n else None])
    heads = [say(f"selection_bias.{name}") for name in ("part", "rows", "unseen_rows", "share")]
    return table_of("censored", say("selection_bias.counts"), heads, rows)


def _censored(evidence: Evidence) -> Statistic:
    name = say("selection_bias.censored")
    k, n = _unseen(evidence, TEST)
    if not n:
        return not_assessed("censored", name, say("selection_bias.no_rows"), n=0, n_events=0)
    low, high = (float(each) for each in wilson(np.array(k), np.array(n)))
    return Statistic("censored", name, k / n, low, high, n=n, n_events=k, form=".1%")


def _weighted(evidence: Evidence) -> list[Mapping[str, Any]]:
    figures = (evidence.json("evaluation.json") or {}).get("figures", [])
    return [each for each in figures if each["name"].endswith(SUFFIX)]


def _figures(evidence: Evidence, weighted: list[Mapping[str, Any]]) -> list[Statistic]:
    """Figures of all traffic by Horvitz-Thompson and Hájek, as the evaluation has them."""
    if not weighted or all(each["value"] is None for each in weighted):
        why = "no_propensity" if evidence.settings.propensity is None else "no_sample"
        return [not_assessed("weighted", say("selection_bias.weighted"), say(f"selection_bias.{why}"))]
    return [
        Statistic(
            each["name"], say("selection_bias.weighted_of", figure=each["name"].removesuffix(SUFFIX)), each["value"],
            each["low"], each["high"], n=each["n"], n_events=each["n_events"], note=each["note"], form=".4g",
        )
        for each in weighted
    ]  # fmt: skip


def _changed(evidence: Evidence, inferred: Mapping[str, Any] | None) -> list[Statistic]:
    """The greatest share of decisions that hang on what refused applicants are guessed to be."""
    if evidence.product is not Product.LOAN:
        return []
    name = say("selection_bias.changed")
    if inferred is None:
        return [not_assessed("changed", name, say("selection_bias.not_asked"))]
    guesses = [each for each in inferred["variants"] if each["method"] != ACCEPTED_ONLY]
    if not guesses:
        return [not_assessed("changed", name, say("selection_bias.none_refused"))]
    most = max(guesses, key=lambda each: each["changed_share"])
    note = say("selection_bias.by", method=most["method"], n=inferred["n_refused"])
    return [Statistic("changed", name, most["changed_share"], n=inferred["n"], note=note, form=".1%")]


def _variants(inferred: Mapping[str, Any]) -> Table:
    names = ("method", "auc", "difference", "low", "high", "ks", "brier", "approved_share", "changed_share")
    heads = [say(f"selection_bias.{name}") for name in names]
    rows = [[each[name] for name in names] for each in inferred["variants"]]
    return table_of("reject_inference", say("selection_bias.inference", source=worded(inferred["source"])), heads, rows)


SECTION = Plan(70, "selection_bias", build)
