from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.decision import MAX_REASONS, Product
from domain.errors import DefinitionError, ModelError
from domain.restricted import restricted_names
from features.catalogue import described, discover
from features.catalogue import load as load_features
from features.settings import FeatureSettings
from scoring.encode import Encoder
from scoring.explainer import Explainer
from scoring.reasons import ReasonBook, Selector, select
from scoring.rules import RULES
from scoring.scorer import Scorer
from tests.scoring.bundles import book, feature_set, parts, platform, requests

PRODUCTS = list(Product)


def concept(code: str, **changes: Any) -> dict[str, Any]:
    words = {name: f"{code} {name}" for name in ("zh", "en", "analyst_zh", "analyst_en", "owner")}
    return {"code": code, **words, "direction": "either", "disclosable": True, "actionable": True, **changes}


def made(floor: float = 0.0, **concepts: dict[str, Any]) -> ReasonBook:
    entries = [concept(code, **changes) for code, changes in concepts.items()]
    return ReasonBook.model_validate(
        {"version": "1", "product": "payment", "floor": floor, "concepts": entries, "rules": []}
    )


def codes(contributions: list[float], book: ReasonBook, baseline: list[float] | None = None, **how: Any) -> list[str]:
    names = [f"f{place}" for place in range(len(contributions))]
    resolved = book.resolved((name, "g") for name in names) if not book.covers else book
    row = how.pop("row", np.zeros(len(names)))
    given = np.array([*contributions, -3.0])
    base = np.array(baseline if baseline is not None else [0.0] * len(names))
    return [reason.code for reason in select(given, row, base, names, resolved, **how)]


# -------------------------------------------------------------------------- the shipped books


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_feature_of_the_catalogue_has_one_concept(product: Product) -> None:
    views = [view.name for view in discover(product.value).views]
    features = load_features(FeatureSettings(product=product.value, views=views), platform()).features
    resolved = book(product).resolved((feature.name, feature.group) for feature in features)
    assert set(resolved.covers) == {feature.name for feature in features}
    used = set(resolved.covers.values())
    spoken_for = {entry.missing for entry in resolved.concepts}
    fallback = {"P10", "P99", "L99"}
    assert {entry.code for entry in resolved.concepts} - used - spoken_for <= fallback


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_group_of_the_book_is_of_the_catalogue(product: Product) -> None:
    views = [view.name for view in discover(product.value).views]
    features = load_features(FeatureSettings(product=product.value, views=views), platform()).features
    known = {feature.group for feature in features}
    assert {group for entry in book(product).concepts for group in entry.groups} <= known


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_rule_has_its_words(product: Product) -> None:
    needed = {rule.code for rule in RULES.values() if product in rule.products}
    assert {entry.code for entry in book(product).rules} == needed


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_words_are_in_their_languages(product: Product) -> None:
    for entry in (*book(product).concepts, *book(product).rules):
        for text in (entry.zh, entry.analyst_zh):
            assert any("一" <= letter <= "鿿" for letter in text)
            assert not set(",;:?!") & set(text), f"half-width punctuation in {text}"
        for text in (entry.en, entry.analyst_en):
            assert text.isascii()
        if not entry.disclosable:
            assert entry.zh != entry.analyst_zh


# ----------------------------------------------------------------------------------- selecting


def test_only_what_pushed_up_from_the_baseline_is_a_reason() -> None:
    one_each = made(P01={"features": ["f0"]}, P02={"features": ["f1"]}, P03={"features": ["f2"]})
    assert codes([0.5, -0.5, 0.2], one_each) == ["P01", "P03"]
    assert codes([0.5, -0.5, 0.2], one_each, baseline=[0.5, -0.9, 0.3]) == ["P02"]
    assert codes([-1.0, -1.0, -1.0], one_each) == []


def test_contributions_of_a_concept_are_summed() -> None:
    pair = made(P01={"features": ["f0", "f1"]}, P02={"features": ["f2"]})
    assert codes([0.3, 0.3, 0.5], pair) == ["P01", "P02"]
    assert codes([0.9, -0.8, 0.5], pair) == ["P02", "P01"]
    assert codes([0.9, -1.0, 0.5], pair) == ["P02"]


def test_ties_go_by_code_whatever_the_order_of_concepts_or_features() -> None:
    tied = made(P07={"features": ["f0"]}, P03={"features": ["f1"]}, P05={"features": ["f2"]})
    assert codes([0.5, 0.5, 0.5], tied) == ["P03", "P05", "P07"]


def test_ties_go_by_code_among_many() -> None:
    many = made(**{f"P{n:02d}": {"features": [f"f{n}"]} for n in range(40)})
    assert codes([0.5] * 40, many) == ["P00", "P01", "P02", "P03"]
    assert codes([0.1, 0.5] * 20, many) == ["P01", "P03", "P05", "P07"]


