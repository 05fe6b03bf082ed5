"""Reject inference as a sensitivity: how far would guesses about refused applicants move the model?

    accepted, labelled  --fit-->                 the model as it is
    + refused, each as a bad of weight p and a good of weight 1 − p       --fit-->   parcelling
    accepted, each weighing 1 / P(accepted | x)                           --fit-->   inverse probability

All are measured on the same later accepted rows, and decide on the same later applicants. Nobody knows what refused
applicants would have done: later accepted rows cannot prove a guess right, they show what it costs; the approved share
and the changed decisions show what hangs on it. Nothing here enters a bundle.

References
----------
Hand & Henley, Can reject inference ever work?, IMA Journal of Management Mathematics 1993 (it cannot, without more
information or assumptions); Siddiqi, Credit Risk Scorecards, 2006, chapter 6 (parcelling); Robins, Rotnitzky & Zhao,
JASA 1994 (inverse probability).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from domain.bilingual import as_json
from scoring.calibrator import Calibrator
from scoring.metrics import Ranking, brier, logistic_line
from training.calibration import fit_calibrator
from training.dataset_settings import RejectInference
from training.families.family import Columns, Family, FittedModel, Labelled, Params
from training.intervals import paired_difference

ACCEPTED_ONLY = "accepted only"
NOTE = "a sensitivity: nobody knows what refused applicants would have done, and the model does not use it"

_LEAST_CHANCE = 0.05
_PRIOR_ROWS = 20
_PARTS = 3


@dataclass(frozen=True)
class Applicants:
    """What the sensitivity is computed on.

    Parameters
    ----------
    train : accepted rows that were learnt from. refused : float64[r, m], refused ones of the same time.
    calibration : accepted, later. later : accepted, later still; what every variant is measured on.
    all_later : float64[a, m], every applicant of that time, refused ones too.
    """

    train: Labelled
    refused: np.ndarray
    calibration: Labelled
    later: Labelled
    all_later: np.ndarray


@dataclass(frozen=True)
class Recipe:
    """How the model itself was made: the variants are made the same way."""

    family: Family
    columns: Columns
    params: Params
    rounds: int

    def fit(self, rows: Labelled) -> FittedModel:
        """A model of other rows or weights."""
        return self.family.fit(self.columns, rows, self.params, self.rounds)


@dataclass(frozen=True, slots=True)
class Variant:
    """One model of the comparison; ``difference`` is of its AUC to that of accepted rows only, paired.

    Parameters
    ----------
    approved_share : of all later applicants, below the cut-off.
    changed_share : of them, decided otherwise than by the model of accepted rows only.
    """

    method: str
    auc: float
    difference: float
    low: float
    high: float
    ks: float
    brier: float
    approved_share: float
    changed_share: float


@dataclass(frozen=True)
class Sensitivity:
    """What reject inference would change.

    Parameters
    ----------
    n, n_events : later accepted rows. n_refused : refused ones that were guessed about.
    cutoff : probability from which an applicant is declined. note : how to read it, or why it is not assessed.
    """

    variants: tuple[Variant, ...]
    n: int
    n_events: int
    n_refused: int
    cutoff: float
    prudence: float
    source: str | dict[str, str]
    note: str = NOTE

    def table(self) -> pd.DataFrame:
        """One row a variant, accepted only first."""
        columns = list(Variant.__dataclass_fields__)
        return pd.DataFrame([asdict(each) for each in self.variants], columns=columns).set_index("method")

    def write(self, folder: Path) -> None:
        """``reject_inference.csv`` and ``.json``."""
        self.table().assign(note=self.note).to_csv(folder / "reject_inference.csv")
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / "reject_inference.json").write_text(text, encoding="utf-8")


def sensitivity(
    applicants: Applicants,
    recipe: Recipe,
    chosen: RejectInference,
    *,
    cutoff: float,
    calibration: str = "auto",
    resamples: int = 500,
    seed: int = 0,
) -> Sensitivity:
    """Fit each variant, measure it on the later accepted rows, and let it decide on all later applicants.

    Parameters
    ----------
    cutoff : probability from which the policy declines; every variant is calibrated on the same later accepted rows.
    """
    later = applicants.later
    counts = (len(later), int(later.y.sum()), len(applicants.refused))
    if len(applicants.refused) == 0:
        why = "not assessed: no application was refused while the model's own were accepted"
        return Sensitivity((), *counts, cutoff, chosen.prudence, as_json(chosen.source), why)
    base = recipe.fit(applicants.train)
    base_calibrator = _calibrator(base, applicants, calibration)
    models = {ACCEPTED_ONLY: base}
    for method in chosen.methods:
        if method == "parcelling":
            chance = parcelled(base, base_calibrator, applicants, chosen)
            models[method] = recipe.fit(augmented(applicants.train, applicants.refused, chance))
        else:
            weight = acceptance_weights(recipe, applicants, seed)
            models["inverse probability"] = recipe.fit(Labelled(applicants.train.X, applicants.train.y, weight))
    reference = Ranking.of(later.y, base.raw(later.X))
    usual = base_calibrator.probability(base.raw(applicants.all_later)) >= cutoff
    variants = []
    for name, model in models.items():
        raw = model.raw(later.X)
        calibrator = base_calibrator if model is base else _calibrator(model, applicants, calibration)
        ranking = Ranking.of(later.y, raw)
        difference, interval = paired_difference(ranking.auc, reference.auc, len(later), None, resamples, seed)
        declined = calibrator.probability(model.raw(applicants.all_later)) >= cutoff
        variants.append(
            Variant(
                name, ranking.auc(), difference, interval.low, interval.high, ranking.ks(),
                brier(later.y, calibrator.probability(raw)), float(1 - declined.mean()),
                float((declined != usual).mean()),
            )
        )  # fmt: skip
    return Sensitivity(tuple(variants), *counts, cutoff, chosen.prudence, as_json(chosen.source))


def parcelled(base: FittedModel, calibrator: Calibrator, applicants: Applicants, chosen: RejectInference) -> np.ndarray:
    """Chances of bad of the refused, float64[r]: the rate of their score's band among accepted rows, times prudence.

    Rates are those of the calibration rows, which the model has not seen; a band with few of them leans on what the
    calibrator says of it.
    """
    accepted, refused = base.raw(applicants.calibration.X), base.raw(applicants.refused)
    edges = np.unique(np.quantile(np.concatenate([accepted, refused]), np.linspace(0, 1, chosen.bands + 1)[1:-1]))
    here, there = np.searchsorted(edges, accepted, side="right"), np.searchsorted(edges, refused, side="right")
    n_bands = len(edges) + 1
    n = np.bincount(here, minlength=n_bands)
    bad = np.bincount(here, weights=applicants.calibration.y, minlength=n_bands)
    said = np.bincount(there, weights=calibrator.probability(refused), minlength=n_bands)
    prior = said / np.maximum(1, np.bincount(there, minlength=n_bands))
    rate = (bad + _PRIOR_ROWS * prior) / (n + _PRIOR_ROWS)
    return np.asarray(np.clip(chosen.prudence * rate[there], 0.0, 1.0))


def augmented(train: Labelled, refused: np.ndarray, chance: np.ndarray) -> Labelled:
    """Accepted rows, and each refused one twice: as a bad that weighs its chance and as a good that weighs the rest.

    Examples
    --------
    >>> one = Labelled(np.array([[1.0]]), np.array([0], np.int8))
    >>> made = augmented(one, np.array([[2.0]]), np.array([0.3]))
    >>> made.y.tolist(), made.weight.tolist()
    ([0, 1, 0], [1.0, 0.3, 0.7])
    """
    own = np.ones(len(train)) if train.weight is None else train.weight
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    n = len(refused)
    y = np.concatenate([train.y, np.ones(n, np.int8), np.zeros(n, np.int8)])
    return Labelled(np.vstack([train.X, refused, refused]), y, np.concatenate([own, chance, 1 - chance]))


def acceptance_weights(recipe: Recipe, applicants: Applicants, seed: int) -> np.ndarray:
    """1 / P(accepted | x) of the accepted training rows, float64[n], mean 1; a chance under 1 in 20 counts as that.

    The chance of a row comes from a model that did not see it: three parts, each scored by a model of the other two,
    then one line to make probabilities of the scores.
    """
    X = np.vstack([applicants.train.X, applicants.refused])
    accepted = np.concatenate([np.ones(len(applicants.train), np.int8), np.zeros(len(applicants.refused), np.int8)])
    part = np.random.default_rng(seed).permutation(len(X)) % _PARTS
    raw = np.empty(len(X))
    for number in range(_PARTS):
        held = part == number
        raw[held] = recipe.fit(Labelled(X[~held], accepted[~held])).raw(X[held])
    slope, intercept = logistic_line(raw, accepted)
    chance = 1 / (1 + np.exp(-(slope * raw + intercept)))
    weight = 1 / np.maximum(chance[: len(applicants.train)], _LEAST_CHANCE)
    own = 1.0 if applicants.train.weight is None else applicants.train.weight
    return np.asarray(own * weight / weight.mean())


def _calibrator(model: FittedModel, applicants: Applicants, kind: str) -> Calibrator:
    rows = applicants.calibration
    return fit_calibrator(model.raw(rows.X), rows.y, kind)  # type: ignore[arg-type]  # settings name a known kind
