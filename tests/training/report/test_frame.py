"""The frame of a report: a page whose first section decides, whose last is signed, and which a pipeline can read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from domain.decision import Product
from domain.errors import DataError, InputError, ModelError
from scoring.metrics import Ranking
from scoring.pages.page import Facts, Finding, Page, Section, Statistics, Table
from scoring.pages.render import render, to_json
from scoring.pages.status import Limit, Statistic, Status
from training.intervals import paired_difference
from training.report import assemble as assembling
from training.report.assemble import assemble, catalogue, report_settings
from training.report.evidence import Evidence
from training.report.files import write_report
from training.report.front import decision, limits
from training.report.judged import ReportWaiver, points, read_waivers, waive
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.report.versions import common_rows, side_by_side
from training.review import Finding as Raised
from training.review import Opinion, Review, Ruling, Severity, Subject

ROOT = Path(__file__).parents[3]
LEAST = Limit(least=0.7, source="ours")
BAD = Statistic("auc", "AUC", 0.6, 0.58, 0.62, n=900, n_events=80).held(LEAST)
GOOD = replace(BAD, key="ks", value=0.8, low=0.75, high=0.85).held(LEAST)
SECTIONS = (
    Section("one", "Section one", (Statistics((BAD, GOOD)), Finding("leak", Status.AMBER, "a column leaks"))),
    Section("two", "Section two", (Table("rows", "rows", ("a",), (("x",),), (Status.RED,)),), ("SHAP of all rows",)),
)
SETTINGS = ReportSettings()


@pytest.fixture(params=["fraud_evidence", "credit_evidence"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return found


def signed(trainer: str = "lin") -> Review:
    subject = Subject("fraud", 1, "0" * 64, trainer)
    raised = Raised("F1", Severity.RED, "no refunds", "lin", "2027-01-31", "wang", "2026-11-01T00:00:00Z")
    verdict = Opinion(
        Ruling.CONDITIONS, "wang", "2026-11-02T00:00:00Z", "2026-12-01T00:00:00Z", ("watch refunds",), "", "ab" * 32
    )
    return Review(subject, (raised,), verdict)


def test_both_reports_are_whole_pages_in_both_languages(evidence: Evidence, tmp_path: Path) -> None:
    page = assemble(evidence, report_settings(ROOT / "configs", light=True))
    assert (page.sections[0].key, page.sections[-1].key) == ("decision", "limits")
    zh, en, numbers = write_report(page, tmp_path)
    assert [path.name for path in (zh, en, numbers)] == ["report.zh.html", "report.en.html", "report.json"]
    for path in (zh, en):
        text = path.read_text(encoding="utf-8")
        assert len(text.encode()) < 3_000_000
        assert evidence.bundle.hash in text
        assert "validated" not in text.lower().replace("validates nothing", "")
    whole = json.loads(numbers.read_text(encoding="utf-8"))
    assert [each["key"] for each in whole["sections"]] == [each["key"] for each in whole["zh"]["sections"]]
    assert whole["sections"][0]["key"] == "decision"


def _said(section: Section, lang: str = "en") -> str:
    page = Page("kind", "subject", Facts("f", ()), (section,))
    return json.dumps(to_json(page, catalogue(), "zh" if lang == "zh" else "en"), ensure_ascii=False)


def test_the_decision_page_names_what_is_grave_and_counts_it(fraud_evidence: Evidence) -> None:
    first = decision(fraud_evidence, SETTINGS, SECTIONS, None, None)
    top = next(block for block in first.blocks if isinstance(block, Table) and block.key == "top")
    assert [row[1] for row in top.rows] == ["AUC", "rows", "a column leaks"]
    assert top.statuses == (Status.RED, Status.RED, Status.AMBER)
    counts = next(block for block in first.blocks if isinstance(block, Table) and block.key == "counts")
    assert [row[1:] for row in counts.rows] == [(1, 1, 1, 0), (1, 0, 0, 0)]
    assert counts.statuses == (Status.RED, Status.RED)
    said = _said(first)
    assert "2 red, 1 amber, 1 pass" in said
    assert "no verdict yet" in said
    assert "nobody set one" in said
    good = decision(fraud_evidence, SETTINGS, (replace(SECTIONS[0], blocks=(Statistics((GOOD,)),)),), None, None)
    assert good.status is Status.PASS


def test_a_verdict_stands_with_its_expiry_and_ends_with_it(fraud_evidence: Evidence) -> None:
    november, january = 1_762_000_000_000_000 + 365 * 86_400_000_000, 1_798_800_000_000_000
    before, after = (_said(decision(fraud_evidence, SETTINGS, SECTIONS, signed(), now)) for now in (november, january))
    assert "approve with conditions" in before
    assert "watch refunds" in before
    assert "(expired)" in after
    assert "(expired)" not in before


def test_what_nobody_signed_stays_blank(fraud_evidence: Evidence) -> None:
    facts = {
        name: next(
            block for block in limits(fraud_evidence, SETTINGS, SECTIONS, review).blocks if isinstance(block, Facts)
        )
        for name, review in (("blank", None), ("signed", signed()))
    }
    developer, *rest = [value for _, value in facts["blank"].rows]
    assert developer == fraud_evidence.about["operator"] == "lin"
    assert set(rest) == {""}
    assert "wang" in [value for _, value in facts["signed"].rows]
    said = _said(limits(fraud_evidence, SETTINGS, SECTIONS, signed()))
    assert all(text in said for text in ("no refunds", "SHAP of all rows", "SR 26-2", "JR/T 0221-2021", "≥ 0.700"))


def test_a_section_that_its_data_forbids_stands_with_the_reason(
    fraud_evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(evidence: Evidence, settings: ReportSettings) -> Section:
        del evidence, settings
        raise DataError("expected prices, got none")

    def faulty(evidence: Evidence, settings: ReportSettings) -> Section:
        del evidence, settings
        raise KeyError("a fault of ours")

    monkeypatch.setattr(assembling, "plans", lambda product: (Plan(50, "prices", fails),))
    page = assemble(fraud_evidence, SETTINGS)
    (broken,) = [section for section in page.sections if section.key == "prices"]
    assert broken.status is Status.NOT_ASSESSED
    assert "expected prices, got none" in render(page, catalogue(), "zh")
    monkeypatch.setattr(assembling, "plans", lambda product: (Plan(50, "prices", faulty),))
    with pytest.raises(KeyError):
        assemble(fraud_evidence, SETTINGS)


def test_a_source_in_one_language_is_refused() -> None:
    ours = {"zh": "本项目自定", "en": "ours"}
    read = ReportSettings.model_validate({"loan": {"one.auc": {"least": 0.7, "source": ours}}})
    limit = read.limit(Product.LOAN, "one.auc")
    held = Statistic("auc", "AUC", 0.8).held(limit)
    assert [catalogue().tongue(lang)(held.source) for lang in ("zh", "en")] == ["本项目自定", "ours"]
    for source in ("ours", {"zh": "本项目自定"}, {"en": "ours"}, {"zh": "", "en": "ours"}):
        with pytest.raises(ValidationError):
            ReportSettings.model_validate({"loan": {"one.auc": {"least": 0.7, "source": source}}})
    with pytest.raises(ValidationError, match=r"in one language for one\.auc"):
        ReportSettings.model_validate({"loan": {"one.auc": {"least": 0.7, "source": "ours"}}})


def test_points_are_waived_by_somebody_else_until_a_day(tmp_path: Path) -> None:
    page = Page("kind", "subject", Facts("f", ()), SECTIONS)
    found = points(page)
    assert {point.key: point.status.value for point in found} == {
        "one.auc": "red", "one.ks": "pass", "one.leak": "amber", "two.rows": "red",
    }  # fmt: skip
    path = tmp_path / "waivers.yaml"
    path.write_text("- {key: one.auc, reason: a pilot, by: wang, until: 2027-01-31}\n", encoding="utf-8")
    told = read_waivers(path)
    waived, idle = waive(found, told, date(2027, 1, 31), "lin")
    assert [point.key for point in waived if point.stops] == ["two.rows"]
    assert idle == ()
    late, idle = waive(found, told, date(2027, 2, 1), "lin")
    assert [point.key for point in late if point.stops] == ["one.auc", "two.rows"]
    assert idle == ("one.auc: expired on 2027-01-31",)
    with pytest.raises(ModelError, match="other than the trainer"):
        waive(found, told, date(2027, 1, 1), "Wang")
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(InputError, match="each key once"):
        read_waivers(path)
    unneeded = ReportWaiver(key="one.ks", reason="for luck", by="wang", until=date(2027, 1, 1))
    assert "nothing red" in waive(found, [unneeded], date(2026, 1, 1), "lin")[1][0]


def test_two_versions_are_paired_row_by_row(fraud_evidence: Evidence) -> None:
    whole = fraud_evidence.test
    rng = np.random.default_rng(0)
    noisy = replace(whole, raw=whole.raw + rng.normal(0, 2, len(whole.raw)))
    part = noisy.only(np.arange(len(whole.y)) % 10 > 0)
    a, b, why = common_rows(whole, part)
    assert why is None
    assert (a.seq == b.seq).all()
    assert len(a.seq) == part.labelled.sum()
    other = replace(fraud_evidence)
    vars(other)["test"] = part
    page = Page("kind", "subject", Facts("f", ()), SECTIONS)
    settings = ReportSettings(effort="light")
    made = side_by_side((fraud_evidence, page), (other, page), settings)
    auc = next(each for each in made.sections[0].statistics if each.key == "auc")
    value, interval = paired_difference(
        Ranking.of(b.y, b.raw).auc, Ranking.of(a.y, a.raw).auc, len(a.y), a.day, 60, fraud_evidence.settings.seed
    )
    assert (auc.value, auc.low, auc.high) == (value, interval.low, interval.high)
    assert auc.value is not None
    assert auc.value < 0
    vars(other)["test"] = part.only(np.arange(len(part.y)) < 10)
    unpaired = side_by_side((fraud_evidence, page), (other, page), settings)
    assert unpaired.sections[0].statistics == ()
    assert "Unpaired" in render(unpaired, catalogue(), "en")