def test_the_floor_and_the_most_that_are_given() -> None:
    six = made(floor=0.1, **{f"P0{n + 1}": {"features": [f"f{n}"]} for n in range(6)})
    assert codes([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], six) == ["P06", "P05", "P04", "P03"]
    assert codes([0.1, 0.2, 0.05, 0.0, 0.0, 0.0], six) == ["P02"]
    assert codes([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], six, at_most=1) == ["P06"]


def test_a_missing_feature_speaks_for_the_concept_named() -> None:
    late = made(P01={"features": ["f0", "f1"], "missing": "P02"}, P02={"features": ["f2"]})
    assert codes([0.5, 0.1, 0.0], late) == ["P01"]
    assert codes([0.5, 0.1, 0.0], late, row=np.array([np.nan, 1.0, 1.0])) == ["P02", "P01"]
    assert codes([0.5, 0.1, 0.0], late, row=np.array([np.nan, np.nan, np.nan])) == ["P02"]


def test_patterns_go_before_groups_and_doubt_is_an_error() -> None:
    mixed = made(P01={"groups": ["g"]}, P02={"features": ["f1*"]})
    resolved = mixed.resolved([("f0", "g"), ("f1", "g"), ("f12", "h")])
    assert resolved.covers == {"f0": "P01", "f1": "P02", "f12": "P02"}
    with pytest.raises(DefinitionError, match="f2 of group h is covered by none; f3 of group h"):
        mixed.resolved([("f0", "g"), ("f2", "h"), ("f3", "h")])
    with pytest.raises(DefinitionError, match="f1 is covered by P01, P02"):
        made(P01={"features": ["f*"]}, P02={"features": ["f1"]}).resolved([("f1", "g")])


def naive(
    contributions: np.ndarray, row: np.ndarray, baseline: np.ndarray, names: tuple[str, ...], book: ReasonBook
) -> list[str]:
    by_code = {entry.code: entry for entry in book.concepts}
    sums: dict[str, float] = {}
    for name, value, push, mean in zip(names, row, contributions, baseline, strict=False):
        code = book.covers[name]
        if np.isnan(value):
            code = by_code[code].missing or code
        sums[code] = sums.get(code, 0.0) + (push - mean)
    adverse = [code for code, total in sums.items() if total > book.floor]
    return sorted(adverse, key=lambda code: (-sums[code], code))[:MAX_REASONS]


@pytest.mark.parametrize("product", PRODUCTS)
def test_reasons_of_real_rows_are_the_naive_ones(product: Product) -> None:
    bundle = parts(product)
    explainer = Explainer(Scorer(bundle.model_text))
    X = Encoder(bundle.feature_names, bundle.categories).matrix(requests(product))[:150]
    resolved = book(product).resolved(_groups(product))
    selector = Selector(resolved, bundle.reason_baseline, bundle.feature_names)
    seen = set()
    for row, pushed in zip(X, explainer.contributions_many(X), strict=True):
        expected = naive(pushed, row, bundle.reason_baseline, bundle.feature_names, resolved)
        got = [reason.code for reason in selector.select(pushed, row)]
        assert got == expected
        # Every push is somewhere: nothing is lost between features and concepts.
        assert np.isclose(selector.pushes(pushed, row).sum(), (pushed[:-1] - bundle.reason_baseline).sum(), atol=1e-9)
        seen.update(got)
    assert len(seen) >= 4


def _groups(product: Product) -> list[tuple[str, str]]:
    return [(feature.name, feature.group) for feature in feature_set(product).features]


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6), st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_reasons_are_few_adverse_distinct_and_in_order(contributions: list[float], baseline: list[float]) -> None:
    three = made(floor=0.05, P02={"features": ["f0", "f3"]}, P01={"features": ["f1", "f4"]}, P03={"groups": ["g"]})
    names = tuple(f"f{n}" for n in range(6))
    resolved = three.resolved((name, "g") for name in names)
    selector = Selector(resolved, np.array(baseline), names)
    row = np.array([0.0, np.nan, 1.0, np.nan, 2.0, 3.0])
    pushes = dict(zip(["P01", "P02", "P03"], selector.pushes(np.array([*contributions, 0.0]), row), strict=True))
    found = [reason.code for reason in selector.select(np.array([*contributions, 0.0]), row)]
    assert len(found) == len(set(found)) <= MAX_REASONS
    assert all(pushes[code] > 0.05 for code in found)
    assert {code for code, push in pushes.items() if push > 0.05} == set(found)
    assert found == sorted(found, key=lambda code: (-pushes[code], code))


