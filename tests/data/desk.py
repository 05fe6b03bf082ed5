"""A journal to import into, for tests."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from data.importer.importer import ImportResult, import_source
from data.importer.mapping import ImportMapping
from domain.settings import PlatformSettings
from stores.database import Database
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.vault import Vault

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "data" / "mappings"
SAMPLE = ROOT / "data" / "sample" / "payments.csv"


@dataclass
class Desk:
    """Journal, vault and folders of one test."""

    folder: Path
    journal: Journal
    vault: Vault
    platform: PlatformSettings

    @classmethod
    def at(cls, folder: Path) -> Desk:
        database = Database(folder / "assay.db")
        platform = load_settings(ROOT / "configs" / "platform.yaml", PlatformSettings)
        return cls(folder, Journal(database, folder / "journal"), Vault(database, bytes(32)), platform)

    def close(self) -> None:
        self.journal.database.close()

    @property
    def imports(self) -> Path:
        return self.folder / "imports"

    def mapping(self, settings: Mapping[str, Any] | str) -> ImportMapping:
        """A mapping out of a file, as a user has it."""
        path = self.folder / "mapping.yaml"
        text = settings if isinstance(settings, str) else yaml.safe_dump(dict(settings), sort_keys=False)
        path.write_text(text, encoding="utf-8")
        return load_settings(path, ImportMapping)

    def bring(
        self, mapping: Mapping[str, Any] | str, content: str | bytes | pa.Table, name: str = "file"
    ) -> ImportResult:
        """Import a file of this content."""
        if isinstance(content, pa.Table):
            source = self.folder / f"{name}.parquet"
            pq.write_table(content, source)
        else:
            source = self.folder / f"{name}.csv"
            source.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.take(self.mapping(mapping), source)

    def take(self, mapping: ImportMapping, source: Path) -> ImportResult:
        result = import_source(mapping, source, self.journal, self.vault, self.platform, self.imports)
        # Every row and every event is accounted for, whatever the test is about.
        assert result.n_rows == result.n_accepted + result.n_rejected
        assert (result.rejects is not None) == (result.n_rejected > 0)
        assert sum(result.n_events.values()) == (result.seq_to - result.seq_from + 1 if result.seq_to else 0)
        return result

    def rows(self, kind: str, *columns: str) -> list[dict[str, Any]]:
        """Events of a kind in the order of the journal; without null columns when none are named."""
        found = self.journal.read(kind, columns=list(columns) or None).to_pylist()
        return found if columns else [{k: v for k, v in row.items() if v is not None} for row in found]


PAYMENTS: dict[str, Any] = {
    "name": "shop",
    "source": {"format": "csv"},
    "zone": "UTC",
    "currency": "CNY",
    "at_most_rejected": 1.0,
    "events": [
        {
            "kind": "transaction",
            "event_id": "{ID}",
            "event_time": "AT",
            "columns": {"customer_id": "WHO", "amount": {"column": "AMOUNT", "unit": "decimal"}},
        }
    ],
}
"""A small mapping; its file has ID, AT, WHO, AMOUNT."""


GOOD = "ID,AT,WHO,AMOUNT\np1,2026-03-01T08:00:00Z,alice,57.16\n"
ROW = dict(zip(["ID", "AT", "WHO", "AMOUNT"], ["p1", "2026-03-01T08:00:00Z", "alice", "57.16"], strict=True))
"""A file of one good payment, and its cells."""


def payments(**changes: Any) -> dict[str, Any]:
    """The small mapping with other fields; a field that is None is left out."""
    changed = {**PAYMENTS, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def of_event(**changes: Any) -> dict[str, Any]:
    """The small mapping with other fields of its one event."""
    event = {**PAYMENTS["events"][0], **changes}
    return {**PAYMENTS, "events": [{name: value for name, value in event.items() if value is not None}]}


def of_columns(**columns: Any) -> dict[str, Any]:
    """The small mapping with more columns of its one event."""
    return of_event(columns={**PAYMENTS["events"][0]["columns"], **columns})


def rejects_of(path: Path | None) -> list[dict[str, str]]:
    """The rows of a CSV file of rejected rows."""
    assert path is not None
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))
