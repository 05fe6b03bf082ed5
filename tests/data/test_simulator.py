"""The simulated world: repeatable, of the declared size and untidiness, every event a valid event."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from data.simulator.delivery import LATE
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from data.simulator.simulation import Simulation
from data.simulator.stories.script import STORIES
from domain.events import AUTH_METHODS, CHANNELS, COMPLAINT_CLASSES, KINDS, STAGES, Event, check_event
from domain.time import DAY

HEAD = ("event_id", "event_time", "known_at")
TINY = {"n_customers": 250, "payment_days": 30, "n_borrowers": 150, "loan_months": 16}


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(SimulationSettings.quick(seed=11))


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        np.random.default_rng(seed).random(len(name))  # nothing drawn elsewhere may matter
        simulate(SimulationSettings(seed=seed, **TINY)).write(tmp_path / name)
    files = {path.name for path in (tmp_path / "a").iterdir()}
    assert files == {f"{kind}.parquet" for kind in KINDS} | {"truth.parquet", "manifest.json", "README.md"}
    for name in sorted(files):
        first, second, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert first == second, name
        assert first != other, name


def test_manifest_tells_what_lies_there(tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    settings = SimulationSettings(seed=5, **TINY)
    made = simulate(settings, lambda done, total, what: steps.append((done, total, what)))
    manifest = made.write(tmp_path, lambda done, total, what: steps.append((done, total, what)))
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert SimulationSettings.model_validate(manifest["settings"]) == settings
    for kind, counts in manifest["kinds"].items():
        table = pq.read_table(tmp_path / f"{kind}.parquet")
        assert table.column_names == [*HEAD, "arrived_at", *KINDS[kind]]
        assert table.num_rows == counts["n_deliveries"]
        assert len(set(table["event_id"].to_pylist())) == counts["n_events"]
    assert "250" not in (tmp_path / "README.md").read_text()[:50]
    assert f"{manifest['n_payments']:,} authorisations" in (tmp_path / "README.md").read_text()
    assert [done for done, total, _ in steps if done == total] == [4, len(KINDS) + 1]


def test_stations_have_streams_of_their_own() -> None:
    """More borrowers change no payment."""
    few = simulate(SimulationSettings(seed=5, **TINY))
    more = simulate(SimulationSettings(seed=5, **{**TINY, "n_borrowers": 200}))
    assert few.tables["transaction"].equals(more.tables["transaction"])
    assert not few.tables["application"].equals(more.tables["application"])


def test_every_event_fits_its_kind(made: Simulation) -> None:
    seen: set[str] = set()
    for kind, table in made.tables.items():
        assert table.num_rows, kind
        for row in table.to_pylist():
            event_id, event_time, known_at = (row.pop(name) for name in HEAD)
            body = {name: value for name, value in row.items() if value is not None}
            check_event(Event(kind, event_id, event_time, known_at, body))
            assert event_id not in seen
            seen.add(event_id)
            assert known_at >= event_time


def test_every_column_that_is_declared_is_used(made: Simulation) -> None:
    for kind, table in made.tables.items():
        empty = {name for name in table.column_names if table[name].null_count == table.num_rows}
        assert not empty, kind


def test_all_channels_methods_and_stages_occur(made: Simulation) -> None:
    payments, proofs = made.tables["transaction"], made.tables["authentication"]
    assert set(payments["channel"].to_pylist()) == set(CHANNELS)
    assert set(payments["auth_method"].to_pylist()) == set(AUTH_METHODS)
    assert set(proofs["method"].to_pylist()) >= set(AUTH_METHODS) - {"none"}
    assert set(payments["stage"].to_pylist()) == {None, *STAGES}
    assert set(payments["currency"].to_pylist()) == {"CNY", "HKD", "EUR", "USD"}
    assert set(made.tables["complaint"]["complaint_class"].to_pylist()) == set(COMPLAINT_CLASSES)


@pytest.mark.parametrize("seed", range(5))
def test_rates_and_stories(seed: int) -> None:
    made = simulate(SimulationSettings(seed=seed, n_customers=1000, payment_days=75, n_borrowers=2000))
    assert 0.003 < made.fraud_rate() < 0.01
    assert 0.05 < made.default_rate() < 0.15
    told = set(made.truth["story"].to_pylist())
    assert told == {*STORIES, "honest", "first_party_loan"}


def test_default_size_is_as_promised() -> None:
    settings = SimulationSettings(seed=7)
    assert (settings.payment_days, settings.n_customers, settings.loan_months) == (120, 4000, 36)
    made = simulate(settings)
    assert 4_000 < made.tables["application"].num_rows < 9_000
    assert 0.003 < made.fraud_rate() < 0.01
    assert 0.05 < made.default_rate() < 0.15


def test_events_arrive_late_twice_and_out_of_order(made: Simulation) -> None:
    settings = made.settings
    for kind in ("transaction", "statement", "repayment"):
        table, arrived = made.tables[kind], made.delivered(kind)
        n = table.num_rows
        tolerance = 5 * np.sqrt(n)
        lateness = table["known_at"].to_numpy() - table["event_time"].to_numpy()
        assert abs((lateness > LATE).sum() - settings.late_share * n) < tolerance
        assert lateness.max() <= settings.max_lateness
        assert lateness.max() > DAY // 2
        assert lateness.min() > 0
        assert 0 < arrived.num_rows - n < settings.duplicate_share * n + tolerance
        arrival = arrived["arrived_at"].to_numpy()
        assert (np.diff(arrival) >= 0).all()
        assert (np.diff(arrived["event_time"].to_numpy()) < 0).any()
        frame = arrived.to_pandas()
        first = frame.drop_duplicates("event_id")
        assert (first["arrived_at"] == first["known_at"]).all()
        again = frame[frame.duplicated("event_id")].drop(columns="arrived_at")
        merged = again.merge(first, on=list(again.columns), how="inner")
        assert len(merged) == len(again)  # the same fact, word for word


def test_none_late_none_twice_when_told_so() -> None:
    made = simulate(SimulationSettings(seed=5, late_share=0.0, duplicate_share=0.0, **TINY))
    for kind, table in made.tables.items():
        assert made.delivered(kind).num_rows == table.num_rows
        assert (table["known_at"].to_numpy() - table["event_time"].to_numpy()).max() <= LATE


def test_some_payments_share_an_instant(made: Simulation) -> None:
    payments = made.tables["transaction"].to_pandas()
    ties = payments[payments["card_id"].notna()].duplicated(["card_id", "event_time"])
    assert ties.sum() > 5


def test_settings_say_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match=r"expected an ISO day such as 2026-01-01, got '1 May'"):
        SimulationSettings(start="1 May")
    with pytest.raises(ValidationError, match="payment_days"):
        SimulationSettings(payment_days=3)
    with pytest.raises(ValidationError, match="n_custmers"):
        SimulationSettings.model_validate({"n_custmers": 10})
