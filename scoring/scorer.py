"""One row's raw score, bit for bit what LightGBM says, in a quarter of the time that its C library takes.

Our own walk through the trees is used after it has given the very bits of ``Booster.predict`` on generated rows; where
it does not cover a model, the library's prepared single-row call, which is reached through a private handle of the
Python package, after the same test; otherwise ``Booster.predict`` itself. `Scorer.engine` says which.
"""

from __future__ import annotations

import ctypes
import re
import weakref
from functools import cached_property, partial
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.trees import Trees, read_trees
from scoring.walk import Walk

WALK = "walk-in-step"
FAST = "single-row-fast"
PLAIN = "booster-predict"

_FLOAT64 = 1
_DOUBLE = np.dtype(np.float64)
_RAW_SCORE = 1
_N_PARITY_ROWS = 96
# Rounding or a wide tree could hide in a few rows; a wrong engine differs in nearly all of them.
_HEADER = ("num_class", "num_tree_per_iteration", "max_feature_idx", "feature_names", "feature_infos")


class Scorer:
    """Raw log-odds margins of a LightGBM text model.

    One thread at a time: the row buffer and what an engine writes to belong to the scorer. Give
    each thread a scorer of its own. The booster is kept from others too: a call for fewer trees
    would change, in silence, how many the prepared call uses from then on.

    Parameters
    ----------
    model_text : a model of one score a row, all of whose trees are used. Verify its hash first: the
        library aborts the process on some damaged texts; what can be checked beforehand is.

    Raises
    ------
    ModelError
        When the text is cut off, is no LightGBM model, or gives more than one score a row.

    Examples
    --------
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> data = lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0, feature_name=["amount", "hour"])
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> scorer = Scorer(lightgbm.train(settings, data, 3).model_to_string(num_iteration=-1))
    >>> scorer.names, scorer.n_trees
    (('amount', 'hour'), 3)
    >>> scorer.raw(X[0]) < 0 < scorer.raw(X[-1])
    True
    """

    def __init__(self, model_text: str) -> None:
        header = check_model_text(model_text)
        self.model_text = model_text
        try:
            self._booster = lightgbm.Booster(model_str=model_text)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"model.txt: expected a LightGBM model, got {error}; train it again") from error
        self.names: tuple[str, ...] = tuple(self._booster.feature_name())
        self.n_trees = int(self._booster.num_trees())
        self.num_iteration = int(self._booster.current_iteration())
        self._infos = header["feature_infos"].split()
        self._width = len(self.names)
        self._shape = (self._width,)
        self._buffer = np.zeros(self._width, dtype=np.float64)
        self._score = ctypes.c_double()
        self._walk: Walk | None = None
        self._call: Any = None
        self.engine = self._choose()

    @cached_property
    def trees(self) -> Trees:
        """The model's trees, read once for all who lay them out; raises ModelError for trees linear in their leaves."""
        return read_trees(self.model_text)

    def raw(self, row: NDArray[np.float64]) -> float:
        """Raw score (log-odds margin) of one encoded row of ``len(names)`` float64 values.

        Raises
        ------
        ModelError
            When the row's length or type does not fit the model.
        """
        # Identity first: comparing types takes a microsecond of some twenty.
        if (row.dtype is not _DOUBLE and row.dtype != _DOUBLE) or row.shape != self._shape:
            raise ModelError(expected_got(f"float64[{self._width}]", f"{row.dtype}{list(row.shape)}", "row to score"))
        if self.engine is WALK:
            return self._raw_walked(row)
        return self._raw_fast(row) if self.engine is FAST else self._raw_plain(row)

    def raw_many(self, matrix: NDArray[np.float64], *, threads: int = 1) -> NDArray[np.float64]:
        """Raw scores of n rows, float64[n, m] → float64[n]; the number of threads changes no bit."""
        self.check_matrix(matrix)
        return self._predict(matrix, threads, raw_score=True) if len(matrix) else np.zeros(0)

    def contributions_many(self, matrix: NDArray[np.float64], *, threads: int = 1) -> NDArray[np.float64]:
        """What each feature added to each raw score, by ``pred_contrib``: float64[n, m] → float64[n, m + 1], base last.

        Raises
        ------
        ModelError
            When the rows do not fit the model, or its trees are linear in their leaves.
        """
        self.check_matrix(matrix)
        if not len(matrix):
            return np.zeros((0, self._width + 1))
        try:
            return self._predict(matrix, threads, pred_contrib=True)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"explainer: expected a model of plain trees, got {error}") from error

    def check_matrix(self, matrix: NDArray[np.float64]) -> None:
        """Refuse rows that are not float64[n, len(names)].

        Raises
        ------
        ModelError
            When they do not fit the model.
        """
        if matrix.dtype != np.float64 or matrix.ndim != 2 or matrix.shape[1] != self._width:
            got = f"{matrix.dtype}{list(matrix.shape)}"
            raise ModelError(expected_got(f"float64[n, {self._width}]", got, "rows to score"))

    def _predict(self, matrix: NDArray[np.float64], threads: int, **what: bool) -> NDArray[np.float64]:
        rows = np.ascontiguousarray(matrix)
        found = self._booster.predict(rows, num_iteration=self.num_iteration, num_threads=threads, **what)
        return np.asarray(found, dtype=np.float64)

    def _choose(self) -> str:
        """The fastest engine that gives the bits of ``Booster.predict``."""
        rows = self.parity_rows()
        expected = [float(score).hex() for score in self.raw_many(rows)]
        try:
            self._walk = Walk(self.trees)
        except ModelError:  # linear in its leaves, or larger than our walk's 16 bits: the library's call is there
            self._walk = None
        if self._walk is not None and [self._raw_walked(row).hex() for row in rows] == expected:
            return WALK
        self._walk, self._call = None, self._prepare()
        if self._call is not None and [self._raw_fast(row).hex() for row in rows] == expected:
            return FAST
        return PLAIN

    def _raw_walked(self, row: NDArray[np.float64]) -> float:
        self._buffer[:] = row
        return self._walk.raw(self._buffer)  # type: ignore[union-attr]  # chosen only where there is one

    def _raw_plain(self, row: NDArray[np.float64]) -> float:
        return float(self.raw_many(row.reshape(1, -1))[0])

    def _raw_fast(self, row: NDArray[np.float64]) -> float:
        self._buffer[:] = row
        if self._call() != 0:
            raise ModelError(expected_got("a score", _last_error(), "LightGBM single-row-fast"))
        return self._score.value

    def _prepare(self) -> Any:
        """The prepared call on our buffer, or None where the library does not offer it."""
        library: Any = getattr(lightgbm.basic, "_LIB", None)
        booster = getattr(self._booster, "_handle", None)
        if booster is None or not all(hasattr(library, f"LGBM_{name}") for name in _SYMBOLS):
            return None
        config = ctypes.c_void_p()
        failed = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            booster, ctypes.c_int(_RAW_SCORE), ctypes.c_int(0), ctypes.c_int(self.num_iteration),
            ctypes.c_int(_FLOAT64), ctypes.c_int32(self._width), b"num_threads=1 verbosity=-1", ctypes.byref(config),
        )  # fmt: skip
        if failed:
            return None
        # The prepared call points into the booster, which must outlive it.
        weakref.finalize(self, _free, library, config, self._booster)
        single = library.LGBM_BoosterPredictForMatSingleRowFast
        count = ctypes.c_int64()
        arguments = (
            config, self._buffer.ctypes.data_as(ctypes.c_void_p), ctypes.byref(count), ctypes.byref(self._score)
        )  # fmt: skip
        return partial(single, *arguments)

    def parity_rows(self) -> NDArray[np.float64]:
        """Generated rows on which a fast way must give what the library gives (see `parity_rows`)."""
        return parity_rows(self._infos)


