"""Every feature, every proxy and every drop rule can be told in Chinese."""

from __future__ import annotations

import re

import pytest

from domain.bilingual import Both
from domain.events import KINDS
from features.catalogue import described
from scoring.pages import font
from scoring.pages.meanings import counted, group_named, kind_named, meaning
from training.dataset_settings import DropRule
from training.drops import MARK
from training.splits import UNVERIFIED

SAID = sorted(
    {
        text
        for product in ("payment", "loan")
        for feature in described(product, "CNY")
        for text in (feature.doc, feature.proxy)
        if text
    }
)


@pytest.mark.parametrize("text", SAID)
def test_it_is_chinese_in_chinese_and_as_declared_in_english(text: str) -> None:
    said = meaning(text)
    assert isinstance(said, Both), f"{text}: expected a phrase in scoring/pages/meanings, got none"
    assert said.en == text
    assert re.search("[一-鿿]", said.zh)
    assert set(said.zh) <= font.held()


def test_windows_and_names_are_kept() -> None:
    text = "number of failed events over the 1h before, divided by that over the 7d before: outcome events of the card"
    said = meaning(text)
    assert isinstance(said, Both)
    assert said.zh == "卡的结果事件：失败事件数，此前1小时与此前7天之比"


RULES = [
    DropRule(entity="customer_id", known_positive="before_part"),
    DropRule(entity="customer_id", known_positive="before_row"),
    DropRule(entity="card_id", in_train=True),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_drop_rules_are_chinese_by_themselves_and_where_their_rows_are_counted(rule: DropRule) -> None:
    alone, counts = meaning(rule.name), counted(f"4 censored, 1,203 {MARK}{rule.name}")
    assert isinstance(alone, Both)
    assert isinstance(counts, Both)
    assert counts.zh == f"4删失，1,203剔除：{alone.zh}"
    words = re.findall("[A-Za-z_]+", alone.zh)
    assert words == [rule.entity]


def test_groups_kinds_and_the_warning_of_a_random_split_are_chinese() -> None:
    groups = {feature.group for product in ("payment", "loan") for feature in described(product)}
    said = [*map(group_named, groups), *map(kind_named, KINDS), meaning(UNVERIFIED)]
    assert all(isinstance(each, Both) and not re.search("[a-z]", each.zh) for each in said), said


def test_what_nobody_has_translated_stays_english() -> None:
    assert meaning("a thing of your own: transaction events of the card") == (
        "a thing of your own: transaction events of the card"
    )
