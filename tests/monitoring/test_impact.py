"""The impact query against a plain count over the same decisions."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from domain.decision import Product
from domain.errors import InputError
from domain.events import Event
from domain.outcomes import outcome_about
from domain.settings import PlatformSettings
from domain.time import DAY
from monitoring.impact import impact
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.settings_files import load_settings
from tests.stores.decisions import NOW, application, decision, payment

FX = load_settings(Path(__file__).parents[2] / "configs" / "platform.yaml", PlatformSettings).fx_table()
MATURITY = {Product.PAYMENT: 10 * DAY, Product.LOAN: 100 * DAY}
A, B = "a" * 64, "a" * 8 + "b" * 56


@pytest.fixture(name="books")
def _books(tmp_path: Path) -> tuple[Journal, Ledger]:
    home = Home(tmp_path)
    database = Database(home.database)
    return Journal(database, home.segments), Ledger(database, bytes(32))


def test_it_is_what_counting_gives(books: tuple[Journal, Ledger]) -> None:
    chance = random.Random(3)
    mine: list[tuple[Event, str, str, bool]] = []
    since, until = NOW - 20 * DAY, NOW - 5 * DAY
    for number in range(120):
        event = payment(
            f"p{number}", amount=chance.randrange(1, 9_999), currency=chance.choice(["CNY", "USD"]),
            at=NOW - chance.randrange(25 * DAY), customer_id=f"c{chance.randrange(30)}",
        )  # fmt: skip
        action, grade = chance.choice(["approve", "review", "decline"]), chance.choice(["normal", "high"])
        model, degraded = chance.choice([A, B]), chance.random() < 0.2
        body = json.dumps({"degraded": "model dropped: kill switch" if degraded else False}).encode()
        decision(*books, event, action, grade=grade, model=model, body=body)
        if model == A and since <= event.event_time < until:
            mine.append((event, action, grade, degraded))
    told = {event.event_id: chance.choice(["confirmed_fraud", "reviewed_genuine"]) for event, *_ in mine[::3]}
    books[0].append(
        [
            outcome_about(event, told[event.event_id], event_id=f"o{event.event_id}", known_at=NOW - 4 * DAY,
                          source="analyst", client="desk")
            for event, *_ in mine
            if event.event_id in told
        ]
    )  # fmt: skip
    (found,) = impact(A, *books, FX, MATURITY, since=since, until=until, known_until=NOW)
    assert (found.n, found.n_degraded) == (len(mine), sum(each[3] for each in mine))
    assert found.by_action == Counter(each[1] for each in mine)
    assert found.by_grade == Counter(each[2] for each in mine)
    amounts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for event, action, *_ in mine:
        amounts[action] += FX.to_base(int(event.body["amount"]), str(event.body["currency"]), event.event_time)
        code = told.get(event.event_id)
        young = event.event_time > NOW - MATURITY[Product.PAYMENT]
        labels["immature" if young else "positive" if code == "confirmed_fraud" else "negative"] += 1
    assert found.amounts == amounts
    assert found.labels == labels
    assert found.n_people == len({event.body["customer_id"] for event, *_ in mine})
    assert set(found.decision_ids) == {f"d-{event.event_id}" for event, *_ in mine}
    # What became known later is not seen from before.
    (before,) = impact(A, *books, FX, MATURITY, since=since, until=until, known_until=NOW - 4 * DAY)
    assert before.labels.get("positive", 0) == 0


def test_the_edges_of_the_period(books: tuple[Journal, Ledger]) -> None:
    for name, at in (("before", NOW - 1), ("first", NOW), ("last", NOW + 9), ("after", NOW + 10)):
        decision(*books, payment(name, at=at), model=A)
    (found,) = impact(A, *books, FX, MATURITY, since=NOW, until=NOW + 10, known_until=NOW + DAY)
    assert found.decision_ids == ("d-first", "d-last")


def test_a_bundle_by_its_first_digits_where_they_tell(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("p1"), model=A)
    decision(*books, payment("p2"), model=B)
    decision(*books, payment("p3"), model="none")
    decision(*books, application("l1"), model=A)
    options = {"since": NOW - 2 * DAY, "until": NOW, "known_until": NOW}
    assert [one.product for one in impact(A, *books, FX, MATURITY, **options)] == ["payment", "loan"]
    (found,) = impact("a" * 8 + "b", *books, FX, MATURITY, **options)
    assert found.model == B
    assert [one.decision_ids for one in impact("none", *books, FX, MATURITY, **options)] == [("d-p3",)]
    assert impact("c" * 8, *books, FX, MATURITY, **options) == ()
    assert impact("a" * 7, *books, FX, MATURITY, **options) == ()
    with pytest.raises(InputError, match="expected more digits of one bundle"):
        impact("a" * 8, *books, FX, MATURITY, **options)


def test_what_has_no_rate_is_counted_apart(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("p1", currency="XAU"), model=A)
    (found,) = impact(A, *books, FX, MATURITY, since=NOW - 2 * DAY, until=NOW, known_until=NOW)
    assert (found.n, found.n_unvalued, found.amounts) == (1, 1, {})
