"""From features to the numbers the model reads: a category becomes its index, null and unseen NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, DefinitionError, expected_got

if TYPE_CHECKING:
    from features.catalogue import FeatureSet
    from features.online import Vector


class Encoder:
    """Encode a table, or one online vector, into rows of float64[m]; both give the same bits.

    Parameters
    ----------
    names : the model's features, in order.
    categories : categorical feature → its known values; the place of a value is its code.

    Raises
    ------
    DefinitionError
        When names or values repeat, or a categorical feature is not among the names.

    Examples
    --------
    >>> encoder = Encoder(["amount", "channel"], {"channel": ("mobile", "qr")})
    >>> table = pa.table({"amount": [1.5, None, 3.0], "channel": ["qr", "mobile", "fax"]})
    >>> encoder.matrix(table).tolist()
    [[1.5, 1.0], [nan, 0.0], [3.0, nan]]
    """

    def __init__(self, names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> None:
        self.names = tuple(names)
        # In the order of names, as an online vector lists its texts.
        self.categories = {name: tuple(categories[name]) for name in self.names if name in categories}
        unknown = sorted(set(categories) - set(self.names))
        if unknown or len(set(self.names)) < len(self.names):
            raise DefinitionError(
                expected_got("distinct names with the categorical ones among them", unknown, "encoder")
            )
        for name, values in self.categories.items():
            if len(set(values)) < len(values):
                raise DefinitionError(expected_got("distinct categories", values, name))
        self._codes = tuple(
            (self.names.index(name), {value: float(code) for code, value in enumerate(values)})
            for name, values in self.categories.items()
        )

    @classmethod
    def fit(cls, table: pa.Table, feature_set: FeatureSet) -> Encoder:
        """Learn the categories of a training table, in the order of their text; nothing else is learnt."""
        categories = {
            name: tuple(sorted(value for value in pc.unique(table[name]).to_pylist() if value is not None))
            for name in feature_set.categorical
        }
        return cls(feature_set.names, categories)

    def matrix(self, table: pa.Table) -> NDArray[np.float64]:
        """Rows of a feature table, float64[n, m].

        Raises
        ------
        DataError
            When the table lacks a feature.
        """
        missing = [name for name in self.names if name not in table.column_names]
        if missing:
            raise DataError(
                expected_got(f"a table with the {len(self.names)} features", f"without {missing}", "encoder")
            )
        rows = np.empty((table.num_rows, len(self.names)))
        for place, name in enumerate(self.names):
            column = table[name]
            if name in self.categories:
                column = pc.index_in(column, value_set=pa.array(self.categories[name], column.type))
            rows[:, place] = column.cast(pa.float64()).to_numpy()
        return rows

    def row(self, vector: Vector) -> NDArray[np.float64]:
        """One online vector as float64[m]."""
        row: NDArray[np.float64] = vector.values.copy()
        for (place, codes), text in zip(self._codes, vector.texts, strict=True):
            if text is not None:
                row[place] = codes.get(text, np.nan)
        return row

    def named(self, vector: bytes) -> dict[str, float | str]:
        """A logged vector by name, categories as text; without those that were null or unseen in training.

        Raises
        ------
        DataError
            When the vector has not one number for each feature.

        Examples
        --------
        >>> encoder = Encoder(["amount", "channel"], {"channel": ("mobile", "qr")})
        >>> encoder.named(np.array([1.5, 1.0]).astype("<f8").tobytes())
        {'amount': 1.5, 'channel': 'qr'}
        """
        if len(vector) != 8 * len(self.names):
            raise DataError(expected_got(f"a vector of {len(self.names)} numbers", len(vector) / 8, "encoder"))
        numbers: list[float] = np.frombuffer(vector, dtype="<f8").tolist()
        named: dict[str, float | str] = {}
        for name, number in zip(self.names, numbers, strict=True):
            if name not in self.categories:
                named[name] = number
            elif not np.isnan(number):
                named[name] = self.categories[name][int(number)]
        return named
