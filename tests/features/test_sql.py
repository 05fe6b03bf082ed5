"""What SQL can say of the aggregates: the visibility law as a self-join, compared before the last division."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from domain.events import Event, Value
from domain.time import HOUR, MINUTE, SECOND
from features.aggregates import (
    Aggregate,
    CoefficientOfVariation,
    Concentration,
    Count,
    CountWhere,
    Degree,
    Distinct,
    First,
    InterArrival,
    Last,
    LastK,
    Max,
    Mean,
    Min,
    Rate,
    Ratio,
    Share,
    SharedWith,
    SinceLast,
    Std,
    Sum,
    SumWhere,
    TopShare,
)
from features.catalogue import compile_set
from features.conditions import at_least, is_true, multiple_of, one_of
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView
from tests.features.streams import PLATFORM, START, memory_journal, numbered, same_float

WINDOW, SHORT = HOUR, MINUTE
MOBILE, PRESENT = one_of("channel", "mobile"), is_true("card_present")
LARGE, ROUND = at_least("amount", 10**6), multiple_of("amount", 100)
OVER = ["1h"]

# One row per request and per event that it sees: the law, word for word, for requests of one instant too.
SEEN = f"""
    SELECT r.seq AS request, r.event_time AS t, r.merchant_id AS own, p.*,
           p.event_time - lag(p.event_time) OVER (PARTITION BY r.seq ORDER BY p.event_time, p.seq) AS gap,
           row_number() OVER (PARTITION BY r.seq ORDER BY p.event_time DESC, p.seq DESC) AS back
    FROM journalled r LEFT JOIN journalled p
    ON p.card_id = r.card_id AND p.seq < r.seq
       AND p.event_time < r.event_time AND p.event_time >= r.event_time - {WINDOW}
"""  # noqa: S608 - constants of this file
PLACE = "event_time::HUGEINT * 1000000 + seq"
TOTALS = f"""
    SELECT request, count(seq) AS n, sum(amount::HUGEINT) AS total, sum(amount::HUGEINT * amount) AS squares,
           min(amount) AS least, max(amount) AS most,
           arg_min(amount, {PLACE}) AS first_amount, arg_max(amount, {PLACE}) AS last_amount,
           count(*) FILTER (channel = 'mobile') AS mobile,
           sum(amount::HUGEINT) FILTER (amount >= 100000000) AS large_total,
           count(*) FILTER (amount <> 0 AND amount % 10000 = 0) AS round,
           count(card_present) AS flags, sum(card_present::INT) AS present,
           min(t - event_time) AS since, min(t - event_time) FILTER (card_present) AS since_present,
           min(t - event_time) FILTER (merchant_id = own) AS since_same,
           count(DISTINCT merchant_id) AS merchants,
           count(DISTINCT merchant_id) FILTER (own IS NULL OR merchant_id <> own) AS others,
           count(*) FILTER (event_time >= t - {SHORT}) AS n_short,
           sum(amount::HUGEINT) FILTER (event_time >= t - {SHORT}) AS total_short,
           count(gap) AS gaps, sum(gap::HUGEINT) AS gap_total, sum(gap::HUGEINT * gap) AS gap_squares,
           sum(amount::HUGEINT) FILTER (back <= 3) AS last_total, count(amount) FILTER (back <= 3) AS last_n
    FROM ({SEEN}) GROUP BY request
"""  # noqa: S608 - constants of this file
OCCURRENCES = f"""
    SELECT request, sum(c) AS known, sum(c * c) AS pairs, max(c) AS commonest
    FROM (SELECT request, merchant_id, count(*) AS c FROM ({SEEN}) WHERE merchant_id IS NOT NULL GROUP BY ALL)
    GROUP BY request
