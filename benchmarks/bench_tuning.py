"""Tuning: `training.search.search` against Optuna over ``cross_val_score(LGBMClassifier)``.

    python benchmarks/bench_tuning.py [--seconds 110] [--repeats 4] [--perturb]

Both search the same ranges by the same TPE with the same seeds and the same first trials, on the same forward folds of
the same rows (payments with 64 skewed columns and rare positives), one thread, in turns, for the same time. Ours bins
a fold once, and more coarsely for its trials than for its final fit (``training/families/coarse.py``), stops a fit
early and gives up trials that no earlier trial ever made good from; the peer fits every fold anew, knows no early
stopping inside ``cross_val_score`` and so draws ``n_estimators`` from 50 to 400 as one more parameter. A trial that was
given up counts only as far as it was rightly so: a sample is run to its end afterwards, untimed, and those that would
have been chosen are taken off.

Each repeat has a world of its own. Both ways' chosen parameters are fitted on all rows they searched on and measured
on 20,000 later ones; the gain is paired by world, and its interval is Student's over worlds: it holds what the rows,
the search and the world bring. A handful of repeats gives a wide one; ``--seconds 900 --repeats 16`` a narrow one.

For the same parameters, rounds and bins, the search's and the final fit's, both must give the same average precision on
every fold, or it prints ``"equal": false`` and ends with 1.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from lightgbm import LGBMClassifier
from peers import verdict
from scipy import stats
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_score

from training.families.coarse import coarse
from training.families.family import Columns, Labelled, Params, Prepared
from training.families.lightgbm import LightGBM
from training.mean_curve import joint
from training.search import Searched, search
from training.settings import Search

N_COLUMNS = 64
N_ROWS = 6_000
N_LATER = 20_000
N_FOLDS = 3
ROUNDS, PATIENCE = 400, 30
LEVEL = 0.95
AT_LEAST = 3.0
TOLERANCE = 1e-9
"""Both sum the same terms in another order."""

_SKLEARN_NAMES = {
    "min_data_in_leaf": "min_child_samples", "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample", "lambda_l1": "reg_alpha", "lambda_l2": "reg_lambda",
    "bagging_freq": "subsample_freq", "seed": "random_state", "num_threads": "n_jobs",
}  # fmt: skip

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class World:
    """Rows in the order of time: forward folds, and later rows that neither way sees while it searches."""

    X: np.ndarray
    y: np.ndarray
    folds: tuple[Pair, ...]
    learnt: np.ndarray
    later: np.ndarray
    columns: Columns

    @classmethod
    def of(cls, n_rows: int, seed: int, n_later: int = N_LATER) -> World:
        """Payments: lognormal amounts and counts with gaps, frauds of a few kinds that drift, about 4 %.

        Later rows come denser, so that what is measured on them is not luck: a quarter of the drift is theirs.
        """
        rng = np.random.default_rng(seed)
        X = rng.lognormal(1.5, 1.2, (n_rows + n_later, N_COLUMNS)).round(2)
        X[rng.random(X.shape) < 0.15] = np.nan
        X[rng.random(X.shape) < 0.10] = 0.0
        known = np.log1p(np.nan_to_num(X[:, :12]))
        drift = np.concatenate([np.linspace(-0.3, 0.15, n_rows), np.linspace(0.15, 0.3, n_later)])
        margin = (
            known[:, :6] @ np.array([0.9, 0.7, -0.6, 0.5, 0.4, -0.4]) + 0.8 * (known[:, 6] > 2.2) * known[:, 7]
            + 0.6 * drift * known[:, 8] - 0.5 * np.abs(known[:, 9] - known[:, 10]) - 6.4
        )  # fmt: skip
        y = (rng.random(len(X)) < 1 / (1 + np.exp(-margin))).astype(np.int8)
        step = n_rows // (N_FOLDS + 3)
        folds = tuple(
            (np.arange(step * (number + 3)), np.arange(step * (number + 3), step * (number + 4)))
            for number in range(N_FOLDS)
        )
        names = tuple(f"number_{place}" for place in range(N_COLUMNS))
        return cls(X, y, folds, np.arange(n_rows), np.arange(n_rows, len(X)), Columns(names))

    def labelled(self, rows: np.ndarray) -> Labelled:
        """Rows as the families take them."""
        return Labelled(self.X[rows], self.y[rows])


@dataclass(frozen=True)
class Outcome:
    """One way's search: trials that ended and that were given up, its wall seconds, and its choice on later rows."""

    complete: int
    pruned: int
    seconds: float
    value: float
    later: float


def ours(world: World, seconds: float, seed: int) -> tuple[Outcome, Searched]:
    """Search as `assay train` does."""
    family = LightGBM(seed, threads=1)
    folds = [(world.labelled(train), world.labelled(valid)) for train, valid in world.folds]
    budget = Search(trials=100_000, seconds=seconds, rounds=ROUNDS, patience=PATIENCE)
    began = time.perf_counter()
    found = search(family, world.columns, folds, budget, objective="average_precision", seed=seed)
    spent = time.perf_counter() - began
    model = family.fit(world.columns, world.labelled(world.learnt), found.params, found.rounds)
    later = average_precision_score(world.y[world.later], model.raw(world.X[world.later]))
    return Outcome(found.count("complete"), found.count("pruned"), spent, found.value, later), found


