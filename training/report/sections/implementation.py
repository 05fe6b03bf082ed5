"""Whether serving gives what training gave, how fast, and what happens when it cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.model import GOLDEN
from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Cell, Facts, Finding, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Words, say
from scoring.scorer import PLAIN
from training.gates.bundle import one_row_us
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.rescoring import n_unlike
from training.serving_parity import encoded_singly, unlike_rows

_ROWS, _LIGHT_ROWS = 2_000, 200
_TIMED = 64


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Parity of one row and many, times of one row, engines, and the ways down."""
    made = [*_parity(evidence, settings), *_times(evidence)]
    held = tuple(each.held(settings.limit(evidence.product, f"implementation.{each.key}")) for each in made)
    blocks: list[Block] = [
        Statistics(held, say("implementation.statistics")),
        Prose(say("implementation.how"), quiet=True),
        Facts("engines", _engines(evidence), say("implementation.engines")),
        *_slower(evidence),
        _degradation(evidence),
        Prose(say("implementation.fallback")),
    ]
    return Section("implementation", say("implementation.title"), tuple(blocks))


def _parity(evidence: Evidence, settings: ReportSettings) -> list[Statistic]:
    """Numbers of rows that differ, which must be none."""
    bundle = evidence.bundle
    most = _LIGHT_ROWS if settings.light else _ROWS
    n = min(most, len(evidence.test.y))
    kept = np.sort(np.random.default_rng(evidence.settings.seed).permutation(len(evidence.test.y))[:n])
    X = np.ascontiguousarray(evidence.test.X[kept])
    names = {key: say(f"implementation.{key}") for key in ("encoding", "scoring", "calibrating", "golden")}
    if not n:
        return [not_assessed(key, name, say("implementation.no_rows"), n=0) for key, name in names.items()]
    raw = np.array([bundle.scorer.raw(row) for row in X])
    told = np.array([bundle.calibrator.probability(float(each)) for each in raw])
    many = bundle.scorer.raw_many(X, threads=evidence.settings.threads)
    golden = pq.read_table(pa.BufferReader(bundle.manifest.read(GOLDEN)))
    shown = np.column_stack([golden[name].cast(pa.float64()).to_numpy() for name in bundle.scorer.names])
    again = np.array([bundle.scorer.raw(row) for row in np.ascontiguousarray(shown)])
    probability = np.array([bundle.calibrator.probability(float(each)) for each in again])
    differ = again.view(np.uint64) != golden["raw_score"].to_numpy().view(np.uint64)
    differ |= probability.view(np.uint64) != golden["score"].to_numpy().view(np.uint64)
    found = {
        "encoding": (unlike_rows(encoded_singly(bundle.encoder, evidence.test.table.take(pa.array(kept))), X), n),
        "scoring": (n_unlike(raw, many), n),
        "calibrating": (n_unlike(told, bundle.calibrator.probability(many)), n),
        "golden": (int(differ.sum()), golden.num_rows),
    }
    return [
        Statistic(key, names[key], float(value), n=rows, form=".0f", unit=say("implementation.unit_rows"))
        for key, (value, rows) in found.items()
    ]


def _times(evidence: Evidence) -> list[Statistic]:
    """µs of one row, here and now, beside whatever else the machine did."""
    bundle, X = evidence.bundle, evidence.test.X[:_TIMED]
    calls: dict[str, Callable[[np.ndarray], object]] = {
        "score_us": bundle.scorer.raw,
        "explain_us": bundle.explainer.contributions,
    }
    if not len(X):
        return [not_assessed(key, say(f"implementation.{key}"), say("implementation.no_rows")) for key in calls]
    return [
        Statistic(key, say(f"implementation.{key}"), one_row_us(call, X), n=len(X), form=",.0f", unit="µs")
        for key, call in calls.items()
    ]


def _engines(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    bundle = evidence.bundle
    told = {"method": meaning(bundle.explainer.method), "units": meaning(bundle.explainer.units)}
    rows: list[tuple[Words, Cell]] = [
        (say("implementation.scorer"), bundle.scorer.engine),
        (say("implementation.explainer"), bundle.explainer.engine),
        (say("implementation.explains"), say("implementation.explains_by", **told)),
        (say("implementation.calibrator"), say(f"calibration.{bundle.calibrator.kind}")),
        (say("implementation.trees"), bundle.scorer.n_trees),
        (say("implementation.bytes"), len(bundle.scorer.model_text.encode())),
        (say("implementation.n_features"), len(bundle.scorer.names)),
        (say("implementation.zone"), bundle.platform.time_zone),
        (say("implementation.currency"), bundle.platform.base_currency),
    ]
    return tuple(rows)


def _slower(evidence: Evidence) -> list[Finding]:
    """Engines that could not be used here; the answers are the same, the time is not."""
    found = []
    if evidence.bundle.scorer.engine == PLAIN:
        found.append(Finding("slow_scorer", Status.AMBER, say("implementation.slow_scorer")))
    if evidence.bundle.explainer.fallback:
        why = evidence.bundle.explainer.fallback
        found.append(Finding("slow_explainer", Status.AMBER, say("implementation.slow_explainer", why=why)))
    return found


def _degradation(evidence: Evidence) -> Block:
    product = evidence.product.value
    rows: list[list[Cell]] = [
        [say(f"implementation.{step}"), say(f"implementation.{step}_then"), say(f"implementation.{step}_{product}")]
        for step in ("reasons", "model", "features", "nothing")
    ]
    heads = [say(f"implementation.{name}") for name in ("dropped", "decides", "outcome")]
    return table_of("degradation", say("implementation.degradation"), heads, rows)


SECTION = Plan(210, "implementation", build)
