"""Static credit tables by cross-validation: the published folds, nested tuning, with and without protected columns.

    file --mapping--> journal (cached by hash) --features--> snapshot --label policy--> y
    outer folds (stratified, seeded)   inner folds of the training part --search--> parameters
                                       fit on the whole training part --> scores of the held-out part
    figures of each outer fold --mean--> table, with an interval from resampled rows

The rows have one instant, so folds cannot go forward in time; the table says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from domain.errors import DataError, expected_got
from domain.labels import CREDIT_POLICY
from domain.settings import PlatformSettings, Settings
from domain.time import Duration
from features.catalogue import load as load_features
from features.replay import build_snapshot
from features.settings import FeatureSettings
from scoring.calibrator import Identity
from scoring.encode import Encoder
from scoring.labels import NEGATIVE, POSITIVE
from scoring.metrics import Ranking, brier
from stores.home import Home
from training.dataset import label
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.intervals import interval_of, resamples
from training.progress import Progress, silent
from training.protocols.sources import journal_of
from training.protocols.table import MEASURED, PAIRED, BenchmarkTable, Cell, Line
from training.search import search
from training.settings import Search

Fold = tuple[np.ndarray, np.ndarray]

FIGURES = ("AUC", "KS", "Brier")


class Reference(Settings):
    """A line measured elsewhere on the same folds."""

    model: str
    auc: float
    ks: float | None = None
    brier: float | None = None


class TabularSettings(Settings):
    """``configs/benchmarks/taiwan.yaml`` and ``german.yaml``.

    Parameters
    ----------
    maturity : delay of the mapping's labels. folds, seed : of the published protocol.
    inner_folds : of the nested search. fits : whose mean is taken (`training.families.averaged`).
    protected : columns of the second line, for validation only.
    learning_curve : shares of each training part to learn from, rising.
    """

    name: Literal["taiwan", "german"]
    file: str
    maturity: Duration
    features: FeatureSettings
    protected: list[str]
    folds: int = Field(ge=2)
    inner_folds: int = Field(ge=2)
    search: Search
    fits: int = Field(default=1, ge=1, le=25)
    seed: int
    threads: int
    resamples: int
    learning_curve: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=2)
    n: int
    n_events: int
    source: str
    published: list[Reference]


def run_tabular(
    settings: TabularSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """Import once, compute features, cross-validate with the search inside each training part.

    Parameters
    ----------
    mapping : of the importer. data : folder of the data set. command : printed under the table.

    Raises
    ------
    DataError
        When the rows are not those of the published table.
    """
    rows = TabularRows.of(settings, platform, mapping, data, home, progress)
    lines = [
        Line(each.model, settings.source, {
            name: Cell(value)
            for name, value in (("AUC", each.auc), ("KS", each.ks), ("Brier", each.brier)) if value is not None
        })
        for each in settings.published
    ]  # fmt: skip
    ours = "LightGBM, our features"
    lines.append(rows.held(settings, ours, rows.X, rows.columns, progress).line(ours))
    with_protected = np.column_stack([rows.X, rows.protected])
    columns = Columns((*rows.columns.names, *settings.protected), (*rows.columns.categorical, *rows.protected_texts))
    shown = f"the same with {', '.join(settings.protected)}, for comparison only"
    lines.append(rows.held(settings, shown, with_protected, columns, progress).line(shown))
    notes = (
        f"{len(rows.y):,} rows, {int(rows.y.sum()):,} bad; {settings.folds} stratified folds, seed {settings.seed}; "
        "the table has no time, so nothing is said about later periods",
        f"nested tuning: {settings.search.trials} trials on {settings.inner_folds} inner folds of each training part; "
        "a held-out row has no say in the parameters its fold is scored with",
        f"{rows.X.shape[1]} features; probabilities are the model's own, not recalibrated",
        f"figures are means over folds; intervals: 95 %, {settings.resamples} resamples of rows within the folds",
    )
    return BenchmarkTable(settings.name, tuple(lines), notes, command)


def stratified(y: np.ndarray, n_folds: int, seed: int) -> Iterator[Fold]:
    """Positions to learn from and to hold out: scikit-learn's shuffled stratified folds, as published.

    Examples
    --------
    >>> [held.tolist() for _, held in stratified(np.array([0, 1, 0, 1]), 2, seed=42)]
    [[1, 2], [0, 3]]
    """
    from sklearn.model_selection import StratifiedKFold

    yield from StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)


@dataclass(frozen=True)
class TabularRows:
    """The table as features with settled labels, in the file's order."""

    X: np.ndarray
    columns: Columns
    protected: np.ndarray
    protected_texts: tuple[str, ...]
    y: np.ndarray

    @classmethod
    def of(
        cls, settings: TabularSettings, platform: PlatformSettings, mapping: Path, data: Path, home: Home,
        progress: Progress,
    ) -> TabularRows:  # fmt: skip
        """Import the file once, compute its features, settle its labels."""
        journal = journal_of(mapping, data / settings.file, home, platform, progress)
        feature_set = load_features(settings.features, platform, journal.extensions("application"))
        snapshot = build_snapshot(
            feature_set, journal, platform, threads=settings.threads,
            progress=lambda done, total, what: progress("features", done, total, what),
        )  # fmt: skip
        dataset = label(snapshot.table, journal.read("outcome"), CREDIT_POLICY, settings.maturity)
        status = dataset.status(dataset.as_of)
        y = (status == POSITIVE).astype(np.int8)
        got = (int(np.isin(status, [POSITIVE, NEGATIVE]).sum()), int(y.sum()))
        if got != (settings.n, settings.n_events) or len(y) != settings.n:
            expected = f"the published {settings.n:,} rows, {settings.n_events:,} of them bad"
            raise DataError(expected_got(expected, f"{got[0]:,} labelled, {got[1]:,} bad", settings.name))
        X = Encoder.fit(snapshot.table, feature_set).matrix(snapshot.table)
        told = np.asarray(np.isfinite(X).any(axis=0))
        names = [name for name, some in zip(feature_set.names, told, strict=True) if some]
        columns = Columns(tuple(names), tuple(name for name in feature_set.categorical if name in names))
        # Event ids were numbered by row, so their order is the file's, on which the published folds are drawn.
        order = pc.sort_indices(snapshot.table["event_id"]).to_numpy()
        protected, texts = _protected(
            journal.read("application", columns=["event_id", *settings.protected]), settings.protected
        )
        return cls(X[order][:, told], columns, protected, texts, y[order])

    def held(
        self, settings: TabularSettings, model: str, X: np.ndarray, columns: Columns, progress: Progress,
        share: float = 1.0,
    ) -> Held:  # fmt: skip
        """Every row scored by a model that has not seen it, nor had its parameters chosen by it.

        Parameters
        ----------
        X : float64[n, m], of ``columns``. share : of each training part that is learnt from.
        """
        family = LightGBM(settings.seed, settings.threads, fits=settings.fits)
        raw, fold = np.empty(len(self.y)), np.empty(len(self.y), np.int64)
        for number, (learnt, held) in enumerate(stratified(self.y, settings.folds, settings.seed)):
            progress("folds", number, settings.folds, model)
            learnt = some_of(learnt, self.y, share, settings.seed)
            inner = (
                (Labelled(X[learnt[train]], self.y[learnt[train]]), Labelled(X[learnt[valid]], self.y[learnt[valid]]))
                for train, valid in stratified(self.y[learnt], settings.inner_folds, settings.seed)
            )
            found = search(family, columns, inner, settings.search, objective="auc", seed=settings.seed)
            fitted = family.fit(columns, Labelled(X[learnt], self.y[learnt]), found.params, found.rounds)
            raw[held], fold[held] = fitted.raw(X[held]), number
        progress("folds", settings.folds, settings.folds, model)
        return Held.of(settings, self.y, raw, fold)