def classifier(settings: Mapping[str, Any], n_estimators: int) -> LGBMClassifier:
    """LightGBM's scikit-learn API with the very settings the family gives to LightGBM."""
    renamed = {_SKLEARN_NAMES.get(name, name): value for name, value in settings.items()}
    return LGBMClassifier(n_estimators=n_estimators, **renamed)


def peer(world: World, seconds: float, seed: int) -> Outcome:
    """Search as a notebook does."""
    family = LightGBM(seed, threads=1)
    n_rows = min(len(train) for train, _ in world.folds)

    def made(params: Mapping[str, Any], n_estimators: int) -> LGBMClassifier:
        return classifier(family.settings(world.columns, params, 0.0), n_estimators)

    def objective(trial: optuna.Trial) -> float:
        params = family.suggest(trial, n_rows)
        model = made(params, trial.suggest_int("n_estimators", 50, ROUNDS, log=True))
        return float(cross_val_score(model, world.X, world.y, scoring="average_precision", cv=world.folds).mean())

    began = time.perf_counter()
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for params in family.starts(n_rows):
        study.enqueue_trial({**params, "n_estimators": 150})
    study.optimize(objective, timeout=seconds)
    spent = time.perf_counter() - began
    best = dict(study.best_params)
    model = made({name: best[name] for name in best if name != "n_estimators"}, best["n_estimators"])
    model.fit(world.X[world.learnt], world.y[world.learnt])
    later = average_precision_score(world.y[world.later], model.predict_proba(world.X[world.later])[:, 1])
    return Outcome(len(study.trials), 0, spent, study.best_value, later)


def curve_of(fold: Prepared, params: Params, rounds: int, patience: int) -> list[float]:
    """The figure after every round of a fit."""
    curve: list[float] = []

    def note(_: int, value: float) -> None:
        curve.append(value)

    fold.score(params, rounds=rounds, patience=patience, report=note)
    return curve


def same_figures(world: World, seed: int, perturb: float) -> float:
    """The greatest difference between both ways' average precision over bins, folds, parameters and rounds."""
    own = LightGBM(seed, threads=1)
    folds = [(world.labelled(train), world.labelled(valid)) for train, valid in world.folds]
    worst = 0.0
    for family in (own, tried_with(own, world)):
        prepared = [family.prepare(world.columns, *fold, "average_precision") for fold in folds]
        for params, rounds in zip(family.starts(len(world.folds[0][0])), (20, 12), strict=True):
            model = classifier(family.settings(world.columns, params, 0.0), rounds)
            theirs = cross_val_score(model, world.X, world.y, scoring="average_precision", cv=world.folds)
            for fold, figure in zip(prepared, theirs, strict=True):
                worst = max(worst, abs(curve_of(fold, params, rounds, rounds)[-1] + perturb - float(figure)))
    return worst


def tried_with(family: LightGBM, world: World) -> LightGBM:
    """The family as the search fits its trials."""
    found = coarse(family, len(world.folds[0][0]))
    assert isinstance(found, LightGBM)
    return found


def wrongly_given_up(world: World, found: Searched, seed: int, seconds: float) -> tuple[int, int]:
    """Trials that were given up and would have been better than the chosen, and how many were run to their end."""
    family = tried_with(LightGBM(seed, threads=1), world)
    folds = [(world.labelled(train), world.labelled(valid)) for train, valid in world.folds]
    prepared = [family.prepare(world.columns, *fold, "average_precision") for fold in folds]
    given_up = [trial for trial in found.trials if trial["state"] == "pruned"]
    order = np.random.default_rng(seed).permutation(len(given_up))
    until, wrong, looked_at = time.perf_counter() + seconds, 0, 0
    for place in order:
        if time.perf_counter() > until:
            break
        params = {name: given_up[place][name] for name in found.params}
        curves = [curve_of(fold, params, ROUNDS, PATIENCE) for fold in prepared]
        wrong += statistics.fmean(joint(curves, PATIENCE).values) > found.value
        looked_at += 1
    return wrong, looked_at


