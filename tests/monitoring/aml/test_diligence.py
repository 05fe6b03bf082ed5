"""Due-diligence records: history stays, reviews fall due, documents end, identifiers never stay clear."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
import yaml

from domain.errors import DefinitionError, InputError
from monitoring.aml.diligence import KIND, Diligence, read_diligence, standings
from stores.database import Database
from stores.restricted import RestrictedStore
from stores.vault import Vault
from tests.monitoring.aml.world import ZONE, at, settings

TOLD = {
    "customer_id": "c-1842", "party": "person", "grade": "high", "reasons": ["politically exposed"],
    "evidence": [{"kind": "id_card", "sha256": "ab" * 32, "verified_by": "lin", "verified_on": "2026-01-05",
                  "expires_on": "2026-03-10"}],
    "accounts": ["6222-0001"],
}  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(Database(tmp_path / "assay.db"), bytes(32))


def read(tmp_path: Path, vault: Vault, **changes: object) -> tuple[str, Diligence]:
    path = tmp_path / "record.yaml"
    path.write_text(yaml.safe_dump({**TOLD, **changes}, allow_unicode=True), encoding="utf-8")
    return read_diligence(path, vault)


def look(store: RestrictedStore, when: int):
    return standings(store.read(KIND), settings().diligence, at=when, zone=ZONE)


def test_identifiers_become_tokens_at_the_door(tmp_path: Path, vault: Vault) -> None:
    customer, record = read(tmp_path, vault)
    assert customer == vault.known("customer_id", "c-1842")
    assert record.accounts == (vault.known("account_id", "6222-0001"),)
    assert "6222" not in record.model_dump_json()


def test_a_copy_of_a_document_is_hashed_and_not_kept(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "card.jpg").write_bytes(b"a picture")
    evidence = {"kind": "id_card", "file": "card.jpg", "verified_by": "lin", "verified_on": "2026-01-05"}
    _, record = read(tmp_path, vault, evidence=[evidence])
    assert record.evidence[0].sha256 == hashlib.sha256(b"a picture").hexdigest()
    with pytest.raises(InputError, match=r"missing\.jpg"):
        read(tmp_path, vault, evidence=[{**evidence, "file": "missing.jpg"}])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"grade": "enormous"}, "grade"),
        ({"reasons": []}, "reasons"),
        ({"evidence": [{"kind": "ID Card", "sha256": "x"}]}, "evidence.0.kind"),
        ({"name": "Zhang Min"}, "name"),
        ({"started_on": "2026-03-01", "ended_on": "2026-02-01"}, "ended_on from 2026-03-01"),
        ({"customer_id": 7}, "customer_id as text"),
    ],
)
def test_what_does_not_fit_is_named_without_repeating_it(tmp_path, vault, changes, word) -> None:
    with pytest.raises((InputError, DefinitionError), match=word) as error:
        read(tmp_path, vault, **changes)
    assert "Zhang Min" not in str(error.value)


def test_the_newest_counts_and_the_others_are_its_history(tmp_path: Path, vault: Vault) -> None:
    store = RestrictedStore(tmp_path / "restricted", bytes(32))
    for day, grade in ((1, "low"), (5, "medium"), (9, "high")):
        customer, record = read(tmp_path, vault, grade=grade, reasons=[f"as of {day}"])
        store.append(KIND, customer, record.model_dump(mode="json"), made_by="wen", made_at=at(day))
    before = look(store, at(9))[customer]
    assert (before.record.grade, [each[1] for each in before.history]) == ("medium", ["low"])
    now = look(store, at(10))[customer]
    assert (now.record.grade, [each[1] for each in now.history]) == ("high", ["low", "medium"])


def test_reviews_fall_due_by_grade_and_documents_end(tmp_path: Path, vault: Vault) -> None:
    store = RestrictedStore(tmp_path / "restricted", bytes(32))
    for name, changes in {
        "due": {"review_on": "2026-03-04"},
        "high": {},
        "low": {"grade": "low"},
        "ended": {"review_on": "2026-03-04", "ended_on": "2026-03-01"},
    }.items():
        customer, record = read(tmp_path, vault, customer_id=name, **changes)
        store.append(KIND, customer, record.model_dump(mode="json"), made_by="wen", made_at=at(1))
    found = look(store, at(6))
    by_name = {name: found[vault.token("customer_id", name)] for name in ("due", "high", "low", "ended")}
    assert by_name["due"].overdue_days == 2
    assert (by_name["high"].overdue_days, by_name["high"].review_on) == (0, date(2026, 8, 31))
    # Nobody set an interval for low risk: not assessed, not "fine".
    assert (by_name["low"].review_on, by_name["low"].overdue_days) == (None, None)
    assert by_name["ended"].overdue_days is None
    assert [each.kind for each in by_name["due"].expiring] == ["id_card"]
    on_its_last_day, after = look(store, at(10)), look(store, at(11))
    customer = vault.token("customer_id", "due")
    assert not on_its_last_day[customer].expired
    assert [each.kind for each in after[customer].expired] == ["id_card"]
