"""Units of features in the reader's language, whatever the base currency of the platform."""

from __future__ import annotations

import re

import pytest

from features.catalogue import described
from scoring.explanation_page import _known, catalogue


@pytest.mark.parametrize(
    ("unit", "chinese"),
    [
        ("CNY per day", "CNY／天"),
        ("USD per day", "USD／天"),
        ("months per day", "个月／天"),
        ("share per day", "占比／天"),
        ("events", "个事件"),
        ("EUR", "EUR"),
    ],
)
def test_units_are_said_in_both_languages(unit: str, chinese: str) -> None:
    words = _known("unit", unit)
    assert catalogue().tongue("zh")(words) == chinese
    assert catalogue().tongue("en")(words) == unit


@pytest.mark.parametrize(
    "unit", sorted({each.unit for product in ("payment", "loan") for each in described(product, "USD")} - {"USD"})
)
def test_the_unit_of_every_feature_is_chinese_in_chinese(unit: str) -> None:
    said = catalogue().tongue("zh")(_known("unit", unit))
    assert re.search("[一-鿿／]", said), f"write explain.unit_... for {unit}: what is shown is {said}"
