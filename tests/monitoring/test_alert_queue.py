"""The queue against a plain sort, and links against a plain comparison of every pair."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from domain.alerts import AlertStatus
from domain.findings import Finding
from domain.matters import Step
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR
from monitoring.alert_queue import alert_queue
from monitoring.entity_links import linked_decisions
from stores.acts import Act, Acts
from stores.alerts import DISPOSED, Alerts
from stores.cases import Cases
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.matter_settings import CaseSettings
from stores.settings_files import load_settings
from stores.waiting_alerts import waiting_alerts
from tests.stores.decisions import NOW, application, decision, payment

CONFIGS = Path(__file__).parents[2] / "configs"
SETTINGS = load_settings(CONFIGS / "cases.yaml", CaseSettings)
FX = load_settings(CONFIGS / "platform.yaml", PlatformSettings).fx_table()


@pytest.fixture(name="books")
def _books(tmp_path: Path) -> tuple[Journal, Ledger]:
    home = Home(tmp_path)
    database = Database(home.database)
    return Journal(database, home.segments), Ledger(database, bytes(32))


def ids(books: tuple[Journal, Ledger], order: str = "loss", now: int = NOW) -> list[str]:
    waiting = waiting_alerts(books[0].database, now)
    return [each.alert.decision_id for each in alert_queue(waiting, books[0], SETTINGS, FX, order)]


def test_the_queue_is_what_sorting_by_probability_times_amount_gives(books: tuple[Journal, Ledger]) -> None:
    chance = random.Random(5)
    losses = {}
    for number in range(60):
        amount, score = chance.randrange(100, 90_000), chance.random()
        currency = chance.choice(["CNY", "USD"])
        at = NOW - DAY + number * HOUR // 10
        event = payment(f"p{number}", amount=amount, currency=currency, at=at)
        name = decision(*books, event, chance.choice(["review", "decline", "approve"]), score=score)
        losses[name] = score * FX.to_base(amount, currency, at)
    alerts = {each.decision_id for each in waiting_alerts(books[0].database, NOW)}
    approved = {name for name in losses if books[1].get(name).action == "approve"}  # type: ignore[union-attr]
    assert alerts == losses.keys() - approved
    assert ids(books) == sorted(alerts, key=lambda name: -losses[name])
    assert ids(books, "age") == sorted(alerts, key=lambda name: int(name[3:]))


def test_what_no_model_scored_counts_in_full_and_what_has_no_rate_stands_first(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("scored", amount=10_000), score=0.99)
    decision(*books, payment("unscored", amount=10_000), score=None)
    decision(*books, payment("strange", amount=1, currency="XAU"), score=0.1)
    decision(*books, application("loan", amount=9_950), score=1.0)
    assert ids(books) == ["d-strange", "d-unscored", "d-loan", "d-scored"]


def test_a_promise_is_broken_a_microsecond_after_it_was_due(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("p1"))
    (queued,) = alert_queue(waiting_alerts(books[0].database, NOW), books[0], SETTINGS, FX)
    assert queued.due_at is not None
    assert [queued.overdue(queued.due_at + late) for late in (0, 1)] == [False, True]


def test_a_past_moment_shows_the_queue_of_then(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("early", at=NOW - 2 * DAY))
    decision(*books, payment("late", at=NOW - HOUR))
    assert ids(books, now=NOW - DAY) == ["d-early"]
    books[0].database.execute(
        "UPDATE alert SET status = 'genuine', disposed_at = ? WHERE decision_id = 'd-early'", (NOW - 2 * HOUR,)
    )
    assert ids(books) == ["d-late"]
    assert ids(books, now=NOW - DAY) == ["d-early"]


def test_links_are_what_comparing_every_pair_gives(books: tuple[Journal, Ledger]) -> None:
    chance = random.Random(7)
    events = [
        payment(
            f"p{number}", at=NOW - chance.randrange(60 * DAY), card_id=f"c{chance.randrange(12)}",
            device_id=f"v{chance.randrange(15)}", payee_id=f"y{chance.randrange(9)}",
        )
        for number in range(80)
    ]  # fmt: skip
    for event in events[:70]:
        decision(*books, event)
    books[0].append(events[70:])  # never decided on: not linked
    books[0].flush()
    for event in events[:10]:
        entry = books[1].get(f"d-{event.event_id}")
        assert entry is not None
        expected = {
            f"d-{other.event_id}": tuple(name for name in SETTINGS.links if other.body[name] == event.body[name])
            for other in events[:70]
            if other is not event and abs(other.event_time - event.event_time) <= SETTINGS.link_within
        }
        found = linked_decisions(entry, *books, SETTINGS, NOW + 1)
        assert {link.decision_id: link.columns for link in found} == {k: v for k, v in expected.items() if v}
        assert [link.event_time for link in found] == sorted(link.event_time for link in found)


def test_links_end_where_the_settings_say(books: tuple[Journal, Ledger]) -> None:
    decision(*books, payment("p1", at=NOW - 40 * DAY))
    decision(*books, payment("edge", at=NOW - 10 * DAY))
    decision(*books, payment("beyond", at=NOW - 10 * DAY + 1))
    decision(*books, application("l1"))
    entry = books[1].get("d-p1")
    assert entry is not None
    assert [link.decision_id for link in linked_decisions(entry, *books, SETTINGS, NOW + 1)] == ["d-edge"]
    # What was decided later is not seen from before.
    assert linked_decisions(entry, *books, SETTINGS, NOW - 20 * DAY) == ()


def test_a_past_look_sees_the_first_disposition_and_not_only_the_last(books: tuple[Journal, Ledger]) -> None:
    """Taken up within the hour, settled a day later: in between the alert waited for nobody."""
    journal, ledger = books
    for name in ("case", "linked", "door", "left"):
        decision(journal, ledger, payment(name))
    acts = Acts(journal.database, bytes(32))
    cases, alerts = Cases(journal, ledger, acts, SETTINGS, FX), Alerts(journal.database)
    taken, settled = NOW + HOUR, NOW + DAY
    with journal.database.transaction():
        cases.open(["d-case"], at=taken, actor="lin")
        cases.link("case-1", ["d-linked"], at=taken + 1, actor="lin")
        cases.matters.append_within("case-1", Step.TAKEN, at=taken + 2, actor="lin")
        alerts.dispose_within("d-door", AlertStatus.ESCALATED, was=AlertStatus.OPEN, by="a", at=taken)
        acts.append_within(Act("one", DISPOSED, "d-door", taken, "a", {}))
    with journal.database.transaction():
        cases.close("case-1", Finding.FRAUD, at=settled, actor="lin")
        alerts.dispose_within("d-door", AlertStatus.GENUINE, was=AlertStatus.ESCALATED, by="a", at=settled)
        acts.append_within(Act("two", DISPOSED, "d-door", settled, "a", {}))

    def waiting(until: int) -> set[str]:
        return {each.decision_id for each in waiting_alerts(journal.database, until)}

    assert waiting(taken) == {"d-case", "d-linked", "d-door", "d-left"}
    assert waiting(taken + 1) == {"d-linked", "d-left"}
    assert waiting(settled) == waiting(settled + 1) == {"d-left"}
