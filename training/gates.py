"""Promotion gates: each gives a value, a verdict and a sentence; all of them are recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from domain.errors import ModelError
from scoring.bundle import load_bundle
from training.intervals import paired_difference
from training.metrics import Ranking

_RESAMPLES = 500
_SEED = 20_260


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate found.

    Parameters
    ----------
    passed : whether it holds. firm : whether no reason can force it. value : what was measured, as text.
    """

    name: str
    passed: bool
    firm: bool
    value: str

    def __str__(self) -> str:
        return f"{self.name}: {'passed' if self.passed else 'failed'} ({self.value})"


def four_eyes(approver: str, operator: str) -> Gate:
    """A named person other than the one who trained.

    Examples
    --------
    >>> four_eyes("wang", "lin").passed, four_eyes(" Lin", "lin").passed, four_eyes(" ", "lin").passed
    (True, False, False)
    """
    named = approver.strip()
    same = named.casefold() == operator.strip().casefold()
    if not named:
        return Gate("approver", False, True, "expected the name of the approver, got none")
    if same:
        return Gate("approver", False, True, f"expected somebody other than the trainer, got {named!r} who trained it")
    return Gate("approver", True, True, f"{named!r}, trained by {operator!r}")


def intact(folder: Path, expected: str) -> Gate:
    """Every file of the bundle is what was registered, and its golden rows score exactly, in a child process."""
    try:
        bundle = load_bundle(folder)
    except ModelError as error:
        return Gate("bundle", False, True, str(error))
    if bundle.hash != expected:
        return Gate("bundle", False, True, f"expected hash {expected[:12]}…, got {bundle.hash[:12]}…")
    return Gate("bundle", True, True, f"{bundle.hash[:12]}… verified, golden rows agree")


def not_worse(challenger: Any, champion: Any | None, test_scores: Path) -> Gate:
    """The primary figure on later data is not below the champion's.

    Paired where training scored that champion on the same rows: then the 95 % interval of the difference must
    reach 0. Otherwise the challenger's value must reach the lower limit of the champion's own test.

    Parameters
    ----------
    challenger, champion : MLflow's records of the versions. test_scores : rows scored by both.
    """
    name = "not_worse"
    metric = challenger.tags["metric"]
    value = float(challenger.tags["value"])
    if champion is None:
        return Gate(name, True, False, f"{metric} {value:.4f}; there is no champion yet")
    if champion.tags.get("metric") != metric:
        return Gate(name, False, False, f"{metric} against a champion chosen by {champion.tags.get('metric')}")
    if challenger.tags.get("paired_with") == str(champion.version):
        return _paired(name, metric, challenger.tags.get("clustered") == "day", test_scores)
    low = float(champion.tags["low"])
    return Gate(
        name, value >= low, False,
        f"{metric} {value:.4f} against {float(champion.tags['value']):.4f} (lower limit {low:.4f}), on other rows",
    )  # fmt: skip


def _paired(name: str, metric: str, by_day: bool, test_scores: Path) -> Gate:
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
    return Gate(name, bool(interval.high >= 0), False, sentence)
