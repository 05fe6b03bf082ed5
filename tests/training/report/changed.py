"""Evidence with other rows, another model, other facts, settings or artifacts; and the limits as shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa

from scoring.explainer import Explainer
from scoring.pages.page import Section
from scoring.pages.words import LANGS
from scoring.scorer import Scorer
from tests.training.report.every_word import ROOT, every_word
from training.report.assemble import report_settings
from training.report.evidence import Evidence, Rows
from training.report.settings import ReportSettings

FULL = report_settings(ROOT / "configs")
LIGHT = FULL.model_copy(update={"effort": "light"})
PARTS = ("train", "calibration", "test")


def shipped(**changes: Any) -> ReportSettings:
    """The limits as shipped, with other settings beside them."""
    return FULL.model_copy(update=changes)


def built(module: ModuleType, evidence: Evidence, **changes: Any) -> Section:
    """The section of a module, said aloud in both languages."""
    section: Section = module.build(evidence, shipped(**changes))
    assert section.key == module.SECTION.key
    assert all(every_word(section, lang)[0] for lang in LANGS)
    return section


def with_parts(evidence: Evidence, test: Rows | None = None, **changes: Any) -> Evidence:
    """Other rows of test, train or calibration, and other fields of the evidence."""
    rows = {part: changes.pop(part, getattr(evidence, part)) for part in PARTS if part != "test"}
    made = replace(evidence, **changes)
    vars(made).update(rows, test=evidence.test if test is None else test)
    return made


def drawn(rows: Rows, n: int, seed: int = 0) -> Rows:
    """``n`` rows by lot with replacement, in the order of time."""
    kept = np.sort(np.random.default_rng(seed).integers(0, len(rows.y), n))
    arrays = {name: values[kept] for name, values in vars(rows).items() if isinstance(values, np.ndarray)}
    return replace(rows, table=rows.table.take(pa.array(kept)), n_whole=n, **arrays)


def with_model(evidence: Evidence, text: str) -> Evidence:
    """Another model of the same features in the bundle, and its scores on all rows."""
    scorer = Scorer(text)
    bundle = replace(evidence.bundle, scorer=scorer, explainer=Explainer(scorer))
    made = replace(evidence, bundle=bundle)
    for part in PARTS:
        made.__dict__[part] = rescored(getattr(evidence, part), evidence, scorer)
    return made


def rescored(rows: Rows, evidence: Evidence, scorer: Scorer) -> Rows:
    """Rows with the scores of a scorer."""
    raw = scorer.raw_many(rows.X)
    return replace(rows, raw=raw, probability=evidence.bundle.calibrator.probability(raw))


def with_about(evidence: Evidence, **about: Any) -> Evidence:
    """Another recorded fact of the training run."""
    manifest = replace(evidence.bundle.manifest, about={**evidence.about, **about})
    return with_parts(evidence, bundle=replace(evidence.bundle, manifest=manifest))


def learnt(evidence: Evidence, target: np.ndarray, rounds: int = 10, **settings: Any) -> str:
    """The text of a model of the evidence's features that learns any target on the rows of training."""
    names = list(evidence.bundle.encoder.names)
    data = lightgbm.Dataset(evidence.train.X, target, feature_name=names)
    given = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 1, **settings}
    return str(lightgbm.train(given, data, rounds).model_to_string(num_iteration=-1))


def with_settings(evidence: Evidence, **changes: Any) -> Evidence:
    """With other training settings."""
    return replace(evidence, settings=evidence.settings.model_copy(update=changes))


def with_files(evidence: Evidence, folder: Path, *without: str, **files: str) -> Evidence:
    """With other artifacts: ``without`` some, and texts in the place of others (``intake_json`` for intake.json)."""
    texts = {".".join(name.rsplit("_", 1)): text for name, text in files.items()}
    for path in evidence.folder.iterdir():
        if path.name not in texts and path.name not in without:
            (folder / path.name).symlink_to(path)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return replace(evidence, folder=folder)
