"""Where the next trial's values come from; a draw depends on the seed, the trial's place and the trials before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np

from training.families.family import Family, Params
from training.study import place_of

N_STARTUP = 8
"""Trials drawn at random before their results say where to draw."""


class Ranges:
    """Notes what a family asks for, as Optuna's distributions by name.

    Examples
    --------
    >>> ranges = Ranges()
    >>> ranges.suggest_int("num_leaves", 4, 64, log=True)
    4
    >>> sorted(ranges.made)
    ['num_leaves']
    """

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Note a range of floats; its lower end."""
        from optuna.distributions import FloatDistribution

        self.made[name] = FloatDistribution(low, high, log=log)
        return low

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Note a range of whole numbers; its lower end."""
        from optuna.distributions import IntDistribution

        self.made[name] = IntDistribution(low, high, log=log)
        return low

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Note some values; the first."""
        from optuna.distributions import CategoricalDistribution

        self.made[name] = CategoricalDistribution(tuple(choices))
        return next(iter(choices))


def ranges_of(family: Family, n_rows: int) -> dict[str, Any]:
    """Optuna's distribution of each hyperparameter that a family draws."""
    noted = Ranges()
    family.suggest(noted, n_rows)
    return noted.made


def within(ranges: Mapping[str, Any], params: Params) -> dict[str, Any] | None:
    """Parameters moved into the ranges; None where they are those of another family or definition.

    Examples
    --------
    >>> noted = Ranges()
    >>> _ = noted.suggest_float("rate", 0.1, 1.0)
    >>> within(noted.made, {"rate": 0.05}), within(noted.made, {"depth": 3})
    ({'rate': 0.1}, None)
    """
    if set(params) != set(ranges):
        return None
    moved = {}
    for name, value in params.items():
        choices = getattr(ranges[name], "choices", None)
        if choices is not None:
            if value not in choices:
                return None
            moved[name] = value
        else:
            moved[name] = min(max(value, ranges[name].low), ranges[name].high)
    return moved


def grid_of(
    grid: Mapping[str, Sequence[Any]], first: Params, seed: int
) -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
    """The values of each hyperparameter, and every combination of them after the first trial's.

    The order is seeded: a budget that ends early has seen all corners alike.

    Parameters
    ----------
    first : a whole set of hyperparameters; those that the grid does not name stay as it has them.

    Examples
    --------
    >>> choices, points = grid_of({"depth": [2, 4], "leaf": [10, 50]}, {"depth": 2, "leaf": 10, "rate": 0.1}, seed=1)
    >>> choices
    {'depth': [2, 4], 'leaf': [10, 50], 'rate': [0.1]}
    >>> points[0], len(points)
    ({'depth': 2, 'leaf': 10, 'rate': 0.1}, 4)
    """
    choices = {name: list(dict.fromkeys([value, *grid.get(name, [])])) for name, value in first.items()}
    points = [{**first, **dict(zip(grid, values, strict=True))} for values in product(*grid.values())]
    order = np.random.default_rng(seed).permutation(len(points))
    return choices, [dict(first), *(points[place] for place in order if points[place] != first)]


def sampler(method: Literal["tpe", "random", "grid"], seed: int, *, shared: bool) -> Any:
    """An Optuna sampler whose draws are seeded by the trial's place, so that an interrupted study goes on as if whole.

    Parameters
    ----------
    method : a grid's points are queued beforehand, so that nothing is drawn.
    shared : trials running elsewhere are taken for bad ones, so that two machines do not draw the same.
    """
    import optuna

    class ByPlace(optuna.samplers.BaseSampler):  # type: ignore[misc]  # Optuna is not typed here
        """A fresh sampler for each trial."""

        def __init__(self) -> None:
            self._now: Any = None

        def before_trial(self, study: Any, trial: Any) -> None:
            place = place_of(trial, study.get_trials(deepcopy=False))
            own = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
            if method == "tpe":
                self._now = optuna.samplers.TPESampler(
                    seed=own, multivariate=True, n_startup_trials=N_STARTUP, constant_liar=shared
                )
            else:
                self._now = optuna.samplers.RandomSampler(seed=own)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._now.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return self._now.sample_relative(study, trial, search_space)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self._now.sample_independent(study, trial, param_name, param_distribution)

    return ByPlace()
