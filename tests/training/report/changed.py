"""Evidence of another model, and everything that a section says said in both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from scoring.explainer import Explainer
from scoring.pages.page import Facts, Finding, Picture, Prose, Section, Statistics, Table
from scoring.pages.status import Status
from scoring.pages.words import LANGS, Catalogue, Say, Tongue
from scoring.scorer import Scorer
from stores.settings_files import load_settings
from training.report.evidence import Evidence, Rows
from training.report.settings import ReportSettings

ROOT = Path(__file__).parents[3]
FULL = load_settings(ROOT / "configs" / "report.yaml", ReportSettings)
LIGHT = FULL.model_copy(update={"effort": "light"})


def fresh(evidence: Evidence, **changes: Any) -> Evidence:
    """The same evidence with other parts, and another test where one is given."""
    test = changes.pop("test", evidence.test)
    made = replace(evidence, **changes)
    made.__dict__.update(test=test, train=evidence.train, calibration=evidence.calibration)
    return made


def with_model(evidence: Evidence, text: str) -> Evidence:
    """Another model of the same features in the bundle, and its scores on all rows."""
    scorer = Scorer(text)
    bundle = replace(evidence.bundle, scorer=scorer, explainer=Explainer(scorer))
    made = replace(evidence, bundle=bundle)
    for part in ("train", "calibration", "test"):
        made.__dict__[part] = rescored(getattr(evidence, part), evidence, scorer)
    return made


def rescored(rows: Rows, evidence: Evidence, scorer: Scorer) -> Rows:
    """Rows with the scores of a scorer."""
    raw = scorer.raw_many(rows.X)
    return replace(rows, raw=raw, probability=evidence.bundle.calibrator.probability(raw))


def with_about(evidence: Evidence, **about: Any) -> Evidence:
    """Another recorded fact of the training run."""
    manifest = replace(evidence.bundle.manifest, about={**evidence.about, **about})
    return fresh(evidence, bundle=replace(evidence.bundle, manifest=manifest))


def learnt(evidence: Evidence, target: np.ndarray, rounds: int = 10, **settings: Any) -> str:
    """The text of a model of the evidence's features that learns any target on the rows of training."""
    names = list(evidence.bundle.encoder.names)
    data = lightgbm.Dataset(evidence.train.X, target, feature_name=names)
    given = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 1, **settings}
    return str(lightgbm.train(given, data, rounds).model_to_string(num_iteration=-1))


def said(section: Section) -> list[str]:
    """Every word of a section in both languages, its pictures drawn."""
    catalogue = Catalogue.read([ROOT / "scoring" / "pages" / "messages", ROOT / "training" / "report" / "messages"])
    found: list[str] = []
    for lang in LANGS:
        found += _said(section, catalogue.tongue(lang))
    return found


def _said(section: Section, tongue: Tongue) -> list[str]:
    found = [tongue(section.title), *map(tongue, section.not_run)]
    for block in section.blocks:
        match block:
            case Prose(words=words) | Finding(words=words):
                found.append(tongue(words))
            case Statistics(statistics=statistics):
                found += [str(each.as_dict(tongue)) for each in statistics]
            case Table():
                found += _table(block, tongue)
            case Facts(rows=rows):
                found += [tongue(name) for name, _ in rows]
            case Picture(table=table):
                assert block.draw(tongue).get_size_inches()[0] <= 7.2
                found += [tongue(block.title), tongue(block.description), *_table(table, tongue)]
    return found


def _table(table: Table, tongue: Tongue) -> list[str]:
    assert {len(row) for row in table.rows} <= {len(table.columns)}
    assert table.statuses is None or len(table.statuses) == len(table.rows)
    cells = [tongue(cell) for row in table.rows for cell in row if isinstance(cell, str | Say)]
    return [tongue(table.title), *map(tongue, table.columns), *cells]


def statuses(section: Section) -> dict[str, Status]:
    """Statistic → status."""
    return {each.key: each.status for each in section.statistics}
