"""The catalogue's words: complete, and true of what the kernel computes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from domain.errors import DefinitionError
from features import reference
from features.catalogue import SUBJECTS, collect, compile_set, described, discover, load
from features.lock import LOCK, UPDATE, differences, lock_text, meanings
from features.online import OnlineState
from features.settings import FeatureSettings
from features.view import FeatureView
from tests.features.generated import generated_stream
from tests.features.streams import PLATFORM
from tests.features.test_every_view import nobody

VIEWS = [(product, view) for product in SUBJECTS for view in discover(product).views]
IDS = [f"{product}-{view.name}" for product, view in VIEWS]


@pytest.mark.parametrize("product", SUBJECTS)
def test_every_feature_is_fully_described(product: str) -> None:
    features = described(product)
    for feature in features:
        for word in (feature.owner, feature.missing, feature.unit, feature.doc, feature.group):
            assert word, feature.name
        assert feature.rationale.endswith("."), feature.name
        assert feature.source, feature.name
        assert feature.columns, feature.name
        assert (feature.view is not None) == (feature.form == "aggregate")
    on = tuple(feature.name for feature in features if feature.on)
    assert on == load(FeatureSettings(product=product), PLATFORM).names  # type: ignore[arg-type]


@pytest.mark.parametrize(("product", "view"), VIEWS, ids=IDS)
def test_the_missing_rule_is_what_the_kernel_does(product: str, view: FeatureView) -> None:
    chosen = compile_set(FeatureSettings(product=product, own=[]), PLATFORM, (view,), (), {})  # type: ignore[arg-type]
    events = generated_stream((SUBJECTS[product],), 10**9, 30, 5)
    # Every column is there, so that nothing is missing because the request left it out.
    whole = max(events, key=lambda event: len(event.body))
    columns = {name: value for event in events for name, value in event.body.items()}
    request = type(whole)(whole.kind, "r", whole.event_time, whole.known_at, {**columns, view.entity: nobody(view)})
    values = OnlineState(chosen, PLATFORM).vector(request).values
    for feature, value in zip(chosen.features, values.tolist(), strict=True):
        # Who has no events has seen no value: every value is new.
        empty = 1.0 if feature.name.endswith("_is_new") else 0.0 if feature.missing.startswith("0 ") else np.nan
        np.testing.assert_equal(value, empty, err_msg=feature.name)
        assert re.match(r"(NaN|0) (when|below) ", feature.missing), feature.name


def test_what_reads_a_proxy_column_is_flagged() -> None:
    found = {feature.name: feature for feature in described("loan")}
    assert found["education"].proxy.startswith("social origin")
    assert found["amount"].proxy == ""
    for feature in found.values():
        if {"education", "housing", "employed_months", "n_dependants", "region"} & set(feature.columns):
            assert feature.proxy, feature.name


def test_derived_features_need_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from features.definitions.payment import request_pattern

    monkeypatch.delattr(request_pattern, "RATIONALE")
    with pytest.raises(DefinitionError, match="expected RATIONALE beside DERIVED, got 'none'"):
        collect([request_pattern])


def test_the_page_is_that_of_the_definitions() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `python -m features.reference`"


def test_the_lock_is_that_of_the_definitions() -> None:
    old, new = LOCK.read_text(encoding="utf-8"), lock_text()
    assert old == new, "\n".join(["features.lock: " + UPDATE, *differences(old, new)])


@pytest.mark.parametrize("product", SUBJECTS)
def test_the_lock_names_every_feature(product: str) -> None:
    assert list(meanings(product)) == [feature.name for feature in described(product)]
    lines = [line for line in lock_text().splitlines() if line.startswith(f"{product} ")]
    assert len(lines) == len(described(product))
    assert all(re.fullmatch(r"[a-z]+ [a-z][a-z0-9_]* [0-9a-f]{12} .+", line) for line in lines)


def test_the_lock_follows_the_meaning() -> None:
    old = lock_text()
    assert differences(old, old) == []
    (line,) = [line for line in old.splitlines() if line.startswith("payment customer_count_30d ")]
    other = old.replace(line, line.replace(line.split()[2], "0" * 12))
    (change,) = differences(old, other)
    assert change.startswith("~ payment customer_count_30d: Count(within 30d) of transaction by customer_id")
    assert differences(old, old.replace("law 1", "law 2")) != []
    assert differences(old, old.replace(line + "\n", ""))[0].startswith("- payment customer_count_30d")


def test_a_derived_feature_changes_with_its_inputs() -> None:
    from features.derived import Derived, ratio
    from features.lock import derived_meaning

    share = Derived("share", ratio("a", "b"), group="g")
    first = derived_meaning(share, {"a": "1", "b": "2"})
    assert first[1] == "ratio(a, b)"
    assert derived_meaning(share, {"a": "1", "b": "3"})[0] != first[0]
    assert derived_meaning(Derived("share", ratio("b", "a"), group="g"), {"a": "1", "b": "2"})[0] != first[0]


def test_a_window_that_an_aggregate_inherits_is_part_of_its_meaning() -> None:
    from features.aggregates import Count, SinceLast
    from features.lock import view_meanings

    def meaning(window: str) -> str:
        return view_meanings(
            FeatureView(entity="card_id", source="transaction", features=[Count(over=[window]), SinceLast()])
        )["card_since_last"]

    assert "within 1d" in meaning("1d")
    assert meaning("1d") != meaning("2d")
