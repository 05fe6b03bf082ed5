"""A model's trees laid out for one row: a step reads sixteen bytes, and the likelier child is next to its split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.asked import Asked
from scoring.kernel import TOGETHER
from scoring.trees import Tree, Trees


class Walk:
    """The sum of the leaves that a row comes to, bit for bit as ``Booster.predict`` adds them.

    One thread at a time: the scratch space is its own.

    Raises
    ------
    ModelError
        When the model has more columns, or a tree more splits, than 16 bits count (see `scoring.asked`).

    Examples
    --------
    >>> import lightgbm
    >>> from scoring.trees import read_trees
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> booster = lightgbm.train(settings, lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0), 3)
    >>> walk = Walk(read_trees(booster.model_to_string(num_iteration=-1)))
    >>> bool(walk.raw(X[3]) == booster.predict(X[3:4], raw_score=True)[0])
    True
    """

    def __init__(self, trees: Trees) -> None:
        asked = Asked(trees)
        parts = [_records(tree, asked) for tree in trees.splitting]
        n_trees = len(trees.splitting) + len(trees.constant)
        constant = sorted(set(range(n_trees)) - set(trees.places))
        parts += [(np.array([[value, 0.0]]), 0) for value in trees.constant]
        lengths = np.cumsum([0, *(len(records) for records, _ in parts)]).tolist()
        begun = [
            (depth, begin, place)
            for (_, depth), begin, place in zip(parts, lengths, [*trees.places, *constant], strict=False)
        ]
        # One beyond the last is added to nothing.
        begun += [(0, 0, n_trees)] * (-n_trees % TOGETHER)
        depths, roots, places = np.array(sorted(begun), np.uint64).T
        memory = np.concatenate([records for records, _ in parts])
        columns, sets, words = asked.arrays()
        from scoring.kernel.loading import load_walk  # Numba takes half a second

        self._call = load_walk()
        self._model = (
            columns, sets, words, depths.reshape(-1, TOGETHER).max(axis=1), np.ascontiguousarray(roots),
            np.ascontiguousarray(places), memory.view(np.uint16).reshape(-1), memory.reshape(-1),
        )  # fmt: skip
        self._scratch: tuple[NDArray[Any], ...] = (
            np.zeros(len(columns) + len(sets)), np.zeros(TOGETHER, np.uint64), np.zeros(n_trees + 1),
        )  # fmt: skip

    def raw(self, row: NDArray[np.float64]) -> float:
        """Of one row, float64[features]."""
        found: float = self._call(*self._model, row, *self._scratch)
        return found


def _records(tree: Tree, asked: Asked) -> tuple[NDArray[np.float64], int]:
    """float64[splits + leaves, 2] and how often to step.

    First comes the threshold, or the leaf's value; as uint16 the second is the question, the way to the right child and
    to the left one. A leaf is its own child.
    """
    order, depth = _order(tree)
    splits = order >= 0
    questions, thresholds = asked.add(tree, since=0)
    whereabouts = np.zeros(len(order), np.int64)
    whereabouts[order] = np.arange(len(order))  # leaf k is −1 − k, from the end
    memory = np.zeros((len(order), 2))
    memory[splits, 0] = thresholds[order[splits]]
    memory[~splits, 0] = tree.value[-1 - order[~splits]]
    steps = memory.view(np.uint16)
    steps[splits, 4] = questions[order[splits]]
    for field, child in ((5, tree.right), (6, tree.left)):
        steps[splits, field] = whereabouts[child[order[splits]]] - np.flatnonzero(splits)
    return memory, depth


def _order(tree: Tree) -> tuple[NDArray[np.int64], int]:
    """Splits and leaves as they lie, from the root down, the child that more rows of training came to first; depth."""
    left, right = tree.left.tolist(), tree.right.tolist()
    came = [*tree.n_rows.tolist(), *reversed(tree.count.tolist())]
    order, deepest = [], 0
    waiting = [(0, 0)]
    while waiting:
        node, depth = waiting.pop()
        order.append(node)
        deepest = max(deepest, depth)
        if node >= 0:
            near, far = left[node], right[node]
            if came[near] < came[far]:
                near, far = far, near
            waiting.append((far, depth + 1))
            waiting.append((near, depth + 1))
    return np.array(order, np.int64), deepest
