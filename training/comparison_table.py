"""What a comparison of families shows: one row a family, differences paired with LightGBM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.intervals import Interval
from training.plots import draw_contenders

FIGURES = ("average_precision", "auc", "ks", "brier")
"""Compared and paired; Brier is the one that is better when lower."""


@dataclass(frozen=True)
class Contender:
    """One family; figures are empty where it failed, and ``note`` says why.

    Parameters
    ----------
    figures : name → value and 95 % interval on the test. differences : the same less LightGBM's, paired.
    search_value : the chosen trial's mean over folds. rounds : of the final fit.
    latency_us : median of one row.
    """

    family: str
    figures: Mapping[str, tuple[float, Interval]] = field(default_factory=dict)
    differences: Mapping[str, tuple[float, Interval]] = field(default_factory=dict)
    search_value: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    rounds: int | None = None
    n_complete: int = 0
    n_pruned: int = 0
    search_seconds: float | None = None
    fit_seconds: float | None = None
    latency_us: float | None = None
    n_bytes: int | None = None
    complexity: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def value(self, figure: str) -> float | None:
        """A figure of the test, None where there is none."""
        return self.figures[figure][0] if figure in self.figures else None

    def metrics(self) -> dict[str, float]:
        """Figures by flat names, for a tracking store."""
        flat: dict[str, float | None] = {
            "search_value": self.search_value, "search_seconds": self.search_seconds,
            "search_trials": float(self.n_complete + self.n_pruned), "fit_seconds": self.fit_seconds,
            "latency_us": self.latency_us, "n_bytes": self.n_bytes,
        }  # fmt: skip
        for prefix, values in (("test", self.figures), ("difference", self.differences)):
            for name, (value, interval) in values.items():
                flat |= {f"{prefix}_{name}": value, f"{prefix}_{name}_low": interval.low,
                         f"{prefix}_{name}_high": interval.high}  # fmt: skip
        flat |= {f"n_{name}": float(count) for name, count in self.complexity.items()}
        return {name: float(value) for name, value in flat.items() if value is not None and np.isfinite(value)}


@dataclass(frozen=True)
class Comparison:
    """Families side by side.

    Parameters
    ----------
    rows : what was measured on. clustered : what intervals are resampled over.
    trials, seconds : what each family's search might spend.
    warning : says so where the split proves nothing about the future.
    data : hash of every row and label that was learnt, calibrated or tested on, as a model's manifest names it.
    """

    name: str
    rows: str
    n: int
    n_events: int
    clustered: str
    objective: str
    trials: int
    seconds: float | None
    contenders: tuple[Contender, ...]
    warning: str | None = None
    data: str = ""

    def __getitem__(self, family: str) -> Contender:
        """One family by name."""
        for contender in self.contenders:
            if contender.family == family:
                return contender
        raise KeyError(family)

    def ranked(self) -> tuple[Contender, ...]:
        """The best on the objective first, those that failed last."""
        return tuple(sorted(self.contenders, key=lambda each: -(each.value(self.objective) or -1.0)))

    def table(self) -> pd.DataFrame:
        """One row a family, best first; of each figure value, limits, and the paired difference with its limits."""
        rows = []
        for each in self.ranked():
            row: dict[str, Any] = {"family": each.family}
            for figure in FIGURES:
                row |= _spread(figure, each.figures.get(figure))
                row |= _spread(f"{figure}_difference", each.differences.get(figure))
            for figure in ("calibration_slope", "calibration_intercept"):
                row |= _spread(figure, each.figures.get(figure))
            row |= {
                "trials": each.n_complete + each.n_pruned, "pruned": each.n_pruned,
                "search_seconds": each.search_seconds, "fit_seconds": each.fit_seconds,
                "latency_us": each.latency_us, "n_bytes": each.n_bytes,
                "complexity": ", ".join(f"{count:,} {name}" for name, count in each.complexity.items()),
                "note": "; ".join(part for part in (self.warning, each.note) if part),
            }  # fmt: skip
            rows.append(row)
        return pd.DataFrame(rows).set_index("family")

    def title(self) -> str:
        """What was compared on what."""
        seconds = "" if self.seconds is None else f" or {self.seconds:g} s"
        marked = f" ({self.warning})" if self.warning else ""
        return (
            f"{self.rows}: {self.n:,} rows, {self.n_events:,} events, prevalence {self.n_events / self.n:.3%}; "
            f"{self.trials} trials{seconds} each; 95 % intervals over {self.clustered}{marked}"
        )

    def plot(self, path: Path | None = None) -> Any:
        """Each family's objective and its paired difference, with intervals; saved where a path is given."""
        scored = [each for each in self.ranked() if each.value(self.objective) is not None]
        figure = draw_contenders(
            [each.family for each in scored],
            [_triple(each.figures[self.objective]) for each in scored],
            [_triple(each.differences[self.objective]) if each.differences else None for each in scored],
            self.objective, self.title(),
        )  # fmt: skip
        if path is not None:
            figure.savefig(path)
        return figure

    def to_json(self) -> str:
        """Everything, as JSON; what is not assessed is null."""
        return json.dumps(_plain(asdict(self)), indent=2, ensure_ascii=False, allow_nan=False)

    def _repr_html_(self) -> str:
        import html

        shown = self.table()
        keep = [name for name in shown.columns if not name.endswith(("_low", "_high"))]
        body = shown[keep].to_html(float_format=lambda value: f"{value:.4g}", na_rep="", border=0)
        return f"<p>{html.escape(self.title())}</p>{body}"


def _spread(name: str, found: tuple[float, Interval] | None) -> dict[str, float | None]:
    if found is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    value, interval = found
    return {name: value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _triple(found: tuple[float, Interval]) -> tuple[float, float, float]:
    return found[0], found[1].low, found[1].high


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
