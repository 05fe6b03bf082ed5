"""From the files of a simulation into a journal, and what is held back for the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data.simulator.load import held_back, journal_simulation, tokenised
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from domain.errors import DataError, InputError
from domain.events import KINDS, NAMESPACES, Event, check_event
from domain.time import DAY
from stores.database import Database
from stores.journal import Journal
from stores.vault import Vault

SETTINGS = SimulationSettings(seed=5, n_customers=250, payment_days=30, n_borrowers=150, loan_months=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation")
    simulate(SETTINGS).write(path)
    return path


def _stores(path: Path) -> tuple[Journal, Vault]:
    database = Database(path / "assay.db")
    return Journal(database, path / "journal"), Vault(database, bytes(32))


def _rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{kind}.parquet").to_pylist()
    return rows


def test_everything_reaches_the_journal_once(folder: Path, tmp_path: Path) -> None:
    journal, vault = _stores(tmp_path)
    steps: list[int] = []
    loaded = journal_simulation(folder, journal, vault, progress=lambda done, total, what: steps.append(total - done))
    made = simulate(SETTINGS)
    assert journal.kinds() == {kind: table.num_rows for kind, table in made.tables.items()}
    assert loaded.n_new == sum(journal.kinds().values()) == loaded.last_seq
    assert loaded.n_duplicate == sum(loaded.kinds.values()) - loaded.n_new > 0
    assert steps == list(range(len(KINDS), -1, -1))
    again = journal_simulation(folder, journal, vault)
    assert (again.n_new, again.n_duplicate) == (0, sum(loaded.kinds.values()))
    # Nothing but the keys of people has changed, and the order is that of arrival.
    for kind, table in made.tables.items():
        kept = journal.read(kind)
        assert kept["client"].unique().to_pylist() == ["simulator"]
        for name in table.column_names:
            if name not in NAMESPACES:
                assert kept[name].to_pylist() == table[name].to_pylist(), f"{kind}.{name}"


def test_people_are_tokens_in_the_journal(folder: Path, tmp_path: Path) -> None:
    journal, vault = _stores(tmp_path)
    journal_simulation(folder, journal, vault, client="bank")
    payments, raw = journal.read("transaction"), simulate(SETTINGS).tables["transaction"]
    for name in NAMESPACES:
        if name not in raw.column_names:
            continue
        pairs = set(zip(raw[name].to_pylist(), payments[name].to_pylist(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}), name
        assert (None, None) in pairs or raw[name].null_count == 0
        assert all(len(token) == 22 for _, token in pairs if token is not None)
    accounts = set(payments["account_id"].drop_null().to_pylist())
    assert accounts & set(payments["payee_id"].drop_null().to_pylist())  # one namespace
    borrowers = set(journal.read("application")["borrower_id"].to_pylist())
    assert borrowers & set(payments["customer_id"].to_pylist())
    assert payments["merchant_id"].drop_null()[0].as_py().startswith("M")


def test_a_journal_in_two_parts_is_the_journal(folder: Path, tmp_path: Path) -> None:
    whole, vault = _stores(tmp_path / "whole")
    journal_simulation(folder, whole, vault)
    parts, vault = _stores(tmp_path / "parts")
    cut = simulate(SETTINGS).end - 3 * DAY
    first = journal_simulation(folder, parts, vault, known_until=cut)
    assert parts.read("transaction")["known_at"].to_numpy().max() <= cut
    second = journal_simulation(folder, parts, vault, known_after=cut)
    assert second.n_new > 0
    assert second.last_seq == first.n_new + second.n_new
    for kind in KINDS:
        columns = ["seq", "event_id", "known_at"]
        assert whole.read(kind, columns=columns).equals(parts.read(kind, columns=columns))


def test_held_back_payments_come_as_bodies_in_order_of_arrival(folder: Path) -> None:
    cut = simulate(SETTINGS).end - 3 * DAY
    bodies = list(held_back(folder, "transaction", cut))
    rows = [row for row in _rows(folder, "transaction") if row["arrived_at"] > cut]
    subjects = [row for row in rows if row["stage"] in (None, "authorisation")]
    firsts = [row for row in subjects if row["arrived_at"] == row["known_at"]]
    assert [body["event_id"] for body in bodies] == [row["event_id"] for row in firsts]
    assert 50 < len(bodies) < len(rows)
    for body, row in zip(bodies, firsts, strict=True):
        columns = {name: value for name, value in body.items() if name not in ("event_id", "event_time")}
        check_event(Event("transaction", body["event_id"], body["event_time"], row["known_at"], columns))
        assert columns == {name: row[name] for name in KINDS["transaction"] if row[name] is not None}
    assert len(list(held_back(folder, "transaction", cut, limit=7))) == 7
    assert len(list(held_back(folder, "transaction", cut, again=True))) == len(subjects)
    assert len(list(held_back(folder, "transaction", cut, again=True, subjects=False))) == len(rows)


def test_held_back_applications_show_no_protected_attribute(folder: Path) -> None:
    bodies = list(held_back(folder, "application", 0))
    assert len(bodies) == len({row["event_id"] for row in _rows(folder, "application")})
    protected = {name for name, column in KINDS["application"].items() if column.protected}
    assert protected
    assert not any(protected & body.keys() for body in bodies)
    assert protected <= next(held_back(folder, "application", 0, protected=True)).keys()


def test_errors_say_what_to_do(folder: Path, tmp_path: Path) -> None:
    journal, vault = _stores(tmp_path)
    with pytest.raises(DataError, match=r"manifest\.json: expected a simulation, found none; make one with"):
        journal_simulation(tmp_path, journal, vault)
    with pytest.raises(InputError, match="expected a kind out of transaction"):
        next(held_back(folder, "payment", 0))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="expected JSON"):
        journal_simulation(broken, journal, vault)
    (broken / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    with pytest.raises(DataError, match=r"application\.parquet: expected the application events .*, found none"):
        journal_simulation(broken, journal, vault)
    (broken / "application.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        DataError, match=r"application\.parquet: expected the application events .*, got Could not open Parquet"
    ):
        journal_simulation(broken, journal, vault)
    assert journal.last_seq() == 0


def test_tokenised_keeps_nulls_and_empty_tables(tmp_path: Path) -> None:
    _, vault = _stores(tmp_path)
    table = pa.table({"card_id": pa.array(["a", None, "a"]), "amount": [1, 2, 3]})
    made = tokenised(table, vault)
    token = vault.token("card_id", "a")
    assert made.to_pydict() == {"card_id": [token, None, token], "amount": [1, 2, 3]}
    nothing = tokenised(table.slice(0, 0), vault)
    assert nothing.num_rows == 0
    assert pc.count(nothing["card_id"]).as_py() == 0
