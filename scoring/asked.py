"""What the splits of a model ask of a row, each question once, so that a split compares one number with its threshold.

Numerical splits ask for a feature with what is missing put on its side: a *column*. Categorical ones ask whether a
category is outside of a *set*: 1 or 0, compared with a half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.trees import Tree, Trees, is_categorical

OUTSIDE = 0.5
"""What categorical splits compare with."""

_TREATMENTS = 8
_MOST = 2**16


class Asked:
    """Columns of all trees, and sets tree by tree as they are laid out.

    Raises
    ------
    ModelError
        When there are more columns, or a tree has more splits, than 16 bits count: what is read for a row stays short.
    """

    def __init__(self, trees: Trees) -> None:
        most = max((len(tree.feature) for tree in trees.splitting), default=0)
        places = [_places(tree)[~_categorical(tree)] for tree in trees.splitting]
        self._columns = np.unique(np.concatenate([np.zeros(0, np.int64), *places]))
        self._numbers = np.zeros(trees.n_features * _TREATMENTS, np.int64)
        self._numbers[self._columns] = np.arange(len(self._columns))
        if max(len(self._columns) + most, 2 * most + 1, trees.n_features) >= _MOST:
            got = f"{most} and {trees.n_features}"
            expected = f"splits of a tree and features that are some thousands below {_MOST // 2}"
            raise ModelError(expected_got(expected, got, "model.txt"))
        self._sets: list[tuple[int, int, int]] = []
        self._words: list[int] = []

    @property
    def n_columns(self) -> int:
        """How many there are."""
        return len(self._columns)

    @property
    def n_sets(self) -> int:
        """How many there are so far."""
        return len(self._sets)

    def add(self, tree: Tree, since: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Number and threshold of what each split asks; sets come after the columns, counted from the set `since`."""
        numbers, thresholds = self._numbers[_places(tree)], tree.threshold.copy()
        words = tree.words.tolist()
        for split in np.flatnonzero(_categorical(tree)).tolist():
            low, high = (int(bound) for bound in tree.bounds[int(tree.threshold[split]) :][:2])
            numbers[split], thresholds[split] = self.n_columns + self.n_sets - since, OUTSIDE
            self._sets.append((int(tree.feature[split]), len(self._words), high - low))
            self._words += [*words[low:high], 0]
        return numbers, thresholds

    def arrays(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
        """What kernels call columns, sets and words.

        columns [c, 2]: feature; bit 0: missing goes left, bit 1: zero is missing, bit 2: NaN is. sets [k, 3]: feature,
        first word, number of words, after which there is a word of nothing. words: bits of categories, 32 a word.
        """
        columns = np.stack(np.divmod(self._columns, _TREATMENTS), axis=1).astype(np.uint64)
        return columns, np.array(self._sets, np.uint64).reshape(-1, 3), np.array(self._words, np.uint64)


def _places(tree: Tree) -> NDArray[np.int64]:
    return tree.feature * _TREATMENTS + ((tree.decision >> 1) & (_TREATMENTS - 1))


def _categorical(tree: Tree) -> NDArray[np.bool_]:
    return np.array([is_categorical(decision) for decision in tree.decision.tolist()], np.bool_)
