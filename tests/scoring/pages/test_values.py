"""Every value that the platform itself declares, and every one that its simulator draws, can be told in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from data.simulator.credit.borrowers import EDUCATION, EMPLOYMENT, HOUSING, MARITAL, SEX
from data.simulator.credit.bureau import INQUIRY_PURPOSES
from data.simulator.credit.lending import PRODUCTS, PURPOSES
from data.simulator.geography import CITIES
from domain.bilingual import Both
from domain.decision import Action, Product, RiskGrade
from domain.events import KINDS
from domain.labels import LABEL_POLICIES
from scoring.pages import font
from scoring.pages.values import column_named, place_named, value_named

DRAWN = {
    "employment": EMPLOYMENT, "education": EDUCATION, "housing": HOUSING, "sex": SEX, "marital_status": MARITAL,
    "purpose": (*PURPOSES, *INQUIRY_PURPOSES), "product": (*PRODUCTS, *(each.value for each in Product)),
    "region": tuple(city.region for city in CITIES if city.region.startswith("CN")),
    "grade": tuple(each.value for each in RiskGrade), "action": tuple(each.value for each in Action),
    "code": tuple(code for policy in LABEL_POLICIES.values() for code in policy.verdicts),
}  # fmt: skip


def declared() -> Iterator[tuple[str, str]]:
    for columns in KINDS.values():
        yield from ((name, value) for name, column in columns.items() for value in column.values)
    yield from ((name, value) for name, values in DRAWN.items() for value in values)


@pytest.mark.parametrize(("column", "value"), sorted(set(declared())))
def test_it_is_chinese_in_chinese_and_its_code_in_english(column: str, value: str) -> None:
    said, named = value_named(column, value), column_named(column)
    assert isinstance(said, Both), f"write {column}: {value} into scoring/pages/values.yaml"
    assert isinstance(named, Both)
    assert (said.en, named.en) == (value, column)
    assert said.zh.endswith(f"（{value}）")
    assert re.search("[一-鿿]", named.zh)
    assert set(said.zh + named.zh) <= font.held()


def test_a_place_of_an_importer_s_own_stays_as_it_is() -> None:
    assert place_named("x_branch=7") == "x_branch=7"
    assert place_named("channel=fax") == Both("渠道：fax", "channel=fax")