"""  # noqa: S608 - constants of this file

Row = dict[str, Any]


def over(top: Any, bottom: Any) -> float:
    return math.nan if top is None or not bottom else int(top) / int(bottom)


def deviation(n: Any, total: Any, squares: Any) -> float:
    if n < 2:
        return math.nan
    n, total, squares = int(n), int(total), int(squares)
    return math.sqrt(float(n * squares - total * total) / (n * (n - 1)))


CASES: tuple[tuple[Aggregate, Callable[[Row], float]], ...] = (
    (Count(over=OVER), lambda r: float(r["n"])),
    (Sum("amount", over=OVER), lambda r: over(r["total"], 100)),
    (Mean("amount", over=OVER), lambda r: over(r["total"], r["n"] * 100)),
    (Std("amount", over=OVER), lambda r: deviation(r["n"], r["total"], r["squares"]) / 100),
    (CoefficientOfVariation("amount", over=OVER),
     lambda r: deviation(r["n"], r["total"], r["squares"]) / abs(over(r["total"], r["n"]))),
    (Min("amount", over=OVER), lambda r: over(r["least"], 100)),
    (Max("amount", over=OVER), lambda r: over(r["most"], 100)),
    (First("amount", over=OVER), lambda r: over(r["first_amount"], 100)),
    (Last("amount", over=OVER), lambda r: over(r["last_amount"], 100)),
    (LastK("amount", k=3, statistic="sum"), lambda r: over(r["last_total"], 100)),
    (LastK("amount", k=3, statistic="mean"), lambda r: over(r["last_total"], r["last_n"] * 100)),
    (CountWhere(where=MOBILE, called="mobile", over=OVER), lambda r: float(r["mobile"])),
    (SumWhere("amount", where=LARGE, called="large", over=OVER), lambda r: over(r["large_total"], 100)),
    (Share(where=ROUND, called="round", over=OVER), lambda r: over(r["round"], r["n"])),
    (Rate("card_present", over=OVER, prior=0.25, strength=4),
     lambda r: (int(r["present"]) + 1.0) / (r["flags"] + 4.0) if r["flags"] else math.nan),
    (Ratio(short="1m", long="1h"), lambda r: over(r["n_short"], r["n"])),
    (Ratio("amount", statistic="mean", short="1m", long="1h"),
     lambda r: over(r["total_short"], r["n_short"]) / over(r["total"], r["n"])),
    (Distinct("merchant_id", over=OVER), lambda r: float(r["merchants"])),
    (Degree("merchant_id", over=OVER), lambda r: float(r["merchants"])),
    (SharedWith("merchant_id", over=OVER), lambda r: float(r["others"])),
    (Concentration("merchant_id", over=OVER), lambda r: over(r["pairs"], (r["known"] or 0) ** 2)),
    (TopShare("merchant_id", over=OVER), lambda r: over(r["commonest"], r["known"])),
    (SinceLast(), lambda r: over(r["since"], SECOND)),
    (SinceLast("merchant_id", same_value=True), lambda r: over(r["since_same"], SECOND)),
    (SinceLast(where=PRESENT, called="present"), lambda r: over(r["since_present"], SECOND)),
    (InterArrival(over=OVER), lambda r: over(r["gap_total"], r["gaps"] * SECOND)),
    (InterArrival(over=OVER, statistic="cv"),
     lambda r: deviation(r["gaps"], r["gap_total"], r["gap_squares"]) / over(r["gap_total"], r["gaps"])),
)  # fmt: skip


def payments(n: int, seed: int) -> list[Event]:
    """In no order of time, with ties, nulls and refunds of money."""
    rng = np.random.default_rng(seed)
    events = []
    for index in range(n):
        time = START + (index * 7 - int(rng.integers(600)) * int(rng.random() < 0.3)) // 3 * 3 * SECOND
        body: dict[str, Value] = {
            "card_id": f"c{rng.integers(9)}",
            "amount": int(rng.integers(-(10**6), 10**9)) // 10_000 * int(rng.choice([10_000, 9_999])),
            "currency": "CNY",
        }
        more: dict[str, Value] = {
            "merchant_id": f"m{rng.integers(5)}",
            "channel": str(rng.choice(["mobile", "bank_card"])),
            "card_present": bool(rng.integers(2)),
        }
        body |= {column: value for column, value in more.items() if rng.random() < 0.8}
        events.append(Event("transaction", f"e{index}", time, time, body))
    return numbered(events)


@pytest.fixture(scope="module")
def answers() -> tuple[pa.Table, list[Row]]:
    journal = memory_journal(payments(2500, 5))
    view = FeatureView(entity="card_id", source="transaction", features=[case for case, _ in CASES], name="card")
    chosen = compile_set(FeatureSettings(product="payment", own=[]), PLATFORM, (view,), (), {})
    ours = build_snapshot(chosen, journal, PLATFORM).table.sort_by("seq")
    journalled = journal.read("transaction")  # noqa: F841 - read by name in the query
    query = f"SELECT * FROM ({TOTALS}) LEFT JOIN ({OCCURRENCES}) USING (request) ORDER BY request"  # noqa: S608
    theirs = duckdb.sql(query).to_arrow_table().to_pylist()
    assert [row["request"] for row in theirs] == ours["seq"].to_pylist()
    return ours, theirs


@pytest.mark.parametrize(("aggregate", "finish"), CASES, ids=[case.names("card")[0] for case, _ in CASES])
def test_sql_says_the_same(
    answers: tuple[pa.Table, list[Row]], aggregate: Aggregate, finish: Callable[[Row], float]
) -> None:
    ours, theirs = answers
    (name,) = aggregate.names("card")
    expected = [finish(row) for row in theirs]
    for row, left, right in zip(theirs, expected, ours[name].to_pylist(), strict=True):
        assert same_float(left, right), (row, left, right)
    assert sum(not math.isnan(value) for value in expected) > len(expected) / 4
    assert len(set(expected)) > 4