_SYMBOLS = ("BoosterPredictForMatSingleRowFastInit", "BoosterPredictForMatSingleRowFast", "FastConfigFree")


def check_model_text(text: str) -> dict[str, str]:
    """The header of a model text whose trees are all there, as the header counts them.

    Raises
    ------
    ModelError
        When the text is cut off, spliced or no LightGBM model of one score a row.
    """
    head, _, rest = text.partition("\nTree=0\n")
    fields = dict(line.partition("=")[::2] for line in head.splitlines() if "=" in line)
    missing = [name for name in (*_HEADER, "tree_sizes") if name not in fields]
    if not text.startswith("tree\n") or missing:
        raise ModelError(expected_got("a LightGBM text model with at least one tree", text[:40], "model.txt"))
    trees, ended, _ = rest.partition("end of trees\n")
    try:
        sizes = [int(size) for size in fields["tree_sizes"].split()]
    except ValueError as error:
        raise ModelError(
            expected_got("the size of each tree", fields["tree_sizes"], "model.txt: tree_sizes")
        ) from error
    n_bytes = len(f"Tree=0\n{trees}".encode())
    n_trees = 1 + len(re.findall(r"^Tree=\d+$", trees, re.MULTILINE))
    if not ended or sum(sizes) != n_bytes or len(sizes) != n_trees:
        raise ModelError(
            expected_got(f"{len(sizes)} trees of {sum(sizes)} bytes", f"{n_trees} of {n_bytes}", "model.txt (cut off?)")
        )
    if fields["num_tree_per_iteration"] != "1" or fields["num_class"] != "1":
        raise ModelError(expected_got("one score a row", f"{fields['num_class']} classes", "model.txt"))
    width = len(fields["feature_names"].split(" "))
    if fields["max_feature_idx"] != str(width - 1) or len(fields["feature_infos"].split()) != width:
        raise ModelError(expected_got(f"{width} features", fields["max_feature_idx"], "model.txt: max_feature_idx"))
    return fields


def parity_rows(infos: list[str], seed: int = 0) -> NDArray[np.float64]:
    """Rows within, at and beyond the range each feature had in training, with NaN, ±0 and unseen categories.

    Parameters
    ----------
    infos : the header's ``feature_infos``: ``[low:high]``, ``1:2:5`` for categories, or ``none``.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros((_N_PARITY_ROWS, len(infos)))
    for place, info in enumerate(infos):
        if info.startswith("["):
            low, high = (float(bound) for bound in info[1:-1].split(":"))
            drawn = low + rng.random(_N_PARITY_ROWS) * (high - low)
            special = [np.nan, 0.0, -0.0, low, high, low - 1.0, high + 1.0, 1e-36, np.inf, -np.inf]
        else:
            known = [float(value) for value in info.split(":")] if info != "none" else [0.0]
            drawn = rng.choice(known, _N_PARITY_ROWS)
            special = [np.nan, 0.0, -1.0, max(known) + 1.0, 0.5]
        rows[:, place] = np.where(rng.random(_N_PARITY_ROWS) < 0.25, rng.choice(special, _N_PARITY_ROWS), drawn)
    return rows


def _last_error() -> str:
    library = lightgbm.basic._LIB  # noqa: SLF001 - the library offers its errors nowhere else
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    message: bytes = library.LGBM_GetLastError()
    return message.decode(errors="replace")


def _free(library: Any, config: Any, booster: object) -> None:
    del booster
    library.LGBM_FastConfigFree(config)
