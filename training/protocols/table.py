"""Tables that set our figures beside published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

_DIGITS = {"Brier": 4}
"""Where three decimals would hide the difference."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure; published ones have no interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def text(self, digits: int = 3) -> str:
        """As printed in a table.

        Examples
        --------
        >>> Cell(0.7071, 0.68, 0.73).text(), Cell(0.13364).text(4)
        ('.707 [.680, .730]', '.1336')
        """
        numbers = [number for number in (self.value, self.low, self.high) if number is not None]
        shown = [f"{number:.{digits}f}".removeprefix("0") for number in numbers]
        return shown[0] if len(shown) == 1 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


@dataclass(frozen=True)
class Line:
    """One model of the table.

    Parameters
    ----------
    source : who measured it. n, n_events : test rows and positives; 0 where the source gives none.
    """

    model: str
    source: str
    cells: Mapping[str, Cell]
    n: int = 0
    n_events: int = 0


@dataclass(frozen=True)
class BenchmarkTable:
    """Our lines beside the others', with the command that made them.

    Parameters
    ----------
    notes : what a reader must know to read the table rightly, one sentence each.
    """

    benchmark: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    command: str

    def __getitem__(self, model: str) -> Line:
        """One line by its model."""
        for line in self.lines:
            if line.model == model:
                return line
        raise KeyError(model)

    def table(self) -> pd.DataFrame:
        """One row a model; a figure and its limits are three columns."""
        rows = []
        for line in self.lines:
            row: dict[str, Any] = {"model": line.model, "source": line.source}
            for name, cell in line.cells.items():
                row |= {name: cell.value, f"{name}_low": cell.low, f"{name}_high": cell.high}
            rows.append({**row, "n": line.n, "n_events": line.n_events})
        return pd.DataFrame(rows).set_index("model")

    def to_json(self) -> str:
        """The table, its notes and its command as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    def to_text(self) -> str:
        """The table for a terminal, widths fitted, then the notes and the command."""
        names = list(dict.fromkeys(name for line in self.lines for name in line.cells))
        rows = [["model", *names, "rows", "events", "source"]]
        for line in self.lines:
            cells = [line.cells[name].text(_DIGITS.get(name, 3)) if name in line.cells else "" for name in names]
            counts = [f"{count:,}" if count else "" for count in (line.n, line.n_events)]
            rows.append([line.model, *cells, *counts, line.source])
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        printed = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        printed.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*printed, "", *(f"- {note}" for note in self.notes), "", f"made by: {self.command}"])
