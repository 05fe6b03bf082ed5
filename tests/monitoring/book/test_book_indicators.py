"""Indicators of the book and of channels: planted trouble is read in its place and month, a sound lender is quiet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domain.events import Event
from domain.time import DAY, MINUTE
from monitoring.chunk import Chunker
from monitoring.indicator import indicators
from monitoring.limits import LimitSettings
from monitoring.reading import Reading
from monitoring.sight import Sight
from stores.journal import Journal
from stores.ledger import Ledger
from stores.settings_files import load_settings
from tests.monitoring.book.lender import ZONE, Lent, lent, look_at, months_back
from tests.monitoring.book.test_book import decided, portfolio
from tests.monitoring.planted import CONFIGS, UNTIL, at

MINE = {each.key: each for each in indicators()}
LIMITS = load_settings(CONFIGS / "limits.yaml", LimitSettings).limits.values()


def read(journal: Journal, root: Path, key: str) -> dict[str, Reading]:
    """Readings of the newest chunk, by place."""
    indicator = MINE[key]
    chunk = Chunker(indicator.period, ZONE).newest(UNTIL)
    sight = Sight(replace(look_at(journal, root), since=chunk.since, until=chunk.until))
    return {each.where: each for each in indicator.read(sight)}


def level(key: str, reading: Reading) -> str:
    """The worst level of any limit on an indicator."""
    if reading.value is None or reading.within_chance:
        return "normal"
    found = [
        limit.level(limit.judged(reading.value, reading.low, reading.high)).value
        for limit in LIMITS
        if limit.indicator == key and limit.holds_for(reading.where)
    ]
    order = ["normal", "attention", "warning", "high"]
    return max(found, key=order.index, default="normal")


def lender(*, crew: bool = False, decline: bool = False) -> list[Lent]:
    """Twenty months of sixty loans; with a crew in February, or everybody three months behind from January on."""
    made = []
    for loan in portfolio(0.02):
        back = int(loan.name[1:3])
        if crew and back == 3 and int(loan.name[4:]) < 30:
            loan = replace(loan, missed=frozenset(range(1, 13)))
        if decline and back > 5 and int(loan.name[4:]) % 3 == 0:
            loan = replace(loan, missed=loan.missed | frozenset(range(back - 4, 13)))
        made.append(loan)
    return made


def test_a_sound_lender_is_quiet(journal, tmp_path):
    journal.append(lent(lender()))
    for key in ("first_payment_default", "vintage_30_by_3", "roll_rate", "grade_migration", "bad_debt_rate",
                "rate_over_cap", "book_concentration"):  # fmt: skip
        for where, reading in read(journal, tmp_path, key).items():
            assert level(key, reading) == "normal" or where == "from=60-89", (key, reading)


def test_a_crew_is_seen_in_first_payments_and_not_in_the_rest(journal, tmp_path):
    journal.append(lent(lender(crew=True)))
    # February's loans are due on 10 March, and thirty days later it is April: the newest month.
    (reading,) = read(journal, tmp_path, "first_payment_default").values()
    assert (reading.value, reading.n) == (0.5, 60)
    assert level("first_payment_default", reading) == "high"
    assert level("bad_debt_rate", read(journal, tmp_path, "bad_debt_rate")[""]) == "normal"


def test_a_book_that_turns_is_seen_in_rolls_and_bad_debt(journal, tmp_path):
    journal.append(lent(lender(decline=True)))
    (bad,) = read(journal, tmp_path, "bad_debt_rate").values()
    rolls = read(journal, tmp_path, "roll_rate")
    assert level("bad_debt_rate", bad) != "normal"
    assert rolls["from=60-89"].value == 1.0
    assert level("reserve_shortfall", read(journal, tmp_path, "reserve_shortfall")[""]) == "normal"


@pytest.mark.parametrize(("second", "worst"), [("F", "high"), ("A", "normal")])
def test_borrowers_whose_grades_worsen_are_seen(journal, tmp_path, second, worst):
    ledger = Ledger(journal.database, bytes(32))
    for number in range(120):
        days, grade = (60, "A") if number < 60 else (10, second)
        body = {"borrower_id": f"b{number % 60}", "amount": 5, "currency": "CNY"}
        event = Event("application", f"a{number}", at(days) + number, at(days) + number, body)
        (appended,) = journal.append([event])
        decided(ledger, number, appended.seq, event.event_id, event.event_time, grade, 0.05)
    (reading,) = read(journal, tmp_path, "grade_migration").values()
    assert (reading.value, reading.n) == (float(second == "F"), 60)
    assert level("grade_migration", reading) == worst


def test_loans_above_the_cap_are_seen(journal, tmp_path):
    events = lent([Lent(f"l{number}", months_back(1)) for number in range(50)])
    dear = [replace(event, body={**event.body, "rate_annual": 0.36}) if event.event_id == "loan-l7" else event
            for event in events]  # fmt: skip
    journal.append(dear)
    (reading,) = read(journal, tmp_path, "rate_over_cap").values()
    assert reading.value == pytest.approx(1 / 50)
    assert level("rate_over_cap", reading) == "high"


def payments(failing: str | None) -> list[Event]:
    """Forty payments a day and channel for thirty days; on the last day half of one channel's are reversed."""
    made = []
    for channel in ("mobile", "bank_card"):
        for day in range(30, 0, -1):
            for number in range(40):
                time = at(day) + number * 20 * MINUTE
                body = {"amount": 1_000, "currency": "CNY", "channel": channel}
                made.append(Event("transaction", f"{channel}-{day}-{number}", time, time + 1, body))
                if (channel == failing and day == 1 and number % 2) or number == day:
                    back = {**body, "stage": "reversal", "links_to": made[-1].event_id}
                    made.append(Event("transaction", f"r-{channel}-{day}-{number}", time + 2, time + 3, back))
    return made


def test_a_channel_that_fails_is_seen_on_its_day_alone(tmp_path, journal):
    journal.append(payments("mobile"))
    found = read(journal, tmp_path, "channel_failure")
    assert found["channel=mobile"].value == pytest.approx(0.5, abs=0.03)
    assert level("channel_failure", found["channel=mobile"]) == "high"
    assert level("channel_failure", found["channel=bank_card"]) == "normal"


def test_the_share_of_foreign_money_is_read(tmp_path, journal):
    events = payments(None)
    journal.append([
        replace(event, body={**event.body, "currency": "USD"}) if event.event_id.startswith("mobile-1-") else event
        for event in events
    ])  # fmt: skip
    (reading,) = read(journal, tmp_path, "foreign_share").values()
    assert reading.value == pytest.approx(7.05 / 8.05)
    assert level("foreign_share", reading) == "warning"
    assert at(0) - DAY == Chunker("day", ZONE).newest(UNTIL).since
