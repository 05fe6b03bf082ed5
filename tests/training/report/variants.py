"""Variants of real evidence: an ideal model whose labels follow its probabilities, and models with planted faults."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa

from scoring.scorer import Scorer
from tests.training.report.changed import drawn, with_parts
from training.cutoffs import GRADES
from training.evaluation import Scored
from training.fairness import ARTIFACT, count_groups
from training.proxies import ARTIFACT as PROXIES
from training.proxies import Proxy
from training.report.evidence import Evidence, Rows


def labelled(rows: Rows, probability: np.ndarray, seed: int) -> Rows:
    """Rows whose labels are drawn with a probability."""
    y = (np.random.default_rng(seed).random(len(rows.y)) < probability).astype(np.int8)
    return replace(rows, y=y, status=np.where(y == 1, "positive", "negative").astype(object))


def ideal(evidence: Evidence, n: int = 3_000, seed: int = 3) -> Evidence:
    """A model that is right: labels follow its probabilities."""
    rows = drawn(evidence.test, n, seed)
    return with_parts(evidence, labelled(rows, rows.probability, seed))


def wrong_somewhere(evidence: Evidence, n: int = 3_000, seed: int = 3) -> Evidence:
    """Right, but in the lowest fifth of amounts the odds are sixteen times what is said."""
    rows = drawn(evidence.test, n, seed)
    amount = rows.X[:, evidence.bundle.encoder.names.index("amount")]
    odds = rows.probability / (1 - rows.probability) * np.where(amount <= np.quantile(amount, 0.2), 16, 1)
    return with_parts(evidence, labelled(rows, odds / (1 + odds), seed))


def leaky(evidence: Evidence, n: int = 1_000, seed: int = 3) -> Evidence:
    """A model that knows the labels of its test, rows of the training period, by heart and nothing else."""
    whole = evidence.train
    kept = np.random.default_rng(seed).permutation(len(whole.y)) < n
    rows = whole.only(kept)
    rows = labelled(rows, np.full(len(rows.y), 0.2), seed)
    names = list(evidence.bundle.encoder.names)
    params = {
        "objective": "binary", "num_leaves": 255, "min_data_in_leaf": 1, "learning_rate": 0.2, "max_bin": 1_023,
        "min_sum_hessian_in_leaf": 1e-9, "num_threads": 1, "deterministic": True, "verbosity": -1, "seed": seed,
    }  # fmt: skip
    data = lightgbm.Dataset(rows.X, rows.y, feature_name=names, params=params)
    scorer = Scorer(lightgbm.train(params, data, 30).model_to_string())
    raw = scorer.raw_many(rows.X)
    bundle = replace(evidence.bundle, scorer=scorer)
    return with_parts(evidence, replace(rows, raw=raw, probability=bundle.calibrator.probability(raw)), bundle=bundle)


def grouped(evidence: Evidence, folder: Path, shift: float, seed: int = 3, n: int = 4_000) -> Evidence:
    """A run whose counts of two groups are those of scores of which one group's are higher by a shift of log-odds."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    true = rng.normal(-2.0, 1.0, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-true))).astype(np.int8)
    raw = true + shift * (sex == "f")
    scored = Scored(y, raw, 1 / (1 + np.exp(-raw)), np.zeros(n, np.int64))
    cuts = dict(zip(GRADES, np.quantile(scored.probability, [0.5, 0.7, 0.8]).tolist(), strict=True))
    counts = count_groups(scored, pa.table({"sex": sex}), ["sex"], cuts)
    return _with_artifacts(evidence, folder, {ARTIFACT: [each.as_dict() for each in counts]})


def told_by(evidence: Evidence, folder: Path, auc: float) -> Evidence:
    """A run whose features tell one group from the other."""
    alone = dict.fromkeys(evidence.bundle.encoder.names, 0.55)
    proxy = Proxy("sex", "f", 4_000, 2_000, auc, auc - 0.01, min(1.0, auc + 0.01), alone)
    fair = grouped(evidence, folder, 0.0)
    return _with_artifacts(fair, folder / "told", {PROXIES: [proxy.as_dict()]})


def _with_artifacts(evidence: Evidence, folder: Path, contents: dict[str, object]) -> Evidence:
    folder.mkdir(parents=True, exist_ok=True)
    for path in evidence.folder.glob("*.*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return replace(evidence, folder=folder)
