"""Which rows of a file are bad, and why: gathered column by column, told row by row."""

from __future__ import annotations

import numpy as np

from stores.checks import Mask


class Faults:
    """Reasons against rows; a row may have several.

    Examples
    --------
    >>> faults = Faults(3)
    >>> faults.add(np.array([True, False, True]), "amount: expected a number")
    >>> faults.add(np.array([True, False, False]), "card_id: expected a key")
    >>> faults.bad.tolist(), faults.counts()
    ([True, False, True], {'amount: expected a number': 2, 'card_id: expected a key': 1})
    >>> faults.told()
    {0: 'amount: expected a number; card_id: expected a key', 2: 'amount: expected a number'}
    """

    def __init__(self, n_rows: int) -> None:
        self.bad: Mask = np.zeros(n_rows, dtype=bool)
        self._found: dict[str, Mask] = {}

    def add(self, rows: Mask, reason: str) -> None:
        """Hold a reason against the rows that are True."""
        if rows.any():
            self.bad |= rows
            self._found[reason] = self._found[reason] | rows if reason in self._found else rows

    def counts(self) -> dict[str, int]:
        """Reason → number of rows, the commonest first."""
        counted = {reason: int(rows.sum()) for reason, rows in self._found.items()}
        return dict(sorted(counted.items(), key=lambda pair: -pair[1]))

    def told(self) -> dict[int, str]:
        """Position of each bad row → its reasons."""
        told: dict[int, str] = {}
        for reason, rows in self._found.items():
            for place in np.flatnonzero(rows).tolist():
                told[place] = f"{told[place]}; {reason}" if place in told else reason
        return dict(sorted(told.items()))
