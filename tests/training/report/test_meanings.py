"""Every feature that declares a sign, and every proxy, can be told in Chinese."""

from __future__ import annotations

import re

import pytest

from features.catalogue import described
from scoring.pages import font
from scoring.pages.words import Both
from training.report.meanings import meaning

SAID = sorted(
    {
        text
        for product in ("payment", "loan")
        for feature in described(product, "CNY")
        for text in (feature.doc if feature.sign else "", feature.proxy)
        if text
    }
)


@pytest.mark.parametrize("text", SAID)
def test_it_is_chinese_in_chinese_and_as_declared_in_english(text: str) -> None:
    said = meaning(text)
    assert isinstance(said, Both), f"{text}: expected a phrase in training/report/meanings, got none"
    assert said.en == text
    assert re.search("[一-鿿]", said.zh)
    assert set(said.zh) <= font.held()


def test_windows_and_names_are_kept() -> None:
    text = "number of failed events over the 1h before, divided by that over the 7d before: outcome events of the card"
    said = meaning(text)
    assert isinstance(said, Both)
    assert said.zh == "卡的outcome事件：failed事件数，此前1h与此前7d之比"


def test_what_nobody_has_translated_stays_english() -> None:
    assert meaning("a thing of your own: transaction events of the card") == (
        "a thing of your own: transaction events of the card"
    )
