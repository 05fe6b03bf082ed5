"""A simulation: its events, the truth about them, and the files they are handed over in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.simulator.delivery import delivered, late_share
from data.simulator.settings import SimulationSettings
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, LabelPolicy, Verdict
from domain.time import DAY, business_day, format_instant

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and what was just done."""

MANIFEST, TRUTH = "manifest.json", "truth.parquet"

_MATURITY = 380 * DAY  # 12 months and the days between application and disbursement

_README = """\
# Simulated payments and loans

Made by `assay simulate --seed {seed}`; the same settings give the same bytes. Nobody in it exists.

One Parquet file per kind of event, rows in the order in which they arrived. `event_time` is when it happened,
`known_at` when the platform could first know of it, `arrived_at` when this row came in (all µs since 1970 UTC):
some events come late, some twice under the same `event_id`. Amounts are minor units of `currency`.
Identifiers are raw; they become tokens on their way into the journal.

`truth.parquet` holds the story behind each payment and application. It is for tests: a model that reads it has
been shown the answer. `manifest.json` holds settings, counts, rates and the SHA-256 of each file.

| | |
|---|---|
| payments | {first_day} … {last_day}, {n_payments:,} authorisations, {fraud_rate:.2%} fraudulent |
| applications | {n_applications:,}, {refused_rate:.0%} refused; {default_rate:.1%} of the matured loans defaulted |

{kinds}
"""


@dataclass(frozen=True)
class Simulation:
    """Events per kind, once each, in order of (known_at, event_time, event_id), with raw identifiers.

    ``truth`` has event_id, kind, story, incident, positive; nothing but tests may read it.
    """

    settings: SimulationSettings
    tables: Mapping[str, pa.Table]
    truth: pa.Table
    start: int
    end: int

    def delivered(self, kind: str) -> pa.Table:
        """Events of a kind as they arrive, duplicates included, with ``arrived_at``."""
        return delivered(self.settings, kind, self.tables[kind])

    def fraud_rate(self) -> float:
        """Share of the authorised payments that are fraud in truth, known or not."""
        return _mean(self.truth.filter(pc.equal(self.truth["kind"], "transaction"))["positive"])

    def default_rate(self) -> float:
        """Bad among the good and bad of the applications whose 12 months have passed, as known at the end."""
        applications = self.tables["application"]
        matured = applications.filter(pc.less(applications["event_time"], self.end - _MATURITY))["event_id"]
        verdicts = self.settled("application")
        labels = [verdicts.get(event_id) for event_id in matured.to_pylist()]
        bad, good = labels.count(Verdict.POSITIVE), labels.count(Verdict.NEGATIVE)
        return bad / max(1, bad + good)

    def settled(self, subject_kind: str) -> dict[str, Verdict]:
        """What the label policy makes of the outcomes known at the end, per subject that any outcome tells of."""
        policy: LabelPolicy = FRAUD_POLICY if subject_kind == "transaction" else CREDIT_POLICY
        outcomes = self.tables["outcome"]
        outcomes = outcomes.filter(pc.equal(outcomes["subject_kind"], subject_kind))
        told: dict[str, list[tuple[int, int, str]]] = {}
        columns = ("subject_event_id", "known_at", "code")
        for seq, (subject, known_at, code) in enumerate(zip(*(outcomes[c].to_pylist() for c in columns), strict=True)):
            told.setdefault(subject, []).append((known_at, seq, code))
        verdicts = {subject: policy.settle(said) for subject, said in told.items()}
        return {subject: verdict for subject, verdict in verdicts.items() if verdict is not None}

    def write(self, folder: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Write one Parquet file per kind, the truth, a README and the manifest; returns the manifest.

        The same settings give the same bytes with the same version of pyarrow.
        """
        folder.mkdir(parents=True, exist_ok=True)
        kinds: dict[str, dict[str, Any]] = {}
        files: dict[str, str] = {}
        for done, kind in enumerate(self.tables):
            table = self.delivered(kind)
            files[f"{kind}.parquet"] = _write(table, folder / f"{kind}.parquet")
            n = self.tables[kind].num_rows
            kinds[kind] = {
                "n_events": n,
                "n_deliveries": table.num_rows,
                "n_duplicates": table.num_rows - n,
                "late_share": round(late_share(self.tables[kind]), 6),
            }
            if progress is not None:
                progress(done + 1, len(self.tables) + 1, f"{kind}: {n:,} events")
        files[TRUTH] = _write(self.truth, folder / TRUTH)
        manifest = self._manifest(kinds, files)
        (folder / "README.md").write_text(_readme(self, manifest), encoding="utf-8")
        text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        if progress is not None:
            progress(len(self.tables) + 1, len(self.tables) + 1, "manifest")
        return manifest

    def _manifest(self, kinds: dict[str, dict[str, Any]], files: dict[str, str]) -> dict[str, Any]:
        payments = self.truth.filter(pc.equal(self.truth["kind"], "transaction"))
        stories = {row["values"]: row["counts"] for row in pc.value_counts(self.truth["story"]).to_pylist()}
        refused = list(self.settled("application").values()).count(Verdict.CENSORED)
        known_fraud = list(self.settled("transaction").values()).count(Verdict.POSITIVE)
        return {
            "format": 1,
            "settings": self.settings.model_dump(mode="json"),
            "start": format_instant(self.start),
            "end": format_instant(self.end),
            "kinds": kinds,
            "n_payments": payments.num_rows,
            "n_applications": self.tables["application"].num_rows,
            "stories": dict(sorted(stories.items())),
            "fraud_rate": round(self.fraud_rate(), 6),
            "known_fraud_rate": round(known_fraud / max(1, payments.num_rows), 6),
            "default_rate": round(self.default_rate(), 6),
            "refused_rate": round(refused / max(1, self.tables["application"].num_rows), 6),
            "files": dict(sorted(files.items())),
        }


def _mean(flags: pa.ChunkedArray) -> float:
    return float(np.mean(flags.to_numpy(zero_copy_only=False))) if len(flags) else 0.0


def _write(table: pa.Table, path: Path) -> str:
    pq.write_table(table.combine_chunks(), path, compression="zstd", version="2.6", store_schema=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readme(simulation: Simulation, manifest: Mapping[str, Any]) -> str:
    rows = [
        f"| {kind} | {counts['n_events']:,} | {counts['n_duplicates']:,} | {counts['late_share']:.1%} |"
        for kind, counts in manifest["kinds"].items()
    ]
    return _README.format(
        seed=simulation.settings.seed,
        first_day=simulation.settings.start,
        last_day=business_day(simulation.end - 1, simulation.settings.time_zone),
        kinds="\n".join(["| kind | events | delivered twice | late |", "|---|---|---|---|", *rows]),
        **{name: manifest[name] for name in manifest if name.startswith("n_") or name.endswith("_rate")},
    )
