"""Settings of the Handbook benchmark (``configs/benchmarks/handbook.yaml``)."""

from __future__ import annotations

from pydantic import Field

from domain.settings import Settings
from domain.time import Duration
from features.settings import FeatureSettings
from training.settings import Instant, Search


class Published(Settings):
    """A line of the source."""

    model: str
    auc: float
    average_precision: float
    card_precision_100: float

    @property
    def figures(self) -> tuple[float, float, float]:
        """AUC, AP and CP@100."""
        return self.auc, self.average_precision, self.card_precision_100


class PublishedFold(Settings):
    """A prequential fold: the first instant of its training week, and how many rows the book has there."""

    train_from: Instant
    n_train: int
    n_test: int


class Prequential(Settings):
    """The book's prequential validation: its folds, in its order, and its lines (means over the folds)."""

    folds: list[PublishedFold] = Field(min_length=2)
    published: list[Published]


class HandbookSettings(Settings):
    """``configs/benchmarks/handbook.yaml``.

    Parameters
    ----------
    train_from : first instant of the training week. delay : of the labels.
    history : of the longer line, which learns from every fraud and a share ``history_negatives`` of the rest; the
        share changes the level of the scores, not what the protocol measures.
    learning_curve : lengths of labels to learn from, rising.
    folds : first instants of the training weeks of earlier folds; their test weeks end before ``train_from``.
    n_train, n_train_events, n_test, n_test_events : the published counts, which must come out.
    """

    file: str
    time_zone: str
    train_from: Instant
    train: Duration
    delay: Duration
    test: Duration
    history: Duration
    history_negatives: float = Field(gt=0, le=1)
    folds: list[Instant] = Field(min_length=1)
    features: FeatureSettings
    search: Search
    history_search: Search
    learning_curve: list[Duration] = Field(min_length=2)
    max_bin: int
    max_bin_of: dict[str, int]
    seed: int
    threads: int
    resamples: int
    n_train: int
    n_train_events: int
    n_test: int
    n_test_events: int
    source: str
    published: list[Published]
    prequential: Prequential
