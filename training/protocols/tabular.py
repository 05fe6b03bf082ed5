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
from typing import Literal

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
from stores.home import Home
from training.dataset import label
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.intervals import bootstrap
from training.labels import NEGATIVE, POSITIVE
from training.metrics import Ranking, brier
from training.progress import Progress, silent
from training.protocols.sources import journal_of
from training.protocols.table import BenchmarkTable, Cell, Line
from training.search import search
from training.settings import Search

Fold = tuple[np.ndarray, np.ndarray]


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
    inner_folds : of the nested search. protected : columns of the second line, for validation only.
    """

    name: Literal["taiwan", "german"]
    file: str
    maturity: Duration
    features: FeatureSettings
    protected: list[str]
    folds: int = Field(ge=2)
    inner_folds: int = Field(ge=2)
    search: Search
    seed: int
    threads: int
    resamples: int
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
    rows = _Rows.of(settings, platform, mapping, data, home, progress)
    lines = [
        Line(each.model, settings.source, {
            name: Cell(value)
            for name, value in (("AUC", each.auc), ("KS", each.ks), ("Brier", each.brier)) if value is not None
        })
        for each in settings.published
    ]  # fmt: skip
    lines.append(rows.line(settings, "LightGBM, our features", rows.X, rows.columns, progress))
    with_protected = np.column_stack([rows.X, rows.protected])
    columns = Columns((*rows.columns.names, *settings.protected), (*rows.columns.categorical, *rows.protected_texts))
    shown = f"the same with {', '.join(settings.protected)}, for comparison only"
    lines.append(rows.line(settings, shown, with_protected, columns, progress))
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
class _Rows:
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
    ) -> _Rows:  # fmt: skip
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

    def line(self, settings: TabularSettings, model: str, X: np.ndarray, columns: Columns, progress: Progress) -> Line:
        family = LightGBM(settings.seed, settings.threads)
        raw, fold = np.empty(len(self.y)), np.empty(len(self.y), np.int64)
        for number, (learnt, held) in enumerate(stratified(self.y, settings.folds, settings.seed)):
            progress("folds", number, settings.folds, model)
            inner = (
                (Labelled(X[learnt[train]], self.y[learnt[train]]), Labelled(X[learnt[valid]], self.y[learnt[valid]]))
                for train, valid in stratified(self.y[learnt], settings.inner_folds, settings.seed)
            )
            found = search(family, columns, inner, settings.search, objective="auc", seed=settings.seed)
            fitted = family.fit(columns, Labelled(X[learnt], self.y[learnt]), found.params, found.rounds)
            raw[held], fold[held] = fitted.raw(X[held]), number
        progress("folds", settings.folds, settings.folds, model)
        return Line(model, "measured here", self._cells(settings, raw, fold), len(self.y), int(self.y.sum()))

    def _cells(self, settings: TabularSettings, raw: np.ndarray, fold: np.ndarray) -> dict[str, Cell]:
        parts = [np.flatnonzero(fold == number) for number in range(settings.folds)]
        rankings = [Ranking.of(self.y[part], raw[part]) for part in parts]
        probability = np.asarray(Identity().probability(raw))

        def statistic(weight: np.ndarray) -> dict[str, float]:
            ranked = [each.figures(weight[part]) for each, part in zip(rankings, parts, strict=True)]
            return {
                "AUC": float(np.mean([figures["auc"] for figures in ranked])),
                "KS": float(np.mean([figures["ks"] for figures in ranked])),
                "Brier": float(np.mean([brier(self.y[part], probability[part], weight[part]) for part in parts])),
            }

        whole = statistic(np.ones(len(raw), np.int64))
        spread = bootstrap(statistic, len(raw), None, settings.resamples, settings.seed)
        return {name: Cell(value, spread[name].low, spread[name].high) for name, value in whole.items()}


def _protected(table: pa.Table, names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Protected columns in the file's order, float64[n, m], texts as codes; and which of them are texts."""
    table = table.sort_by("event_id")
    texts = tuple(name for name in names if pa.types.is_string(table[name].type))
    found = []
    for name in names:
        column = table[name].combine_chunks()
        found.append(column.dictionary_encode().indices if name in texts else column)
    return np.column_stack([column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in found]), texts
