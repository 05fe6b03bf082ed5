"""What is recorded of a training run: in the manifest, in MLflow, on the registered version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.time import format_duration, format_instant
from features.snapshot import Snapshot
from training.champion import TEST_SCORES
from training.dataset import Dataset
from training.fairness import ARTIFACT as FAIRNESS
from training.fitting import Fitted
from training.measure import Measured
from training.plots import draw_contributions, draw_precision_recall, draw_reliability, draw_scores
from training.provenance import Provenance
from training.settings import TrainingSettings, settings_text
from training.splits import Split
from training.stability import ARTIFACT as STABILITY
from training.tracking import Run

_TAGS = (
    "operator", "code_revision", "lock_hash", "data_hash", "label_policy", "split", "split_warning", "hardware",
    "seed", "threads",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What there is to say about a run before it is written down.

    Parameters
    ----------
    about : JSON values for the bundle's manifest. statuses : rows of each label status.
    """

    settings: TrainingSettings
    about: Mapping[str, Any]
    statuses: Mapping[str, int]

    def tags(self) -> dict[str, str]:
        """Tags of the MLflow run; empty facts are left out."""
        return {name: str(self.about[name]) for name in _TAGS if self.about[name] != ""}


def facts(
    settings: TrainingSettings,
    dataset: Dataset,
    split: Split,
    fitted: Fitted,
    provenance: Provenance,
    started: int,
) -> Facts:
    """Everything that made the model; ``started`` in µs UTC."""
    parts = split.parts()
    about = {
        **provenance.flat(),
        "data_hash": data_hash(fitted.X, split),
        "label_policy": settings.label_policy,
        "maturity": format_duration(settings.maturity.after),
        "maturity_source": settings.maturity.source,
        "labels_known": settings.labels_known,
        "labels_as_of": format_instant(dataset.as_of),
        "split": split.kind,
        "split_warning": split.warning or "",
        "periods": {name: str(part.period) for name, part in parts.items() if part.period is not None},
        "rows": {name: len(part.rows) for name, part in parts.items()},
        "events": {name: part.n_events for name, part in parts.items()},
        "left_out": {name: part.left_out() for name, part in parts.items()},
        "family": settings.family,
        "params": dict(fitted.searched.params),
        "rounds": fitted.searched.rounds,
        "seed": settings.seed,
        "threads": settings.threads,
        "settings": settings_text(settings),
        "started_at": format_instant(started),
    }
    return Facts(settings, about, dataset.counts())


def span(snapshot: Snapshot) -> dict[str, Any]:
    """What part of the journal the features were computed from: places, rows, and the hash of what was read."""
    return {name: snapshot.manifest.get(name) for name in ("after_seq", "upto_seq", "n_rows", "data")}


def write_artifacts(folder: Path, facts: Facts, split: Split, fitted: Fitted, measured: Measured) -> None:
    """Write tables and pictures about the model into a run's folder."""
    scored, rival, shown = measured.scored, measured.champion, measured.attribution
    _write(folder / "evaluation.json", measured.evaluation.to_json())
    _write(folder / "labels.json", json.dumps(dict(facts.statuses), indent=2))
    _write(folder / "settings.yaml", settings_text(facts.settings))
    split.table().to_csv(folder / "parts.csv")
    fitted.searched.table().to_csv(folder / "trials.csv", index=False)
    shown.table().to_csv(folder / "shap.csv", index=False)
    measured.groups.to_csv(folder / "groups.csv", index=False)
    # Protected attributes leave as counts of groups, never as rows.
    _write(folder / FAIRNESS, json.dumps([each.as_dict() for each in measured.fairness], ensure_ascii=False))
    _write(folder / STABILITY, json.dumps([each.as_dict() for each in measured.stability]))
    # No keys of people here: rows are told apart by their place.
    columns = {
        "y": scored.y, "day": scored.day, "raw_score": scored.raw, "score": scored.probability,
        "champion_raw_score": np.full(len(scored.y), np.nan) if rival.raw is None else rival.raw,
    }  # fmt: skip
    pq.write_table(pa.table(columns), folder / TEST_SCORES, compression="zstd")
    plots = folder / "plots"
    plots.mkdir()
    draw_precision_recall(scored.y, scored.raw, plots / "precision_recall.svg")
    draw_reliability(scored.y, scored.probability, plots / "reliability.svg")
    draw_scores(scored.y, scored.raw, plots / "scores.svg")
    draw_contributions(shown.values, shown.features, shown.names, plots / "shap.svg")


def log_run(run: Run, facts: Facts, fitted: Fitted, measured: Measured, digest: str, at: int) -> None:
    """Log parameters, metrics and the bundle's hash; ``at`` in µs UTC."""
    searched = fitted.searched
    chosen = ("family", "split", "maturity", "labels_known", "seed", "threads")
    params = {**searched.params, "rounds": searched.rounds, **{name: facts.about[name] for name in chosen}}
    metrics = {**measured.evaluation.metrics(), "search_value": searched.value, "search_trials": len(searched.trials)}
    metrics |= {f"labels_{name}": count for name, count in facts.statuses.items()}
    run.log(params, metrics, {"bundle": digest}, at)


def version_tags(facts: Facts, measured: Measured, digest: str) -> dict[str, str]:
    """Tags of the registered version: what the promotion gates and the list of models read."""
    settings, primary = facts.settings, measured.evaluation[facts.settings.objective]
    tags = {
        "bundle": digest,
        "product": settings.product.value,
        "operator": str(facts.about["operator"]),
        "metric": settings.objective,
        "value": repr(primary.value),
        "low": repr(primary.low),
        "high": repr(primary.high),
        "clustered": "day" if "days" in primary.note else "row",
        "test_rows": measured.evaluation.rows,
        "paired_with": "" if measured.champion.raw is None else str(measured.champion.version),
        "unpaired_because": measured.champion.note,
        "warning": measured.evaluation.warning or "",
    }
    return {name: value for name, value in tags.items() if value}


def data_hash(X: np.ndarray, split: Split) -> str:
    """SHA-256 of every encoded row and label that was learnt, calibrated or tested on."""
    digest = hashlib.sha256()
    for part in (split.train, split.calibration, split.test):
        digest.update(X[part.rows].tobytes())
        digest.update(part.y.tobytes())
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
