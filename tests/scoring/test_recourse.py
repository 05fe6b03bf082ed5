"""Recourse: every change is verified by scoring, smallest first, and touches nothing that cannot be changed."""

from __future__ import annotations

import numpy as np
import pytest

from domain.decision import Product
from domain.errors import InputError
from scoring.bundle import Bundle, load_bundle, write_bundle
from scoring.recourse import Change, Recourse, Recourses, actionable, recourse
from scoring.rederiving import Rederiving
from tests.scoring.bundles import parts
from tests.serving.world import _trained as trained

FREE = {"amount", "term_months", "debt_monthly"}


@pytest.fixture(scope="module")
def credit(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("recourse") / "bundle"
    write_bundle(folder, trained(Product.LOAN, 5, views=True))
    return load_bundle(folder, score_golden_in_child=False)


@pytest.fixture(scope="module")
def cases(credit: Bundle) -> list[tuple[np.ndarray, tuple[Recourse, ...]]]:
    X = credit.encoder.matrix(credit.reference())
    cutoff = credit.cutoffs["attention"]
    adverse = X[credit.calibrator.probability(credit.scorer.raw_many(X)) >= cutoff]
    made = Recourses(credit)
    return [(row, made.of(row, cutoff)) for row in adverse[:60]]


def changed(credit: Bundle, row: np.ndarray, found: Recourse) -> np.ndarray:
    """The row of the changed application, its ratios computed here in plain Python."""
    names = credit.encoder.names
    values = dict(zip(names, row.tolist(), strict=True))
    values |= {each.feature: each.after for each in found.changes}
    income, debt = values["income_monthly"], values["debt_monthly"]
    principal = values["amount"] / values["term_months"] if values["term_months"] else np.nan
    again = {
        "debt_to_income": debt / income,
        "amount_to_income": values["amount"] / income,
        "instalment_to_income": principal / income,
        "debt_to_income_after": (debt - (0.0 - principal)) / income,
        "free_income": (income - debt) - principal,
        "amount_to_asked": values["amount"] / values["application_amount_max_1095d"],
        "debt_to_declared": debt / values["application_debt_monthly_last_1095d"],
    }
    return np.array([again.get(name, values[name]) for name in names])


def test_many_rows_are_derived_anew_each_beside_its_own(credit: Bundle) -> None:
    X = credit.encoder.matrix(credit.reference())[:200]
    place = credit.encoder.names.index("amount")
    halved = X.copy()
    halved[:, place] = np.floor(X[:, place] / 2)
    again = Rederiving(credit)
    assert {"amount_to_income", "debt_to_income"} <= set(again.pure)
    assert "amount" in again.read_by(["amount_to_income"])
    assert not set(again.pure) & set(again.lost)
    expected = [
        changed(credit, row, Recourse((Change("amount", row[place], new, ""),), 0.0, 0.0, 0.0))
        for row, new in zip(X, halved[:, place], strict=True)
    ]
    np.testing.assert_array_equal(again(halved, X), np.stack(expected))
    assert (again(halved, X) != halved).any()
    np.testing.assert_array_equal(again(X, X), X)
    # A number that does not come out again as it was is nobody's to overwrite.
    odd = X.copy()
    odd[:, credit.encoder.names.index("amount_to_income")] += 1.0
    derived = credit.encoder.names.index("amount_to_income")
    np.testing.assert_array_equal(again(odd, odd)[:, derived], odd[:, derived])


def test_every_change_brings_the_changed_application_below_the_cutoff(
    credit: Bundle, cases: list[tuple[np.ndarray, tuple[Recourse, ...]]]
) -> None:
    cutoff, n = credit.cutoffs["attention"], 0
    for row, found in cases:
        for each in found:
            probability = credit.calibrator.probability(credit.scorer.raw(changed(credit, row, each)))
            assert probability == each.probability < cutoff <= each.before
            n += 1
    assert n > 30


def test_only_what_the_applicant_can_change_moves_and_the_safer_way(
    credit: Bundle, cases: list[tuple[np.ndarray, tuple[Recourse, ...]]]
) -> None:
    assert set(actionable(credit)) == FREE
    for row, found in cases:
        assert len(found) <= 3
        for each in found:
            assert {change.feature for change in each.changes} <= FREE
            for change in each.changes:
                assert change.before == row[credit.encoder.names.index(change.feature)]
                assert 0 <= change.after < change.before
            told = sum(abs(change.after - change.before) / change.before for change in each.changes)
            assert each.effort == pytest.approx(told)
        assert [each.effort for each in found] == sorted(each.effort for each in found)


def test_no_smaller_round_amount_alone_would_do(
    credit: Bundle, cases: list[tuple[np.ndarray, tuple[Recourse, ...]]]
) -> None:
    cutoff, place, n = credit.cutoffs["attention"], credit.encoder.names.index("amount"), 0
    for row, found in cases:
        before = float(row[place])
        unit = 10.0 ** (len(str(int(before))) - 2)
        for each in found:
            if [change.feature for change in each.changes] == ["amount"]:
                tried = (before // unit) * unit
                while not _passes(credit, row, Change("amount", before, tried, "CNY"), cutoff):
                    tried -= unit
                assert each.changes[0].after == tried
                n += 1
    assert n > 10


def _passes(credit: Bundle, row: np.ndarray, change: Change, cutoff: float) -> bool:
    other = changed(credit, row, Recourse((change,), 0.0, 0.0, 0.0))
    return credit.calibrator.probability(credit.scorer.raw(other)) < cutoff


def test_two_changes_are_offered_only_where_they_cost_less_than_one(
    cases: list[tuple[np.ndarray, tuple[Recourse, ...]]],
) -> None:
    for _, found in cases:
        for each in found:
            names = {change.feature for change in each.changes}
            for other in found:
                if {change.feature for change in other.changes} < names:
                    assert each.effort < other.effort


def test_an_approved_row_needs_none_and_an_impossible_cutoff_has_none(credit: Bundle) -> None:
    X = credit.encoder.matrix(credit.reference())
    raw = credit.scorer.raw_many(X)
    assert recourse(credit, X[np.argmin(raw)], credit.cutoffs["attention"]) == ()
    assert recourse(credit, X[np.argmax(raw)], 1e-12) == ()


def test_at_most_as_many_as_asked_for(credit: Bundle, cases: list[tuple[np.ndarray, tuple[Recourse, ...]]]) -> None:
    row, found = next((row, found) for row, found in cases if len(found) > 1)
    assert recourse(credit, row, credit.cutoffs["attention"], at_most=1) == found[:1]


def test_nobody_is_told_how_to_pass_a_fraud_check(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("payment") / "bundle"
    write_bundle(folder, parts(Product.PAYMENT))
    bundle = load_bundle(folder, score_golden_in_child=False)
    with pytest.raises(InputError, match="loan applications"):
        recourse(bundle, bundle.encoder.matrix(bundle.reference())[0], 0.2)
