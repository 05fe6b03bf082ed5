"""Search for hyperparameters on forward folds: Optuna's TPE, seeded, pruned fold by fold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from training.families.family import Columns, Family, Params, Prepared
from training.progress import Progress, silent
from training.settings import Search


@dataclass(frozen=True)
class Searched:
    """What the search found.

    Parameters
    ----------
    params : the best trial's hyperparameters.
    rounds : boosting rounds for the final fit: the median over the best trial's folds.
    value : the best mean over folds; optimistic, since it was chosen among all trials.
    trials : one mapping per trial: number, state, value, seconds, rounds, parameters.
    """

    params: Mapping[str, Any]
    rounds: int
    value: float
    trials: tuple[Mapping[str, Any], ...]

    def table(self) -> pd.DataFrame:
        """Trials, best first."""
        return pd.DataFrame(list(self.trials)).sort_values("value", ascending=False, ignore_index=True)


def search(
    family: Family,
    columns: Columns,
    folds: Iterable[tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]],
    budget: Search,
    *,
    objective: str,
    seed: int,
    progress: Progress = silent,
    start: Params | None = None,
) -> Searched:
    """Maximise the mean over folds of the objective.

    Parameters
    ----------
    folds : ((matrix, labels) to train on, (matrix, labels) to score) of each fold, oldest first; taken one by one.
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
        sizes.append(len(train[1]))
        progress("folds", len(sizes), len(sizes), f"{len(train[1]):,} rows to learn, {len(valid[1]):,} to score")
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
    best = study.best_trial
    rounds = int(np.median(best.user_attrs["rounds"]))
    return Searched(
        dict(best.params),
        max(1, rounds),
        float(best.value),
        tuple(_row(t) for t in study.trials if t.state.is_finished()),
    )


def _row(trial: Any) -> dict[str, Any]:
    spent = trial.duration.total_seconds() if trial.duration is not None else None
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "value": trial.value,
        "seconds": spent,
        "rounds": trial.user_attrs.get("rounds"),
        **trial.params,
    }
