"""The disclosure report: exact on a lender made by hand, the same when computed again later."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from cli.main import main
from domain.errors import DefinitionError
from domain.events import Event
from domain.time import DAY
from monitoring.chunk import Chunker
from monitoring.disclosure.report import disclose
from monitoring.disclosure.settings import DisclosureSettings, Figure
from stores.settings_files import load_settings
from tests.monitoring.book.lender import PRICING, SETTINGS, ZONE, Lent, lent, look_at, months_back
from tests.monitoring.planted import CONFIGS, UNTIL, home_with, journal_in, said

DISCLOSED = load_settings(CONFIGS / "disclosure.yaml", DisclosureSettings)
APRIL = Chunker("month", ZONE).newest(UNTIL)


def lender() -> list[Event]:
    """Ten sound loans a month for four months; one of January never pays."""
    loans = [
        Lent(f"l{back}-{number}", months_back(back), missed=frozenset(range(1, 13)) if (back, number) == (4, 0) else
             frozenset())
        for back in range(4, 0, -1)
        for number in range(10)
    ]  # fmt: skip
    return lent(loans)


def pay(number: int, time: int, **body: object) -> Event:
    return Event("transaction", f"p{number}", time, time + 1,
                 {"amount": 5_000, "currency": "CNY", "customer_id": f"c{number % 3}", **body})  # fmt: skip


def figures(root, capsys, period: str = "2026-04") -> dict[str, dict[str, object]]:
    code, told = said(root, capsys, "disclose", "--period", period)
    assert code == 0
    return told["figures"]


def test_figures_of_a_month_are_exact(tmp_path, capsys):
    payments = [pay(number, UNTIL - DAY) for number in range(7)]
    payments += [pay(7, UNTIL - 40 * DAY), pay(8, UNTIL - DAY, stage="capture", links_to="p0")]
    root = home_with(tmp_path, [*lender(), *payments])
    found = {key: each["value"] for key, each in figures(root, capsys).items()}
    assert found["loans_total_n"] == 40
    assert found["loans_total_amount"] == 40 * 12_000
    assert (found["loans_n"], found["loans_amount"], found["average_loan"]) == (10, 120_000, 12_000)
    assert (found["borrowers_total"], found["borrowers"]) == (40, 10)
    # Paid a day early: three instalments of January's loans, two of February's, one of March's, none of April's.
    sound = 9 * 9_000 + 10 * (10_000 + 11_000 + 12_000)
    assert found["balance"] == sound + 12_000
    assert (found["overdue_n"], found["overdue_amount"], found["overdue_60_89"]) == (1, 12_000, 12_000)
    assert found["overdue_rate"] == pytest.approx(12_000 / (sound + 12_000))
    assert found["overdue_90"] == found["bad_debt_rate"] == 0
    assert (found["payments_n"], found["payments_amount"], found["payers"]) == (7, 350, 3)
    assert found["lenders_total"] is found["compensation_n"] is None


def test_more_arrears_change_the_report_and_more_payers_do_not_touch_them(tmp_path, capsys):
    calm = figures(home_with(tmp_path / "calm", lender()), capsys)
    late = [event for event in lender() if not event.event_id.startswith("paid-l3-")]
    worse = figures(home_with(tmp_path / "worse", late), capsys)
    busy = figures(home_with(tmp_path / "busy", [*lender(), pay(1, UNTIL - DAY)]), capsys)
    assert worse["overdue_n"]["value"] == calm["overdue_n"]["value"] + 10
    assert worse["overdue_rate"]["value"] > 5 * calm["overdue_rate"]["value"]
    assert {key for key in calm if calm[key] != busy[key]} == {"payments_n", "payments_amount", "payers"}


def test_a_month_computed_again_later_says_the_same(tmp_path):
    journal = journal_in(tmp_path)
    march = Chunker("month", ZONE).before(APRIL, 1)[0]
    events = lender()
    look = replace(look_at(journal, tmp_path), since=march.since, until=march.until)
    journal.append([event for event in events if event.known_at < march.until])
    before = disclose(look, march, DISCLOSED, SETTINGS, PRICING).as_dict()
    late = [event for event in events if event.known_at >= march.until]
    late += [replace(pay(1, march.until - DAY), known_at=march.until)]
    journal.append(late)
    assert disclose(look, march, DISCLOSED, SETTINGS, PRICING).as_dict() == before
    assert disclose(look_at(journal, tmp_path), APRIL, DISCLOSED, SETTINGS, PRICING).as_dict() != before
    journal.database.close()


def test_a_currency_without_cents_is_not_divided_by_a_hundred(tmp_path):
    """A yen has no minor unit: 40 loans of 1,200,000 yen are 48 million yen, and not 480,000."""
    journal = journal_in(tmp_path)
    loans = [Lent(f"l{back}-{number}", months_back(back), currency="JPY") for back in (2, 1) for number in range(20)]
    journal.append([*lent(loans), pay(1, UNTIL - DAY, currency="JPY")])
    look = look_at(journal, tmp_path)
    look = replace(look, platform=look.platform.model_copy(update={"base_currency": "JPY", "fx": {}}))
    look, bare = replace(look, since=APRIL.since, until=APRIL.until), SETTINGS.model_copy(update={"reserve": ()})
    with pytest.raises(DefinitionError, match="an amount in JPY, the base currency"):
        disclose(look, APRIL, DISCLOSED, SETTINGS, PRICING)
    found = disclose(look, APRIL, DISCLOSED, bare, PRICING)
    assert found.item(Figure.LOANS_TOTAL_AMOUNT).value == 40 * 1_200_000
    assert found.item(Figure.AVERAGE_LOAN).value == 1_200_000
    assert found.item(Figure.PAYMENTS_AMOUNT).value == 5_000
    balance = found.item(Figure.BALANCE).value
    assert balance is not None
    assert balance > 40 * 1_000_000
    journal.database.close()


def test_compensation_is_what_others_repaid(tmp_path, capsys):
    events = [
        replace(event, body={**event.body, "x_paid_by": "guarantor"}) if event.event_id == "paid-l4-1-2" else event
        for event in lender()
    ]
    found = figures(home_with(tmp_path, events), capsys)
    assert (found["compensation_n"]["value"], found["compensation_amount"]["value"]) == (1, 1_000)
    assert found["compensation_n"]["source"]


def test_pages_and_json_are_written_and_say_the_same(tmp_path, capsys):
    root = home_with(tmp_path, lender())
    assert main(["--home", str(root), "disclose", "--period", "2026-04"]) == 0
    folder = root / "reports" / "disclosure" / "2026-04"
    told = json.loads((folder / "disclosure.json").read_text(encoding="utf-8"))
    assert set(told["figures"]) == {each.value for each in Figure}
    for lang in ("zh", "en"):
        page = (folder / f"disclosure.{lang}.html").read_text(encoding="utf-8")
        assert "480,000.00" in page
        assert told["figures"]["cover"][f"name_{lang}"] in page


@pytest.mark.parametrize("period", ["2026-13", "April", "2026-4", "2026-04-01", "2999-01"])
def test_what_is_no_past_month_is_refused(period, tmp_path, capsys):
    root = home_with(tmp_path, lender())
    assert main(["--home", str(root), "disclose", "--period", period]) == 2
    assert "expected a month" in capsys.readouterr().err


def test_a_figure_without_definition_is_refused(tmp_path):
    content = yaml.safe_load((CONFIGS / "disclosure.yaml").read_text(encoding="utf-8"))
    del content["definitions"]["cover"]
    path = tmp_path / "disclosure.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DefinitionError, match="got none of cover"):
        load_settings(path, DisclosureSettings)
