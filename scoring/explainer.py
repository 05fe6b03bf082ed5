"""What each feature added to a raw score: path-dependent TreeSHAP, in raw log-odds (Lundberg et al., 2020)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.paths import Paths, lay_out
from scoring.scorer import Scorer

QUADRATURE = "quadrature"
PRED_CONTRIB = "pred_contrib"

_BLOCK = 64
"""Rows that go through a tree together: its tables stay in the cache, and so do their sums."""

_LINE = 8
"""Numbers in a line of the cache."""

_N_PARITY_ROWS = 8
_CLOSE = 1e-9


class Explainer:
    """Contributions that add up to the raw score.

    One thread at a time, as its scorer. Values come from our kernel where it covers the model and has given those of
    LightGBM's ``pred_contrib`` on generated rows, else from ``pred_contrib`` itself; `engine` says which and
    `fallback` why.

    Parameters
    ----------
    scorer : of the model to explain.
    engine : ``pred_contrib`` asks for LightGBM's own; by default the faster one that can be used.

    Examples
    --------
    >>> import lightgbm
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> booster = lightgbm.train(settings, lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0), 3)
    >>> scorer = Scorer(booster.model_to_string(num_iteration=-1))
    >>> explainer = Explainer(scorer)
    >>> bool(abs(explainer.contributions(X[3]).sum() - scorer.raw(X[3])) < 1e-12), explainer.engine
    (True, 'quadrature')
    """

    method = "path-dependent TreeSHAP"
    units = "raw log-odds"

    def __init__(self, scorer: Scorer, engine: str | None = None) -> None:
        self._scorer = scorer
        self._kernel: _Kernel | None = None
        self.fallback = ""
        if engine == PRED_CONTRIB:
            self.fallback = "asked for"
        else:
            try:
                self._kernel = _Kernel(scorer)
            except ModelError as error:
                self.fallback = str(error)
        if self._kernel is not None and (apart := self._apart()) > _CLOSE:
            self._kernel, self.fallback = None, f"the kernel differs from pred_contrib by {apart:.2g}"

    @property
    def engine(self) -> str:
        """``quadrature``, our kernel, or ``pred_contrib``, LightGBM's own."""
        return PRED_CONTRIB if self._kernel is None else QUADRATURE

    def contributions(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[m] → float64[m + 1]: one contribution a feature, and last the base value (the mean raw score).

        Raises
        ------
        ModelError
            When the row's length or type does not fit the model, or its trees are linear in their leaves.
        """
        if row.ndim != 1:
            raise ModelError(expected_got("one row", f"{row.dtype}{list(row.shape)}", "row to explain"))
        result: NDArray[np.float64] = self.contributions_many(row.reshape(1, -1))[0]
        return result

    def contributions_many(self, matrix: NDArray[np.float64], *, threads: int = 1) -> NDArray[np.float64]:
        """float64[n, m] → float64[n, m + 1]; the number of threads changes no bit."""
        if self._kernel is None:
            return self._scorer.contributions_many(matrix, threads=threads)
        self._scorer.check_matrix(matrix)
        return self._kernel.contributions(np.ascontiguousarray(matrix), threads)

    def _apart(self) -> float:
        """Largest difference to ``pred_contrib``, relative to the largest contribution where that is above 1."""
        rows = self._scorer.parity_rows()[:_N_PARITY_ROWS]
        expected = self._scorer.contributions_many(rows)
        apart = np.abs(self.contributions_many(rows) - expected).max()
        return float(apart / max(1.0, np.abs(expected).max()))


class _Kernel:
    """The compiled walk over one model's paths, and its scratch space."""

    def __init__(self, scorer: Scorer) -> None:
        self._paths = lay_out(scorer.trees)
        self._base = scorer.trees.base()
        from scoring.kernel.loading import load_shapley  # Numba takes half a second

        self._call = load_shapley()
        paths = self._paths
        self._arrays = (
            paths.trees, paths.columns, paths.sets, paths.words, paths.splits, paths.numbers, paths.leaves,
            paths.repeats, paths.tables,
        )  # fmt: skip
        self._scratch = _scratch(self._paths, _BLOCK)

    def contributions(self, rows: NDArray[np.float64], threads: int) -> NDArray[np.float64]:
        n, m = rows.shape
        out = np.zeros((n, m))
        n_blocks = -(-n // _BLOCK)
        if threads <= 1 or n_blocks < 2:
            self._run(rows, out, self._scratch)
        else:
            cuts = [n * k // threads for k in range(threads + 1)]
            parts = [slice(a, b) for a, b in pairwise(cuts)]
            with ThreadPoolExecutor(threads) as pool:
                for done in [
                    pool.submit(self._run, rows[part], out[part], _scratch(self._paths, _BLOCK)) for part in parts
                ]:
                    done.result()
        return np.column_stack([out, np.full(n, self._base)])

    def _run(self, rows: NDArray[np.float64], out: NDArray[np.float64], scratch: tuple[NDArray[Any], ...]) -> None:
        values, sums, *others = scratch
        n_values, n_sums = len(values) // _BLOCK, len(sums) // _BLOCK
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            self._call(
                *self._arrays, block, out[start : start + _BLOCK], values[: len(block) * n_values],
                sums[: len(block) * n_sums], *others,
            )  # fmt: skip


def _scratch(paths: Paths, block: int) -> tuple[NDArray[Any], ...]:
    """What the kernel calls values, sums, above, below, bent, moves and marks."""
    places = (2 * paths.most_splits + 1) * paths.most_nodes
    return (
        _aligned(block * (len(paths.columns) + paths.most_sets)), _aligned(block * paths.n_features * paths.most_nodes),
        _aligned(places), _aligned(places), _aligned((1 + paths.most_repeats) * paths.most_nodes),
        _aligned(2 * paths.most_splits), np.empty(2 * paths.most_splits, np.uint64),
    )  # fmt: skip


def _aligned(n: int) -> NDArray[np.float64]:
    """Room for n numbers that begins with a line of the cache."""
    room = np.empty(n + _LINE)
    begin = -room.ctypes.data // room.itemsize % _LINE
    return room[begin : begin + n]
