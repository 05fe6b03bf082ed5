"""Tables that set our figures beside published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

MEASURED = "measured here"
"""The source of our own lines."""

PAIRED = "paired, same rows"
"""The source of differences of two of them."""

_DIGITS = {"Brier": 4}
"""Where three decimals would hide the difference."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure; published ones have no interval.

    Parameters
    ----------
    sd : over folds, where the figure is a mean of some.
    """

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None

    def text(self, digits: int = 3) -> str:
        """As printed in a table.

        Examples
        --------
        >>> Cell(0.7071, 0.68, 0.73).text(), Cell(0.13364).text(4), Cell(-0.012, -0.02, 0.01, sd=0.013).text()
        ('.707 [.680, .730]', '.1336', '-.012 ±.013 [-.020, .010]')
        """
        text = _short(self.value, digits)
        if self.sd is not None:
            text += f" ±{_short(self.sd, digits)}"
        if self.low is not None and self.high is not None:
            text += f" [{_short(self.low, digits)}, {_short(self.high, digits)}]"
        return text


def _short(number: float, digits: int) -> str:
    return f"{number:.{digits}f}".replace("0.", ".", 1) if abs(number) < 1 else f"{number:.{digits}f}"


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
        """One row a model; a figure, its limits and its sd over folds are four columns."""
        rows = []
        for line in self.lines:
            row: dict[str, Any] = {"model": line.model, "source": line.source}
            for name, cell in line.cells.items():
                row |= {name: cell.value, f"{name}_low": cell.low, f"{name}_high": cell.high, f"{name}_sd": cell.sd}
            rows.append({**row, "n": line.n, "n_events": line.n_events})
        return pd.DataFrame(rows).set_index("model")

    def to_json(self) -> str:
        """The table, its notes and its command as one line of JSON, with the figures by name as benchmarks print them.

        ``equal`` says that the rows are the published ones: with other rows there is no table. A ratio is our first
        line over a line of the source, and its name holds that line's.
        """
        figures = {
            f"{line.model}: {name}": cell.value
            for line in self.lines if line.source == MEASURED for name, cell in line.cells.items()
        }  # fmt: skip
        told = {"bench": self.benchmark, "equal": True, "ratios": self.ratios(), "figures": figures, **asdict(self)}
        return json.dumps(told, ensure_ascii=False)

    def ratios(self) -> dict[str, float]:
        """Our first line over each line of the source, by figure."""
        ours = next((line for line in self.lines if line.source == MEASURED), None)
        if ours is None:
            return {}
        return {
            f"{name} over {line.model}": round(ours.cells[name].value / cell.value, 4)
            for line in self.lines if line.source not in (MEASURED, PAIRED)
            for name, cell in line.cells.items() if name in ours.cells
        }  # fmt: skip

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
