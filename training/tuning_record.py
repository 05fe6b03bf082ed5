"""What MLflow is told of searches and comparisons: one run below which every trial, or every family, has its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from domain.time import format_instant
from scoring.metrics import Ranking
from training.comparison_table import Comparison
from training.fitting import Fitted
from training.importance import importance
from training.measure import Measured
from training.plots import draw_search
from training.search import Searched
from training.settings import TrainingSettings, settings_text
from training.splits import Split
from training.tracking import Child, Run, Tracker
from training.warm_start import WarmStart

COMPARISON = "comparison.json"
"""Artifact of a comparison's run; the report of a model of the same rows shows it."""

KIND = "comparison"
"""Tag ``kind`` of its run."""

_ABOUT = ("number", "state", "value", "values", "seconds", "rounds", "n_rounds")


def write_search(folder: Path, searched: Searched, objective: str, warning: str | None = None) -> None:
    """Write ``importance.csv``, ``course.csv`` and the history's picture into a run's folder."""
    course = searched.course()
    course.to_csv(folder / "course.csv", index=False)
    importance(searched).to_csv(folder / "importance.csv", index=False)
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    number, value, best = (course[name].to_numpy(np.float64) for name in ("number", "value", "best"))
    draw_search(number, value, best, searched.chosen, objective, plots / "search.svg", warning)


def search_metrics(searched: Searched, later: Mapping[str, float]) -> dict[str, float]:
    """Counts and times of the search, and its optimism: the chosen trial's figure less that on later rows.

    Parameters
    ----------
    later : part of later rows → the objective there, by the model that was fitted in the end.

    Examples
    --------
    >>> found = Searched({}, 9, 0.75, 0, ({"state": "complete", "seconds": 2.0, "n_rounds": 40},))
    >>> search_metrics(found, {"test": 0.5})["search_optimism_test"]
    0.25
    """
    spent = [float(trial["seconds"]) for trial in searched.trials if trial.get("seconds") is not None]
    return {
        "search_complete": float(searched.count("complete")),
        "search_pruned": float(searched.count("pruned")),
        "search_seconds": float(np.sum(spent)),
        "search_rounds": float(sum(trial.get("n_rounds", 0) for trial in searched.trials)),
        **{f"search_optimism_{part}": searched.value - value for part, value in later.items()},
    }


def objective_value(y: np.ndarray, raw: np.ndarray, objective: str) -> float:
    """The search's figure on any rows."""
    ranking = Ranking.of(y, raw)
    return ranking.auc() if objective == "auc" else ranking.average_precision()


def log_search(
    run: Run, settings: TrainingSettings, split: Split, fitted: Fitted, measured: Measured, warm: WarmStart, at: int
) -> None:
    """Log the search of a training run: counts, optimism, what it began with, and its trials as runs below it."""
    part = split.calibration
    met = fitted.scorer.raw_many(fitted.X[part.rows], threads=settings.threads)
    later = {
        "calibration": objective_value(part.y, met, settings.objective),
        "test": objective_value(measured.scored.y, measured.scored.raw, settings.objective),
    }
    began = "nothing" if warm.params is None else f"the parameters of version {warm.version}"
    tags = {"search_began_with": f"{began}{f' ({warm.note})' if warm.note else ''}"}
    if fitted.searched.study is not None:
        tags |= {"search_study": fitted.searched.study.name, "search_storage": fitted.searched.study.url}
    run.log({}, search_metrics(fitted.searched, later), tags, at)
    log_trials(run, fitted.searched, settings.search.log_trials)


def log_trials(run: Run, searched: Searched, budget: int) -> int:
    """Give the chosen trial and the best others a run of their own below ``run``; how many there are.

    ``budget`` caps them, since every run costs the store some milliseconds; ``trials.csv`` has all.
    """
    known = [trial for trial in searched.trials if trial["state"] in ("complete", "pruned")]
    ranked = sorted(
        known,
        key=lambda trial: (trial["number"] != searched.chosen, trial["state"] != "complete", -(trial["value"] or 0.0)),
    )
    children = [_child(trial, searched) for trial in ranked[:budget]]
    run.children(children)
    return len(children)


def _child(trial: Mapping[str, Any], searched: Searched) -> Child:
    params = {name: value for name, value in trial.items() if name not in _ABOUT}
    metrics = {"seconds": trial["seconds"], "n_rounds": trial["n_rounds"], "search_value": trial["value"]}
    # Folds are scored newest first.
    n = len(trial["values"])
    metrics |= {f"fold_{n - place}": value for place, value in enumerate(trial["values"])}
    return Child(
        f"trial {trial['number']}",
        params,
        {name: float(value) for name, value in metrics.items() if value is not None and np.isfinite(value)},
        {"state": trial["state"], "chosen": str(trial["number"] == searched.chosen).lower()},
    )


def log_comparison(tracker: Tracker, settings: TrainingSettings, found: Comparison, *, actor: str, at: int) -> str:
    """Log a comparison as one run with one below it per family; the run's id. ``at`` in µs UTC."""
    tags = {"kind": KIND, "operator": actor, "split_warning": found.warning or "", "data_hash": found.data}
    name = f"{settings.name} comparison {format_instant(at)}"
    kept = {tag: value for tag, value in tags.items() if value}
    with (
        tempfile.TemporaryDirectory(prefix="assay-compare-") as scratch,
        tracker.run(f"assay-{settings.name}", name, kept) as run,
    ):
        folder = Path(scratch)
        (folder / COMPARISON).write_text(found.to_json(), encoding="utf-8")
        (folder / "settings.yaml").write_text(settings_text(settings), encoding="utf-8")
        found.table().to_csv(folder / "comparison.csv")
        found.plot(folder / "comparison.svg")
        run.folder(folder)
        params = {"rows": found.rows, "n": found.n, "n_events": found.n_events, "trials": found.trials}
        best = found.ranked()[0]
        run.log({**params, "best": best.family}, best.metrics(), {}, at)
        children = []
        for each in found.contenders:
            told = {**each.params, "complexity": json.dumps(dict(each.complexity))}
            children.append(Child(each.family, told, each.metrics(), {"family": each.family, "note": each.note}))
        run.children(children)
        return run.run_id


def fetch_comparison(tracker: Tracker, name: str, data: str, into: Path) -> bool:
    """Copy the newest comparison of exactly these rows and labels into a folder; False where there is none.

    Parameters
    ----------
    name : of the model, as in its settings. data : hash of its rows, as its manifest names it.
    """
    run = tracker.newest(f"assay-{name}", {"kind": KIND, "data_hash": data})
    if run is None:
        return False
    tracker.fetch(f"{run.artifact_uri}/{COMPARISON}", into)
    return True
