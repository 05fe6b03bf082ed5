"""Whether the reasons that people are given can be relied on."""

from __future__ import annotations

import numpy as np

from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Facts, Finding, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Words, say
from training.reason_quality import Measured, ReasonQuality, reason_quality
from training.report.evidence import Evidence
from training.report.look import FULL, other_seeds
from training.report.plan import Plan
from training.report.sections.cases import concept_name
from training.report.settings import ReportSettings

_ROWS = {False: 500, True: 120}
_NOISE = 0.01


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section."""
    bundle, test, light = evidence.bundle, evidence.test, settings.light
    book = bundle.reason_book
    left_out: list[Words] = []
    other = None
    if light:
        left_out.append(say("reasons.light_seed"))
    else:
        other = other_seeds(evidence, 1, FULL.learnt, test.X[:1])[0].text
    found = reason_quality(
        bundle, test.X, test.raw, seed=evidence.settings.seed, noise=_NOISE, n_rows=_ROWS[light], other_model=other,
        threads=evidence.settings.threads,
    )  # fmt: skip
    told = _statistics(found)
    held = tuple(each.held(settings.limit(evidence.product, f"reasons.{each.key}")) for each in told)
    facts = Facts(
        "book",
        (
            (say("reasons.version"), book.version),
            (say("reasons.concepts"), len(book.concepts)),
            (say("reasons.floor"), book.floor),
            (say("reasons.cutoff"), f"{found.cutoff:.4f}"),
        ),
        say("reasons.book"),
    )
    n = found.unexplained.n
    method, units = meaning(found.method), meaning(found.units)
    blocks: list[Block] = [
        Prose(say("reasons.intro", n=n, n_reference=found.n_reference)),
        Prose(say("reasons.kind", method=method, units=units, engine=found.engine), quiet=True),
        facts, Statistics(held), *_findings(found), _codes(evidence, found), _fidelity(found),
    ]  # fmt: skip
    if wrong := [each for each in found.signs if not each.agrees]:
        columns = [say("reasons.feature"), say("reasons.sign"), say("reasons.correlation"), say("reasons.rows")]
        rows = [(each.feature, "+" if each.sign > 0 else "−", each.correlation, each.n) for each in wrong]
        blocks.append(table_of("signs", say("reasons.signs"), columns, rows))
    return Section("reasons", say("reasons.title"), tuple(blocks), tuple(left_out))


SECTION = Plan(135, "reasons", build)


def _statistics(found: ReasonQuality) -> list[Statistic]:
    covered = found.unexplained
    coverage = Measured(
        1 - covered.value, type(covered.interval)(1 - covered.interval.high, 1 - covered.interval.low), covered.n
    )
    last = found.fidelity[-1]
    told = [
        _figure("protected_top", found.protected_top, ".1%"),
        _figure("coverage", coverage, ".1%"),
        _figure("additivity", found.additivity, ".1e", unit=meaning(found.units)),
        _figure("flip", found.flip, ".1%"),
        _figure("fidelity_below", last.below, ".1%", k=last.k),
        _figure("fidelity_removed", last.removed, ".1%", note=say("reasons.removed_note"), k=last.k),
        _figure("direction", found.direction, ".1%"),
        _figure("noise_jaccard", found.noise_jaccard, ".2f", noise=found.noise),
    ]
    if found.seed_jaccard is None:
        told.append(not_assessed("seed_jaccard", say("reasons.seed_jaccard"), say("reasons.light_seed")))
    else:
        told.append(_figure("seed_jaccard", found.seed_jaccard, ".2f"))
    if found.sign_agreement is None:
        told.append(not_assessed("sign_agreement", say("reasons.sign_agreement"), say("reasons.no_signs")))
    else:
        told.append(_figure("sign_agreement", found.sign_agreement, ".1%"))
    return told


def _figure(key: str, measured: Measured, form: str, unit: Words = "", note: Words = "", **values: float) -> Statistic:
    name = say(f"reasons.{key}", **values)
    if not np.isfinite(measured.value):
        return not_assessed(key, name, say("reasons.no_rows"), n=measured.n)
    low, high = measured.interval.low, measured.interval.high
    known = bool(np.isfinite(low) and np.isfinite(high))
    return Statistic(
        key, name, measured.value, low if known else None, high if known else None, measured.n, form=form, unit=unit,
        note=note,
    )  # fmt: skip


def _findings(found: ReasonQuality) -> list[Block]:
    tops = [each for each in found.codes if each.protected and each.n_top]
    if not tops:
        return []
    words = say("reasons.barred", codes=", ".join(each.code for each in tops), n=sum(each.n_top for each in tops))
    return [Finding("protected_top", Status.RED, words)]


def _codes(evidence: Evidence, found: ReasonQuality) -> Table:
    concepts = {concept.code: concept for concept in evidence.bundle.reason_book.concepts}
    n = max(1, found.unexplained.n)
    rows = [(concept_name(concepts[each.code]), each.n, each.n / n, each.n_top, each.n_top / n) for each in found.codes]
    columns = [say(f"reasons.{head}") for head in ("code", "given", "given_share", "given_top", "top_share")]
    statuses = tuple(Status.RED if each.protected and each.n_top else Status.PASS for each in found.codes)
    return table_of("codes", say("reasons.codes"), columns, rows, statuses=statuses)


def _fidelity(found: ReasonQuality) -> Table:
    def numbers(measured: Measured) -> tuple[float | None, ...]:
        told = (measured.value, measured.interval.low, measured.interval.high)
        return tuple(each if np.isfinite(each) else None for each in told)

    rows = [(each.k, *numbers(each.below), *numbers(each.removed)) for each in found.fidelity]
    heads = ("k", "below", "low", "high", "removed", "low", "high")
    return table_of("fidelity", say("reasons.fidelity"), [say(f"reasons.{head}") for head in heads], rows)
