"""Search for hyperparameters on forward folds: Optuna's TPE, seeded, pruned fold by fold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from training.families.family import Columns, Family, Labelled, Params, Prepared
from training.progress import Progress, silent
from training.settings import Search


@dataclass(frozen=True)
class Searched:
    """What the search found.

    Parameters
    ----------
    params : the chosen trial's hyperparameters.
    rounds : boosting rounds for the final fit: the median over the chosen trial's folds.
    value : the chosen trial's mean over folds; optimistic, since it was chosen among all trials.
    chosen : its number.
    trials : one mapping per trial: number, state, value, values of the folds, seconds, rounds, parameters.
    """

    params: Mapping[str, Any]
    rounds: int
    value: float
    chosen: int
    trials: tuple[Mapping[str, Any], ...]

    def table(self) -> pd.DataFrame:
        """Trials, best first."""
        return pd.DataFrame(list(self.trials)).sort_values("value", ascending=False, ignore_index=True)


def search(
    family: Family,
    columns: Columns,
    folds: Iterable[tuple[Labelled, Labelled]],
    budget: Search,
    *,
    objective: str,
    seed: int,
    progress: Progress = silent,
    start: Params | None = None,
) -> Searched:
    """Maximise the mean over folds of the objective.

    The first trial is a calm beginning; another takes its place only when it is better by more than one standard
    error of the paired differences over folds. Few rare events make a search pick noise otherwise.

    Parameters
    ----------
    folds : rows to learn from and rows to score of each fold, oldest first; taken one by one.
    budget : number of trials and, optionally, seconds; a run that must repeat exactly sets no seconds.
    objective : ``average_precision`` or ``auc``.
    start : parameters tried before the family's own beginnings.
    """
    import optuna

    # Optuna announces every trial on the console by itself; progress is ours to tell.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    prepared: list[Prepared] = []
    sizes: list[int] = []
    for train, valid in folds:
        sizes.append(len(train))
        progress("folds", len(sizes), len(sizes), f"{len(train):,} rows to learn, {len(valid):,} to score")
        prepared.append(family.prepare(columns, train, valid, objective))
    n_rows = min(sizes)
    # The newest fold is the most like what comes: it is scored first, so that pruning judges by it.
    prepared.reverse()

    def run(trial: optuna.Trial) -> float:
        params = family.suggest(trial, n_rows)
        values, rounds = [], []
        for step, fold in enumerate(prepared):
            tried = fold.score(params, rounds=budget.rounds, patience=budget.patience)
            values.append(tried.value)
            rounds.append(tried.rounds)
            trial.set_user_attr("rounds", rounds)
            trial.set_user_attr("values", values)
            trial.report(math.fsum(values) / len(values), step)
            if step + 1 < len(prepared) and trial.should_prune():
                raise optuna.TrialPruned
        return math.fsum(values) / len(values)

    def tell(study: optuna.Study, trial: Any) -> None:
        best = max((t.value for t in study.trials if t.value is not None and t.state.name == "COMPLETE"), default=None)
        note = "" if best is None else f"best {objective} {best:.4f}"
        progress("search", trial.number + 1, budget.trials, note)

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for params in [*([] if start is None else [dict(start)]), *family.starts(n_rows)]:
        study.enqueue_trial(params)
    study.optimize(run, n_trials=budget.trials, timeout=budget.seconds, callbacks=[tell])
    rows = tuple(_row(trial) for trial in study.trials if trial.state.is_finished())
    best = _choose(rows)
    params = study.trials[best["number"]].params
    return Searched(dict(params), max(1, int(np.median(best["rounds"]))), best["value"], best["number"], rows)


def _choose(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The best complete trial that beats the first by more than one standard error, or the first.

    Examples
    --------
    >>> calm = {"state": "complete", "value": 0.50, "values": [0.4, 0.6], "number": 0}
    >>> lucky = {"state": "complete", "value": 0.55, "values": [0.6, 0.5], "number": 1}
    >>> better = {"state": "complete", "value": 0.52, "values": [0.43, 0.61], "number": 2}
    >>> _choose([calm, lucky])["number"], _choose([calm, lucky, better])["number"]
    (0, 2)
    """
    complete = [row for row in rows if row["state"] == "complete"]
    first = complete[0]
    for row in sorted(complete[1:], key=lambda row: -row["value"]):
        gain = np.subtract(row["values"], first["values"])
        error = gain.std(ddof=1) / math.sqrt(len(gain)) if len(gain) > 1 else 0.0
        if gain.mean() > error:
            return row
    return first


def _row(trial: Any) -> dict[str, Any]:
    spent = trial.duration.total_seconds() if trial.duration is not None else None
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "value": trial.value,
        "values": trial.user_attrs.get("values"),
        "seconds": spent,
        "rounds": trial.user_attrs.get("rounds"),
        **trial.params,
    }
