"""What is recorded of a training run: in the manifest, in MLflow, on the registered version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.bilingual import as_json
from domain.decision import RiskGrade
from domain.time import format_duration, format_instant
from features.snapshot import Snapshot
from training.champion import TEST_SCORES
from training.cutoffs import grade_codes
from training.dataset import Dataset
from training.fairness import ARTIFACT as FAIRNESS
from training.fitting import Fitted
from training.grade_reliability import grade_lines, table
from training.intake import IntakeReport
from training.maturity import early_positives, source_table
from training.measure import Measured
from training.plots import draw_contributions, draw_precision_recall, draw_reliability, draw_scores
from training.provenance import Provenance
from training.proxies import ARTIFACT as PROXIES
from training.settings import TrainingSettings, settings_text
from training.splits import Split
from training.stability import ARTIFACT as STABILITY
from training.tracking import Run

MASTER_SCALE = "master_scale.json"
_NOT_ASSESSED = "not assessed: "

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
    sources : per outcome code what it told and how late: `training.maturity.source_table`.
    """

    settings: TrainingSettings
    about: Mapping[str, Any]
    statuses: Mapping[str, int]
    sources: pd.DataFrame

    def title(self) -> str:
        """The run's name: model and time, marked where the split proves nothing about the future."""
        mark = ", random split, unverified" if self.about["split_warning"] else ""
        return f"{self.settings.name} {self.about['started_at']}{mark}"

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
        "maturity_source": as_json(settings.maturity.source),
        "maturity_by_code": {code: format_duration(after) for code, after in dataset.by_code.items()},
        "labels_known": settings.labels_known,
        "labels_as_of": format_instant(dataset.as_of),
        "split": split.kind,
        "split_warning": split.warning or "",
        "periods": {name: str(part.period) for name, part in parts.items() if part.period is not None},
        "rows": {name: len(part.rows) for name, part in parts.items()},
        "events": {name: part.n_events for name, part in parts.items()},
        "left_out": {name: part.left_out() for name, part in parts.items()},
        "imbalance": "undersample" if fitted.correction else settings.imbalance,
        "prior_correction": fitted.correction.facts() if fitted.correction else {},
        "family": settings.family,
        "params": dict(fitted.searched.params),
        "rounds": fitted.searched.rounds,
        "seed": settings.seed,
        "threads": settings.threads,
        "settings": settings_text(settings),
        "cutoffs": {"by": settings.cutoffs.by, "source": as_json(settings.cutoffs.source), **fitted.cutoffs},
        "calibration": fitted.calibrator.kind,
        "master_scale": fitted.scale_note if fitted.scale is None else fitted.scale.model_dump(mode="json"),
        "started_at": format_instant(started),
    }
    statuses = {**dataset.counts(), "early_positives": early_positives(dataset)}
    return Facts(settings, about, statuses, source_table(dataset))


def why_no_scale(about: Mapping[str, Any]) -> str:
    """Why a run proposed no master scale, as its record tells, and what to do next.

    Examples
    --------
    >>> why_no_scale({"master_scale": "not assessed: 3 defaults on 90 rows; give more history"})
    '3 defaults on 90 rows; give more history'
    """
    note = about.get("master_scale", "its record says nothing of one")
    if isinstance(note, str) and note.startswith(_NOT_ASSESSED):
        return note.removeprefix(_NOT_ASSESSED)
    if not isinstance(note, str):
        note = "its grades were not measured on the test"
    return f"{note}; give the training config a master_scale and train again"


def span(snapshot: Snapshot) -> dict[str, Any]:
    """What part of the journal the features were computed from: places, rows, and the hash of what was read."""
    return {name: snapshot.manifest.get(name) for name in ("after_seq", "upto_seq", "n_rows", "data")}