def interval(gains: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of the mean over worlds; None for a single one.

    Examples
    --------
    >>> low, high = interval([0.01, 0.03]) or (0.0, 0.0)
    >>> round(low, 3), round(high, 3)
    (-0.107, 0.147)
    """
    if len(gains) < 2:
        return None
    half = stats.t.ppf((1 + LEVEL) / 2, len(gains) - 1) * statistics.stdev(gains) / len(gains) ** 0.5
    return statistics.fmean(gains) - half, statistics.fmean(gains) + half


def run(
    seconds: float, repeats: int, perturb: bool, *, n_rows: int = N_ROWS, seed: int = 7, least: float = AT_LEAST
) -> tuple[bool, str]:
    """The comparison; whether it holds, and what to print."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    difference = 0.0
    # A tenth for looking at what was given up, the rest in turns.
    share = 0.9 * seconds / (2 * repeats)
    mine: list[Outcome] = []
    theirs: list[Outcome] = []
    wrong = looked_at = 0
    for turn in range(repeats):
        world = World.of(n_rows, seed + turn)
        difference = max(difference, same_figures(world, seed + turn, 1e-6 if perturb else 0.0))
        ways: list[Callable[[], None]] = []

        def one(turn: int = turn, world: World = world) -> None:
            nonlocal wrong, looked_at
            outcome, found = ours(world, share, seed + turn)
            mine.append(outcome)
            counted = wrongly_given_up(world, found, seed + turn, 0.1 * seconds / repeats)
            wrong, looked_at = wrong + counted[0], looked_at + counted[1]

        def other(turn: int = turn, world: World = world) -> None:
            theirs.append(peer(world, share, seed + turn))

        ways = [one, other] if turn % 2 == 0 else [other, one]
        for way in ways:
            way()
    equal = difference <= TOLERANCE
    right = 1.0 - wrong / looked_at if looked_at else 1.0
    rates = [((each.complete + right * each.pruned) / each.seconds, each.complete / each.seconds) for each in mine]
    peers = [each.complete / each.seconds for each in theirs]
    ratio = statistics.median(rate[0] / other for rate, other in zip(rates, peers, strict=True))
    complete = statistics.median(rate[1] / other for rate, other in zip(rates, peers, strict=True))
    gains = [a.later - b.later for a, b in zip(mine, theirs, strict=True)]
    gain, between = statistics.fmean(gains), interval(gains)
    figures = {
        "trials_per_minute": round(60 * statistics.median(rate[0] for rate in rates), 1),
        "peer_trials_per_minute": round(60 * statistics.median(peers), 1),
        "ratio_of_complete_trials_alone": round(complete, 2),
        "given_up_share": round(
            sum(each.pruned for each in mine) / sum(each.complete + each.pruned for each in mine), 3
        ),
        "rightly_given_up": round(right, 3),
        "checked_given_up": looked_at,
        "ap_later": round(statistics.fmean(each.later for each in mine), 4),
        "peer_ap_later": round(statistics.fmean(each.later for each in theirs), 4),
        "ap_later_gain": round(gain, 4),
        "ap_later_gain_interval": None if between is None else [round(end, 4) for end in between],
        "ap_later_gains": [round(each, 4) for each in gains],
        "ap_validation": round(statistics.fmean(each.value for each in mine), 4),
        "peer_ap_validation": round(statistics.fmean(each.value for each in theirs), 4),
        "greatest_difference": difference,
    }
    told = "one world, no interval" if between is None else f"{LEVEL:.0%}: {between[0]:+.4f} to {between[1]:+.4f}"
    lines = [
        f"{repeats} worlds of {n_rows:,} rows and {N_LATER:,} later, {N_COLUMNS} columns, {N_FOLDS} forward folds, one "
        f"thread; in each a search of {share:.0f} s each way, in turns",
        f"{'':<48}{'trials/min':>12}{'ratio':>8}{'at least':>10}{'AP, folds':>11}{'AP, later':>11}",
        f"{'search: ended or rightly given up':<48}{figures['trials_per_minute']:>12.1f}{ratio:>8.1f}{least:>10.1f}"
        f"{figures['ap_validation']:>11.4f}{figures['ap_later']:>11.4f}",
        f"{'search: ended alone':<48}{60 * statistics.median(rate[1] for rate in rates):>12.1f}{complete:>8.1f}",
        f"{'Optuna over cross_val_score(LGBMClassifier)':<48}{figures['peer_trials_per_minute']:>12.1f}{'':>18}"
        f"{figures['peer_ap_validation']:>11.4f}{figures['peer_ap_later']:>11.4f}",
        f"AP later, ours less the peer's, paired by world: {gain:+.4f} ({told})",
        f"of {looked_at} trials that were given up and then run to their end, {wrong} would have been chosen",
        f"average precision of the same parameters equal to {TOLERANCE:g}: {str(equal).lower()} ({difference:.1e})",
        verdict("tuning", equal, {"cross_val_score trials in the same time": round(ratio, 2)}, figures),
    ]
    return equal, "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when the two ways' figures differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=110.0, help="time spent searching, both ways together")
    parser.add_argument("--repeats", type=int, default=4, help="worlds, each searched both ways")
    parser.add_argument("--perturb", action="store_true", help="move our figures by a millionth: must print false")
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        # scikit-learn and LightGBM warn of feature names and of each other's future; it is not what is measured.
        warnings.simplefilter("ignore")
        equal, text = run(options.seconds, options.repeats, options.perturb)
    sys.stdout.write(text + "\n")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
