"""Mappings: what is shipped reads, and what is wrong is told by field, before any file is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.importer.mapping import ImportMapping
from data.importer.unfold import unfolded
from domain.errors import DefinitionError
from domain.events import KINDS
from domain.time import DAY
from stores.settings_files import load_settings
from tests.data.desk import MAPPINGS, PAYMENTS, Desk, of_columns, of_event, payments

LABEL = {"column": "FRAUD", "map": {1: "chargeback_fraud", 0: "labelled_genuine"}, "delay": "7d"}


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_reads(path: Path) -> None:
    mapping = load_settings(path, ImportMapping)
    assert mapping.name == path.stem
    assert mapping.owner == mapping.name
    assert mapping.about
    protected = {c.name for columns in KINDS.values() for c in columns.values() if c.protected}
    for event in mapping.events:
        for name, spec in event.columns.items():
            # What is kept for validation only is not fed in under another name.
            sources = {s.column for n, s in event.columns.items() if n in protected}
            assert name in protected or spec.column is None or spec.column not in sources


def test_the_static_ones_say_so() -> None:
    static = {path.stem: load_settings(path, ImportMapping).static for path in MAPPINGS.glob("*.yaml")}
    assert {name for name, marked in static.items() if marked} == {"taiwan", "german"}


def test_taiwan_unfolds_the_months_as_the_file_names_them() -> None:
    mapping = load_settings(MAPPINGS / "taiwan.yaml", ImportMapping)
    statements = [event for event in mapping.events if event.kind == "statement"]
    found = {
        str(event.event_time.constant)[:7]: (event.columns["months_past_due"].column, event.columns["balance"].column)
        for event in statements
    }
    assert found == {
        "2005-09": ("PAY_0", "BILL_AMT1"),
        "2005-08": ("PAY_2", "BILL_AMT2"),
        "2005-07": ("PAY_3", "BILL_AMT3"),
        "2005-06": ("PAY_4", "BILL_AMT4"),
        "2005-05": ("PAY_5", "BILL_AMT5"),
        "2005-04": ("PAY_6", "BILL_AMT6"),
    }
    repayments = [event for event in mapping.events if event.kind == "repayment"]
    assert {str(e.event_time.constant)[5:7]: e.columns["amount"].column for e in repayments} == {
        f"{10 - n:02d}": f"PAY_AMT{n}" for n in range(1, 7)
    }


def test_no_shipped_mapping_reads_the_answer_as_a_column() -> None:
    for path in MAPPINGS.glob("*.yaml"):
        mapping = load_settings(path, ImportMapping)
        read = {name for event in mapping.events for name in event.source_columns}
        assert not read & {"TX_FRAUD", "TX_FRAUD_SCENARIO", "isFraud", "fraudStep", "default.payment.next.month"}
        assert not read & {"creditability"}


# ---------------------------------------------------------------- what is wrong

EVENT: dict[str, Any] = PAYMENTS["events"][0]
STATIC = {"constant": "2000-01-01", "static": True}


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (payments(name="My Shop"), "name: String should match pattern"),
        (payments(surprise=1), r"surprise: expected a known key .*got an unknown one with 1"),
        (payments(zoen="Asia/Shanghai"), r"zoen: expected a known key \(nearest: zone\), got .* with 'Asia/Shanghai'"),
        (payments(events=[]), "events: "),
        (payments(events=None), "events: Field required"),
        (payments(zone="Asia/Peking2"), "zone: .*IANA.*got 'Asia/Peking2'"),
        (payments(currency="yuan"), "currency: "),
        (payments(currency=None), "expected `currency: CNY` in the mapping, or a column for it"),
        (payments(at_most_rejected=5), "at_most_rejected: "),
        (payments(source={"format": "excel"}), "source.format: .*'csv' or 'parquet'"),
        (payments(source={"format": "csv", "encoding": "klingon"}), "expected an encoding such as utf-8"),
        (payments(source={"format": "csv", "delimiter": "||"}), "source.delimiter: "),
        (payments(source={"format": "csv", "decimal_point": ",", "thousands": ","}), "separator that differ"),
        (payments(leave_out={"WHO": "personal"}), "WHO left out and used at once"),
        (payments(events=[EVENT, EVENT]), "expected another event_id in every template"),
        (of_event(kind="wish"), "expected a kind out of transaction.*got 'wish'"),
        (of_event(event_id="always"), r"expected a text with \{row\}"),
        (of_event(event_id="{ID"), r"expected \{column\} or \{row\} between the braces"),
        (of_event(event_time={}), "expected one of `column` and `constant`"),
        (of_event(event_time={"column": "AT", "constant": "2000-01-01"}), "expected one of `column` and `constant`"),
        (of_event(event_time={"column": "AT", "format": "american"}), "expected format iso, epoch_s"),
        (of_event(event_time={"column": "AT", "step": "DAY"}), "`step: column` together with `unit: 1d`"),
        (of_event(event_time={"column": "AT", "plus": 7}), "expected a duration such as"),
        (of_event(event_time={"column": "AT", "zone": "Mars"}), "IANA"),
        (of_event(event_time={"column": "AT", "static": True}), "it needs a constant"),
        (of_event(event_time={"constant": "2000-01-01"}), "say `static: true` if the file has no time"),
        (of_event(event_time={"constant": "in spring", "static": True}), "ISO 8601"),
        (of_event(columns={"customer_id": "WHO"}), "transaction.amount: expected a source for this required column"),
        (of_columns(colour="COLOUR"), "expected a column out of customer_id.*or one of your own.*got 'colour'"),
        (of_columns(x_items="ITEMS"), "transaction.x_items: `type: number.category` is needed"),
        (of_columns(mcc={"column": "MCC", "type": "category"}), "for them only"),
        (of_columns(amount="AMOUNT"), "expected `unit: decimal` .57.16. or `unit: minor`"),
        (of_columns(amount={"column": "AMOUNT", "unit": "cents"}), "'decimal' or 'minor'"),
        (of_columns(amount={"column": "A", "unit": "minor", "map": {1: 2}}), "expected an amount from a column"),
        (of_columns(mcc={"column": "MCC", "unit": "minor"}), "this is a category"),
        (of_columns(mcc={"column": "MCC", "at_least": 0}), "`at_least` and `at_most` are for numbers"),
        (of_columns(latitude={"template": "{LAT}"}), "a `template` makes text, this is a number"),
        (of_columns(channel={"constant": "pigeon"}), "expected one of cash_agent.*got 'pigeon'"),
        (of_columns(channel={"column": "C", "map": {"POS": "pos"}}), "expected one of cash_agent.*got 'pos'"),
        (of_columns(card_present={"column": "P", "map": {"Y": "yes"}}), "expected a flag, got 'yes'"),
        (of_columns(mcc={"column": "MCC", "constant": "x"}), "expected one of `column`, `constant` and `template`"),
        (of_columns(mcc={"constant": "x", "map": {1: "x"}}), "`map` and `nulls` need a `column`"),
        (of_columns(mcc={"column": "MCC", "otherwise": "x"}), "`otherwise` needs a `map`"),
        (of_event(when={"column": "S"}), "expected either `equals: value` or `empty: true.false`"),
        (of_event(times={"subject_time": "AT"}), "expected a time column of transaction, got 'subject_time'"),
        (of_event(for_each=[]), "events.0.for_each: expected a list of variables"),
        (of_event(for_each=[{"month": 1}]), "expected {month} somewhere in the template, found none"),
        (of_event(for_each=[{"a": 1}, {"b": 1}]), "expected the same variables in every row"),
        (payments(label={**LABEL, "delay": None}), "label: an outcome without known_at needs a declared delay"),
        (payments(label={**LABEL, "known_at": "SEEN"}), "expected one of `delay` and `known_at`, got both"),
        (payments(label={**LABEL, "delay": 7}), "label.delay: .*expected a duration such as"),
        (payments(label={**LABEL, "map": {1: "aliens"}}), "expected outcome codes out of chargeback_fraud.*aliens"),
        (payments(label={**LABEL, "map": {1: "labelled_bad"}}), "expected outcome codes out of chargeback_fraud"),
        (payments(label={**LABEL, "of": "application"}), "expected one template of a transaction or application"),
        (
            {**of_columns(x_fraud={"column": "FRAUD", "type": "number"}), "label": LABEL},
            r"FRAUD is the answer; it may not be a column too \(transaction.x_fraud\)",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_field(desk: Desk, mapping: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionError, match=rf"(?s)mapping\.yaml: .*{told}"):
        desk.mapping(mapping)


def test_an_outcome_is_known_when_it_happens(desk: Desk) -> None:
    outcome = {
        "kind": "outcome",
        "event_id": "{ID}-chargeback",
        "event_time": "SEEN",
        "known_at": "SEEN",
        "times": {"subject_time": "AT"},
        "columns": {"subject_event_id": "ID", "subject_kind": {"constant": "transaction"}, "code": "CODE"},
    }
    with pytest.raises(DefinitionError, match="an outcome happens when it becomes known"):
        desk.mapping(payments(events=[outcome]))
    desk.mapping(payments(events=[{k: v for k, v in outcome.items() if k != "known_at"}], currency=None))
    with pytest.raises(DefinitionError, match=r"outcome.subject_time: expected it under `times`"):
        desk.mapping(payments(events=[{**outcome, "known_at": None, "columns": {"subject_time": "AT"}}]))


def test_the_hash_changes_with_what_is_imported_and_with_nothing_else(desk: Desk) -> None:
    one = desk.mapping(PAYMENTS)
    assert desk.mapping(payments(about="other words", leave_out={"REMARK": "free text"})).hash == one.hash
    assert desk.mapping(payments(zone="Asia/Shanghai")).hash != one.hash
    assert desk.mapping(of_columns(mcc="MCC")).hash != one.hash


def test_short_and_long_forms_are_one(desk: Desk) -> None:
    long = of_event(event_time={"column": "AT"})
    long["events"][0]["columns"] = {**EVENT["columns"], "customer_id": {"column": "WHO"}}
    assert desk.mapping(long) == desk.mapping(PAYMENTS)
    label = desk.mapping(payments(label=LABEL)).label
    assert label is not None
    assert label.delay == 7 * DAY
    assert label.map == {"1": "chargeback_fraud", "0": "labelled_genuine"}


def test_for_each_keeps_types_fills_everywhere_and_leaves_columns_alone() -> None:
    template = {
        "for_each": [{"n": 1, "bill": "B1"}, {"n": 2, "bill": "B2"}],
        "event_id": "{ID}-{n}",
        "columns": {"balance": {"column": "{bill}", "at_least": "{n}"}, "x_{bill}": "{bill}"},
        "when": [{"column": "{bill}", "empty": False}],
    }
    assert unfolded([template]) == [
        {
            "event_id": f"{{ID}}-{n}",
            "columns": {"balance": {"column": f"B{n}", "at_least": n}, f"x_B{n}": f"B{n}"},
            "when": [{"column": f"B{n}", "empty": False}],
        }
        for n in (1, 2)
    ]
    assert unfolded("nonsense") == "nonsense"
    assert unfolded([7]) == [7]
