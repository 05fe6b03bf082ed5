"""LightGBM's text model as flat arrays, in the order a walk from the root meets its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got

_CATEGORICAL, _DEFAULT_LEFT = 1, 2


@dataclass(frozen=True)
class Tree:
    """One tree with at least one split.

    Parameters
    ----------
    feature, threshold, decision : of its s splits; the decision's bits are LightGBM's: categorical, default left, and
        two for what counts as missing (none, zero, NaN).
    left, right : child of each split, −1 − k for leaf k.
    value, count : of its s + 1 leaves. n_rows : rows of training that came to each split.
    bounds, words : sets of categories that go left, as LightGBM's bit sets; a categorical split's threshold is the
        number of its set.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    decision: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    count: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    bounds: NDArray[np.int64]
    words: NDArray[np.int64]

    def expected(self) -> float:
        """Mean leaf value over the rows of training."""
        return float(np.dot(self.count / self.n_rows[0], self.value))


@dataclass(frozen=True)
class Trees:
    """All trees of a model.

    Parameters
    ----------
    splitting : trees that split. constant : values of those that do not. n_features : columns of a row.
    places : number in the model of each tree that splits; the others are those that do not, in their order.
    """

    splitting: tuple[Tree, ...]
    constant: tuple[float, ...]
    n_features: int
    places: tuple[int, ...]

    def base(self) -> float:
        """The mean raw score over the rows of training, as ``pred_contrib`` gives it last."""
        return sum(tree.expected() for tree in self.splitting) + sum(self.constant)


def read_trees(model_text: str) -> Trees:
    """Parse a text that has passed `scoring.scorer.check_model_text`.

    Raises
    ------
    ModelError
        When trees are linear in their leaves, or a field is not what it should be.

    Examples
    --------
    >>> import lightgbm
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> booster = lightgbm.train(settings, lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0), 3)
    >>> trees = read_trees(booster.model_to_string(num_iteration=-1))
    >>> len(trees.splitting), trees.n_features
    (3, 2)
    """
    head, _, rest = model_text.partition("\nTree=0\n")
    fields = dict(line.partition("=")[::2] for line in head.splitlines() if "=" in line)
    splitting, constant, places = [], [], []
    for place, tree in enumerate(_blocks("Tree=0\n" + rest.partition("end of trees")[0])):
        if tree.get("is_linear", "0") != "0":
            raise ModelError(expected_got("plain trees", "linear trees", "model.txt"))
        if tree.get("num_leaves") == "1":
            constant.append(float(tree["leaf_value"]))
        else:
            splitting.append(_tree(tree))
            places.append(place)
    return Trees(tuple(splitting), tuple(constant), int(fields["max_feature_idx"]) + 1, tuple(places))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in text.split("Tree=")[1:]:
        yield dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)


def _tree(fields: dict[str, str]) -> Tree:
    def whole(name: str) -> NDArray[np.int64]:
        return np.array(fields[name].split(), np.int64)

    def real(name: str) -> NDArray[np.float64]:
        return np.array(fields[name].split(), np.float64)

    sets = "cat_boundaries" in fields
    try:
        tree = Tree(
            feature=whole("split_feature"), threshold=real("threshold"), decision=whole("decision_type"),
            left=whole("left_child"), right=whole("right_child"), value=real("leaf_value"), count=whole("leaf_count"),
            n_rows=whole("internal_count"), bounds=whole("cat_boundaries") if sets else np.zeros(0, np.int64),
            words=whole("cat_threshold") if sets else np.zeros(0, np.int64),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise ModelError(expected_got("the fields of a tree", error, "model.txt")) from error
    if len(tree.value) != len(tree.feature) + 1 or tree.n_rows.min(initial=1) < 1:
        raise ModelError(expected_got("splits that rows of training came to", len(tree.feature), "model.txt"))
    return tree


def is_categorical(decision: int) -> bool:
    """Whether a split asks for membership of a set."""
    return bool(decision & _CATEGORICAL)