def some_of(rows: np.ndarray, y: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A share of the positives and of the negatives of ``rows``; a smaller share is part of a larger one.

    Parameters
    ----------
    rows : int64[k], positions. y : int8[n], of all rows.

    Examples
    --------
    >>> y = np.array([0, 1] * 10)
    >>> [int(y[some_of(np.arange(20), y, share, seed=1)].sum()) for share in (0.2, 0.5, 1.0)]
    [2, 5, 10]
    """
    turn = np.random.default_rng(seed).permutation(len(rows))
    kept = [turn[y[rows[turn]] == value] for value in (0, 1)]
    return np.asarray(np.sort(rows[np.concatenate([part[: round(share * len(part))] for part in kept])]))


@dataclass(frozen=True)
class Held:
    """Figures of the held-out rows, means over folds: on all rows, and on resamples that every model meets alike.

    Parameters
    ----------
    whole : float64[3]. drawn : float64[n_draws, 3].
    """

    whole: np.ndarray
    drawn: np.ndarray
    n: int
    n_events: int

    @classmethod
    def of(cls, settings: TabularSettings, y: np.ndarray, raw: np.ndarray, fold: np.ndarray) -> Held:
        """From raw scores float64[n] and the fold int64[n] in which each row was held out."""
        parts = [np.flatnonzero(fold == number) for number in range(settings.folds)]
        rankings = [Ranking.of(y[part], raw[part]) for part in parts]
        probability = np.asarray(Identity().probability(raw))

        def figures(weight: np.ndarray) -> list[float]:
            ranked = [each.figures(weight[part]) for each, part in zip(rankings, parts, strict=True)]
            return [
                float(np.mean([found["auc"] for found in ranked])),
                float(np.mean([found["ks"] for found in ranked])),
                float(np.mean([brier(y[part], probability[part], weight[part]) for part in parts])),
            ]

        drawn = [figures(counts) for counts in resamples(len(y), None, settings.resamples, settings.seed)]
        return cls(np.array(figures(np.ones(len(y), np.int64))), np.array(drawn), len(y), int(y.sum()))

    def line(self, model: str) -> Line:
        """As a line of the table."""
        return Line(model, MEASURED, _cells(self.whole, self.drawn), self.n, self.n_events)

    def less(self, other: Held, model: str) -> Line:
        """The difference to another model, paired on the same resampled rows."""
        return Line(model, PAIRED, _cells(self.whole - other.whole, self.drawn - other.drawn), self.n)


def _cells(whole: np.ndarray, drawn: np.ndarray) -> dict[str, Cell]:
    spread = [interval_of(drawn[:, place]) for place in range(len(FIGURES))]
    return {
        name: Cell(value, each.low, each.high)
        for name, value, each in zip(FIGURES, whole.tolist(), spread, strict=True)
    }


def _protected(table: pa.Table, names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Protected columns in the file's order, float64[n, m], texts as codes; and which of them are texts."""
    table = table.sort_by("event_id")
    texts = tuple(name for name in names if pa.types.is_string(table[name].type))
    found = []
    for name in names:
        column = table[name].combine_chunks()
        found.append(column.dictionary_encode().indices if name in texts else column)
    return np.column_stack([column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in found]), texts
