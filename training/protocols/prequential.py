"""The four prequential folds of the Fraud Detection Handbook: its very test rows, one choice made before all of them.

    earlier folds --search by AP, search by AUC--> two settings, both measured on the earlier folds
    each published fold: fit on the training week (or on a longer history of known labels) --> scores of its test week
    mean over the folds --> a line with one model, and one whose settings are chosen per metric, as the book's are

References
----------
Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022, chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import DataError
from domain.settings import PlatformSettings
from domain.time import format_duration, format_instant
from stores.home import Home
from training.families.family import Labelled
from training.families.lightgbm import LightGBM
from training.progress import Progress, silent
from training.protocols.handbook_figures import FIGURES, Measured, ScoredWeek
from training.protocols.handbook_rows import HandbookRows, Rows
from training.protocols.handbook_settings import HandbookSettings, PublishedFold
from training.protocols.table import BenchmarkTable, Cell, Line
from training.search import Searched, search
from training.settings import Search

OBJECTIVES = ("average_precision", "auc")


def run_prequential(
    settings: HandbookSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    history: int | None,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """Import once, compute features, choose on earlier folds, fit each published fold, average.

    Parameters
    ----------
    history : µs of labels for further lines that learn longer; None for the protocol's own week alone.

    Raises
    ------
    DataError
        When the rows of a fold are not the published ones.
    """
    run = PrequentialRun.of(settings, platform, mapping, data, home, progress)
    book = run.measured([run.untuned(rows) for rows in run.folds])
    week, found = run.lines(settings.train, settings.search, {})
    name = f"LightGBM, our features, {format_duration(settings.train)} of labels"
    lines = [*_published(settings), *week.lines(name)]
    paired = [week.single.less(book, "our features less the book's 15 inputs")]
    if history is not None:
        longer, _ = run.lines(history, settings.history_search, found)
        lines += longer.lines(f"LightGBM, our features, {format_duration(history)} of labels")
        paired.append(longer.single.less(week.single, f"{format_duration(history)} of labels less one week"))
    lines.append(book.line("LightGBM defaults, the book's 15 inputs"))
    return BenchmarkTable("handbook prequential", (*lines, *paired), run.notes(history), command)


def checked(fold: PublishedFold, rows: Rows) -> Rows:
    """The rows of a fold, when they are as many as the book has.

    Raises
    ------
    DataError
        With the counts expected and found.
    """
    got = (len(rows.train), len(rows.test))
    if got != (fold.n_train, fold.n_test):
        raise DataError(
            f"handbook: expected the published {fold.n_train:,} training and {fold.n_test:,} test rows of the fold "
            f"from {format_instant(fold.train_from)}, got {got[0]:,} and {got[1]:,}; is the file whole?"
        )
    return rows


@dataclass(frozen=True)
class _Choice:
    """The lines of one length of labels."""

    single: Measured
    per_metric: Measured

    def lines(self, model: str) -> tuple[Line, Line]:
        return self.single.line(f"{model}, one model"), self.per_metric.line(f"{model}, settings per metric")


@dataclass(frozen=True)
class PrequentialRun:
    """The whole file as features, and the rows of the published folds."""

    settings: HandbookSettings
    world: HandbookRows
    folds: Sequence[Rows]
    progress: Progress

    @classmethod
    def of(
        cls, settings: HandbookSettings, platform: PlatformSettings, mapping: Path, data: Path, home: Home,
        progress: Progress,
    ) -> PrequentialRun:  # fmt: skip
        """Import once, compute features, and make sure that the rows are the published ones."""
        local = platform.model_copy(update={"time_zone": settings.time_zone})
        world = HandbookRows.of(settings, local, mapping, data, home, progress)
        folds = [checked(fold, world.rows(fold.train_from)) for fold in settings.prequential.folds]
        return cls(settings, world, folds, progress)

    def lines(self, length: int, budget: Search, starts: Mapping[str, Searched]) -> tuple[_Choice, dict[str, Searched]]:
        """Search by each objective on the earlier folds, then score the published ones with what was found."""
        found = {objective: self.chosen(length, budget, objective, starts.get(objective)) for objective in OBJECTIVES}
        earlier = {objective: self._earlier(one, length) for objective, one in found.items()}
        scored = {objective: self.scored(one, length) for objective, one in found.items()}
        best = [OBJECTIVES[int(np.argmax(figures))] for figures in np.transpose([earlier[one] for one in OBJECTIVES])]
        first = scored[OBJECTIVES[0]]
        weeks, drawn = (
            np.column_stack([getattr(scored[objective], part)[:, place] for place, objective in enumerate(best)])
            for part in ("weeks", "drawn")
        )
        return _Choice(first, Measured(weeks, drawn, first.n, first.n_events)), found

    def chosen(self, length: int, budget: Search, objective: str, start: Searched | None = None) -> Searched:
        """What a search on the earlier folds finds for one length of labels, µs."""
        return search(
            self._family, self.world.columns, self.world.folds(length), budget, objective=objective,
            seed=self.settings.seed, progress=self.progress, start=None if start is None else start.params,
        )  # fmt: skip

    def scored(self, found: Searched, length: int) -> Measured:
        """The published folds by models with what was found, each learnt from labels of one length, µs."""
        folds = zip(self.settings.prequential.folds, self.folds, strict=True)
        return self.measured([self._fitted(found, fold.train_from, length, rows.test) for fold, rows in folds])

    def measured(self, raws: Sequence[np.ndarray]) -> Measured:
        """Scores of every fold's test rows as figures with intervals."""
        weeks = [ScoredWeek.of(self.world, rows.test, raw) for rows, raw in zip(self.folds, raws, strict=True)]
        return Measured.of(weeks, self.settings.resamples, self.settings.seed)

    def untuned(self, rows: Rows) -> np.ndarray:
        """Raw scores of LightGBM as it comes, on the book's inputs: the line to compare with on the very rows."""
        import lightgbm

        settings, world = self.settings, self.world
        fixed = {"objective": "binary", "seed": settings.seed, "deterministic": True, "force_row_wise": True}
        params = {**fixed, "num_threads": settings.threads, "verbosity": -1}
        inputs = world.book
        booster = lightgbm.train(params, lightgbm.Dataset(inputs[rows.train], world.y[rows.train]), 100)
        return np.asarray(booster.predict(inputs[rows.test], raw_score=True))

    def notes(self, history: int | None) -> tuple[str, ...]:
        """What a reader must know."""
        settings, world = self.settings, self.world
        ceilings, cards = [], []
        for rows in self.folds:
            week = ScoredWeek.of(world, rows.test, world.y[rows.test].astype(np.float64))
            ceilings.append(week.cards.ceiling)
            bad = rows.test[world.y[rows.test] == 1]
            some = np.unique(np.column_stack([world.day[bad], world.customer[bad]]), axis=0)
            cards.append(len(some) / week.n_days)
        first = min(fold.train_from for fold in settings.prequential.folds)
        told = ", ".join(format_instant(fold.train_from)[:10] for fold in settings.prequential.folds)
        sizes = " · ".join(f"{len(rows.train):,}/{len(rows.test):,}" for rows in self.folds)
        notes = [
            f"folds train from {told}: training/test rows {sizes}, the published ones",
            f"settings chosen on {len(settings.folds)} earlier folds alone, whose test weeks end before "
            f"{format_instant(first)[:10]}; the first of our lines is one model chosen by AP, the second takes each "
            "metric from the settings best for it there, as the book's lines do",
            "± sd over folds; intervals: 95 %, the days of each test week drawn anew; differences are paired on the "
            "same days. The book's own scores are not at hand: its lines cannot be paired",
            f"CP@100 cannot exceed {np.mean(ceilings):.3f}: {np.mean(cards):.0f} compromised cards a day, fewer once "
            "those caught on earlier days are taken out",
        ]
        if history is not None:
            learnt = [len(world.history(fold.train_from, history)) for fold in settings.prequential.folds]
            notes.append(
                f"{format_duration(history)} of labels: {np.mean(learnt):,.0f} rows a fold, every fraud and "
                f"{settings.history_negatives:.0%} of the rest, every label known when the test week begins"
            )
        return tuple(notes)

    @property
    def _family(self) -> LightGBM:
        settings = self.settings
        return LightGBM(settings.seed, settings.threads, max_bin=settings.max_bin, max_bin_of=settings.max_bin_of)

    def _fitted(self, found: Searched, train_from: int, length: int, test: np.ndarray) -> np.ndarray:
        world = self.world
        learnt = world.history(train_from, length)
        rows = Labelled(world.X[learnt], world.y[learnt])
        return self._family.fit(world.columns, rows, found.params, found.rounds).raw(world.X[test])

    def _earlier(self, found: Searched, length: int) -> np.ndarray:
        """Means of the figures over the earlier folds, float64[3]."""
        world, figures = self.world, []
        for train_from in self.settings.folds:
            test = world.rows(train_from).test
            figures.append(ScoredWeek.of(world, test, self._fitted(found, train_from, length, test)).figures())
        return np.asarray(np.mean(figures, axis=0))


def _published(settings: HandbookSettings) -> list[Line]:
    return [
        Line(each.model, settings.source, dict(zip(FIGURES, map(Cell, each.figures), strict=True)))
        for each in settings.prequential.published
    ]
