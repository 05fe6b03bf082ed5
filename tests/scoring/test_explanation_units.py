"""Units of features in the reader's language, whatever the base currency of the platform."""

from __future__ import annotations

import pytest

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
