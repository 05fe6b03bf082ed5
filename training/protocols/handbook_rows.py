"""The Handbook's rows: features and labels of the whole file, and which of them the book trains and tests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError
from domain.labels import FRAUD_POLICY
from domain.settings import PlatformSettings
from domain.time import DAY, format_instant
from features.catalogue import load as load_features
from features.replay import build_snapshot
from scoring.encode import Encoder
from scoring.labels import POSITIVE
from stores.home import Home
from training.calendar import day_numbers
from training.dataset import label
from training.families.family import Columns, Labelled
from training.progress import Progress
from training.protocols.book_inputs import NAMES, book_inputs
from training.protocols.handbook_settings import HandbookSettings
from training.protocols.sources import journal_of


@dataclass(frozen=True)
class Rows:
    """Positions, int64, of training and test rows."""

    train: np.ndarray
    test: np.ndarray


def published_split(
    day: np.ndarray, y: np.ndarray, customer: np.ndarray, first: int, *, train: int, delay: int, test: int
) -> Rows:
    """The book's rows.

    Taken out of the test: customers with a fraud in the training period and, cumulatively for each test day d,
    customers with a fraud on day d − delay − 1 (the book's ``delta_train + day − 1``).

    Parameters
    ----------
    day : int64[n], day of each row. first : day on which training begins. train, delay, test : days.

    Examples
    --------
    >>> day = np.array([0, 0, 2, 2, 3])
    >>> rows = published_split(day, np.array([1, 0, 0, 0, 0]), np.array(list("abaca")), 0, train=1, delay=1, test=2)
    >>> rows.train.tolist(), rows.test.tolist()
    ([0, 1], [3])
    """
    learnt = np.flatnonzero((day >= first) & (day < first + train))
    known = set(customer[learnt][y[learnt] == 1].tolist())
    begins = first + train + delay
    kept = []
    for today in range(begins, begins + test):
        known |= set(customer[(day == today - delay - 1) & (y == 1)].tolist())
        rows = np.flatnonzero(day == today)
        kept.append(rows[~np.isin(customer[rows], sorted(known))])
    return Rows(learnt, np.concatenate(kept))


@dataclass(frozen=True)
class HandbookRows:
    """The whole file as rows of features with their labels.

    Parameters
    ----------
    X : float64[n, m]. y : int8[n]. day : int64[n], day numbers. customer, terminal : int32[n], codes.
    time : int64[n], µs UTC, ascending. amount : float64[n].
    """

    settings: HandbookSettings
    X: np.ndarray
    columns: Columns
    y: np.ndarray
    day: np.ndarray
    customer: np.ndarray
    terminal: np.ndarray
    time: np.ndarray
    amount: np.ndarray

    @classmethod
    def of(
        cls, settings: HandbookSettings, platform: PlatformSettings, mapping: Path, data: Path, home: Home,
        progress: Progress,
    ) -> HandbookRows:  # fmt: skip
        """Import the file once, compute its features, settle its labels."""
        journal = journal_of(mapping, data / settings.file, home, platform, progress)
        feature_set = load_features(settings.features, platform)
        snapshot = build_snapshot(
            feature_set, journal, platform, threads=settings.threads,
            progress=lambda done, total, what: progress("features", done, total, what),
        )  # fmt: skip
        dataset = label(snapshot.table, journal.read("outcome"), FRAUD_POLICY, settings.delay)
        status = dataset.status(dataset.as_of)
        return cls(
            settings,
            Encoder.fit(snapshot.table, feature_set).matrix(snapshot.table),
            Columns(feature_set.names, feature_set.categorical),
            (status == POSITIVE).astype(np.int8),
            day_numbers(dataset.event_time, platform.time_zone),
            _codes(snapshot.table, "customer_id"),
            _codes(snapshot.table, "terminal_id"),
            dataset.event_time,
            snapshot.table["amount"].to_numpy(),
        )

    @cached_property
    def book(self) -> np.ndarray:
        """The book's fifteen inputs of every row, float64[n, 15], to compare with."""
        order = np.argsort(self.time, kind="stable")
        made = np.empty((len(order), len(NAMES)))
        columns = (self.time, self.customer, self.terminal, self.amount, self.y)
        made[order] = book_inputs(*(column[order] for column in columns), delay=self.settings.delay)
        return made

    def rows(self, train_from: int) -> Rows:
        """The published split that begins at an instant, µs UTC."""
        settings = self.settings
        return published_split(
            self.day, self.y, self.customer, self.first_day(train_from),
            train=settings.train // DAY, delay=settings.delay // DAY, test=settings.test // DAY,
        )  # fmt: skip

    def history(self, train_from: int, length: int) -> np.ndarray:
        """Rows of ``length`` up to the end of the training period, so that every label is known when the test begins.

        Of more than the protocol's own training period, the negatives are thinned by a seeded draw.
        """
        end = self.first_day(train_from) + self.settings.train // DAY
        rows: np.ndarray = np.flatnonzero((self.day >= end - length // DAY) & (self.day < end))
        if length <= self.settings.train:
            return rows
        drawn = np.random.default_rng(self.settings.seed).random(len(self.y)) < self.settings.history_negatives
        return np.asarray(rows[(self.y[rows] == 1) | drawn[rows]])

    def folds(self, length: int) -> Iterator[tuple[Labelled, Labelled]]:
        """Earlier folds, oldest first: rows to learn from ``length`` of labels, and rows to score.

        Raises
        ------
        DataError
            When a fold's test week reaches into the published training week.
        """
        begins = self.first_day(self.settings.train_from)
        for train_from in sorted(self.settings.folds):
            test = self.rows(train_from).test
            if self.day[test].max() >= begins:
                raise DataError(
                    f"folds: expected test weeks that end before {format_instant(self.settings.train_from)}, the fold "
                    f"from {format_instant(train_from)} ends later"
                )
            train = self.history(train_from, length)
            yield Labelled(self.X[train], self.y[train]), Labelled(self.X[test], self.y[test])

    def first_day(self, instant: int) -> int:
        """Day number of an instant, µs UTC."""
        return int(day_numbers(np.array([instant]), self.settings.time_zone)[0])


def _codes(table: pa.Table, key: str) -> np.ndarray:
    return np.asarray(pc.dictionary_encode(table[key]).combine_chunks().indices.to_numpy())
