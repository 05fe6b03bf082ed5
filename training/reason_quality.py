"""Whether reason codes can be relied on: figures on rows that the model does not approve.

rows        at most n_rows of X at or above the first cut-off, drawn once
reference   rows of the bundle's reference population that were approved, but only just
additivity  |Σ contributions − raw score|, the greatest
flip        the features of a row's top reason take the values they have in each reference row, all others held; the
            mean raw score over the r substitutes must be lower than the row's
fidelity@k  the same with the k top reasons: share of rows that fall below the cut-off, and how much of the way from
            the row's raw score to the reference's is gone (Σ removed / Σ distance)
Jaccard     |A ∩ B| / |A ∪ B| of the codes given before and after noise, or by a model of another seed
direction   whether the strongest feature of a reason that says high or low is on the risky side of the reference
signs       Spearman's correlation of a feature with its contribution, against the sign the model was told to keep to
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.decision import MAX_REASONS
from domain.errors import InputError, expected_got
from scoring.bundle import Bundle
from scoring.explainer import Explainer
from scoring.interval import wilson
from scoring.reasons import Selector
from scoring.scorer import Scorer
from training.cutoffs import GRADES
from training.gates.monotone import declared_signs
from training.intervals import LEVEL, Interval, bootstrap
from training.reason_moves import N_REFERENCE, Means, covered, disturbed, reference_rows

_DRAWS = 400
_NAN = float("nan")
_NO_INTERVAL = Interval(_NAN, _NAN)


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95 % interval (NaN where there is none) and the number of rows it rests on."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What moving the k top reasons of a row to the reference does.

    Parameters
    ----------
    below : share of rows whose score falls below the cut-off.
    removed : share of the distance to the reference that is gone, in raw log-odds; above 1 where the rest of the rows
        is safer than the reference.
    """

    k: int
    below: Measured
    removed: Measured


@dataclass(frozen=True, slots=True)
class Sign:
    """A declared sign and Spearman's correlation of the feature's values with its contributions over ``n`` rows."""

    feature: str
    sign: int
    correlation: float
    n: int

    @property
    def agrees(self) -> bool:
        """Whether more of the feature goes with more push in the declared way."""
        return self.sign * self.correlation > 0


@dataclass(frozen=True, slots=True)
class Given:
    """How often a code was given, and how often first."""

    code: str
    n: int
    n_top: int
    protected: bool


@dataclass(frozen=True)
class ReasonQuality:
    """The figures; rows are those the model does not approve.

    Parameters
    ----------
    method, units, engine, fallback : of the contributions, as the explainer says.
    cutoff : calibrated probability from which a row is not approved. n_reference : rows that features are taken from.
    additivity : greatest difference, raw log-odds; a maximum has no interval.
    flip : share of rows with a reason whose score falls when the top reason's features go to the reference.
    noise : size of the noise: each number is multiplied by 1 + noise × a standard normal draw.
    seed_jaccard : None where no second model was given.
    sign_agreement : share of ``signs`` that agree; None where no sign was declared.
    direction : share of the reasons saying high or low that are true of the feature that pushed most, where it has an
        expected sign.
    unexplained : share of rows without any reason.
    protected_top : share of rows whose top reason must not decide.
    codes : of the book, the most frequent first.
    """

    method: str
    units: str
    engine: str
    fallback: str
    cutoff: float
    n_reference: int
    additivity: Measured
    flip: Measured
    fidelity: tuple[Fidelity, ...]
    noise: float
    noise_jaccard: Measured
    seed_jaccard: Measured | None
    signs: tuple[Sign, ...]
    sign_agreement: Measured | None
    direction: Measured
    unexplained: Measured
    protected_top: Measured
    codes: tuple[Given, ...]


