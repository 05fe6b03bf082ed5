"""What the audit finds is said in both languages, from one catalogue."""

from __future__ import annotations

import re

import pytest

from domain.bilingual import InBothLanguages
from scoring.pages.words import Catalogue
from training.intake import IntakeLimits
from training.intake.finding import MESSAGES, Finding, Grade, said
from training.intake.report import IntakeReport
from training.intake.units import FACTORS

CATALOGUE = Catalogue.read([MESSAGES])
CHINESE = re.compile(r"[一-鿿]")


def test_every_message_that_a_check_names_is_there_and_none_is_left_over() -> None:
    named = set()
    for path in sorted(MESSAGES.parent.glob("*.py")):
        named |= set(re.findall(r'"(intake\.\w+)"', path.read_text(encoding="utf-8")))
    named |= {f"intake.factor_{factor:.0f}" for factor in FACTORS} | {"intake.filled_ranks", "intake.empty_ranks"}
    assert named - {"intake.yaml"} == set(CATALOGUE.keys)


@pytest.mark.parametrize("key", [key for key in CATALOGUE.keys if "factor_" not in key])
def test_every_message_is_chinese_in_chinese(key: str) -> None:
    message = CATALOGUE.message(key)
    assert CHINESE.search(message["zh"])
    assert not CHINESE.search(message["en"])


def test_every_limit_says_its_source_in_both() -> None:
    limits = IntakeLimits()
    for name in IntakeLimits.model_fields:
        source = getattr(limits, name).source
        assert isinstance(source, InBothLanguages), name
        assert CHINESE.search(source.zh)


def test_a_finding_in_one_text_is_still_told() -> None:
    plain = Finding("id_column", Grade.GREEN, "text of an older check")
    assert (plain.summary, said(plain.words, "zh")) == ("text of an older check", "text of an older check")
    report = IntakeReport({}, (plain,))
    assert report.as_dict()["findings"][0]["summary_zh"] == "text of an older check"
