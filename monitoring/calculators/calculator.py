"""What a calculator is: fitted once on reference traffic, then asked about one chunk after the other.

A calculator states what share of unchanged chunks it may call alarming (``1 - confidence`` of them, all its results
together), and tests/monitoring/test_every_calculator.py holds it to that.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from domain.bilingual import Both
from domain.errors import DefinitionError
from monitoring import calculators as folder
from monitoring.reading import Kind
from monitoring.result import Result, needs
from monitoring.traffic import Traffic


@dataclass(frozen=True)
class Terms:
    """What every calculator keeps to.

    Parameters
    ----------
    confidence : of all results of a calculator together. least_rows : with fewer on a side nothing is assessed.
    bins : quantile bins of the reference, where values are binned.
    """

    confidence: float = 0.95
    least_rows: int = 100
    bins: int = 10

    def one_of(self, n: int) -> float:
        """The confidence of one result out of ``n`` that keeps the whole (Bonferroni).

        Examples
        --------
        >>> round(Terms(confidence=0.95).one_of(10), 4)
        0.995
        """
        return 1 - (1 - self.confidence) / max(1, n)


class Calculator(ABC):
    """A kind of results.

    Parameters
    ----------
    terms : what it keeps to.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind] = Kind.OBSERVED
    needs_columns: ClassVar[tuple[str, ...]] = ()

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._reference: Traffic | None = None

    def fit(self, reference: Traffic) -> Self:
        """Keep what chunks are compared with."""
        self._reference = reference
        return self

    def calculate(self, chunk: Traffic) -> tuple[Result, ...]:
        """What it finds about a chunk; a result without a value where rows or columns do not suffice.

        Raises
        ------
        DefinitionError
            When it was not fitted.
        """
        if self._reference is None:
            raise DefinitionError(f"{self.name}: expected to be fitted on a reference first; call fit")
        absent = [
            f"{side}: {column}"
            for side, rows in (("reference", self._reference), ("chunk", chunk))
            for column in self.needs_columns
            if not rows.has(column)
        ]
        if absent:
            n = len(self._reference), len(chunk)
            listed = ", ".join(absent)
            note = Both(f"缺少列：{listed}", f"no column {listed}")
            return (Result(self.name, self.name, self.kind, None, *n, note=note),)
        return tuple(needs(result, self.terms.least_rows) for result in self._results(self._reference, chunk))

    @abstractmethod
    def _results(self, reference: Traffic, chunk: Traffic) -> Iterator[Result]:
        """Results of a chunk that has the columns; rows may be too few."""


def calculators() -> tuple[type[Calculator], ...]:
    """Every calculator, in the order of their names."""
    found: set[type[Calculator]] = set()
    for module in pkgutil.iter_modules(folder.__path__):
        for each in vars(importlib.import_module(f"{folder.__name__}.{module.name}")).values():
            if isinstance(each, type) and issubclass(each, Calculator) and each is not Calculator:
                found.add(each)
    return tuple(sorted(found, key=lambda each: each.name))
