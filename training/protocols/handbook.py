"""The single split of the Fraud Detection Handbook: its very rows, our features, tuned on earlier folds only.

    file --mapping--> journal (cached by hash) --features--> snapshot --label clock--> y
    published split:  train 7 days | delay 7 days | test 7 days, known compromised customers taken out
    earlier folds of the same shape --search--> parameters --fit on the training week--> scores --> table
    the same again, trained on a longer history of labels that are all older than the delay

References
----------
Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022, chapters 3 to 5.
"""

from __future__ import annotations

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
from training.protocols.handbook_settings import HandbookSettings
from training.protocols.table import BenchmarkTable, Cell, Line
from training.search import Searched, search
from training.settings import Search

__all__ = ["HandbookSettings", "check_counts", "run_handbook"]


def run_handbook(
    settings: HandbookSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """Import once, compute features, tune on earlier folds, train twice, score the published rows.

    Parameters
    ----------
    mapping : of the importer. data : folder of the data set. command : printed under the table.

    Raises
    ------
    DataError
        When the rows are not the published ones.
    """
    local = platform.model_copy(update={"time_zone": settings.time_zone})
    world = HandbookRows.of(settings, local, mapping, data, home, progress)
    rows = world.rows(settings.train_from)
    check_counts(settings, world.y, rows)
    family = LightGBM(settings.seed, settings.threads, max_bin=settings.max_bin, max_bin_of=settings.max_bin_of)

    def tuned(length: int, budget: Search, start: Searched | None) -> Searched:
        return search(
            family, world.columns, world.folds(length), budget, objective="average_precision", seed=settings.seed,
            progress=progress, start=None if start is None else start.params,
        )  # fmt: skip

    def scored(found: Searched, learnt: np.ndarray) -> np.ndarray:
        rows_learnt = Labelled(world.X[learnt], world.y[learnt])
        return family.fit(world.columns, rows_learnt, found.params, found.rounds).raw(world.X[rows.test])

    short = tuned(settings.train, settings.search, None)
    week = scored(short, rows.train)
    learnt = world.history(settings.train_from, settings.history)
    longer = tuned(settings.history, settings.history_search, short)
    history = scored(longer, learnt)
    lines = [
        *_published(settings),
        _measured(settings, world, rows.test, week, settings.train),
        _measured(settings, world, rows.test, history, settings.history),
    ]
    notes = _notes(settings, world, rows, learnt, (short, longer), week)
    return BenchmarkTable("handbook", tuple(lines), notes, command)


def check_counts(settings: HandbookSettings, y: np.ndarray, rows: Rows) -> None:
    """Refuse rows that are not the published ones.

    Raises
    ------
    DataError
        With the counts expected and found.
    """
    expected = (settings.n_train, settings.n_train_events, settings.n_test, settings.n_test_events)
    got = (len(rows.train), int(y[rows.train].sum()), len(rows.test), int(y[rows.test].sum()))
    if got != expected:
        told = "{:,} training rows ({:,} frauds) and {:,} test rows ({:,} frauds)"
        raise DataError(
            f"handbook: expected the published {told.format(*expected)}, got {told.format(*got)}; is the file whole?"
        )


def _published(settings: HandbookSettings) -> list[Line]:
    return [
        Line(each.model, settings.source, dict(zip(FIGURES, map(Cell, each.figures), strict=True)))
        for each in settings.published
    ]


def _measured(settings: HandbookSettings, world: HandbookRows, test: np.ndarray, raw: np.ndarray, length: int) -> Line:
    measured = Measured.of([ScoredWeek.of(world, test, raw)], settings.resamples, settings.seed)
    return measured.line(f"LightGBM, our features, {format_duration(length)} of labels")


def _notes(
    settings: HandbookSettings,
    world: HandbookRows,
    rows: Rows,
    learnt: np.ndarray,
    found: tuple[Searched, Searched],
    week: np.ndarray,
) -> tuple[str, ...]:
    cards, y = ScoredWeek.of(world, rows.test, week).cards, world.y
    bad = rows.test[y[rows.test] == 1]
    compromised = len(np.unique(np.column_stack([world.day[bad], world.customer[bad]]), axis=0))
    gap = format_duration(settings.train + settings.delay)
    return (
        f"train from {format_instant(settings.train_from)} for {format_duration(settings.train)}: {len(rows.train):,} "
        f"rows, {y[rows.train].sum()} frauds; test {gap} later for {format_duration(settings.test)}: "
        f"{len(rows.test):,} rows, {y[rows.test].sum()} frauds",
        f"the line with {format_duration(settings.history)} of labels learns from {len(learnt):,} rows: all "
        f"{y[learnt].sum():,} frauds and {settings.history_negatives:.0%} of the rest, every label known when the test "
        "begins",
        f"parameters chosen on {len(settings.folds)} earlier folds, whose test weeks end before "
        f"{format_instant(settings.train_from)}; mean AP there {found[0].value:.3f} and {found[1].value:.3f}",
        f"CP@100 cannot exceed {cards.ceiling:.3f}: of {compromised / len(cards.days):.0f} compromised cards a day, "
        f"{np.mean(cards.compromised):.0f} are left once those caught on earlier days are taken out",
        f"intervals: 95 %, bootstrap over the {len(cards.days)} test days",
    )
