"""The audit that ``train`` runs: on the snapshot it learns from, with its label clock and its split."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from domain.time import from_micros
from training.intake.columns import category_of
from training.intake.report import IntakeReport
from training.intake.run import audit_table
from training.intake.table import Audited, Column
from training.progress import Progress, silent

if TYPE_CHECKING:
    import pyarrow as pa

    from features.catalogue import FeatureSet
    from training.dataset import Dataset
    from training.settings import TrainingSettings
    from training.splits import Split


def for_training(
    settings: TrainingSettings,
    dataset: Dataset,
    split: Split,
    feature_set: FeatureSet,
    *,
    now: int,
    progress: Progress = silent,
) -> IntakeReport:
    """Audit the rows with settled labels of training, calibration and test; ``now`` in µs UTC dates the waivers.

    Training is what the final model learns from; calibration rows count as such here, being earlier than the test.
    Features that the engine computed cannot have seen anything later than their request; columns that came with the
    request (``x_…`` and the like) can, and are looked at as any raw column.

    Raises
    ------
    DefinitionError
        When a waiver names a check that does not exist.
    """
    earlier = (split.train, split.calibration)
    rows = np.concatenate([*(part.rows for part in earlier), split.test.rows])
    y = np.concatenate([*(part.y for part in earlier), split.test.y])
    n = sum(len(part.rows) for part in earlier)
    forward = split.kind == "forward"
    entity = settings.group or settings.card
    kept = dataset.table.take(rows)
    columns = tuple(_column(kept, name, feature_set) for name in feature_set.names)
    table = Audited(
        columns, y, np.arange(n), np.arange(n, len(rows)), f"{split.kind} split of the training", forward, rows,
        settings.intake.limits, dataset.event_time[rows].astype(np.float64) if forward else None, "µs", None,
        _codes(kept, entity), entity or "", False, settings.seed, 1,
    )  # fmt: skip
    today: date = from_micros(now).date()
    about = {"target": settings.label_policy}
    return audit_table(table, settings.intake, today=today, about=about, progress=progress)


def _column(table: pa.Table, name: str, feature_set: FeatureSet) -> Column:
    import pyarrow as arrow

    raw = any(name == own for own, _ in feature_set.definition["own"])
    if name in feature_set.categorical:
        return category_of(name, table[name].to_pandas(), raw=raw)
    values = table[name].cast(arrow.float64()).to_numpy()
    return Column(name, "number", np.where(np.isinf(values), np.nan, values), raw=raw)


def _codes(table: pa.Table, entity: str | None) -> np.ndarray | None:
    if entity is None or entity not in table.column_names:
        return None
    import pandas as pd

    return np.asarray(pd.factorize(table[entity].to_pandas())[0], np.int64)