# ------------------------------------------------------------------------------------ refusing


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"P01": {}, "P02": {"groups": ["g", "g"]}}, "each group in one concept"),
        ({"P01": {"groups": ["g"]}, "P02": {"groups": ["g"]}}, "each group in one concept"),
        ({"P01": {"missing": "P09"}}, "expected concepts of the book"),
        ({"X01": {}}, "string_pattern_mismatch|pattern"),
        ({"P01": {"direction": "up"}}, "direction"),
        ({"P01": {"zh": ""}}, "zh"),
    ],
)
def test_a_book_that_does_not_hold_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        made(**changes)
    content = {"version": "1", "product": "payment", "floor": 0, "rules": [],
               "concepts": [concept(code, **change) for code, change in changes.items()]}  # fmt: skip
    with pytest.raises(ModelError, match=r"reasons\.json: expected a reason book"):
        ReasonBook.of(content, "reasons.json")


RESTRICTED: list[tuple[dict[str, Any], str]] = [
    ({"en": "The payee is under an AML review"}, "AML review"),
    ({"zh": "收款方涉及可疑交易"}, "可疑交易"),
    ({"analyst_en": "Possible money laundering through the account"}, "laundering"),
    ({"analyst_zh": "命中反洗钱名单"}, "反洗钱"),
    ({"features": ["x_aml_*"]}, "x_aml"),
    ({"groups": ["customer_sanctions"]}, "customer_sanctions"),
]


@pytest.mark.parametrize(("changes", "message"), RESTRICTED)
def test_nothing_that_comes_of_money_laundering_work_gets_into_a_book(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match="anti-money-laundering") as told:
        made(P01=changes)
    assert message in str(told.value)
    words = {name: changes.get(name, "words") for name in ("zh", "en", "analyst_zh", "analyst_en")}
    if not {"features", "groups"} & set(changes):
        rule = {"code": "R50", "disclosable": False, "actionable": False, "owner": "desk", **words}
        content = {"version": "1", "product": "payment", "floor": 0, "concepts": [], "rules": [rule]}
        with pytest.raises(ModelError, match="anti-money-laundering"):
            ReasonBook.of(content, "reasons.json")


@pytest.mark.parametrize("name", ["x_aml_score", "customer_sar_count_30d", "x_PEP"])
def test_a_bundle_with_a_feature_of_money_laundering_work_cannot_be_built(name: str) -> None:
    everything = made(P01={"features": ["*"]})
    with pytest.raises(DefinitionError, match=f"{name} comes of anti-money-laundering work"):
        everything.resolved([("amount", "payment"), (name, "payment")])
    assert everything.resolved([("amount", "payment"), ("x_sample", "payment")]).covers["x_sample"] == "P01"


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_catalogue_has_no_feature_of_money_laundering_work(product: Product) -> None:
    assert restricted_names(part for each in described(product.value) for part in (each.name, each.group)) == []


def test_a_prohibited_concept_bars_as_a_protected_one() -> None:
    one_each = made(P01={"features": ["f0"], "prohibited": True}, P02={"features": ["f1"], "protected": True},
                    P03={"features": ["f2"]})  # fmt: skip
    names = ("f0", "f1", "f2")
    selector = Selector(one_each.resolved((name, "g") for name in names), np.zeros(3), names)
    found = selector.select(np.array([1.0, 2.0, 3.0, 0.0]), np.zeros(3))
    # None is suppressed, and two of them must not decide.
    assert [(each.code, selector.is_barred(each)) for each in found] == [("P03", False), ("P02", True), ("P01", True)]


def test_the_same_code_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="each code once"):
        ReasonBook.model_validate(
            {"version": "1", "product": "loan", "floor": 0, "concepts": [concept("L01"), concept("L01")], "rules": []}
        )


def test_a_selector_needs_a_concept_and_a_baseline_for_each_feature() -> None:
    resolved = made(P01={"groups": ["g"]}).resolved([("f0", "g")])
    with pytest.raises(ModelError, match=r"none for \['f1'\]"):
        Selector(resolved, np.zeros(2), ("f0", "f1"))
    with pytest.raises(ModelError, match="1 finite values"):
        Selector(resolved, np.zeros(2), ("f0",))
    with pytest.raises(ModelError, match="1 finite values"):
        Selector(resolved, np.array([np.nan]), ("f0",))
    with pytest.raises(ModelError, match=r"contributions: expected float64\[2\]"):
        Selector(resolved, np.zeros(1), ("f0",)).pushes(np.zeros(1), np.zeros(1))


def test_a_book_survives_its_own_json() -> None:
    resolved = book(Product.LOAN).resolved(_groups(Product.LOAN))
    assert ReasonBook.of(resolved.model_dump(mode="json"), "x") == resolved
    with pytest.raises(DefinitionError, match="a rule reason out of R01"):
        resolved.rule("R99")


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_feature_of_the_catalogue_is_covered(product: Product) -> None:
    """Those that are off too: whoever switches them on must be able to build a bundle."""
    found = described(product.value)
    resolved = book(product).resolved((feature.name, feature.group) for feature in found)
    assert set(resolved.covers) == {feature.name for feature in found}
    groups = {feature.group for feature in found}
    assert {group for concept in resolved.concepts for group in concept.groups} <= groups
