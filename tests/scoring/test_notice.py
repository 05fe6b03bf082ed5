"""The notice: what an applicant is told, and what is never in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.decision import Product
from domain.errors import DataError, DefinitionError, InputError
from scoring.notice import Notice, NoticeSettings, notice_of
from scoring.notice_page import as_html, as_text
from scoring.pages.words import LANGS, Lang
from scoring.replay import Cited, Replayer
from tests.scoring.bundles import policy
from tests.scoring.desk import AT, Desk, desk_in

SETTINGS = NoticeSettings.model_validate(
    {
        "creditor": {
            "name_zh": "试金消费金融有限公司", "name_en": "Touchstone <Finance> Ltd.", "address_zh": "上海测试路 1 号",
            "address_en": "1 Test Road, Shanghai", "source": "a test",
        },
        "review": {"phone": "400-111", "hours_zh": "工作日", "hours_en": "working days", "source": "a test"},
        "statements": [{"zh": "本通知依法出具。", "en": "A text of counsel.", "source": "a test"}],
        "norms": [{"jurisdiction_zh": "美国", "jurisdiction_en": "United States", "zh": "12 CFR 1002.9",
                   "en": "12 CFR 1002.9"}],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = desk_in(tmp_path_factory.mktemp("notice"))
    yield made
    made.journal.database.close()


@pytest.fixture(scope="module")
def by_action(desk: Desk) -> dict[str, Cited]:
    """One application for each action the policy can take, with reasons where it has them."""
    replayer = Replayer(desk.ledger, desk.journal, desk.folder / "bundles")
    made = policy(Product.LOAN, desk.bundles[Product.LOAN].encoder.names, {"cutoffs": _CUTS})
    found: dict[str, Cited] = {}
    for place in range(80):
        kept = desk.record(Product.LOAN, place, made=made)
        found.setdefault(kept.action, replayer.cited(kept.decision_id))
    return found


_CUTS = {"attention": 0.2, "warning": 0.4, "high": 0.6}


def written(cited: Cited, settings: NoticeSettings = SETTINGS) -> Notice:
    return notice_of(cited, settings, zone="Asia/Shanghai", issued_at=AT + 86_400_000_000)


def test_a_declined_applicant_is_told_the_reasons_of_the_ledger(by_action: dict[str, Cited]) -> None:
    cited = by_action["decline"]
    made = written(cited)
    given = [*cited.body["rule_reasons"], *cited.body["reasons"]]
    assert 1 <= len(made.reasons) <= 4
    assert [reason.code for reason in made.reasons] == [reason["code"] for reason in given][:4]
    assert (made.kind, made.decision_id, made.application) == (
        "declined",
        cited.entry.decision_id,
        cited.entry.event_id,
    )
    assert str(made.decided_on) == "2026-09-21"
    assert str(made.issued_on) == "2026-09-22"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("action", ["decline", "refer"])
def test_both_languages_say_everything_and_nothing_else(by_action: dict[str, Cited], action: str, lang: Lang) -> None:
    cited = by_action[action]
    made = written(cited)
    text, html = as_text(made, lang), as_html(made, lang)
    for reason in made.reasons:
        assert getattr(reason, lang) in text
        assert getattr(reason, lang) in html
    for part in (made.decision_id, made.application, "400-111", "12 CFR 1002.9", getattr(SETTINGS.statements[0], lang)):
        assert part in text
        assert part in html
    assert ("Touchstone <Finance>" in text) is (lang == "en")
    assert "<Finance>" not in html
    book = cited.bundle.reason_book  # type: ignore[union-attr]  # these decisions have a model
    for page in (text, html):
        assert not any(entry.analyst_zh in page or entry.analyst_en in page for entry in (*book.concepts, *book.rules))
        assert str(cited.body["score"]) not in page
        assert str(cited.event.body["borrower_id"]) not in page
        assert cited.entry.model not in page
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_what_may_not_be_disclosed_is_left_out(by_action: dict[str, Cited]) -> None:
    cited = by_action["decline"]
    codes = [reason["code"] for reason in cited.body["reasons"]]
    bundle = cited.bundle
    assert bundle is not None
    concepts = tuple(
        each.model_copy(update={"disclosable": each.code != codes[0]}) for each in bundle.reason_book.concepts
    )
    hidden = replace(
        cited, bundle=replace(bundle, reason_book=bundle.reason_book.model_copy(update={"concepts": concepts}))
    )
    assert codes[0] not in [reason.code for reason in written(hidden).reasons]
    none = tuple(each.model_copy(update={"disclosable": False}) for each in concepts)
    mute = replace(
        cited,
        body={**cited.body, "rule_reasons": []},
        bundle=replace(bundle, reason_book=bundle.reason_book.model_copy(update={"concepts": none})),
    )
    with pytest.raises(DataError, match="a person must write this notice"):
        written(mute)


def test_rule_reasons_come_first_and_four_are_enough(by_action: dict[str, Cited]) -> None:
    cited = by_action["decline"]
    rules = [{"code": each.code, "zh": each.zh, "en": each.en} for each in cited.policy.rule_reasons[:2]]
    told = written(replace(cited, body={**cited.body, "rule_reasons": rules})).reasons
    assert [each.code for each in told[:2]] == [each["code"] for each in rules]
    assert len(told) <= 4


def test_an_application_that_could_not_be_assessed_says_so(desk: Desk) -> None:
    kept = desk.record(Product.LOAN, 0, bundle=False)
    assert kept.action == "refer"
    made = written(Replayer(desk.ledger, desk.journal, desk.folder / "bundles").cited(kept.decision_id))
    assert made.reasons == ()
    assert "could not be assessed automatically" in as_text(made, "en")
    assert "系统未能自动完成" in as_html(made, "zh")


def test_an_approval_and_a_payment_have_no_notice(desk: Desk, by_action: dict[str, Cited]) -> None:
    with pytest.raises(InputError, match="expected an application that was declined or referred, got 'approve'"):
        written(by_action["approve"])
    kept = desk.record(Product.PAYMENT, 0)
    payment = Replayer(desk.ledger, desk.journal, desk.folder / "bundles").cited(kept.decision_id)
    with pytest.raises(InputError, match="a decision on a loan application"):
        written(payment)


@pytest.mark.parametrize("absent", ["creditor", "review"])
def test_no_creditor_and_no_contact_are_made_up(by_action: dict[str, Cited], absent: str) -> None:
    with pytest.raises(DefinitionError, match=f"got no {absent}"):
        written(by_action["decline"], SETTINGS.model_copy(update={absent: None}))
    assert NoticeSettings().creditor is None


@pytest.mark.parametrize(
    "review", [{"source": "x"}, {"phone": "1"}, {"phone": "1", "hours_en": "always", "source": "x"}]
)
def test_a_contact_that_reaches_nobody_is_refused(review: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NoticeSettings.model_validate({"review": review})


@pytest.mark.parametrize("lang", LANGS)
def test_it_prints_on_one_sheet(by_action: dict[str, Cited], lang: Lang, tmp_path: Path) -> None:
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("needs a browser: apt-get install chromium")
    made = written(by_action["decline"])
    made = replace(made, reasons=(*made.reasons, *made.reasons)[:4])
    page, pdf = tmp_path / "notice.html", tmp_path / "notice.pdf"
    page.write_text(as_html(made, lang), encoding="utf-8")
    subprocess.run(
        [str(chromium), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
         "--no-pdf-header-footer", f"--print-to-pdf={pdf}", str(page)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert pdf.read_bytes().count(b"/Type /Page\n") == 1
