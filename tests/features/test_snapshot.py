"""Snapshots: the span, the subjects, the manifest, and a folder that cannot be altered unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from domain.errors import DataError
from features.catalogue import load
from features.replay import build_snapshot, subject_keys
from features.settings import FeatureSettings
from features.snapshot import Snapshot
from tests.features.streams import PLATFORM, START, dense_stream, memory_journal

CHOSEN = load(FeatureSettings(product="payment", views=["card", "merchant_known_fraud"]), PLATFORM)
EVENTS = dense_stream(11, 40)


def built(**options: object) -> Snapshot:
    return build_snapshot(CHOSEN, memory_journal(EVENTS), PLATFORM, clock=lambda: START, **options)  # type: ignore[arg-type]


def test_columns_in_order() -> None:
    table = built().table
    head = ["seq", "client", "event_id", "event_time", "known_at", *subject_keys("transaction"), "amount_base"]
    assert table.column_names == [*head, *CHOSEN.names, "truncated", "stale"]
    assert table["amount_base"].type == pa.int64()
    for name in CHOSEN.names:
        assert table[name].type == (pa.string() if name in CHOSEN.categorical else pa.float64())
    assert [a / 100 for a in table["amount_base"].to_pylist()] == table["amount"].to_pylist()


def test_manifest() -> None:
    snapshot = built()
    manifest = snapshot.manifest
    assert manifest["definition"] == CHOSEN.hash
    assert manifest["n_rows"] == snapshot.table.num_rows > 10
    assert manifest["upto_seq"] == len(EVENTS)
    assert manifest["created_at"] == "2026-02-25T06:13:20Z"
    assert manifest["null_shares"]["amount"] == 0
    assert manifest["null_shares"]["mcc"] == 1
    assert manifest["null_shares"]["merchant_known_fraud_is_positive_rate_30d"] == 1
    assert 0 < manifest["null_shares"]["card_amount_mean_30d"] < 1
    assert manifest["n_truncated"] == 0


def test_spans_and_subjects() -> None:
    full = built().table
    part = built(after=10, upto=30).table
    assert part["seq"].to_pylist() == [seq for seq in full["seq"].to_pylist() if 10 < seq <= 30]
    wanted = full["seq"].to_pylist()[3::4]
    chosen = built(subjects=pa.array(wanted)).table
    assert chosen["seq"].to_pylist() == wanted
    assert repr(chosen.to_pylist()) == repr([row for row in full.to_pylist() if row["seq"] in wanted])
    assert repr(part.to_pylist()) == repr([row for row in full.to_pylist() if 10 < row["seq"] <= 30])
    not_asked = next(event.seq for event in EVENTS if event.kind == "outcome")
    with pytest.raises(DataError, match=rf"subjects: expected the seq of a transaction.*, got \[{not_asked}\]"):
        built(subjects=pa.array([not_asked]))


def test_empty_journal() -> None:
    snapshot = build_snapshot(CHOSEN, memory_journal(), PLATFORM)
    assert snapshot.table.num_rows == 0
    assert snapshot.manifest["upto_seq"] == 0


def test_progress_is_told() -> None:
    steps: list[tuple[int, int, str]] = []
    built(progress=lambda done, total, what: steps.append((done, total, what)))
    done = [done for done, _, _ in steps]
    assert done == sorted(done)
    assert {total for _, total, _ in steps} == {done[-1]}, "the total is known from the start, and reached"
    assert "view card" in [what for _, _, what in steps]


def test_save_and_load(tmp_path: Path) -> None:
    snapshot = built()
    snapshot.save(tmp_path / "one")
    again = Snapshot.load(tmp_path / "one")
    assert repr(again.table.to_pylist()) == repr(snapshot.table.to_pylist())
    assert again.table.schema == snapshot.table.schema
    assert {**snapshot.manifest, "table_sha256": again.manifest["table_sha256"]} == again.manifest
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    with pytest.raises(DataError, match="expected no snapshot there yet"):
        snapshot.save(tmp_path / "one")


def test_damage_is_seen(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a snapshot"):
        Snapshot.load(tmp_path / "none")
    folder = tmp_path / "one"
    built().save(folder)
    table = folder / "table.parquet"
    content = table.read_bytes()
    table.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(DataError, match="the table was altered"):
        Snapshot.load(folder)
    table.write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps([1])[:-1])
    with pytest.raises(DataError, match="expected a snapshot"):
        Snapshot.load(folder)
