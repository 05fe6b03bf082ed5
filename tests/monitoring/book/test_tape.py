"""The tape against the lender's own count of days past due, and against SQL."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from domain.events import Event
from domain.time import DAY
from monitoring.book.rolls import BUCKETS, roll_rates, statement_rolls
from monitoring.book.tape import NEVER
from monitoring.book.vintages import SEVERITIES, vintages
from monitoring.local_days import local_days
from stores.journal import Journal
from tests.monitoring.book.lender import ZONE, Lent, lent, months_back, tape_of
from tests.monitoring.planted import UNTIL

VIEWS = """
CREATE VIEW loans AS SELECT loan_id, (event_time + 28800000000) // 86400000000 AS day, amount, term_months AS term,
                            rate_annual / 12 AS i FROM loan;
CREATE VIEW due AS SELECT loan_id, instalment_number AS k, (event_time + 28800000000) // 86400000000 AS due, amount
                   FROM instalment;
CREATE VIEW money AS SELECT loan_id, instalment_number AS k, (event_time + 28800000000) // 86400000000 AS day, amount,
                            sum(amount) OVER (PARTITION BY loan_id, instalment_number ORDER BY event_time, seq)
                            AS so_far FROM repayment;
CREATE VIEW typical AS SELECT loan_id, median(amount) AS instalment FROM due GROUP BY loan_id;
CREATE VIEW every AS SELECT loan_id, k, due, amount FROM due
          UNION ALL SELECT DISTINCT money.loan_id, money.k, 1::BIGINT << 40,
                    coalesce(instalment, loans.amount * i / (1 - power(1 + i, -term)))
          FROM money JOIN loans USING (loan_id) LEFT JOIN typical USING (loan_id)
          ANTI JOIN due ON due.loan_id = money.loan_id AND due.k = money.k;
CREATE VIEW paid AS SELECT every.*, coalesce(min(money.day) FILTER (WHERE money.so_far >= 0.5 * every.amount),
                           1::BIGINT << 40) AS paid
         FROM every LEFT JOIN money USING (loan_id, k) GROUP BY ALL;
"""
CURVES = """
WITH reached AS (SELECT loan_id, min(due + $d) FILTER (WHERE paid >= due + $d) AS day FROM paid GROUP BY loan_id),
cohorts AS (SELECT *, date_trunc('month', DATE '1970-01-01' + day::INT) AS first FROM loans)
SELECT strftime(first, '%Y-%m') AS cohort, k,
       count(*) FILTER (WHERE reached.day <= datediff('day', DATE '1970-01-01', first + to_months(k::INT + 1)))
FROM cohorts LEFT JOIN reached USING (loan_id), range(25) AS ks(k)
WHERE first + to_months(k::INT + 1) <= DATE '2026-05-01' GROUP BY ALL ORDER BY cohort, k
"""
ROLLS = """
WITH ends AS (SELECT datediff('day', DATE '1970-01-01', DATE '2026-02-01' + to_months(m::INT)) AS day, m
              FROM range(4) AS ms(m)),
late AS (SELECT ends.m, ends.day, loan_id, ends.day - min(due) AS dpd FROM paid, ends
         WHERE due < ends.day AND paid >= ends.day GROUP BY ends.m, ends.day, loan_id),
got AS (SELECT ends.m, loan_id, sum(amount) AS money FROM money, ends WHERE money.day < ends.day GROUP BY ALL),
done AS (SELECT ends.m, loan_id, count(*) AS n, sum(amount) AS billed FROM paid, ends WHERE paid < ends.day
         GROUP BY ALL),
state AS (SELECT ends.m, loans.loan_id, coalesce(dpd, 0) AS dpd,
          greatest(0, amount * (power(1 + i, term) - power(1 + i, coalesce(n, 0))) / (power(1 + i, term) - 1)
                      - greatest(0, coalesce(money, 0) - coalesce(billed, 0)))
          <= 0.5 * coalesce(instalment, amount * i / (1 - power(1 + i, -term))) AS settled
          FROM loans CROSS JOIN ends LEFT JOIN late ON late.loan_id = loans.loan_id AND late.m = ends.m
          LEFT JOIN got ON got.loan_id = loans.loan_id AND got.m = ends.m
          LEFT JOIN done ON done.loan_id = loans.loan_id AND done.m = ends.m
          LEFT JOIN typical ON typical.loan_id = loans.loan_id WHERE loans.day < ends.day),
