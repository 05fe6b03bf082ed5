"""Bad rows are left out, counted and told; their neighbours are imported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import InputError
from tests.data.desk import GOOD, ROW, Desk, of_columns, of_event, payments, rejects_of

DECIMAL = {"column": "AMOUNT", "unit": "decimal"}
NAMELESS = of_event(columns={"amount": DECIMAL})["events"]
NULLED = of_columns(channel={"column": "WHO", "nulls": "alice"})
LABEL = {"column": "WHO", "map": {"alice": "confirmed_fraud"}, "delay": "7d"}


def mapped(column: str, **values: Any) -> dict[str, Any]:
    """The small mapping with a column that reads WHO through a value map."""
    return of_columns(**{column: {"column": "WHO", "map": values}})


@pytest.mark.parametrize(
    ("change", "mapping", "reason"),
    [
        ({"AMOUNT": "abc"}, payments(), "transaction.amount ← AMOUNT: expected a finite number"),
        ({"AMOUNT": "NaN"}, payments(), "transaction.amount ← AMOUNT: expected a finite number"),
        ({"AMOUNT": "inf"}, payments(), "transaction.amount ← AMOUNT: expected a finite number"),
        ({"AMOUNT": "-1e400"}, payments(), "transaction.amount ← AMOUNT: expected a finite number"),
        ({"AMOUNT": ""}, payments(), "transaction.amount ← AMOUNT: expected a money"),
        ({"AMOUNT": "1.234"}, payments(), "expected an amount with no more decimals than its currency has"),
        ({"AMOUNT": "90071992547409.93"}, payments(), "within ±9007199254740992"),
        ({"AMOUNT": "-0.01"}, of_columns(amount={**DECIMAL, "at_least": 0}), "expected at least 0"),
        ({"AT": "2026-02-30T08:00:00Z"}, payments(), "transaction.event_time ← column AT: expected an ISO 8601 time"),
        ({"AT": ""}, payments(), "transaction.event_time ← column AT: expected a time"),
        ({"AT": "1772000000"}, payments(), "expected an ISO 8601 time"),
        ({"AT": "1850-01-01"}, payments(), "expected an ISO 8601 time"),
        (
            {"AT": "2026-03-29 02:30:00"},
            payments(zone="Europe/Paris"),
            "expected a local time that exists once in Europe/Paris",
        ),
        ({"ID": ""}, payments(), "transaction.event_id ← {ID}: expected a key"),
        ({"ID": "x" * 129}, payments(), "transaction.event_id ← {ID}: expected printable text of 1 to 128 characters"),
        ({"ID": '"a\nb"'}, payments(), "expected printable text"),
        ({"WHO": "y" * 129}, payments(), "transaction.customer_id ← WHO: expected printable text"),
        ({"WHO": "a\u202eb"}, payments(), "transaction.customer_id ← WHO: expected printable text"),
        (
            {"WHO": "pigeon"},
            of_columns(channel={"column": "WHO", "nulls": "alice"}),
            "transaction.channel ← WHO: expected one of cash_agent, bank_card",
        ),
        ({"WHO": "x"}, mapped("channel", alice="mobile"), "transaction.channel ← WHO: expected one of alice"),
        ({"WHO": "x"}, mapped("card_present", alice=True), "expected one of alice"),
        ({"WHO": "yuan"}, mapped("currency", alice="CNY", yuan="yuan"), "expected an ISO 4217 code"),
        (
            {"WHO": "GBP"},
            mapped("currency", alice="CNY", GBP="GBP"),
            "expected CNY, or a GBP/CNY rate of the platform known by then",
        ),
        (
            {"WHO": "USD", "AT": "2017-12-31"},
            mapped("currency", alice="CNY", USD="USD"),
            "expected CNY, or a USD/CNY rate of the platform known by then",
        ),
        (
            {"WHO": "2026-02-28"},
            of_event(known_at="WHO", columns={"amount": DECIMAL}),
            "transaction.known_at ← column WHO: expected no time before event_time",
        ),
        ({"WHO": "2"}, payments(label=LABEL, events=NAMELESS), "label ← WHO: expected one of alice"),
    ],
)
def test_a_bad_row_is_written_aside_with_its_reason(
    desk: Desk, change: dict[str, str], mapping: dict[str, Any], reason: str
) -> None:
    good = {**ROW, "ID": "p0", "WHO": "2026-03-02" if "known_at" in mapping["events"][0] else "alice"}
    lines = [",".join(row.values()) for row in (good, {**ROW, **change}, {**good, "ID": "p2"})]
    result = desk.bring(mapping, "\n".join([",".join(ROW), *lines]) + "\n")
    assert (result.n_rows, result.n_accepted, result.n_rejected) == (3, 2, 1)
    (rejected,) = rejects_of(result.rejects)
    assert reason in rejected["_reason"]
    assert rejected["_reason"].count("expected") == 1, "one fault, one reason"
    assert rejected["_row"] == "2"
    as_sent = {name: value.strip('"') for name, value in {**ROW, **change}.items()}
    assert {name: rejected[name] for name in ROW} == as_sent
    assert list(result.reasons.values()) == [1]
    assert [row["event_id"] for row in desk.rows("transaction", "event_id")] == ["p0", "p2"]


def test_lines_of_other_lengths_are_kept_as_text_with_their_number(desk: Desk) -> None:
    broken = "p2,2026-03-01T08:00:00Z\n\np3,2026-03-01T08:00:00Z,bob,1,extra\n"
    content = GOOD + broken + GOOD.splitlines()[1].replace("p1", "p4")
    result = desk.bring(payments(), content)
    assert (result.n_rows, result.n_accepted, result.n_rejected) == (4, 2, 2)
    assert result.reasons == {"expected 4 columns, got 2": 1, "expected 4 columns, got 5": 1}
    rejected = rejects_of(result.rejects)
    assert [(row["_row"], row["_text"]) for row in rejected] == [
        ("2", "p2,2026-03-01T08:00:00Z"),
        ("3", "p3,2026-03-01T08:00:00Z,bob,1,extra"),
    ]


def test_row_numbers_survive_broken_lines(desk: Desk) -> None:
    mapping = of_event(event_id="r{row}")
    lines = GOOD.splitlines()
    desk.bring(mapping, "\n".join([lines[0], lines[1], "broken", lines[1], lines[1] + ",x", lines[1]]) + "\n")
    assert sorted(row["event_id"] for row in desk.rows("transaction", "event_id")) == ["r1", "r3", "r5"]


def test_one_row_in_another_encoding_is_one_bad_row(desk: Desk) -> None:
    latin = "p2,2026-03-01T08:00:00Z,café,1\n".encode("latin-1")
    result = desk.bring(payments(), GOOD.encode() + latin + GOOD.splitlines()[1].replace("p1", "p3").encode())
    assert (result.n_accepted, result.n_rejected) == (2, 1)
    assert result.rejects is not None
    (rejected,) = rejects_of(result.rejects)
    assert rejected["_reason"] == "transaction.customer_id ← WHO: expected text in the declared encoding"
    # The bytes written aside are the bytes that were sent.
    assert b"caf\xe9" in result.rejects.read_bytes()


def test_numbers_that_are_no_numbers_in_parquet(desk: Desk) -> None:
    n = 5
    table = pa.table(
        {
            "ID": [f"p{k}" for k in range(n)],
            "AT": pa.array([0, 1, 2, 3, None], pa.timestamp("us", "UTC")),
            "WHO": pa.array([1, 2, None, 4, 5], pa.int64()),
            "AMOUNT": [57.16, float("nan"), 1.0, float("inf"), 2.0],
        }
    )
    result = desk.bring(payments(source={"format": "parquet"}), table)
    assert (result.n_accepted, result.n_rejected) == (2, 3)
    assert result.rejects is not None
    aside = pq.read_table(result.rejects)
    assert aside["_row"].to_pylist() == [2, 4, 5]
    assert aside.schema.field("AMOUNT").type == pa.float64()
    assert np.isnan(aside["AMOUNT"][0].as_py())
    assert "expected a finite number" in aside["_reason"][0].as_py()
    # A missing optional key is no fault.
    assert [row.get("customer_id") is None for row in desk.rows("transaction")] == [False, True]


def test_a_row_is_imported_whole_or_not_at_all(desk: Desk) -> None:
    second = {**of_event()["events"][0], "event_id": "{ID}-again"}
    second["columns"] = {**second["columns"], "card_present": "FLAG"}
    mapping = payments(events=[*payments()["events"], second])
    result = desk.bring(mapping, "ID,AT,WHO,AMOUNT,FLAG\np1,2026-03-01,alice,1,true\np2,2026-03-01,bob,1,perhaps\n")
    assert (result.n_accepted, result.n_rejected, result.n_events) == (1, 1, {"transaction": 2})
    assert sorted(row["event_id"] for row in desk.rows("transaction", "event_id")) == ["p1", "p1-again"]
    # Nobody of a rejected row is known to the vault.
    assert desk.journal.database.one("SELECT count(*) FROM subject") == (1,)


def test_rows_that_a_filter_leaves_out_are_counted_and_not_judged(desk: Desk) -> None:
    mapping = of_event(when={"column": "WHO", "equals": ["alice", "bob"]})
    lines = ["p1,2026-03-01,alice,1", "p2,2026-03-01,carol,not a number", "p3,2026-03-01,bob,1", "p4,2026-03-01,,1"]
    result = desk.bring(mapping, "\n".join(["ID,AT,WHO,AMOUNT", *lines]) + "\n")
    assert (result.n_accepted, result.n_rejected, result.n_without_events) == (4, 0, 2)
    assert result.n_events == {"transaction": 2}
    assert desk.bring(of_event(when={"column": "WHO", "empty": True}), "ID,AT,WHO,AMOUNT\np5,2026-03-01,,1\n").n_events


def test_equal_rows_are_duplicates_and_contradictions_are_bad(desk: Desk) -> None:
    line = GOOD.splitlines()[1]
    again = "\n".join([line, line.replace("57.16", "57.17"), line.replace("Z", "+00:00")])
    result = desk.bring(payments(), GOOD + again + "\n")
    assert (result.n_accepted, result.n_rejected, result.n_duplicates) == (3, 1, 2)
    assert result.reasons == {"transaction.event_id: expected a new id, an earlier row has it with other values": 1}
    assert rejects_of(result.rejects)[0]["AMOUNT"] == "57.17"
    assert desk.rows("transaction", "amount") == [{"amount": 5716}]
    # Imported again, all of it is known.
    known = desk.bring(payments(), GOOD)
    assert (known.n_events, known.n_duplicates, known.seq_from, known.seq_to) == ({}, 1, 0, 0)


def test_the_ids_of_two_sources_never_meet(desk: Desk) -> None:
    desk.bring(payments(), GOOD)
    assert desk.bring(payments(name="bank"), GOOD).n_duplicates == 0
    assert [event.client for event in desk.journal.find("p1")] == ["shop", "bank"]
    assert desk.bring(payments(name="other", client="bank"), GOOD).n_duplicates == 1


def test_an_extension_keeps_its_first_type(desk: Desk) -> None:
    desk.bring(of_columns(x_tag={"column": "WHO", "type": "category"}), GOOD)
    with pytest.raises(InputError, match="expected a category, as first journalled"):
        desk.bring(of_columns(x_tag={"column": "AMOUNT", "type": "number"}), GOOD.replace("p1", "p2"))
    assert desk.journal.last_seq() == 1


def test_a_rate_is_known_from_its_first_day_on(desk: Desk) -> None:
    mapping = of_columns(currency="WHO", customer_id={"constant": "c"})
    lines = ["p1,2017-12-31T23:59:59.999999Z,USD,1", "p2,2018-01-01T00:00:00Z,USD,1", "p3,1999-01-01T00:00:00Z,CNY,1"]
    result = desk.bring(mapping, "\n".join(["ID,AT,WHO,AMOUNT", *lines]) + "\n")
    assert result.n_rejected == 1
    assert [row["event_id"] for row in desk.rows("transaction", "event_id")] == ["p3", "p2"]
    # What was accepted can be converted.
    fx = desk.platform.fx_table()
    for row in desk.rows("transaction", "amount", "currency", "event_time"):
        assert fx.to_base(row["amount"], row["currency"], row["event_time"]) in (100, 690)


def test_blanks_around_values_of_csv_are_no_part_of_them(desk: Desk) -> None:
    result = desk.bring(payments(), "ID,AT,WHO,AMOUNT\n p1 , 2026-03-01 ,alice  , 57.16\n")
    assert result.n_accepted == 1
    assert desk.rows("transaction", "event_id", "customer_id", "amount") == [
        {"event_id": "p1", "customer_id": desk.vault.token("customer_id", "alice"), "amount": 5716}
    ]


def test_each_row_has_the_decimals_of_its_own_currency(desk: Desk) -> None:
    rates = {**desk.platform.fx, "JPY": {"2018-01-01": "0.048"}, "KWD": {"2018-01-01": "23.5"}}
    desk.platform = desk.platform.model_copy(update={"fx": rates})
    lines = [
        f"p{n},2026-03-01,{money}" for n, money in enumerate(["JPY,500", "JPY,5.5", "KWD,1.234", "CNY,1.234", ",1.5"])
    ]
    result = desk.bring(
        of_columns(currency="WHO", customer_id={"constant": "c"}), "\n".join(["ID,AT,WHO,AMOUNT", *lines])
    )
    assert desk.rows("transaction", "event_id", "amount") == [
        {"event_id": "p0", "amount": 500},
        {"event_id": "p2", "amount": 1234},
    ]
    told = {row["ID"]: row["_reason"].split(" ← ")[0] for row in rejects_of(result.rejects)}
    assert told == {"p1": "transaction.amount", "p3": "transaction.amount", "p4": "transaction.currency"}
