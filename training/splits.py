"""Splits of a dataset: what trains, what calibrates, what is tested, and the folds of the search.

Training labels are those known when the test begins (or at a declared cut); a test that reaches into
immature labels is refused; rows that are neither positive nor negative are counted and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.errors import DataError, DefinitionError
from domain.time import DAY, format_duration, format_instant
from scoring.labels import IMMATURE, NEGATIVE, POSITIVE, count_statuses
from training.calendar import start_of_day
from training.cards import card
from training.dataset import Dataset
from training.drops import Drops
from training.families.family import Labelled
from training.periods import Period, forward_periods
from training.settings import TrainingSettings

UNVERIFIED = "random split of timed events, unverified: the figures are not evidence of future performance"


@dataclass(frozen=True)
class Part:
    """Rows of one part with settled labels.

    Parameters
    ----------
    rows : int64[n], positions in the dataset.
    y : int8[n], 1 positive, 0 negative.
    period : None where the split has no time.
    counts : rows of each status inside the period, left out ones too; and rows that each drop rule took out before.
    """

    rows: np.ndarray
    y: np.ndarray
    period: Period | None
    counts: Mapping[str, int]

    @property
    def n_events(self) -> int:
        """Positives."""
        return int(self.y.sum())

    def labelled(self, X: np.ndarray) -> Labelled:
        """Its rows out of all encoded rows, float64[n, m], with their labels."""
        return Labelled(X[self.rows], self.y)

    def left_out(self) -> dict[str, int]:
        """Rows of the period that were dropped, or are neither positive nor negative, by rule and status."""
        return {name: count for name, count in self.counts.items() if count and name not in ("positive", "negative")}


@dataclass(frozen=True)
class Fold:
    """One step of the search: learn on ``train``, score on ``valid``."""

    train: Part
    valid: Part


@dataclass(frozen=True)
class Split:
    """Everything a training run learns from and is measured on."""

    kind: str
    train: Part
    calibration: Part
    test: Part
    folds: tuple[Fold, ...]
    warning: str | None = None

    def parts(self) -> dict[str, Part]:
        """Every part by its name: the folds of the search, oldest first, then what the model is made of."""
        folds: dict[str, Part] = {}
        for number, fold in enumerate(self.folds, start=1):
            folds |= {f"fold {number} train": fold.train, f"fold {number} valid": fold.valid}
        return {**folds, "train": self.train, "calibration": self.calibration, "test": self.test}

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        table = self.table().drop(columns="warning", errors="ignore")
        return card(f"{self.kind} split", table, warning=self.warning)

    def table(self) -> pd.DataFrame:
        """Period, days, settled rows, events and left-out rows of each part; and the warning, if there is one."""
        lines = []
        for name, part in self.parts().items():
            days = None if part.period is None else (part.period.end - part.period.start) / DAY
            left_out = ", ".join(f"{count:,} {status}" for status, count in part.left_out().items())
            period = "" if part.period is None else str(part.period)
            lines.append((name, period, days, len(part.rows), part.n_events, left_out))
        table = pd.DataFrame(lines, columns=["part", "period", "days", "rows", "events", "left out"]).set_index("part")
        return table if self.warning is None else table.assign(warning=self.warning)


def make_split(dataset: Dataset, settings: TrainingSettings, zone: str) -> Split:
    """Split as the settings say.

    Raises
    ------
    DataError
        ``ImmatureLabels`` when the test reaches beyond matured labels; when a part lacks a class; when the
        data have no time and a forward split was asked for.
    DefinitionError
        When a timeless split is asked for events that have time.
    """
    one_day = not has_time(dataset, zone)
    if settings.split == "forward":
        if one_day:
            raise DataError(
                "split: expected events over several days for a forward split, got one day; "
                "use split: stratified, or grouped with a group, for a table without time"
            )
        return _forward(dataset, settings, zone)
    if not one_day and settings.split != "random_unverified":
        raise DefinitionError(
            f"split: expected forward for events that have time, got {settings.split}; a random split must be asked "
            "for by its name, random_unverified, and is marked as such in every output"
        )
    return _timeless(dataset, settings, UNVERIFIED if settings.split == "random_unverified" else None)


def has_time(dataset: Dataset, zone: str) -> bool:
    """Whether rows lie on more than one business day; a table without time stands at one instant."""
    times = dataset.event_time
    return start_of_day(int(times.min()), zone) != start_of_day(int(times.max()), zone)


def measured_part(dataset: Dataset, period: Period | None) -> Part:
    """Settled rows of a period, or all of them, by the newest labels: what a finished model is measured on.

    Raises
    ------
    DataError
        ``ImmatureLabels`` when the period reaches beyond matured labels; when a class is missing.
    """
    final = dataset.status(dataset.as_of)
    if period is None:
        return _of(final, np.arange(len(final)), None, "all rows")
    _refuse_immature(final[period.rows(dataset.event_time)], period, dataset)
    return _part(final, period, dataset.event_time, "period")


def _forward(dataset: Dataset, settings: TrainingSettings, zone: str) -> Split:
    assert settings.windows is not None  # noqa: S101 - the settings refuse a forward split without windows
    times = dataset.event_time
    periods = forward_periods(
        settings.windows, settings.folds, first=int(times.min()), last=int(times.max()), as_of=dataset.as_of,
        maturity=dataset.maturity, embargo=settings.gap, zone=zone,
    )  # fmt: skip
    final = dataset.status(dataset.as_of)
    _refuse_immature(final[periods.test.rows(times)], periods.test, dataset)
    at_cut = settings.labels_known == "at_cut"
    known = final if at_cut else dataset.status(periods.test.start)
    drops = Drops.of(dataset, settings.drop)
    folds = []
    for place, (train, valid) in enumerate(periods.folds):
        then = final if at_cut else dataset.status(valid.start)
        name = f"fold {place + 1}"
        learnt = _part(then, train, times, f"{name} train")
        folds.append(Fold(learnt, _measured(known, valid, times, f"{name} valid", drops, learnt)))
    learnt = _part(known, periods.train, times, "train")
    return Split(
        "forward",
        learnt,
        _part(known, periods.calibration, times, "calibration"),
        _measured(final, periods.test, times, "test", drops, learnt),
        tuple(folds),
    )


def _refuse_immature(status: np.ndarray, test: Period, dataset: Dataset) -> None:
    n_immature = int((status == IMMATURE).sum())
    slowest = max(dataset.by_code, key=lambda code: dataset.by_code[code]) + " " if dataset.by_code else ""
    if n_immature:
        raise DataError(
            f"ImmatureLabels: {n_immature:,} of {len(status):,} test rows ({test}) are younger than the "
            f"{format_duration(dataset.maturity)} {slowest}maturity at {format_instant(dataset.as_of)}.\n"
            f"Expected the test to end by {format_instant(dataset.as_of - dataset.maturity)}. "
            "Move windows.end or wait."
        )


def _part(status: np.ndarray, period: Period, times: np.ndarray, name: str) -> Part:
    return _of(status, period.rows(times), period, f"{name} ({period})")


def _measured(status: np.ndarray, period: Period, times: np.ndarray, name: str, drops: Drops, learnt: Part) -> Part:
    rows, taken = drops.apply(period.rows(times), period.start, learnt.rows)
    return _of(status, rows, period, f"{name} ({period})", taken)


def _of(
    status: np.ndarray, rows: np.ndarray, period: Period | None, where: str, dropped: Mapping[str, int] | None = None
) -> Part:
    inside = status[rows]
    kept = (inside == POSITIVE) | (inside == NEGATIVE)
    y = (inside[kept] == POSITIVE).astype(np.int8)
    counts = {**count_statuses(inside), **(dropped or {})}
    if y.sum() == 0 or y.sum() == len(y):
        raise DataError(
            f"{where}: expected matured positives and negatives, got {counts['positive']} and {counts['negative']} "
            f"beside {counts['immature']} immature and {counts['unknown']} unknown rows"
            f"{_took(dropped)}; "
            + ("is maturity.after longer than the labels' delay?" if period is None else "widen the period")
        )
    return Part(rows[kept], y, period, counts)


def _took(dropped: Mapping[str, int] | None) -> str:
    return "".join(f", {name} {count}" for name, count in (dropped or {}).items())


def _timeless(dataset: Dataset, settings: TrainingSettings, warning: str | None) -> Split:
    assert settings.shares is not None  # noqa: S101 - the settings refuse a timeless split without shares
    status = dataset.status(dataset.as_of)
    place = _shuffled(dataset, settings, status)
    tested, calibrated = settings.shares.test, settings.shares.test + settings.shares.calibration
    parts = {
        "test": np.flatnonzero(place < tested),
        "calibration": np.flatnonzero((place >= tested) & (place < calibrated)),
        "train": np.flatnonzero(place >= calibrated),
    }
    # Slices of the same order are stratified or grouped exactly as the parts are; one fold holds out a fifth.
    rows = parts["train"]
    n_slices = settings.folds.n if settings.folds.n > 1 else 5
    part = ((place[rows] - calibrated) / (1 - calibrated) * n_slices).astype(np.int64)
    drops = Drops.of(dataset, settings.drop)

    def measured(chosen: np.ndarray, where: str, learnt: Part) -> Part:
        kept, taken = drops.apply(chosen, dataset.as_of, learnt.rows)
        return _of(status, kept, None, where, taken)

    folds = []
    for number in range(settings.folds.n):
        learnt = _of(status, rows[part != number], None, f"fold {number + 1} train")
        folds.append(Fold(learnt, measured(rows[part == number], f"fold {number + 1} valid", learnt)))
    train = _of(status, parts["train"], None, "train")
    calibration = _of(status, parts["calibration"], None, "calibration")
    return Split(settings.split, train, calibration, measured(parts["test"], "test", train), tuple(folds), warning)


def _shuffled(dataset: Dataset, settings: TrainingSettings, status: np.ndarray) -> np.ndarray:
    """Each row's place in [0, 1) of a seeded order: of its group, or within its status."""
    rng = np.random.default_rng(settings.seed)
    if settings.split == "grouped":
        if settings.group not in dataset.table.column_names:
            keys = ", ".join(name for name in dataset.table.column_names if name.endswith("_id"))
            raise DefinitionError(f"group: expected a key column of the snapshot ({keys}), got {settings.group!r}")
        keys = dataset.table[settings.group].to_numpy(zero_copy_only=False).astype(str)
        _, group = np.unique(keys, return_inverse=True)
        n_groups = int(group.max()) + 1
        return np.asarray((rng.permutation(n_groups) / n_groups)[group])
    place = np.empty(len(status))
    for code in np.unique(status):
        mine = np.flatnonzero(status == code)
        place[mine] = rng.permutation(len(mine)) / len(mine)
    return place
