"""What a report is made from: a bundle, the rows it was made and measured on, and what its training run recorded.

train --> evidence.parquet + the run's other artifacts --> read_evidence --> sections
rows      features as text and numbers, scores, label status; no key of a person: cards are numbered anew
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from domain.decision import Product
from domain.errors import DataError, expected_got
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from scoring.bundle import Bundle
from scoring.labels import STATUSES
from training.calendar import day_numbers
from training.dataset import Dataset
from training.evaluation import Scored
from training.fitting import Fitted
from training.settings import TrainingSettings
from training.splits import Part, Split

ROWS = "evidence.parquet"

TRAIN, CALIBRATION, TEST = "train", "calibration", "test"

_MOST = {TRAIN: 40_000, CALIBRATION: 40_000, TEST: 100_000}
_OWN = ("part", "status", "y", "raw_score", "score", "event_time", "seq", "day", "amount_minor", "card_number")


@dataclass(frozen=True)
class Rows:
    """Rows of one part of the split, in the order of time.

    Parameters
    ----------
    table : features as text and numbers, and `_OWN` columns.
    X : float64[n, m], encoded. y : int8[n]; −1 where the row has no settled label or was dropped.
    status : object[n], label status at the newest cut. raw, probability : float64[n].
    event_time : int64[n], µs UTC. day : int64[n], business days. seq : int64[n], places in the journal.
    amount : int64[n], minor units of base currency, or None. card : int64[n], numbered within the file, or None.
    n_whole : rows of the part before it was cut down by lot to what is kept.
    """

    table: pa.Table
    X: np.ndarray
    y: np.ndarray
    status: np.ndarray
    raw: np.ndarray
    probability: np.ndarray
    event_time: np.ndarray
    day: np.ndarray
    seq: np.ndarray
    amount: np.ndarray | None
    card: np.ndarray | None
    n_whole: int

    @property
    def labelled(self) -> np.ndarray:
        """bool[n], rows with a settled label."""
        return np.asarray(self.y >= 0)

    def only(self, mask: np.ndarray) -> Rows:
        """The rows of a mask, bool[n]."""
        kept = np.flatnonzero(mask)
        return Rows(
            self.table.take(pa.array(kept)), self.X[kept], self.y[kept], self.status[kept], self.raw[kept],
            self.probability[kept], self.event_time[kept], self.day[kept], self.seq[kept],
            None if self.amount is None else self.amount[kept], None if self.card is None else self.card[kept],
            self.n_whole,
        )  # fmt: skip

    def scored(self) -> Scored:
        """The labelled rows as the metrics take them."""
        mine = self.labelled
        amount, card = (None if each is None else each[mine] for each in (self.amount, self.card))
        return Scored(self.y[mine], self.raw[mine], self.probability[mine], self.day[mine], amount, card)


@dataclass(frozen=True)
class Evidence:
    """All that a report may look at.

    Parameters
    ----------
    bundle : verified and loaded. folder : of the run's artifacts.
    version : number in the registry, None while it has none. tags : of the registered version.
    """

    bundle: Bundle
    settings: TrainingSettings
    folder: Path
    version: int | None = None
    tags: Mapping[str, str] | None = None

    @property
    def about(self) -> Mapping[str, Any]:
        """The manifest's facts: times, hashes, operator, periods, parameters."""
        return self.bundle.manifest.about

    @property
    def product(self) -> Product:
        """Payment or loan."""
        return self.settings.product

    @cached_property
    def _table(self) -> pa.Table:
        path = self.folder / ROWS
        if not path.is_file():
            raise DataError(f"{path}: expected the evidence that `assay train` writes, got none; train the model again")
        return pq.read_table(path)

    @cached_property
    def train(self) -> Rows:
        """Rows it learnt from, and those of their period without a label."""
        return self._rows(TRAIN)

    @cached_property
    def calibration(self) -> Rows:
        """Rows of the calibration period."""
        return self._rows(CALIBRATION)

    @cached_property
    def test(self) -> Rows:
        """Rows of the test period."""
        return self._rows(TEST)

    def json(self, name: str) -> Any:
        """A JSON artifact of the run, None where it has none."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def frame(self, name: str) -> pd.DataFrame | None:
        """A CSV artifact of the run, None where it has none."""
        path = self.folder / name
        return pd.read_csv(path) if path.is_file() else None

    def _rows(self, part: str) -> Rows:
        whole = self._table
        kept = np.flatnonzero(whole["part"].to_numpy(zero_copy_only=False) == part)
        table = whole.take(pa.array(kept))
        found = {name: table[name].to_numpy(zero_copy_only=False) for name in _OWN if name in table.column_names}
        counts = json.loads((whole.schema.metadata or {}).get(b"n_whole", b"{}"))
        return Rows(
            table, self.bundle.encoder.matrix(table), found["y"], found["status"], found["raw_score"], found["score"],
            found["event_time"], found["day"], found["seq"], found.get("amount_minor"), found.get("card_number"),
            int(counts.get(part, len(kept))),
        )  # fmt: skip


def write_evidence(
    path: Path,
    settings: TrainingSettings,
    platform: PlatformSettings,
    feature_set: FeatureSet,
    dataset: Dataset,
    split: Split,
    fitted: Fitted,
) -> None:
    """Write the rows of training, calibration and test; a part with very many is cut down by lot."""
    rng = np.random.default_rng(settings.seed)
    status = np.array([each.value for each in STATUSES], object)[dataset.status(dataset.as_of)]
    parts, n_whole = [], {}
    for name, part in ((TRAIN, split.train), (CALIBRATION, split.calibration), (TEST, split.test)):
        rows = part.rows if part.period is None else np.union1d(part.rows, part.period.rows(dataset.event_time))
        n_whole[name] = len(rows)
        kept = np.sort(rng.permutation(rows)[: _MOST[name]])
        parts.append(_part(name, part, kept, status, settings, platform, feature_set, dataset, fitted))
    table = pa.concat_tables(parts)
    metadata = {b"n_whole": json.dumps(n_whole).encode(), b"warning": (split.warning or "").encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def _part(
    name: str, part: Part, rows: np.ndarray, status: np.ndarray, settings: TrainingSettings,
    platform: PlatformSettings, feature_set: FeatureSet, dataset: Dataset, fitted: Fitted,
) -> pa.Table:  # fmt: skip
    table = dataset.table.take(pa.array(rows))
    raw = fitted.scorer.raw_many(fitted.X[rows], threads=settings.threads)
    y = np.full(len(dataset.event_time), -1, np.int8)
    y[part.rows] = part.y
    own = {
        "part": pa.array([name] * len(rows)).dictionary_encode(),
        "status": pa.array(status[rows]).dictionary_encode(),
        "y": y[rows],
        "raw_score": raw,
        "score": fitted.calibrator.probability(raw),
        "event_time": dataset.event_time[rows],
        "seq": table["seq"].to_numpy(),
        "day": day_numbers(dataset.event_time[rows], platform.time_zone),
    }
    if "amount_base" in table.column_names:
        own["amount_minor"] = table["amount_base"]
    if settings.card is not None:
        own["card_number"] = pd.factorize(table[settings.card].to_numpy(zero_copy_only=False))[0]
    clash = sorted(set(own) & set(feature_set.names))
    if clash:
        raise DataError(expected_got("features with other names than the evidence's own", clash, "evidence"))
    return pa.table({**{each: table[each] for each in feature_set.names}, **own}).sort_by("event_time")


def read_evidence(
    bundle: Bundle, folder: Path, *, version: int | None = None, tags: Mapping[str, str] | None = None
) -> Evidence:
    """Evidence of a bundle from the artifacts of its run.

    Raises
    ------
    DataError
        When the run kept no evidence.
    """
    settings = TrainingSettings.model_validate(yaml.safe_load(str(bundle.manifest.about["settings"])))
    found = Evidence(bundle, settings, folder, version, tags)
    if not (folder / ROWS).is_file():
        raise DataError(f"{folder / ROWS}: expected the evidence that `assay train` writes; train the model again")
    return found
