"""Whether a simpler model, or the champion, does as well on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from domain.decision import Product
from scoring.metrics import Ranking
from scoring.pages.page import Block, Cell, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.words import Words, say
from training.champion import TEST_SCORES
from training.families.family import Columns, Labelled
from training.report.evidence import Evidence, Rows
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.rivals import Rival, beside, fit_rivals

FAMILIES = ("logistic", "tree")
"""Fitted here where the run kept no comparison."""

_FIGURES = ("average_precision", "auc", "ks")


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """A kept comparison of families, or simple rivals fitted on the spot; the champion beside them."""
    comparison = evidence.json("comparison.json")
    rows = evidence.test.only(evidence.test.labelled)
    left_out: tuple[Words, ...] = ()
    blocks: list[Block] = [Prose(say("challengers.why"))]
    made: list[Statistic]
    if comparison is not None:
        made = _kept(comparison, evidence.settings.objective, evidence.settings.family)
        blocks += [_contenders(comparison), Prose(say("challengers.kept"), quiet=True)]
    elif settings.light:
        made = [not_assessed(f"over.{name}", _name(name), say("challengers.light")) for name in FAMILIES]
        left_out = (say("challengers.not_fitted"),)
    else:
        rivals = _fitted(evidence, rows)
        made = [_over(evidence, settings, rows, each) for each in rivals]
        blocks += [_table(evidence, rows, rivals), Prose(say("challengers.quickly"), quiet=True)]
    made.append(_champion(evidence, settings))
    told = tuple(each.held(settings.limit(evidence.product, f"challengers.{each.key}")) for each in made)
    title = say("challengers.statistics", objective=say(f"discrimination.{evidence.settings.objective}"))
    return Section("challengers", say("challengers.title"), (*blocks, Statistics(told, title)), left_out)


def _name(family: str) -> Words:
    return say("challengers.over", rival=say(f"challengers.{family}"))


def _fitted(evidence: Evidence, rows: Rows) -> tuple[Rival, ...]:
    train = evidence.train.only(evidence.train.labelled)
    if len(np.unique(train.y)) < 2 or not len(rows.y):
        return tuple(Rival(name, None, len(train.y), "one class only") for name in FAMILIES)
    features = evidence.bundle.feature_set
    columns = Columns(tuple(features.names), tuple(features.categorical))
    return fit_rivals(evidence.settings, columns, Labelled(train.X, train.y), rows.X, FAMILIES)


def _cluster(evidence: Evidence, day: np.ndarray) -> np.ndarray | None:
    return day if evidence.product is Product.PAYMENT and len(np.unique(day)) > 1 else None


def _over(evidence: Evidence, settings: ReportSettings, rows: Rows, rival: Rival) -> Statistic:
    """The model's figure less a rival's, paired."""
    key, n, n_events = f"over.{rival.name}", len(rows.y), int((rows.y == 1).sum())
    if rival.raw is None:
        return not_assessed(key, _name(rival.name), say("challengers.failed", why=rival.note), n=n, n_events=n_events)
    if n_events in (0, n):
        return not_assessed(key, _name(rival.name), say("challengers.one_class"), n=n, n_events=n_events)
    value, interval = beside(
        rows.y, rows.raw, rival.raw, evidence.settings.objective, _cluster(evidence, rows.day), _draws(settings),
        evidence.settings.seed,
    )  # fmt: skip
    return Statistic(key, _name(rival.name), value, interval.low, interval.high, n=n, n_events=n_events, form=".4f")


def _draws(settings: ReportSettings) -> int:
    return 60 if settings.light else 200


def _champion(evidence: Evidence, settings: ReportSettings) -> Statistic:
    """Beside the champion of the day of the training, where it could read the same rows."""
    name = _name("champion")
    path = evidence.folder / TEST_SCORES
    if not path.is_file():
        return not_assessed("over.champion", name, say("challengers.no_scores"))
    table = pq.read_table(path)
    y, day, raw, rival = (table[each].to_numpy() for each in ("y", "day", "raw_score", "champion_raw_score"))
    n, n_events = len(y), int((y == 1).sum())
    if not np.isfinite(rival).all():
        return not_assessed("over.champion", name, say("challengers.no_champion"), n=n, n_events=n_events)
    value, interval = beside(
        y, raw, rival, evidence.settings.objective, _cluster(evidence, day), _draws(settings), evidence.settings.seed
    )
    paired = (evidence.tags or {}).get("paired_with")
    note: Words = say("challengers.version", version=paired) if paired else ""
    return Statistic(
        "over.champion", name, value, interval.low, interval.high, n=n, n_events=n_events, form=".4f", note=note
    )


def _table(evidence: Evidence, rows: Rows, rivals: tuple[Rival, ...]) -> Table:
    lines: list[list[Cell]] = [
        [say("challengers.this_model"), int(evidence.about["rows"]["train"]), *_figures(rows.y, rows.raw)]
    ]
    for each in rivals:
        figures: list[Cell] = [None] * len(_FIGURES) if each.raw is None else _figures(rows.y, each.raw)
        lines.append([say(f"challengers.{each.name}"), each.n_learnt, *figures])
    heads = [say(f"challengers.{name}") for name in ("model", "n_learnt", *_FIGURES)]
    return table_of("rivals", say("challengers.rivals"), heads, lines)


def _figures(y: np.ndarray, raw: np.ndarray) -> list[Cell]:
    if len(np.unique(y)) < 2:
        return [None] * len(_FIGURES)
    found = Ranking.of(y, raw).figures()
    return [found[name] for name in _FIGURES]


def _kept(comparison: Mapping[str, Any], objective: str, own: str) -> list[Statistic]:
    """What `assay compare` found: LightGBM's figure less each family's, which it kept the other way round."""
    found = []
    for each in comparison["contenders"]:
        difference = (each.get("differences") or {}).get(objective)
        if difference is None or each["family"] == own:
            continue
        value, interval = difference
        name = say("challengers.over", rival=each["family"])
        found.append(
            Statistic(
                f"over.{each['family']}", name, -value, -interval["high"], -interval["low"], n=comparison["n"],
                n_events=comparison["n_events"], form=".4f", note=each.get("note", ""),
            )
        )  # fmt: skip
    return found


def _contenders(comparison: Mapping[str, Any]) -> Table:
    lines: list[list[Cell]] = []
    for each in comparison["contenders"]:
        figures = each.get("figures") or {}
        line: list[Cell] = [figures[name][0] if name in figures else None for name in _FIGURES]
        lines.append([each["family"], *line, each.get("latency_us"), each.get("n_bytes"), each.get("note", "")])
    heads = [say(f"challengers.{name}") for name in ("model", *_FIGURES, "latency_us", "n_bytes", "note")]
    return table_of("contenders", say("challengers.contenders", rows=comparison["rows"]), heads, lines)


SECTION = Plan(200, "challengers", build)
