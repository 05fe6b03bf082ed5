"""What goes into a file comes out of the journal: any table of any kind, by CSV and by Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.importer.importer import import_source
from data.importer.mapping import ImportMapping
from domain.events import KINDS, NAMESPACES, ColumnType, Event, check_event, column_type
from domain.time import format_instant
from stores.schema import event_schema
from tests.data.desk import Desk
from tests.events import events

EXTENSIONS = {"x_number": ColumnType.NUMBER, "x_category": ColumnType.CATEGORY}
# A rate has to be known when money moves; the platform's begin in 2018.
moments = st.integers(1_600_000_000_000_000, 1_800_000_000_000_000)
kinds = st.sampled_from(sorted(KINDS))


def mapping_of(kind: str, file_format: str) -> ImportMapping:
    """Every column of a kind, each from a column of its own name."""
    columns: dict[str, Any] = {}
    for column in KINDS[kind].values():
        if column.type is ColumnType.MONEY:
            columns[column.name] = {"column": column.name, "unit": "minor"}
        elif column.type is not ColumnType.TIME:
            columns[column.name] = column.name
    for name, found in EXTENSIONS.items():
        columns[name] = {"column": name, "type": found.value}
    event: dict[str, Any] = {
        "kind": kind,
        "event_id": "{event_id}",
        "event_time": {"column": "event_time", "format": "epoch_us" if file_format == "parquet" else "iso"},
        "columns": columns,
        "times": {
            column.name: {"column": column.name, "format": "epoch_us"}
            for column in KINDS[kind].values()
            if column.type is ColumnType.TIME
        },
    }
    if kind != "outcome":
        event["known_at"] = {**event["event_time"], "column": "known_at"}
    source = {"format": file_format, "nulls": [""]}
    return ImportMapping.model_validate({"name": "trip", "source": source, "currency": "CNY", "events": [event]})


def parquet_of(batch: Sequence[Event], kind: str) -> bytes:
    schema = event_schema(kind, EXTENSIONS)
    names = [name for name in schema.names if name not in ("seq", "client")]
    rows = [head(event) | {**event.body} for event in batch]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([schema.field(name) for name in names])), sink)
    return sink.getvalue()


def csv_of(batch: Sequence[Event], kind: str) -> bytes:
    names = [name for name in event_schema(kind, EXTENSIONS).names if name not in ("seq", "client")]
    text = io.StringIO()
    write = csv.DictWriter(text, names, lineterminator="\n")
    write.writeheader()
    for event in batch:
        times = {name: format_instant(moment) for name, moment in head(event).items() if name != "event_id"}
        write.writerow({**event.body, "event_id": event.event_id, **times})
    return text.getvalue().encode()


def head(event: Event) -> dict[str, Any]:
    return {"event_id": event.event_id, "event_time": event.event_time, "known_at": event.known_at}


def expected(event: Event, desk: Desk) -> dict[str, Any]:
    """The event as the journal should hold it: numbers are floats, identifiers of people are tokens."""
    body: dict[str, Any] = {}
    for name, value in event.body.items():
        number = column_type(event.kind, name, value) is ColumnType.NUMBER
        body[name] = float(value) if number else value
        if name in NAMESPACES:
            body[name] = desk.vault.token(name, str(value))
    event_id = event.event_id
    return {"client": "trip", "event_id": event_id, **head(event), **body}


@given(data=st.data(), kind=kinds, file_format=st.sampled_from(["csv", "parquet"]))
@settings(max_examples=40)
def test_what_goes_in_comes_out(
    data: st.DataObject, kind: str, file_format: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    batch = data.draw(
        st.lists(events((kind,), moments=moments), min_size=1, max_size=10, unique_by=lambda event: event.event_id)
    )
    # Known when it happened, or later; amounts in a currency of the platform.
    batch = [known_later(event) for event in batch]
    desk = Desk.at(tmp_path_factory.mktemp("trip"))
    source = desk.folder / f"file.{file_format}"
    source.write_bytes(parquet_of(batch, kind) if file_format == "parquet" else csv_of(batch, kind))
    result = import_source(mapping_of(kind, file_format), source, desk.journal, desk.vault, desk.platform, desk.imports)
    assert (result.n_rows, result.n_accepted, result.n_rejected, result.reasons) == (len(batch), len(batch), 0, {})
    assert result.n_events == {kind: len(batch)}
    arrived = sorted(batch, key=lambda event: (event.known_at, event.event_time, event.event_id))
    wanted = [{"seq": seq, **expected(event, desk)} for seq, event in enumerate(arrived, start=1)]
    assert desk.rows(kind) == wanted
    for event in desk.journal.events():
        check_event(event)
    # A second time nothing is new.
    again = import_source(mapping_of(kind, file_format), source, desk.journal, desk.vault, desk.platform, desk.imports)
    assert (again.n_events, again.n_duplicates) == ({}, len(batch))
    assert desk.rows(kind) == wanted
    desk.close()


def known_later(event: Event) -> Event:
    body = {**event.body}
    if "currency" in KINDS[event.kind]:
        body["currency"] = "CNY" if body.get("currency") in (None, "JPY") else body["currency"]
    early, late = sorted((event.event_time, event.known_at))
    if event.kind == "outcome":
        early = late
    return Event(event.kind, event.event_id, early, late, body)


def test_identifiers_of_people_are_tokens_everywhere(desk: Desk, tmp_path: Path) -> None:
    mapping = {
        "name": "people",
        "source": {"format": "csv"},
        "zone": "UTC",
        "currency": "CNY",
        "events": [
            {
                "kind": "application",
                "event_id": "app-{PERSON}",
                "event_time": "AT",
                "columns": {"borrower_id": "PERSON", "amount": {"column": "AMOUNT", "unit": "minor"}},
            },
            {
                "kind": "loan",
                "event_id": "loan-{PERSON}-{row}",
                "event_time": {"column": "AT", "plus": "1d"},
                "columns": {
                    "borrower_id": "PERSON",
                    "loan_id": "LOAN",
                    "application_id": {"template": "app-{PERSON}"},
                    "amount": {"column": "AMOUNT", "unit": "minor"},
                },
            },
        ],
        "label": {"column": "BAD", "map": {1: "labelled_bad", 0: "labelled_good"}, "delay": "365d"},
    }
    result = desk.bring(mapping, "PERSON,LOAN,AT,AMOUNT,BAD\nalice@example.org,L1,2026-03-01,500,1\n")
    assert result.n_events == {"application": 1, "loan": 1, "outcome": 1}
    token = desk.vault.token("borrower_id", "alice@example.org")
    (application,) = desk.rows("application")
    (loan,) = desk.rows("loan")
    (outcome,) = desk.rows("outcome")
    assert application["borrower_id"] == loan["borrower_id"] == outcome["borrower_id"] == token
    assert application["event_id"] == loan["application_id"] == outcome["subject_event_id"] == f"app-{token}"
    assert (loan["event_id"], outcome["event_id"]) == (f"loan-{token}-1", f"app-{token}-label")
    assert loan["loan_id"] == desk.vault.token("loan_id", "L1")
    desk.journal.flush()
    desk.journal.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = [desk.journal.database.path, *desk.journal.segments.iterdir(), *desk.imports.iterdir()]
    assert not any(b"alice" in path.read_bytes() for path in stored)


def test_one_column_may_be_two_keys_and_equal_identifiers_meet(desk: Desk) -> None:
    mapping = {
        "name": "transfers",
        "source": {"format": "csv"},
        "zone": "UTC",
        "currency": "CNY",
        "events": [
            {
                "kind": "transaction",
                "event_id": "{row}",
                "event_time": "AT",
                "columns": {
                    "customer_id": "A",
                    "account_id": "A",
                    "payee_id": "B",
                    "amount": {"column": "M", "unit": "decimal"},
                },
            }
        ],
    }
    desk.bring(mapping, "A,B,AT,M\nx,y,2026-03-01,1\ny,x,2026-03-02,1\n")
    first, second = desk.rows("transaction", "customer_id", "account_id", "payee_id")
    assert first["account_id"] == second["payee_id"]
    assert first["payee_id"] == second["account_id"]
    assert first["customer_id"] != first["account_id"]