def reason_quality(
    bundle: Bundle,
    X: np.ndarray,
    raw: np.ndarray,
    *,
    seed: int,
    noise: float = 0.01,
    n_rows: int = 500,
    other_model: str | None = None,
    threads: int = 1,
) -> ReasonQuality:
    """Measure the reasons of a bundle on rows of its kind.

    Parameters
    ----------
    X : float64[n, m], encoded. raw : float64[n].
    noise : relative size of the noise in the inputs; categories and missing values stay.
    other_model : text of a model of the same features, fitted with another seed.

    Raises
    ------
    InputError
        When rows and scores do not fit each other or the model.
    """
    if X.ndim != 2 or X.shape != (len(raw), len(bundle.encoder.names)) or not len(raw):
        got = f"{list(X.shape)} and {list(raw.shape)}"
        raise InputError(expected_got(f"float64[n, {len(bundle.encoder.names)}] and float64[n]", got, "reason quality"))
    rng = np.random.default_rng(seed)
    cutoff = bundle.cutoffs[GRADES[0]]
    adverse = np.flatnonzero(bundle.calibrator.probability(raw) >= cutoff)
    chosen = np.sort(rng.permutation(adverse)[:n_rows])
    rows, scores = np.ascontiguousarray(X[chosen]), np.asarray(raw[chosen], np.float64)
    reference = reference_rows(bundle, cutoff)
    means = Means(bundle, rows, reference[:N_REFERENCE], threads)

    contributions = bundle.explainer.contributions_many(rows, threads=threads)
    apart = np.abs(contributions.sum(axis=1) - scores)
    given = _given(bundle.selector, contributions, rows)
    some = np.array([bool(codes) for codes in given], dtype=bool)
    fidelity, first = [], np.zeros(len(rows))
    goal = means.moved(np.ones_like(rows, dtype=bool))
    for k in range(1, MAX_REASONS + 1):
        moved = means.moved(covered(bundle.selector, rows, given, k))
        first = moved if k == 1 else first
        below = bundle.calibrator.probability(moved) < cutoff
        removed = _ratio((scores - moved)[some], (scores - goal)[some], seed)
        fidelity.append(Fidelity(k, _share(below[some]), removed))

    noisy = disturbed(rows, bundle, noise, rng)
    after = _given(bundle.selector, bundle.explainer.contributions_many(noisy, threads=threads), noisy)
    signs = _signs(bundle, X, rng, n_rows, threads)
    selector = bundle.selector
    return ReasonQuality(
        method=bundle.explainer.method,
        units=bundle.explainer.units,
        engine=bundle.explainer.engine,
        fallback=bundle.explainer.fallback,
        cutoff=cutoff,
        n_reference=min(N_REFERENCE, len(reference)),
        additivity=Measured(float(apart.max()) if len(rows) else _NAN, _NO_INTERVAL, len(rows)),
        flip=_share((first < scores)[some]),
        fidelity=tuple(fidelity),
        noise=noise,
        noise_jaccard=_mean(_jaccard(given, after), seed),
        seed_jaccard=None
        if other_model is None
        else _mean(_jaccard(given, _of_other(bundle, other_model, rows, reference, threads)), seed),
        signs=signs,
        sign_agreement=_share(np.array([each.agrees for each in signs])) if signs else None,
        direction=_share(_directions(bundle, rows, contributions, given, reference)),
        unexplained=_share(~some),
        protected_top=_share(np.array([codes != () and selector.concepts[codes[0]].barred for codes in given], bool)),
        codes=_counted(selector, given),
    )


def _given(selector: Selector, contributions: np.ndarray, rows: np.ndarray) -> list[tuple[int, ...]]:
    return [selector.places(selector.pushes(pushed, row)) for pushed, row in zip(contributions, rows, strict=True)]


