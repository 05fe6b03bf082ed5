"""The large-value report against SQL over the raw payments, and its limits, clocks and exemptions one by one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from domain.events import Event
from domain.time import DAY
from monitoring.aml.diligence import Diligence, Standing
from monitoring.aml.large_value import FILED, LargeValue, as_csv, as_records, large_values
from monitoring.aml.legs import legs_of
from stores.database import Database
from stores.journal import Journal
from stores.restricted import Record
from tests.monitoring.aml.world import START, UNTIL, ZONE, at, platform, settings

LARGE = settings().large_value
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


def standing(customer: str, party: str, exemption: str | None = None, accounts: tuple[str, ...] = ()) -> Standing:
    record = Diligence.model_validate(
        {"party": party, "grade": "low", "reasons": ["a test"], "evidence": [], "exemption": exemption,
         "accounts": accounts}
    )  # fmt: skip
    return Standing(customer, record, 0, "wen", (), None, None, (), ())


def report(
    events: list[Event], folder: Path, standings: dict[str, Standing] | None = None, *, declined: tuple[int, ...] = (),
    filed: tuple[Record, ...] = (), today: date = LAST, until: int = UNTIL,
) -> tuple[LargeValue, ...]:  # fmt: skip
    journal = Journal(Database(folder / "assay.db"), folder / "journal")
    journal.append(events)
    known = standings or {}
    legs = legs_of(journal, declined, platform(), LARGE, known, until=until)
    return large_values(
        legs, known, filed, LARGE, platform().fx_table(), since=FIRST, upto=LAST, today=today, zone=ZONE
    )


def payment(number: int, customer: str, amount: int, when: int, **more: object) -> Event:
    body = {"customer_id": customer, "account_id": f"acc-{customer}", "payee_id": "elsewhere", "amount": amount,
            "currency": "CNY", "channel": "mobile", **more}  # fmt: skip
    kept = {name: value for name, value in body.items() if value is not None}
    return Event("transaction", f"t{number}", when, when, kept)  # type: ignore[arg-type]


ORACLE = """
WITH pay AS (
    SELECT t.*, coalesce(stage, 'authorisation') AS s,
           CAST(floor((event_time + 8 * 3600000000) / 86400000000) AS BIGINT) AS day
    FROM t
),
reversed AS (SELECT links_to, sum(abs(amount)) AS undone FROM pay WHERE s = 'reversal' GROUP BY links_to),
paid AS (
    SELECT p.* REPLACE (p.amount - coalesce(r.undone, 0) AS amount)
    FROM pay p LEFT JOIN reversed r ON r.links_to = p.event_id
    WHERE s = 'authorisation' AND p.amount - coalesce(r.undone, 0) > 0
),
owners AS (SELECT DISTINCT account_id AS account, customer_id AS customer FROM pay),
legs AS (
    SELECT customer_id AS customer, 'out' AS direction, p.* FROM paid p
    UNION ALL SELECT o.customer, 'in', p.* FROM paid p JOIN owners o ON o.account = p.payee_id
    UNION ALL SELECT customer_id, 'in', p.* FROM pay p WHERE s = 'refund'
),
told AS (
    SELECT customer, day, direction,
           CASE WHEN channel = 'cash_agent' THEN 'cash'
                WHEN customer IN (SELECT customer FROM entities) THEN 'transfer_entity'
                WHEN coalesce(country, 'CN') <> 'CN' THEN 'transfer_person_cross_border'
                ELSE 'transfer_person_domestic' END AS rule,
           currency = 'CNY' AS home,
           -- To dollars over the rate of the day: whole numbers, rounded once, half to even.
           CASE WHEN currency = 'CNY' OR currency = 'USD' THEN CAST(amount AS HUGEINT) ELSE (
               SELECT q + CASE WHEN 2 * r > d OR (2 * r = d AND q % 2 = 1) THEN 1 ELSE 0 END FROM (
                   SELECT CAST(amount AS HUGEINT) * f.rate // u.rate AS q,
                          CAST(amount AS HUGEINT) * f.rate % u.rate AS r, u.rate AS d
                   FROM fx f, fx u
                   WHERE f.currency = legs.currency AND u.currency = 'USD'
                     AND f.day = (SELECT max(day) FROM fx WHERE fx.currency = legs.currency
                                  AND day <= legs.event_time // 86400000000)
                     AND u.day = (SELECT max(day) FROM fx WHERE fx.currency = 'USD'
                                  AND day <= legs.event_time // 86400000000))) END AS value
    FROM legs
)
SELECT customer, day, direction, rule, home, sum(value) AS total, count(*) AS n
FROM told GROUP BY ALL
HAVING sum(value) >= CASE
    WHEN rule = 'cash' THEN CASE WHEN home THEN 5000000 ELSE 1000000 END
    WHEN rule = 'transfer_entity' THEN CASE WHEN home THEN 200000000 ELSE 20000000 END
    WHEN rule = 'transfer_person_domestic' THEN CASE WHEN home THEN 50000000 ELSE 10000000 END
    ELSE CASE WHEN home THEN 20000000 ELSE 1000000 END END
"""


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_sql_says(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    entities = {"c0", "c1", "c2"}
    events = []
    for k in range(1500):
        who = f"c{int(random.integers(0, 12))}"
        to = f"acc-c{int(random.integers(0, 14))}"
        currency = str(random.choice(["CNY", "CNY", "CNY", "USD", "EUR", "HKD"]))
        size = int(np.exp(random.normal(14.2, 1.8)))
        # Local midnights too: the day is the platform's, not that of UTC.
        when = START + int(random.integers(0, 25)) * DAY + int(random.choice([0, 1, DAY - 1, DAY // 3, DAY // 2]))
        events.append(payment(k, who, size, when, payee_id=to, currency=currency,
                              channel=str(random.choice(["cash_agent", "mobile"])),
                              country=random.choice([None, "CN", "HK"])))  # fmt: skip
        lot = random.random()
        if lot < 0.1:
            stage = "reversal" if lot < 0.05 else "refund"
            events.append(payment(10_000 + k, who, int(size * random.choice([0.4, 1.0])) or 1, when + 60, payee_id=to,
                                  currency=currency, stage=stage, links_to=f"t{k}"))  # fmt: skip
    lines = report(events, tmp_path, {who: standing(who, "entity") for who in entities})
    t = pd.DataFrame([{"event_id": e.event_id, "event_time": e.event_time, **e.body} for e in events])
    for name in ("stage", "links_to", "country"):
        t[name] = t[name].astype(object).where(t[name].notna(), None)
    fx = pd.DataFrame(
        [(name, day, rate) for name, dated in platform().fx_table().rates.items() for day, rate in dated],
        columns=["currency", "day", "rate"],
    )
    with duckdb.connect() as sql:
        for name, frame in (("t", t), ("fx", fx), ("entities", pd.DataFrame({"customer": sorted(entities)}))):
            sql.register(name, frame)
        rows = sql.execute(ORACLE).fetchall()
    expected = {(c, day, way, rule, home): (int(total), n) for c, day, way, rule, home, total, n in rows}
    got = {
        (e.customer, (e.day - date(1970, 1, 1)).days, e.direction, e.rule, e.currency == "CNY"): (e.total, e.n_payments)
        for e in lines
    }
    assert got == expected
    assert len(got) > 50


@pytest.mark.parametrize(
    ("more", "limit", "party"),
    [
        ({"channel": "cash_agent"}, 50_000_00, "person"),
        ({"channel": "cash_agent"}, 50_000_00, "entity"),
        ({"channel": "cash_agent", "currency": "USD"}, 10_000_00, "person"),
        ({}, 2_000_000_00, "entity"),
        ({"country": "HK"}, 2_000_000_00, "entity"),
        ({"currency": "USD"}, 200_000_00, "entity"),
        ({}, 500_000_00, "person"),
        ({"currency": "USD"}, 100_000_00, "person"),
        ({"country": "HK"}, 200_000_00, "person"),
        ({"country": "HK", "currency": "USD"}, 10_000_00, "person"),
    ],
)
def test_the_limit_itself_counts(more: dict[str, str], limit: int, party: str, tmp_path: Path) -> None:
    halves = [payment(1, "c", limit - limit // 2 - 1, at(3, 9), **more), payment(2, "c", limit // 2, at(3, 15), **more)]
    known = {"c": standing("c", party)}
    assert report(halves, tmp_path / "below", known) == ()
    (line,) = report([*halves, payment(3, "c", 1, at(3, 23, 59), **more)], tmp_path / "at", known)
    assert (line.total, line.limit, line.n_payments) == (limit, limit, 3)
    # One minor unit on the other side of local midnight belongs to the next day.
    assert report([*halves, payment(3, "c", 1, at(4, 0), **more)], tmp_path / "after", known) == ()


def test_receipts_and_payments_cash_and_transfers_are_not_added_up(tmp_path: Path) -> None:
    events = [
        payment(1, "c", 30_000_00, at(3), channel="cash_agent"),
        payment(2, "c", 30_000_00, at(3)),
        payment(3, "d", 30_000_00, at(3), channel="cash_agent", payee_id="acc-c"),
    ]
    assert report(events, tmp_path) == ()


def test_a_receipt_is_that_of_the_customer_who_holds_the_account(tmp_path: Path) -> None:
    events = [payment(1, "d", 500_000_00, at(3), payee_id="second"), payment(2, "c", 1, at(1))]
    assert {(e.customer, e.direction) for e in report(events, tmp_path / "a")} == {("d", "out")}
    known = {"c": standing("c", "person", accounts=("second",))}
    assert {(e.customer, e.direction) for e in report(events, tmp_path / "b", known)} == {("d", "out"), ("c", "in")}


def test_without_a_record_the_stricter_limit_counts_and_it_says_so(tmp_path: Path) -> None:
    (line,) = report([payment(1, "c", 500_000_00, at(3))], tmp_path)
    assert (line.party, line.party_known, line.rule) == ("person", False, "transfer_person_domestic")


def test_what_was_declined_or_taken_back_did_not_happen(tmp_path: Path) -> None:
    events = [payment(1, "c", 500_000_00, at(3)), payment(2, "d", 500_000_00, at(3))]
    assert {e.customer for e in report(events, tmp_path / "a", declined=(1,))} == {"d"}
    undone = payment(3, "d", 500_000_00, at(4), stage="reversal", links_to="t2")
    assert {e.customer for e in report([*events, undone], tmp_path / "b")} == {"c"}
    captured = payment(4, "c", 500_000_00, at(3, 12), stage="capture", links_to="t1")
    (line, _) = report([*events, captured], tmp_path / "c")
    assert line.total == 500_000_00


def test_an_exempt_side_is_listed_as_exempt_and_why(tmp_path: Path) -> None:
    events = [payment(1, "c", 600_000_00, at(3), payee_id="acc-ministry"), payment(2, "ministry", 1, at(1))]
    known = {"ministry": standing("ministry", "entity", "state_body")}
    lines = report(events, tmp_path / "a", known)
    assert {(e.customer, e.state) for e in lines} == {("c", "exempt")}
    assert "state" in (lines[0].exemption or "")
    renewed = [payment(1, "c", 600_000_00, at(3), x_exemption="renewed_deposit")]
    assert report(renewed, tmp_path / "b")[0].state == "exempt"
    unknown = [payment(1, "c", 600_000_00, at(3), x_exemption="because_i_say_so")]
    assert report(unknown, tmp_path / "c")[0].state == "overdue"
    # What is left without the exempt part is still large, and only that is reported.
    both = [*renewed, payment(2, "c", 500_000_00, at(3))]
    (line,) = report(both, tmp_path / "d")
    assert (line.total, line.n_payments, line.exemption) == (500_000_00, 1, None)


def test_the_clock_runs_in_working_days_and_stops_when_filed(tmp_path: Path) -> None:
    event = payment(1, "c", 500_000_00, at(3))
    (line,) = report([event], tmp_path / "a", today=date(2026, 3, 10))
    assert (line.due_on, line.state) == (date(2026, 3, 10), "open")
    (line,) = report([event], tmp_path / "b", today=date(2026, 3, 11))
    assert line.state == "overdue"
    for when, state in ((at(10), "filed"), (at(11), "filed_late")):
        told = Record("r", FILED, "c", when, "wen", {"key": line.key, "reference": "7"})
        (filed,) = report([event], tmp_path / state, filed=(told,))
        assert filed.state == state


def test_nothing_known_later_is_seen(tmp_path: Path) -> None:
    early = payment(1, "c", 500_000_00, at(3))
    late = Event("transaction", "t2", at(3), at(9), early.body)
    (line,) = report([early, late], tmp_path, until=at(9))
    assert line.n_payments == 1


def test_files_for_a_person_hold_the_same_lines(tmp_path: Path) -> None:
    lines = report(
        [payment(1, "c", 500_000_00, at(3)), payment(2, "d", 50_000_00, at(4), channel="cash_agent")], tmp_path
    )
    records = as_records(lines)
    assert [each["total"] for each in records] == ["500000.00 CNY", "50000.00 CNY"]
    assert as_csv(lines).splitlines()[0].startswith("key,customer,party")
    assert len(as_csv(lines).splitlines()) == 3


def test_a_currency_without_a_rate_stops_the_report(tmp_path: Path) -> None:
    from domain.errors import DataError

    with pytest.raises(DataError, match="GBP"):
        report([payment(1, "c", 500_000_00, at(3), currency="GBP")], tmp_path)
