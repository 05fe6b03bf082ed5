"""Learning curves: the protocols' test rows, scored by calm models that learnt from less.

Every point has one trial, the family's calm beginning, with its number of trees from earlier or inner folds, so that
points differ by what they learnt from and nothing else. The last line is what the last step brought, paired.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from domain.settings import PlatformSettings
from domain.time import format_duration
from stores.home import Home
from training.progress import Progress, silent
from training.protocols.handbook_figures import Measured
from training.protocols.handbook_settings import HandbookSettings
from training.protocols.prequential import OBJECTIVES, PrequentialRun
from training.protocols.table import BenchmarkTable, Line
from training.protocols.tabular import Held, TabularRows, TabularSettings
from training.search_settings import Search

_Point = TypeVar("_Point", Held, Measured)


def tabular_curve(
    settings: TabularSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """The published folds, learnt from rising shares of each training part; a smaller share is part of a larger one.

    Raises
    ------
    DataError
        When the rows are not those of the published table.
    """
    rows = TabularRows.of(settings, platform, mapping, data, home, progress)
    calm = settings.model_copy(update={"search": _calm(settings.search)})
    points: dict[str, Held] = {}
    for share in sorted(settings.learning_curve):
        model = f"{share:.3g} of the training part"
        points[model] = rows.held(calm, model, rows.X, rows.columns, progress, share)
    n = len(rows.y) * (settings.folds - 1) // settings.folds
    notes = (
        f"{settings.folds} stratified folds, seed {settings.seed}; the whole training part is {n:,} rows",
        f"calm settings, trees by early stopping on {settings.inner_folds} inner folds of what is learnt from",
        f"intervals: 95 %, {settings.resamples} resamples of rows within the folds; differences are paired",
    )
    return BenchmarkTable(f"{settings.name} learning curve", _lines(points), notes, command)


def handbook_curve(
    settings: HandbookSettings,
    platform: PlatformSettings,
    mapping: Path,
    data: Path,
    home: Home,
    *,
    command: str,
    progress: Progress = silent,
) -> BenchmarkTable:
    """The published prequential folds, learnt from rising lengths of labels.

    Raises
    ------
    DataError
        When the rows of a fold are not the published ones.
    """
    run = PrequentialRun.of(settings, platform, mapping, data, home, progress)
    points: dict[str, Measured] = {}
    for length in sorted(settings.learning_curve):
        progress("learning curve", len(points), len(settings.learning_curve), format_duration(length))
        found = run.chosen(length, _calm(settings.history_search), OBJECTIVES[0])
        points[f"{format_duration(length)} of labels, {found.rounds} trees"] = run.scored(found, length)
    notes = (
        f"calm settings, trees by early stopping on average precision on {len(settings.folds)} earlier folds; of more "
        f"than {format_duration(settings.train)} every fraud and {settings.history_negatives:.0%} of the rest",
        "± sd over folds; intervals: 95 %, the days of each test week drawn anew; differences are paired",
    )
    return BenchmarkTable("handbook learning curve", _lines(points), notes, command)


def _calm(budget: Search) -> Search:
    return budget.model_copy(update={"trials": 1, "seconds": None, "method": "tpe"})


def _lines(points: dict[str, _Point]) -> tuple[Line, ...]:
    steps = [later.less(earlier, f"{more} less {less}")
             for (less, earlier), (more, later) in pairwise(points.items())]  # fmt: skip
    return (*(point.line(model) for model, point in points.items()), steps[-1])