def _directions(
    bundle: Bundle,
    rows: np.ndarray,
    contributions: np.ndarray,
    given: Sequence[tuple[int, ...]],
    reference: np.ndarray,
) -> np.ndarray:
    """bool, one for each reason that says which way and whose strongest feature has a sign and a value."""
    signs = np.array([bundle.feature_set.feature(name).sign or 0 for name in bundle.encoder.names])
    known = ~np.isnan(reference).all(axis=0)
    middle = np.full(reference.shape[1], np.nan)
    middle[known] = np.nanmedian(reference[:, known], axis=0)
    pushes = contributions[:, :-1] - bundle.reason_baseline
    spoken = bundle.selector.spoken(rows)
    found = []
    for place, codes in enumerate(given):
        for code in codes:
            if bundle.selector.concepts[code].direction == "either":
                continue
            strongest = int(np.argmax(np.where(spoken[place] == code, pushes[place], -np.inf)))
            side = signs[strongest] * (rows[place, strongest] - middle[strongest])
            if signs[strongest] and not np.isnan(side):
                found.append(side >= 0)
    return np.array(found, dtype=bool)


def _of_other(
    bundle: Bundle, model_text: str, rows: np.ndarray, reference: np.ndarray, threads: int
) -> list[tuple[int, ...]]:
    """Reasons by another model, relative to its own contributions of the same reference rows."""
    explainer = Explainer(Scorer(model_text))
    baseline = explainer.contributions_many(reference, threads=threads)[:, :-1].mean(axis=0)
    selector = Selector(bundle.reason_book, baseline, bundle.encoder.names)
    return _given(selector, explainer.contributions_many(rows, threads=threads), rows)


def _jaccard(first: Sequence[tuple[int, ...]], second: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Overlap of each pair; two rows without reasons agree."""
    pairs = [(set(a), set(b)) for a, b in zip(first, second, strict=True)]
    return np.array([len(a & b) / len(a | b) if a | b else 1.0 for a, b in pairs])


def _signs(bundle: Bundle, X: np.ndarray, rng: np.random.Generator, n_rows: int, threads: int) -> tuple[Sign, ...]:
    """Of the features that have a declared sign, vary, and move the score at all; approved rows are among these."""
    declared = declared_signs(bundle)
    if not declared:
        return ()
    from scipy.stats import rankdata

    rows = np.ascontiguousarray(X[np.sort(rng.permutation(len(X))[:n_rows])])
    pushed = bundle.explainer.contributions_many(rows, threads=threads)
    found = []
    for name, sign in declared.items():
        place = bundle.encoder.names.index(name)
        known = ~np.isnan(rows[:, place])
        values, pushes = rows[known, place], pushed[known, place]
        if len(np.unique(values)) > 1 and len(np.unique(pushes)) > 1:
            correlation = np.corrcoef(rankdata(values), rankdata(pushes))[0, 1]
            found.append(Sign(name, sign, float(correlation), int(known.sum())))
    return tuple(found)


def _counted(selector: Selector, given: Sequence[tuple[int, ...]]) -> tuple[Given, ...]:
    counts = Counter(place for codes in given for place in codes)
    top = Counter(codes[0] for codes in given if codes)
    concepts = enumerate(selector.concepts)
    rows = [Given(each.code, counts[place], top[place], each.barred) for place, each in concepts]
    return tuple(sorted(rows, key=lambda row: (-row.n, row.code)))


def _share(hits: np.ndarray) -> Measured:
    if not len(hits):
        return Measured(_NAN, _NO_INTERVAL, 0)
    return Measured(float(np.mean(hits)), Interval(*wilson(int(hits.sum()), len(hits), LEVEL)), len(hits))


def _mean(values: np.ndarray, seed: int) -> Measured:
    return _ratio(values, np.ones_like(values), seed)


def _ratio(above: np.ndarray, below: np.ndarray, seed: int) -> Measured:
    """Σ above / Σ below with its bootstrap interval over rows."""
    if not len(above):
        return Measured(_NAN, _NO_INTERVAL, 0)

    def statistic(weights: np.ndarray) -> dict[str, float]:
        whole = float(weights @ below)
        return {"ratio": float(weights @ above) / whole if whole else float("nan")}

    value = statistic(np.ones(len(above)))["ratio"]
    return Measured(value, bootstrap(statistic, len(above), None, _DRAWS, seed)["ratio"], len(above))
