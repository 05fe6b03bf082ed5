"""The catalogue: what is chosen, what is refused, and a hash that follows the meaning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import DefinitionError
from domain.events import KINDS, ColumnType
from domain.labels import FRAUD_POLICY
from domain.settings import PlatformSettings
from features.aggregates import Count, Mean, SinceLast
from features.catalogue import FeatureSet, compile_set, discover, load
from features.conditions import at_least, one_of, verdict
from features.derived import Derived, Expression, equals, ratio
from features.settings import FeatureSettings
from features.view import FeatureView, ring
from tests.features.streams import PLATFORM

VIEW = FeatureView(
    entity="card_id",
    source="transaction",
    features=[Count(over=["1h"]), Mean("amount", over=["1h", "1d"])],
    name="card",
)
FRAUD = FeatureView(
    entity="card_id",
    source="outcome",
    where=verdict("positive"),
    prefix="fraud",
    features=[Count(over=["7d"])],
    name="f",
)
BURST = Derived("burst", ratio("card_count_1h", "card_amount_mean_1h"), group="card")


def compiled(
    *views: FeatureView,
    derived: tuple[Derived, ...] = (BURST,),
    platform: PlatformSettings = PLATFORM,
    **chosen: list[str],
) -> FeatureSet:
    return compile_set(FeatureSettings(product="payment", **chosen), platform, views or (VIEW, FRAUD), derived, {})  # type: ignore[arg-type]


def test_the_catalogue_is_large_enough() -> None:
    payment = load(FeatureSettings(product="payment"), PLATFORM)
    loan = load(FeatureSettings(product="loan"), PLATFORM)
    assert len(payment.names) >= 60
    assert len(loan.names) >= 60
    for chosen in (payment, loan):
        assert len(set(chosen.names)) == len(chosen.names)
        assert [feature.name for feature in chosen.features] == list(chosen.names)
        order = [feature.form for feature in chosen.features]
        assert order == sorted(order, key=["own", "category", "aggregate", "derived"].index)
        assert set(chosen.categorical) == {f.name for f in chosen.features if f.form == "category"}


def test_names_are_generated() -> None:
    assert compiled(VIEW).names[-4:] == ("card_count_1h", "card_amount_mean_1h", "card_amount_mean_1d", "burst")


def test_every_derived_feature_of_the_catalogue_is_computable() -> None:
    for product in ("payment", "loan"):
        chosen = load(FeatureSettings(product=product), PLATFORM)  # type: ignore[arg-type]
        assert {d.name for d in discover(product).derived} <= set(chosen.names)
        for derived in discover(product).derived:
            assert derived.doc, derived.name


def test_derived_features_without_their_inputs_are_left_out() -> None:
    assert "burst" not in compiled(FRAUD).names


@pytest.mark.parametrize(
    "other",
    [
        compiled(replace(VIEW, retain=ring(64)), FRAUD),
        compiled(replace(VIEW, where=one_of("stage", "refund")), FRAUD),
        compiled(replace(VIEW, where=at_least("amount", 5)), FRAUD),
        compiled(replace(VIEW, where=at_least("amount", 6)), FRAUD),
        compiled(replace(VIEW, features=[Count(over=["2h"]), *VIEW.features[1:]]), FRAUD, derived=()),
        compiled(VIEW, replace(FRAUD, where=verdict("positive", "negative"))),
        compiled(VIEW, replace(FRAUD, policy=replace(FRAUD_POLICY, version="fraud-2027-01"))),
        compiled(FRAUD, VIEW),
        compiled(derived=()),
        compiled(derived=(replace(BURST, expression=ratio("card_amount_mean_1h", "card_count_1h")),)),
        compiled(own=["amount"]),
        compiled(exclude=["card_count_1h"]),
        compiled(platform=PLATFORM.model_copy(update={"base_currency": "USD", "fx": {}})),
        compiled(platform=PLATFORM.model_copy(update={"time_zone": "UTC"})),
        compiled(platform=PLATFORM.model_copy(update={"max_lateness": PLATFORM.max_lateness + 1_000_000})),
        compiled(platform=PLATFORM.model_copy(update={"fx": {"USD": {"2026-01-01": "7.06"}}})),
    ],
)
def test_the_hash_changes_with_the_meaning(other: FeatureSet) -> None:
    assert other.hash != compiled().hash


def test_the_hash_does_not_change_with_the_words() -> None:
    words = replace(VIEW, rationale="other words", owner="somebody else", group="other")
    assert compiled(words, FRAUD, derived=(replace(BURST, doc="other", sign=1),)).hash == compiled().hash
    assert compiled(platform=PLATFORM.model_copy(update={"future_tolerance": 0})).hash == compiled().hash
    assert len(compiled().hash) == 64


def test_excluded_features_still_feed_others() -> None:
    chosen = compiled(VIEW, exclude=["card_count_1h"])
    assert "card_count_1h" not in chosen.names
    assert "burst" in chosen.names


def test_extension_columns() -> None:
    settings = FeatureSettings(product="payment", own=["x_score", "amount", "x_segment"], views=["card"])
    chosen = load(settings, PLATFORM, {"x_score": ColumnType.NUMBER, "x_segment": ColumnType.CATEGORY})
    assert chosen.names[:3] == ("x_score", "amount", "x_segment")
    assert chosen.categorical == ("x_segment",)
    with pytest.raises(DefinitionError, match=r"own: expected a column of transaction out of .*, got 'x_score'"):
        load(settings, PLATFORM)


@pytest.mark.parametrize("column", [c.name for c in KINDS["application"].values() if c.protected])
def test_protected_columns_are_refused(column: str) -> None:
    with pytest.raises(DefinitionError, match="protected"):
        load(FeatureSettings(product="loan", own=[column]), PLATFORM)
    with pytest.raises(DefinitionError, match="protected"):
        FeatureView(entity="borrower_id", source="application", features=[Mean(column, over=["1d"])])
    with pytest.raises(DefinitionError, match="protected"):
        FeatureView(
            entity="borrower_id", source="application", where=one_of(column, "x"), features=[Count(over=["1d"])]
        )
    derived = Derived("d", equals(column, "x"), group="g")
    with pytest.raises(DefinitionError, match="protected"):
        compile_set(FeatureSettings(product="loan"), PLATFORM, (), (derived,), {})


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"views": ["cards"]}, r"views: expected views out of .*card.*, got \['cards'\]"),
        ({"own": ["colour"]}, "own: expected a column of transaction"),
        ({"own": ["card_id"]}, "own: expected a number, flag or category, got 'card_id"),
        ({"own": ["currency"]}, "own: expected a number, flag or category"),
        ({"exclude": ["card_count_2h"]}, r"exclude: expected features of the set, got \['card_count_2h'\]"),
    ],
)
def test_unknown_names_are_refused(chosen: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        load(FeatureSettings(product="payment", **chosen), PLATFORM)  # type: ignore[arg-type]


def test_wrong_views_are_refused() -> None:
    def view(**changed: object) -> FeatureView:
        return FeatureView(
            **{"entity": "card_id", "source": "transaction", "features": [Count(over=["1h"])], **changed}
        )  # type: ignore[arg-type]

    for changed, message in [
        ({"source": "payment"}, "expected a kind out of"),
        ({"entity": "amount"}, "expected a key of transaction"),
        ({"entity": "borrower_id"}, "expected a column out of"),
        ({"features": []}, "expected aggregates"),
        ({"features": [SinceLast()]}, "one of them with a window"),
        ({"features": [Mean("channel", over=["1h"])]}, "expected a column of type money, integer, number, flag"),
        ({"features": [Count(over=["1h"]), Count(over=["60m"])]}, "expected names that occur once"),
        ({"where": one_of("amount", "5")}, "expected a condition on a text"),
        ({"entity": "account_id", "key": "merchant_id"}, "expected a key that names the same things as account_id"),
        ({"entity": "account_id", "key": "amount"}, "expected a key of transaction"),
    ]:
        with pytest.raises(DefinitionError, match=message):
            view(**changed)
    with pytest.raises(DefinitionError, match="expected an entity of transaction, got 'borrower_id'"):
        compiled(FeatureView(entity="borrower_id", source="inquiry", features=[Count(over=["1d"])], name="i"))
    with pytest.raises(DefinitionError, match="feature names that occur once"):
        compiled(VIEW, replace(VIEW, name="again"))
    for size in (0, 2**20 + 1):
        with pytest.raises(DefinitionError, match="ring"):
            ring(size)


def test_wrong_expressions_are_refused() -> None:
    with pytest.raises(DefinitionError, match="expected a known operation, got 'power'"):
        compiled(VIEW, derived=(Derived("d", Expression("power", ("card_count_1h", 2.0)), group="g"),))
    deep: Expression = ratio("card_count_1h", 1.0)
    for _ in range(20):
        deep = ratio(1.0, deep)
    with pytest.raises(DefinitionError, match="at most 16 nested operands"):
        compiled(VIEW, derived=(Derived("d", deep, group="g"),))
    with pytest.raises(DefinitionError, match="holds no floats"):
        compiled(VIEW, derived=(Derived("d", equals("latitude", "x"), group="g"),))
