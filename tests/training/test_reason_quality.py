"""Reason quality: each figure against a slow version, and against models whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import yaml

from domain.decision import Product
from domain.errors import InputError
from scoring.bundle import Bundle, load_bundle, write_bundle
from scoring.reasons import Selector
from tests.scoring.bundles import changed, parts
from training.reason_moves import N_REFERENCE
from training.reason_quality import ReasonQuality, reason_quality


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("reasons") / "bundle"
    write_bundle(folder, parts(Product.PAYMENT))
    return load_bundle(folder, score_golden_in_child=False)


def rows(bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    X = bundle.encoder.matrix(bundle.reference())
    return X, bundle.scorer.raw_many(X)


@pytest.fixture(scope="module")
def quality(made: Bundle) -> ReasonQuality:
    return reason_quality(made, *rows(made), seed=3, n_rows=80)


def test_contributions_add_up_to_the_score(quality: ReasonQuality) -> None:
    assert quality.additivity.n == 80
    assert 0 <= quality.additivity.value < 1e-9
    assert (quality.method, quality.units, quality.engine) == ("path-dependent TreeSHAP", "raw log-odds", "quadrature")


def test_the_flip_is_the_naive_one(made: Bundle, quality: ReasonQuality) -> None:
    """One row at a time, one reference row at a time."""
    X, raw = rows(made)
    cutoff = made.cutoffs["attention"]
    adverse = np.flatnonzero(made.calibrator.probability(raw) >= cutoff)
    chosen = np.sort(np.random.default_rng(3).permutation(adverse)[:80])
    passed = sorted(np.flatnonzero(made.calibrator.probability(raw) < cutoff), key=lambda place: (-raw[place], place))
    near = passed[: int(0.1 * len(passed))]
    reference = [near[int(place)] for place in np.linspace(0, len(near) - 1, min(N_REFERENCE, len(near)))]
    by_code = {concept.code: concept for concept in made.reason_book.concepts}
    fell, below = [], {k: [] for k in (1, 4)}
    for place in chosen:
        codes = [each.code for each in made.selector.select(made.explainer.contributions(X[place]), X[place])]
        for k, found in below.items():
            scores = []
            for other in reference:
                row = X[place].copy()
                for column, name in enumerate(made.encoder.names):
                    code = made.reason_book.covers[name]
                    if math.isnan(row[column]):
                        code = by_code[code].missing or code
                    if code in codes[:k]:
                        row[column] = X[other, column]
                scores.append(made.scorer.raw(row))
            mean = float(np.mean(scores))
            if codes:
                found.append(made.calibrator.probability(mean) < cutoff)
                if k == 1:
                    fell.append(mean < raw[place])
    assert quality.flip.n == len(fell)
    assert quality.flip.value == pytest.approx(np.mean(fell))
    for k, found in below.items():
        assert quality.fidelity[k - 1].below.value == pytest.approx(np.mean(found))
    assert quality.flip.interval.low < quality.flip.value <= quality.flip.interval.high


def test_moving_the_top_reasons_brings_the_score_down_and_more_of_them_more(quality: ReasonQuality) -> None:
    assert quality.flip.value > 0.9
    removed = [each.removed.value for each in quality.fidelity]
    assert removed == sorted(removed)
    assert 0.5 < removed[0] < removed[-1] < 1.3
    below = [each.below.value for each in quality.fidelity]
    assert below[0] < below[-1]
    assert [each.k for each in quality.fidelity] == [1, 2, 3, 4]


def test_reasons_taken_from_the_wrong_features_fail_the_flip(made: Bundle) -> None:
    """A baseline that hides what pushes up names concepts that do not."""
    X, raw = rows(made)
    pushed = made.explainer.contributions_many(X)[:, :-1]
    codes = np.array([made.reason_book.covers[name] for name in made.encoder.names])
    least = min(set(codes), key=lambda code: np.abs(pushed[:, codes == code]).sum())
    hidden = np.where(codes == least, pushed.min(axis=0) - 1.0, pushed.max(axis=0) + 1.0)
    wrong = replace(made, selector=Selector(made.reason_book, hidden, made.encoder.names))
    found = reason_quality(wrong, X, raw, seed=3, n_rows=80)
    right = reason_quality(made, X, raw, seed=3, n_rows=80)
    assert found.flip.interval.high < right.flip.interval.low
    assert found.fidelity[-1].removed.value < 0.5 * right.fidelity[-1].removed.value


def test_no_noise_and_the_same_model_give_the_same_reasons(made: Bundle) -> None:
    text = made.manifest.read("model.txt").decode()
    found = reason_quality(made, *rows(made), seed=3, n_rows=60, noise=0.0, other_model=text)
    assert found.noise_jaccard.value == 1.0
    assert found.seed_jaccard is not None
    assert found.seed_jaccard.value > 0.9  # its baseline is that of fewer rows


def test_the_more_noise_the_less_overlap(made: Bundle) -> None:
    X, raw = rows(made)
    values = [
        reason_quality(made, X, raw, seed=3, n_rows=60, noise=noise).noise_jaccard.value for noise in (0.001, 0.05, 1.0)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9
    assert values[-1] < 0.9  # one feature in four is a number here


def test_a_model_of_noise_gives_other_reasons(made: Bundle) -> None:
    X, raw = rows(made)
    rng = np.random.default_rng(0)
    given = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    data = lightgbm.Dataset(X, rng.integers(0, 2, len(X)), feature_name=list(made.encoder.names))
    text = lightgbm.train(given, data, 20).model_to_string()
    found = reason_quality(made, X, raw, seed=3, n_rows=60, other_model=text)
    assert found.seed_jaccard is not None
    assert found.seed_jaccard.value < 0.6
    assert reason_quality(made, X, raw, seed=3, n_rows=60).seed_jaccard is None


def test_a_sign_that_the_model_keeps_agrees_and_its_opposite_does_not(tmp_path: Path) -> None:
    """The risk of these rows rises with the amount: a model told that it falls has its contribution the wrong way."""
    settings = {"constraints": {"monotone": {"amount": 1}}}
    base = parts(Product.PAYMENT)
    write_bundle(tmp_path / "up", changed(Product.PAYMENT, about={"settings": yaml.safe_dump(settings)}))
    settings["constraints"]["monotone"]["amount"] = -1
    write_bundle(tmp_path / "down", changed(Product.PAYMENT, about={"settings": yaml.safe_dump(settings)}))
    assert base.feature_names[0] == "amount"
    up, down = (load_bundle(tmp_path / name, score_golden_in_child=False) for name in ("up", "down"))
    with_it = reason_quality(up, *rows(up), seed=1, n_rows=200)
    against = reason_quality(down, *rows(down), seed=1, n_rows=200)
    assert [(each.feature, each.sign, each.agrees) for each in with_it.signs] == [("amount", 1, True)]
    assert [(each.sign, each.agrees) for each in against.signs] == [(-1, False)]
    assert with_it.sign_agreement is not None
    assert against.sign_agreement is not None
    assert (with_it.sign_agreement.value, against.sign_agreement.value) == (1.0, 0.0)


def test_counts_of_codes_and_of_rows_without_a_reason(made: Bundle, quality: ReasonQuality) -> None:
    assert sum(each.n_top for each in quality.codes) == round(80 * (1 - quality.unexplained.value))
    assert {each.code for each in quality.codes} == {concept.code for concept in made.reason_book.concepts}
    assert quality.codes[0].n >= quality.codes[1].n
    assert quality.protected_top.value == 0.0


def test_a_reason_that_says_high_is_held_against_the_reference(made: Bundle) -> None:
    """The risk of these rows rises with the amount: of high amounts it is true, of the lowest it is not."""
    told = [each.model_copy(update={"direction": "higher"}) for each in made.reason_book.concepts]
    book = made.reason_book.model_copy(update={"concepts": tuple(told)})
    said = replace(made, reason_book=book, selector=Selector(book, made.reason_baseline, made.encoder.names))
    X, raw = rows(made)
    found = reason_quality(said, X, raw, seed=3, n_rows=80)
    assert found.direction.n > 20
    assert found.direction.value > 0.9
    low = X.copy()
    low[:, 0] = np.nanmin(X[:, 0])
    turned = replace(said, selector=Selector(book, np.full(len(made.encoder.names), -5.0), made.encoder.names))
    wrong = reason_quality(turned, low, np.full(len(low), 3.0), seed=3, n_rows=80)
    assert wrong.direction.n > 20
    assert wrong.direction.value == 0.0


def test_the_same_seed_gives_the_same_figures(made: Bundle, quality: ReasonQuality) -> None:
    assert reason_quality(made, *rows(made), seed=3, n_rows=80) == quality


def test_a_period_in_which_all_is_approved_is_not_measured_but_no_error(made: Bundle) -> None:
    X, raw = rows(made)
    low = raw < np.quantile(raw, 0.1)
    found = reason_quality(made, X[low], raw[low], seed=3)
    assert found.flip.n == found.additivity.n == 0
    assert math.isnan(found.flip.value)


def test_rows_that_do_not_fit_are_refused(made: Bundle) -> None:
    X, raw = rows(made)
    with pytest.raises(InputError, match="reason quality"):
        reason_quality(made, X[:, 1:], raw, seed=3)
    with pytest.raises(InputError, match="reason quality"):
        reason_quality(made, X, raw[1:], seed=3)
