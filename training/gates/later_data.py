"""The gate on rank: the primary figure on later data is not below the champion's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from scoring.metrics import Ranking
from training.gates.gate import Gate, Verdict, verdict_of
from training.intervals import paired_difference

_RESAMPLES = 500
_SEED = 20_260


def not_worse(challenger: Any, champion: Any | None, test_scores: Path) -> Gate:
    """The primary figure on later data is not below the champion's.

    Paired where training scored that champion on the same rows: then the 95 % interval of the difference must
    reach 0. Otherwise the challenger's value must reach the lower limit of the champion's own test.

    Parameters
    ----------
    challenger, champion : MLflow's records of the versions. test_scores : rows scored by both.
    """
    metric = challenger.tags["metric"]
    value = float(challenger.tags["value"])
    if champion is None:
        return _gate(Verdict.PASSED, f"{metric} {value:.4f}; there is no champion yet", "none")
    if champion.tags.get("metric") != metric:
        said = f"{metric} against a champion chosen by {champion.tags.get('metric')}"
        return _gate(Verdict.FAILED, said, "the champion's figure")
    if challenger.tags.get("paired_with") == str(champion.version):
        return _paired(metric, challenger.tags.get("clustered") == "day", test_scores)
    low = float(champion.tags["low"])
    said = f"{metric} {value:.4f} against {float(champion.tags['value']):.4f} (lower limit {low:.4f}), on other rows"
    return _gate(verdict_of(value >= low), said, f"at least {low:.4f}")


def _gate(verdict: Verdict, value: str, limit: str) -> Gate:
    return Gate("not_worse", verdict, False, value, limit, "the champion on later data, 95 % interval")


def _paired(metric: str, by_day: bool, test_scores: Path) -> Gate:
    table = pq.read_table(test_scores)
    columns = {column: table[column].to_numpy() for column in ("y", "raw_score", "champion_raw_score", "day")}
    mine = Ranking.of(columns["y"], columns["raw_score"])
    theirs = Ranking.of(columns["y"], columns["champion_raw_score"])

    def of(ranking: Ranking, weight: np.ndarray) -> float:
        return ranking.auc(weight) if metric == "auc" else ranking.average_precision(weight)

    difference, interval = paired_difference(
        lambda weight: of(mine, weight), lambda weight: of(theirs, weight), table.num_rows,
        columns["day"] if by_day else None, _RESAMPLES, _SEED,
    )  # fmt: skip
    sentence = f"{metric} differs by {difference:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] on the same rows"
    return _gate(verdict_of(bool(interval.high >= 0)), sentence, "an interval of the difference that reaches 0")
