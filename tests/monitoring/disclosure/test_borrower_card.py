"""The borrower card: repayment ability to the cent, only what may be told, nobody else's data, one sheet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from domain.decision import Product
from domain.errors import InputError
from monitoring.book.settings import pricing_of
from monitoring.disclosure.borrower_card import ability, card_of
from monitoring.disclosure.borrower_page import card_page
from monitoring.oversight.site import catalogue
from scoring.pages.render import render
from scoring.pages.words import LANGS
from scoring.pricing_settings import Pricing
from scoring.replay import Replayer
from tests.monitoring.planted import CONFIGS
from tests.scoring.bundles import policy
from tests.scoring.desk import Desk, desk_in

PRICING = pricing_of(CONFIGS / "credit.yaml")
ASKED = {"amount": 1_200_000, "currency": "CNY", "term_months": 12, "income_monthly": 400_000, "debt_monthly": 40_000}
CUTS = {"attention": 0.2, "warning": 0.4, "high": 0.6}


@pytest.fixture(scope="module", name="desk")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = desk_in(tmp_path_factory.mktemp("cards"))
    yield made
    made.journal.database.close()


@pytest.fixture(scope="module", name="cited")
def _cited(desk):
    """An application for each risk grade; the high one was declined, with reasons."""
    replayer = Replayer(desk.ledger, desk.journal, desk.folder / "bundles")
    made = policy(Product.LOAN, desk.bundles[Product.LOAN].encoder.names, {"cutoffs": CUTS})
    found = {}
    for place in range(60):
        kept = desk.record(Product.LOAN, place, made=made, body={"debt_monthly": 60_000, "borrower_id": f"b{place}"})
        found.setdefault(kept.risk_grade, replayer.cited(kept.decision_id))
    return found


@pytest.mark.parametrize(
    ("change", "burden", "with_loan"),
    [
        ({}, "comfortable", 0.38),
        ({"debt_monthly": 60_000}, "tight", 0.43),
        ({"debt_monthly": 120_000}, "beyond", 0.58),
        ({"income_monthly": 0}, "not_assessed", None),
        ({"term_months": None}, "not_assessed", None),
    ],
)
def test_ability_changes_with_what_was_declared(change, burden, with_loan):
    asked = {name: value for name, value in {**ASKED, **change}.items() if value is not None}
    found = ability(asked, PRICING, 0.12)
    assert found.burden == burden
    assert found.with_loan == (None if with_loan is None else pytest.approx(with_loan))


def test_without_a_source_nothing_is_judged():
    bare = Pricing(horizon_months=12, term_months=12)
    assert (ability(ASKED, bare, 0.12).burden, ability(ASKED, bare, 0.12).note) == ("not_assessed", "no_share")
    assert ability(ASKED, None, 0.12).affordable is None
    assert ability(ASKED, PRICING, None).note == "no_rate"


def test_a_card_says_what_was_decided(cited):
    declined = card_of(cited["high"], PRICING, 0.18, zone="Asia/Shanghai")
    approved = card_of(cited["normal"], PRICING, 0.18, zone="Asia/Shanghai")
    assert (declined.risk_grade, approved.risk_grade) == ("high", "normal")
    assert declined.credit_grade is not None
    assert declined.pd_band[0] >= approved.pd_band[1]
    assert declined.reasons
    assert "degraded" not in declined.caveats
    for lang, words in (("zh", "12个月内违约概率"), ("en", "probability of default within 12 months")):
        assert words in render(card_page(declined), catalogue(), lang)


def test_only_disclosable_reasons_are_told_and_nobody_else_is_named(desk, cited):
    card = card_of(cited["high"], PRICING, 0.18, zone="Asia/Shanghai")
    pages = [render(card_page(card), catalogue(), lang) for lang in LANGS]
    texts = [*pages, json.dumps(card.as_dict(), ensure_ascii=False)]
    book = desk.bundles[Product.LOAN].reason_book.concepts
    kept_back = [concept for concept in book if not concept.disclosable]
    borrowers = [f"b{place}" for place in range(60)]
    for text in texts:
        assert not any(concept.en in text for concept in kept_back)
        assert not any(f'"{borrower}"' in text or f">{borrower}<" in text for borrower in borrowers)
        assert "raw_score" not in text
    assert card.reasons[0].zh in pages[0]
    assert card.reasons[0].en in pages[1]


def test_a_payment_has_no_card(desk):
    kept = desk.record(Product.PAYMENT, 3)
    cited = Replayer(desk.ledger, desk.journal, desk.folder / "bundles").cited(kept.decision_id)
    with pytest.raises(InputError, match="a decision on a loan application"):
        card_of(cited, PRICING, 0.18, zone="Asia/Shanghai")


def test_a_degraded_decision_says_so_on_its_card(desk):
    kept = desk.record(Product.LOAN, 5, bundle=False)
    cited = Replayer(desk.ledger, desk.journal, desk.folder / "bundles").cited(kept.decision_id)
    card = card_of(cited, PRICING, 0.18, zone="Asia/Shanghai")
    assert card.credit_grade is None
    assert "ungraded" in card.caveats
    for lang in LANGS:
        assert render(card_page(card), catalogue(), lang)


def test_the_command_writes_the_card_of_its_decision(desk, cited, capsys):
    keys = desk.folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "chain.key").write_bytes(bytes(range(32)))
    (keys / "chain.key").chmod(0o600)
    told = {}
    for grade in ("normal", "high"):
        capsys.readouterr()
        decision = cited[grade].entry.decision_id
        arguments = ["--home", str(desk.folder), "--configs", str(CONFIGS), "borrower-card", decision, "--json"]
        assert main(arguments) == 0, capsys.readouterr().err
        told[grade] = json.loads(capsys.readouterr().out)
        assert (Path(desk.folder) / "reports" / "borrowers" / f"{decision}.zh.html").is_file()
    assert told["normal"]["risk_grade_zh"] == "正常"
    assert told["high"]["risk_grade_zh"] == "高风险"
    assert told["normal"]["ability"]["income"] == told["high"]["ability"]["income"]
    assert main(["--home", str(desk.folder), "borrower-card", "nobody"]) == 3


@pytest.mark.parametrize(
    ("change", "burden"),
    [({}, "comfortable"), ({"debt_monthly": 60_000}, "tight"), ({"debt_monthly": 120_000}, "beyond")],
)
def test_the_ability_that_the_command_shows_follows_what_was_declared(desk, run_assay, change, burden):
    keys = desk.folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "chain.key").write_bytes(bytes(range(32)))
    (keys / "chain.key").chmod(0o600)
    kept = desk.record(Product.LOAN, 7, body={**ASKED, **change, "borrower_id": f"shown-{burden}"})
    where = ["--home", str(desk.folder), "--configs", str(CONFIGS)]
    code, out, err = run_assay(*where, "borrower-card", kept.decision_id, "--json")
    assert code == 0, err
    assert json.loads(out)["ability"]["burden"] == burden
