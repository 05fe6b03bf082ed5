"""Gates: a second person, an intact bundle, later data on which the challenger is not worse."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.gates import four_eyes, intact, not_worse


def record(version: int, value: float, low: float, **tags: str) -> SimpleNamespace:
    facts = {"metric": "auc", "value": repr(value), "low": repr(low), "clustered": "row", **tags}
    return SimpleNamespace(version=str(version), tags=facts)


def both(folder: Path, lift: float) -> Path:
    """Rows scored by the champion and by a challenger that ranks ``lift`` better (or worse)."""
    rng = np.random.default_rng(3)
    y = (rng.random(3_000) < 0.1).astype(np.int8)
    champion = rng.normal(y * 1.0, 1.0)
    challenger = champion + lift * (y - 0.5)
    path = folder / "test_scores.parquet"
    table = {"y": y, "raw_score": challenger, "champion_raw_score": champion, "day": np.arange(3_000) // 300}
    pq.write_table(pa.table(table), path)
    return path


def test_the_first_champion_has_nobody_to_be_worse_than(tmp_path: Path) -> None:
    gate = not_worse(record(1, 0.7, 0.6), None, tmp_path)
    assert gate.passed
    assert "no champion yet" in gate.value


@pytest.mark.parametrize(("lift", "passed"), [(0.5, True), (0.0, True), (-0.5, False)])
@pytest.mark.parametrize("clustered", ["row", "day"])
def test_on_the_same_rows_a_clear_loss_fails(tmp_path: Path, lift: float, clustered: str, passed: bool) -> None:
    challenger = record(2, 0.7, 0.6, paired_with="1", clustered=clustered)
    gate = not_worse(challenger, record(1, 0.7, 0.6), both(tmp_path, lift))
    assert gate.passed is passed
    assert not gate.firm
    assert "on the same rows" in gate.value


@pytest.mark.parametrize(("value", "passed"), [(0.66, True), (0.65, True), (0.64, False)])
def test_on_other_rows_the_lower_limit_of_the_champion_counts(tmp_path: Path, value: float, passed: bool) -> None:
    gate = not_worse(record(2, value, 0.5, paired_with="7"), record(1, 0.7, 0.65), tmp_path)
    assert gate.passed is passed
    assert "on other rows" in gate.value


def test_another_metric_cannot_be_compared(tmp_path: Path) -> None:
    assert not not_worse(record(2, 0.9, 0.8), record(1, 0.7, 0.6, metric="average_precision"), tmp_path).passed


def test_four_eyes_and_a_missing_bundle_are_firm(tmp_path: Path) -> None:
    for gate in (four_eyes("lin", "lin"), intact(tmp_path / "gone", "0" * 64)):
        assert not gate.passed
        assert gate.firm
