"""One contender at a time: search on the shared folds, fit, calibrate, score; then one row at a time, in turns.

A family that fails is told with its reason; it does not lose the others.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import AssayError, ModelError
from scoring.scorer import Scorer
from training.calibration import fit_calibrator
from training.families.family import Columns, Family, FittedModel, Labelled
from training.families.lightgbm import Boosted
from training.imbalance import Thin
from training.progress import Progress
from training.search import Searched, StudyPlace, search
from training.search_settings import Search
from training.settings import TrainingSettings
from training.splits import Part, Split

LATENCY_ROWS = 64
"""Rows scored one by one for the median."""


@dataclass(frozen=True)
class Entry:
    """What a family did, or why it did nothing.

    Parameters
    ----------
    raw : float64[n], raw scores of the test rows. probability : float64[n], calibrated; None where that failed.
    search_seconds, fit_seconds : wall time of the search, and of the final fit alone.
    note : why it failed, or why it has no probabilities.
    """

    family: str
    searched: Searched | None = None
    model: FittedModel | None = None
    raw: np.ndarray | None = None
    probability: np.ndarray | None = None
    search_seconds: float = 0.0
    fit_seconds: float = 0.0
    note: str = ""


def _whole(part: Part) -> Part:
    return part


@dataclass(frozen=True)
class Ring:
    """What all contenders share.

    Parameters
    ----------
    X : float64[n, m], all encoded rows. budget : trials and seconds of each contender's search.
    thin : what class imbalance makes of a part that trains.
    """

    settings: TrainingSettings
    columns: Columns
    X: np.ndarray
    split: Split
    budget: Search
    thin: Thin = _whole

    def folds(self) -> Iterator[tuple[Labelled, Labelled]]:
        """Rows to learn from and to score of each fold, oldest first."""
        for fold in self.split.folds:
            yield self.thin(fold.train).labelled(self.X), fold.valid.labelled(self.X)

    def enter(self, name: str, make: Callable[[], Family], progress: Progress, study: StudyPlace | None) -> Entry:
        """Tune, fit, calibrate and score one family."""
        import lightgbm

        try:
            return self._entered(name, make(), progress, study)
        # What a family's library raises on rows it cannot take is a result of the comparison.
        except (
            AssayError,
            ValueError,
            ArithmeticError,
            RuntimeError,
            MemoryError,
            lightgbm.basic.LightGBMError,
        ) as error:
            return Entry(name, note=f"failed: {_one_line(error)}")

    def _entered(self, name: str, family: Family, progress: Progress, study: StudyPlace | None) -> Entry:
        settings, split = self.settings, self.split

        def tell(stage: str, done: int, total: int, note: str) -> None:
            progress(f"{name}, {stage}", done, total, note)

        began = time.perf_counter()
        searched = search(
            family, self.columns, self.folds(), self.budget, objective=settings.objective, seed=settings.seed,
            progress=tell, study=study,
        )  # fmt: skip
        found = time.perf_counter()
        learnt = self.thin(split.train).labelled(self.X)
        tell("fit", 0, 1, f"{len(learnt):,} rows")
        fitting = time.perf_counter()
        model = family.fit(self.columns, learnt, searched.params, searched.rounds)
        fitted = time.perf_counter()
        raw = model.raw(self.X[split.test.rows])
        later = split.calibration
        probability, note = None, ""
        try:
            calibrator = fit_calibrator(model.raw(self.X[later.rows]), later.y, settings.calibration)
            probability = np.asarray(calibrator.probability(raw))
        except ModelError as error:
            note = f"no probabilities: {_one_line(error)}"
        return Entry(name, searched, model, raw, probability, found - began, fitted - fitting, note)


def latencies(models: Mapping[str, FittedModel], X: np.ndarray, n_rows: int = LATENCY_ROWS) -> dict[str, float]:
    """Median µs of scoring one row, every model in turns on every row.

    LightGBM is asked as it is served; the others through what they offer.

    Parameters
    ----------
    X : float64[n, m], of which the first ``n_rows`` are scored.
    """
    asked: dict[str, Callable[[np.ndarray], object]] = {
        name: _served(model.text) if isinstance(model, Boosted) else model.raw for name, model in models.items()
    }
    times: dict[str, list[float]] = {name: [] for name in models}
    rows = [np.ascontiguousarray(X[place : place + 1]) for place in range(min(n_rows, len(X)))]
    for row in [*rows[:3], *rows]:
        for name, ask in asked.items():
            began = time.perf_counter()
            ask(row)
            times[name].append(time.perf_counter() - began)
    # The first three were for warming up.
    return {name: statistics.median(taken[3:]) * 1e6 for name, taken in times.items()}


def _served(text: str) -> Callable[[np.ndarray], object]:
    scorer = Scorer(text)
    return lambda row: scorer.raw(row[0])


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def failures(entries: Sequence[Entry]) -> list[str]:
    """Names of the families that gave no scores."""
    return [entry.family for entry in entries if entry.raw is None]
