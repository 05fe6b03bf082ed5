from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.decision import Product
from domain.errors import DataError, ModelError
from scoring.decide import Degraded, Part
from scoring.replay import Replayer, replay
from stores.ledger import Entry
from tests.scoring.bundles import empty_lists, policy
from tests.scoring.desk import Desk, desk_in
from tests.scoring.test_lists import entry
from tests.scoring.test_policy import listed

PAYMENT, LOAN = Product.PAYMENT, Product.LOAN
KEY = bytes(range(32))
AT = 1_790_000_000_000_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = desk_in(tmp_path_factory.mktemp("desk"))
    yield made
    made.journal.database.close()


@pytest.mark.parametrize("product", list(Product))
def test_every_recorded_decision_is_replayed_bit_for_bit(desk: Desk, product: Product) -> None:
    kept = [desk.record(product, place) for place in range(60)]
    replayer = Replayer(desk.ledger, desk.journal, desk.folder / "bundles")
    seen = set()
    for one in kept:
        same, expected, got = replayer.replay(one.decision_id)
        assert same
        assert expected == got == one.body
        seen.add(one.action)
    assert len(seen) >= 3


HOW: list[dict[str, Any]] = [
    {"want_reasons": True},
    {"flags": ("late", "features_truncated")},
    {"degraded": Degraded(Part.REASONS, "deadline of 20 ms")},
    {"degraded": Degraded(Part.MODEL, "kill switch")},
    {"degraded": Degraded(Part.FEATURES, "state: gone\nfor now"), "features": False},
    {"features": False},
    {"bundle": False},
    {"bundle": False, "lists": listed(entry(namespace="device", value="d1"))},
    {"lists": listed(entry(list="allow", namespace="device", value="d1"))},
    {"lists": listed(entry(list="allow", namespace="device", value="d1", expires_at="2026-09-22T00:00:00Z"))},
    {"want_reasons": True, "degraded": Degraded(Part.REASONS, "deadline")},
]


@pytest.mark.parametrize("product", list(Product))
@pytest.mark.parametrize("how", HOW, ids=range(len(HOW)))
def test_recorded_degradation_and_lists_are_honoured(desk: Desk, product: Product, how: dict[str, Any]) -> None:
    for place in range(12):
        kept = desk.record(product, place, body={"device_id": "d1"}, **how)
        same, expected, got = desk.replay(kept.decision_id)
        assert same, (json.loads(expected), json.loads(got))


def test_an_older_policy_is_replayed_with_its_own_words_and_rates(desk: Desk) -> None:
    names = desk.bundles[PAYMENT].encoder.names
    older = policy(PAYMENT, names, {"version": "older", "cutoffs": {"attention": 0.01, "warning": 0.02, "high": 0.03}})
    kept = desk.record(PAYMENT, 3, made=older, body={"currency": "USD"})
    assert json.loads(kept.body)["versions"]["policy"] == older.hash
    assert desk.replay(kept.decision_id)[0]


def test_events_that_were_flushed_to_segments_are_found(desk: Desk) -> None:
    kept = desk.record(LOAN, 5)
    desk.journal.flush()
    assert desk.replay(kept.decision_id)[0]


def test_a_changed_vector_shows(desk: Desk) -> None:
    kept = desk.record(PAYMENT, 7)
    row = np.frombuffer(kept.vector or b"", dtype="<f8").copy()
    row[0] = row[0] * 3 + 100
    forged = replace(kept, decision_id="forged", vector=row.tobytes())
    same, expected, got = Replayer(_Holding(forged), desk.journal, desk.folder / "bundles").replay("forged")  # type: ignore[arg-type]
    assert not same
    assert json.loads(expected)["score"] != json.loads(got)["score"]


class _Holding:
    """A ledger that holds one entry and the shipped artifacts."""

    def __init__(self, held: Entry) -> None:
        self._held = held

    def get(self, decision_id: str) -> Entry:
        return self._held

    def artifact(self, digest: str) -> bytes:
        product = Product(self._held.product)
        known = (policy(product, None), empty_lists())
        return next(one.content for one in known if one.hash == digest)


def test_what_cannot_be_replayed_is_told(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a decision of the ledger, got 'nobody'"):
        desk.replay("nobody")
    kept = desk.record(PAYMENT, 2)
    with pytest.raises(ModelError, match="expected a bundle folder, found none"):
        replay(kept.decision_id, desk.ledger, desk.journal, tmp_path)
    elsewhere = replace(kept, event_id="another")
    with pytest.raises(DataError, match="expected event another of shop"):
        Replayer(_Holding(elsewhere), desk.journal, desk.folder / "bundles").replay("x")  # type: ignore[arg-type]
    garbled = replace(kept, body=b"{")
    with pytest.raises(DataError, match="canonical body of a decision"):
        Replayer(_Holding(garbled), desk.journal, desk.folder / "bundles").replay("x")  # type: ignore[arg-type]
    uncited = desk.record(PAYMENT, 2, lists=listed(entry(value="other")))
    desk.journal.database.execute("DELETE FROM artifact WHERE kind = 'lists' AND hash != ?", (empty_lists().hash,))
    with pytest.raises(DataError, match="an artifact of the ledger"):
        desk.replay(uncited.decision_id)


def test_another_process_reproduces_the_bytes_from_the_stores_alone(desk: Desk) -> None:
    kept = [desk.record(product, place) for product in Product for place in range(20, 30)]
    program = """
import sys
from pathlib import Path
from scoring.replay import Replayer
from stores.database import Database
from stores.journal import Journal
from stores.ledger import Ledger
folder = Path(sys.argv[1])
database = Database(folder / "assay.db")
replayer = Replayer(Ledger(database, bytes(range(32))), Journal(database, folder / "journal"), folder / "bundles")
print([replayer.replay(one)[0] for one in sys.argv[2:]])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(desk.folder), *[one.decision_id for one in kept]],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str([True] * 20)
