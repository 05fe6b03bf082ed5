"""Which hyperparameters mattered among the trials that ran to their end."""

from __future__ import annotations

import warnings

import pandas as pd

from training.search import Searched

FEWEST = 8
"""With fewer trials than this nothing is said."""


def importance(searched: Searched) -> pd.DataFrame:
    """Columns ``param`` and ``importance``, shares that sum to 1, greatest first; no row with too few trials.

    PED-ANOVA: how far the distribution of a hyperparameter among the best tenth of trials lies from that among all.
    It draws nothing, so the same trials give the same shares.

    References
    ----------
    Watanabe, Bansal, Hutter, PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces,
    IJCAI 2023.
    """
    import optuna

    columns = ["param", "importance"]
    ended = [trial for trial in searched.trials if trial["state"] == "complete"]
    # A grid's own values lie within the ranges, but a value that never varied says nothing.
    ranges = {name: each for name, each in searched.ranges.items() if len({trial.get(name) for trial in ended}) > 1}
    if len(ended) < FEWEST or not ranges:
        return pd.DataFrame(columns=columns)
    study = optuna.create_study(direction="maximize")
    for trial in ended:
        params = {name: trial[name] for name in ranges}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=ranges, value=trial["value"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )  # fmt: skip
    return pd.DataFrame(list(found.items()), columns=columns)