named AS (SELECT m, loan_id, CASE WHEN dpd > 360 THEN 'written_off' WHEN dpd >= 90 THEN '90+'
          WHEN dpd >= 60 THEN '60-89' WHEN dpd >= 30 THEN '30-59' WHEN dpd >= 1 THEN '1-29'
          WHEN settled THEN 'settled' ELSE 'current' END AS state FROM state)
SELECT a.state, b.state, count(*) FROM named a JOIN named b ON a.loan_id = b.loan_id AND b.m = a.m + 1
WHERE a.state NOT IN ('settled', 'written_off') GROUP BY ALL
"""


@pytest.fixture(name="sql", scope="module")
def _sql(simulated):
    connection = duckdb.connect()
    for kind in ("loan", "instalment", "repayment"):
        table = simulated.read(kind)
        known = [at < UNTIL for at in table["known_at"].to_pylist()]
        connection.register(kind, table.filter(known))
    connection.execute(VIEWS)
    yield connection
    connection.close()


def test_days_past_due_are_those_the_lender_told(simulated):
    tape = tape_of(simulated)
    told = simulated.read("instalment").to_pandas()
    row = told["loan_id"].map(pd.Series(np.arange(tape.n), index=tape.loan["loan_id"]))
    day = local_days(told["event_time"].to_numpy(), ZONE)
    assert len(told) > 5_000
    for each in np.unique(day):
        mine = day == each
        assert (tape.past_due(int(each))[row[mine]] == told["days_past_due"][mine]).all()


def test_vintages_are_those_of_sql(simulated, sql):
    tape = tape_of(simulated)
    found = vintages(tape, 24)
    assert sum(vintage.n for vintage in found) == tape.n
    for severity in SEVERITIES:
        rows = sql.execute(CURVES, {"d": severity}).fetchall()
        ours = [
            (vintage.month, k, hits) for vintage in found for k, hits in enumerate(vintage.hits[severity])
        ]  # fmt: skip
        assert ours == rows
        assert max(hits for *_, hits in rows) > 3


def test_roll_rates_are_those_of_sql(simulated, sql):
    rows = sql.execute(ROLLS).fetchall()
    made = roll_rates(tape_of(simulated), 3)
    ours = {
        (source, target, count)
        for source, line in zip(BUCKETS, made.counts, strict=True)
        for target, count in zip(BUCKETS, line, strict=True)
        if count
    }
    assert ours == set(rows)
    assert (made.since, made.until) == ("2026-01", "2026-04")
    assert len(rows) > 12


def test_rolls_of_statements_pair_one_month_with_the_next(simulated):
    table = simulated.read("statement")
    made = statement_rolls(table, ZONE, tape_of(simulated).today, 2)
    connection = duckdb.connect()
    connection.register("statement", table)
    rows = connection.execute(
        """WITH s AS (SELECT loan_id, datediff('month', DATE '1970-01-01',
                      (DATE '1970-01-01' + ((event_time + 28800000000) // 86400000000)::INT)) AS m,
                      least(greatest(months_past_due, 0), 3) AS state FROM statement
                      WHERE loan_id IS NOT NULL AND months_past_due IS NOT NULL
                      QUALIFY row_number() OVER (PARTITION BY loan_id, m ORDER BY event_time DESC, seq DESC) = 1)
        SELECT a.state, b.state, count(*) FROM s a JOIN s b ON a.loan_id = b.loan_id AND b.m = a.m + 1
        WHERE b.m IN (674, 675) GROUP BY ALL"""
    ).fetchall()
    ours = {(i, j, n) for i, line in enumerate(made.counts) for j, n in enumerate(line) if n}
    assert ours == set(rows)


def test_money_that_names_no_instalment_pays_the_oldest_first(journal):
    missed = frozenset({3})
    journal.append(lent([Lent("named", months_back(8), missed=missed), Lent("loose", months_back(8), missed=missed,
                                                                            numbered=False)]))  # fmt: skip
    tape = tape_of(journal)
    due = {number: int(tape.due[(tape.row == 0) & (tape.number == number)][0]) for number in (3, 4, 7)}
    paid = {row: tape.paid[(tape.row == row) & (tape.number == 3)][0] for row in (0, 1)}
    # The money of the fourth instalment pays the third, and so on: the loose loan is always one behind, never further.
    assert paid == {0: NEVER, 1: due[4] - 1}
    assert tape.past_due(due[7] + 1).tolist() == [due[7] + 1 - due[3], 1]


def test_a_shortfall_within_the_tolerance_is_paid_and_beyond_it_is_not(journal):
    events = lent([Lent("short", months_back(6))])
    paid = [event for event in events if event.kind == "repayment"]
    bodies = {paid[1].event_id: 60_000, paid[2].event_id: 40_000}
    journal.append([
        replace(event, body={**event.body, "amount": bodies.get(event.event_id, event.body["amount"])})
        for event in events
    ])  # fmt: skip
    tape = tape_of(journal)
    assert tape.paid[tape.number == 2][0] < NEVER
    assert tape.paid[tape.number == 3][0] == NEVER


def test_a_loan_paid_off_early_owes_nothing(journal):
    events = [event for event in lent([Lent("early", months_back(6))]) if event.kind != "instalment" or
              event.body["instalment_number"] <= 3]  # fmt: skip
    events = [event for event in events if event.kind != "repayment" or event.body["instalment_number"] <= 3]
    closing = next(event for event in events if event.event_id == "paid-early-3")
    events = [event for event in events if event is not closing]
    events.append(replace(closing, body={**closing.body, "amount": 100_000 + 900_000}))
    journal.append(events)
    tape = tape_of(journal)
    assert tape.balance(tape.today).tolist() == [0.0]
    assert tape.balance(int(tape.due[tape.number == 3][0]) - 2).tolist() == [1_000_000.0]


def test_what_belongs_to_no_loan_is_counted_and_left_out(journal):
    events = lent([Lent("known", months_back(5)), Lent("stray", months_back(5))])
    journal.append([event for event in events if event.event_id != "loan-stray"])
    tape = tape_of(journal)
    assert (tape.n, tape.n_orphans) == (1, 4 + 4)


def test_amounts_of_another_currency_are_converted(journal: Journal):
    journal.append(lent([Lent("dollars", months_back(3), amount=120_000, currency="USD")]))
    assert tape_of(journal).loan["amount"].tolist() == [120_000 * 7.05]


def test_a_loan_without_term_or_rate_owes_what_was_not_repaid(journal):
    made = lent([Lent("bare", months_back(4))])
    bare = {name: value for name, value in made[0].body.items() if name not in ("term_months", "rate_annual")}
    journal.append([replace(made[0], body=bare), *made[1:]])
    n_paid = sum(event.kind == "repayment" for event in made)
    assert tape_of(journal).balance(tape_of(journal).today).tolist() == [1_200_000 - 100_000 * n_paid]


def test_nothing_is_owed_before_it_is_paid_out(journal):
    journal.append(lent([Lent("new", months_back(1))]))
    tape = tape_of(journal)
    assert tape.balance(int(tape.loan["day"][0])).tolist() == [0.0]
    assert tape.balance(int(tape.loan["day"][0]) + 1).tolist() == [1_200_000.0]


def test_a_tape_of_nothing_is_empty(journal):
    assert tape_of(journal).n == 0
    assert vintages(tape_of(journal), 12) == ()
    journal.append([Event("inquiry", "q", UNTIL - DAY, UNTIL - DAY, {"borrower_id": "b"})])
    assert sum(map(sum, roll_rates(tape_of(journal), 3).counts)) == 0
