"""What is derived from other features of a row, derived anew where those were changed: by the program that made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from features.kernel.layout import NULL
from features.kernel.loading import load_kernel
from scoring.bundle import Bundle


class Rederiving:
    """The derived features of one bundle's rows.

    A derived feature can be had again where it reads nothing but features of the row: not the clock of the request, nor
    a feature that the set leaves out.
    """

    def __init__(self, bundle: Bundle) -> None:
        plan = bundle.feature_set.plan
        self._plan = plan
        self._names = bundle.encoder.names
        self._reads = {name: set(_read(told)) for name, told in bundle.feature_set.definition["derived"]}
        self._derived = [place for place, name in enumerate(self._names) if name in self._reads]
        self._width = len(plan.layouts[plan.subject_kind])
        # What a set excludes is computed for others and never logged: it cannot be derived again from a row.
        hidden = {name for name in self._all_read() if name not in self._names and name not in self._reads}
        clocked = {name for name, told in bundle.feature_set.definition["derived"] if _clocked(told)}
        self._lost = {name for name in self._reads if self._closure(name) & hidden} | clocked

    def follows(self, name: str) -> bool:
        """Whether everything derived from a number can be derived anew."""
        return not any(name in self._closure(each) for each in self._lost)

    def read_by(self, names: Iterable[str]) -> set[str]:
        """Features of the row that derived features read, by way of others too."""
        return {each for name in names for each in self._closure(name) if each in self._names}

    @property
    def pure(self) -> tuple[str, ...]:
        """Derived features that can be had again, in the order of the row."""
        return tuple(self._names[place] for place in self._derived if self._names[place] not in self._lost)

    @property
    def lost(self) -> tuple[str, ...]:
        """Derived features that cannot, in the order of the row."""
        return tuple(self._names[place] for place in self._derived if self._names[place] in self._lost)

    def __call__(self, rows: NDArray[np.float64], original: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[n, m] each → float64[n, m]; what does not come out again for a row as it was stays as given.

        Parameters
        ----------
        rows : with changes. original : the same rows before them.
        """
        if not self._derived or not len(rows):
            return rows
        was = original[:, self._derived]
        again = self._run(original)[:, self._derived]
        same = (again == was) | (np.isnan(again) & np.isnan(was))
        found = rows.copy()
        found[:, self._derived] = np.where(same, self._run(rows)[:, self._derived], rows[:, self._derived])
        return found

    def _run(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        plan = self._plan
        visible = np.arange(plan.n_row) if plan.visible is None else plan.visible
        full = np.full((len(rows), plan.n_row), np.nan)
        full[:, visible] = rows
        times = np.zeros(len(rows), dtype=np.int64)
        columns = np.full((len(rows), self._width), NULL, dtype=np.int64)
        load_kernel().derive(full, times, columns, plan.code, plan.constants, plan.zone.at, plan.zone.offset)
        return full[:, visible]

    def _all_read(self) -> set[str]:
        return {name for read in self._reads.values() for name in read}

    def _closure(self, name: str) -> set[str]:
        """All that a derived feature reads, by way of others too."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for read in self._reads.get(waiting.pop(), set()) - found:
                found.add(read)
                waiting.append(read)
        return found


def _read(expression: Sequence[object]) -> Iterator[str]:
    """Names among the operands of a canonical expression."""
    for operand in expression[1:]:
        if isinstance(operand, str):
            yield operand
        elif isinstance(operand, list | tuple):
            yield from _read(operand)


def _clocked(expression: Sequence[object]) -> bool:
    """Whether it reads the time of the request, which a row does not tell."""
    return len(expression) == 1 or any(_clocked(each) for each in expression[1:] if isinstance(each, list | tuple))