def write_artifacts(folder: Path, facts: Facts, split: Split, fitted: Fitted, measured: Measured) -> None:
    """Write tables and pictures about the model into a run's folder."""
    scored, rival, shown = measured.scored, measured.champion, measured.attribution
    _write(folder / "evaluation.json", measured.evaluation.to_json())
    _write(folder / "labels.json", json.dumps(dict(facts.statuses), indent=2))
    _write(folder / "settings.yaml", settings_text(facts.settings))
    facts.sources.to_csv(folder / "label_sources.csv")
    warning = split.warning
    split.table().to_csv(folder / "parts.csv")
    fitted.searched.table().to_csv(folder / "trials.csv", index=False)
    shown.table().to_csv(folder / "shap.csv", index=False)
    if len(measured.groups):
        measured.groups.to_csv(folder / "groups.csv", index=False)
    codes = grade_codes(scored.probability, fitted.cutoffs)
    table(grade_lines(list(RiskGrade), codes, scored.y, scored.probability)).to_csv(folder / "grades.csv")
    fitted.calibrated.table().to_csv(folder / "calibrators.csv")
    _write(folder / "reliability.json", measured.reliability.to_json())
    _write(folder / "thresholds.json", _thresholds(facts, fitted, measured))
    if measured.grades is not None:
        _write(folder / MASTER_SCALE, measured.grades.to_json())
    # Protected attributes leave as counts of groups, never as rows.
    _write(folder / FAIRNESS, json.dumps([each.as_dict() for each in measured.fairness], ensure_ascii=False))
    _write(folder / PROXIES, json.dumps([each.as_dict() for each in measured.proxies], ensure_ascii=False))
    _write(folder / STABILITY, json.dumps([each.as_dict() for each in measured.stability]))
    # No keys of people here: rows are told apart by their place.
    columns = {
        "y": scored.y, "day": scored.day, "raw_score": scored.raw, "score": scored.probability,
        "champion_raw_score": np.full(len(scored.y), np.nan) if rival.raw is None else rival.raw,
    }  # fmt: skip
    pq.write_table(pa.table(columns), folder / TEST_SCORES, compression="zstd")
    plots = folder / "plots"
    plots.mkdir()
    draw_precision_recall(scored.y, scored.raw, plots / "precision_recall.svg", warning=warning)
    draw_reliability(scored.y, scored.probability, plots / "reliability.svg", warning=warning)
    draw_scores(scored.y, scored.raw, plots / "scores.svg", warning=warning)
    draw_contributions(shown.values, shown.features, shown.names, plots / "shap.svg", warning=warning)
    drawn = {"cost": measured.money, "grades": measured.grades}
    for name, shown_as in drawn.items():
        if shown_as is not None:
            figure = shown_as.plot()
            if warning is not None:
                figure.text(0.01, 0.005, warning, fontsize=6)
            figure.savefig(plots / f"{name}.svg")


def mark(folder: Path, warning: str | None) -> None:
    """Put the warning of the split, where there is one, into every table and object that lies in a run's folder."""
    if warning is None:
        return
    for path in folder.glob("*.csv"):
        table = pd.read_csv(path)
        if "warning" not in table.columns:
            table.assign(warning=warning).to_csv(path, index=False)
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            _write(path, json.dumps({**content, "warning": warning}, indent=2, ensure_ascii=False))


def _thresholds(facts: Facts, fitted: Fitted, measured: Measured) -> str:
    """The frozen cut-offs, the traffic of the calibration period in each grade, and what they cost on the test."""
    codes = grade_codes(fitted.traffic.probability, fitted.cutoffs)
    content = {
        **facts.about["cutoffs"],
        "calibration_traffic": {grade.value: int((codes == code).sum()) for code, grade in enumerate(RiskGrade)},
        "test": None if measured.money is None else json.loads(measured.money.to_json()),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def write_intake(folder: Path, checked: IntakeReport) -> None:
    """Write the intake audit, its waivers among them, into a run's folder."""
    _write(folder / "intake.json", checked.to_json())
    checked.table().to_csv(folder / "intake.csv", index=False)


def log_run(run: Run, facts: Facts, fitted: Fitted, measured: Measured, digest: str, at: int) -> None:
    """Log parameters, metrics and the bundle's hash; ``at`` in µs UTC."""
    searched = fitted.searched
    chosen = ("family", "split", "maturity", "labels_known", "imbalance", "seed", "threads")
    params = {**searched.params, "rounds": searched.rounds, **{name: facts.about[name] for name in chosen}}
    metrics = {**measured.evaluation.metrics(), "search_value": searched.value, "search_trials": len(searched.trials)}
    metrics |= {f"prior_correction_{name}": value for name, value in facts.about["prior_correction"].items()}
    metrics |= {f"labels_{name}": count for name, count in facts.statuses.items()}
    run.log(params, metrics, {"bundle": digest}, at)


def version_tags(facts: Facts, measured: Measured, digest: str, checked: IntakeReport) -> dict[str, str]:
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
        "intake": checked.worst,
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
