"""The master scale of credit grades: fitted on calibration rows, tabled on later ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import yaml

from domain.errors import ModelError, expected_got
from scoring.policy_settings import CreditGrade, MasterScale
from scoring.pricing import expected_loss_share, suggest_price
from scoring.pricing_settings import Pricing
from training.evaluation import Figure
from training.grade_reliability import Light, grade_lines
from training.money_settings import ScaleSettings

NAMES = ("AAA", "AA", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J")
"""Best first."""


def fit_master_scale(probability: np.ndarray, y: np.ndarray, settings: ScaleSettings) -> MasterScale:
    """Bands in equal steps of log PD, joined until each has enough defaults and observed rates rise from band to band.

    Joining never moves a bound, so a scale fitted again on other rows keeps the bounds that it keeps.

    Parameters
    ----------
    probability : float64[n], calibrated. y : int8[n], 1 defaulted within the horizon.

    Raises
    ------
    ModelError
        When fewer than two grades are left.

    Examples
    --------
    >>> p = np.repeat([0.01, 0.03, 0.09, 0.27], 1_000)
    >>> y = (np.tile(np.arange(1_000), 4) < 1_000 * p).astype(np.int8)
    >>> settings = ScaleSettings(horizon_months=12, grades=4, best=0.02, worst=0.16, least_events=5, source="example")
    >>> [(each.grade, each.upto) for each in fit_master_scale(p, y, settings).grades]
    [('AAA', 0.02), ('AA', 0.05657), ('A', 0.16), ('B', 1.0)]
    """
    steps = np.geomspace(settings.best, settings.worst, settings.grades - 1)
    bounds = [*(float(f"{bound:.4g}") for bound in steps), 1.0]
    # Bands as [upper bound, rows, defaults], best first.
    place = np.searchsorted(bounds[:-1], probability, side="right")
    rows = np.bincount(place, minlength=len(bounds)).tolist()
    events = np.bincount(place, weights=y, minlength=len(bounds)).astype(int).tolist()
    bands = [list(band) for band in zip(bounds, rows, events, strict=True)]
    while len(bands) > 1 and (worst := _worst(bands, settings.least_events)) is not None:
        low, high = bands[worst], bands.pop(worst + 1)
        low[:] = [high[0], low[1] + high[1], low[2] + high[2]]
    if len(bands) < 2:
        raise ModelError(
            expected_got(f"at least two grades of {settings.least_events} defaults, each riskier than the last",
                         f"{int(y.sum())} defaults on {len(y):,} rows", "master_scale")
            + "; lower least_events or give more history"
        )  # fmt: skip
    named = [CreditGrade(grade=name, upto=band[0]) for name, band in zip(NAMES, bands, strict=False)]
    return MasterScale(horizon=f"{settings.horizon_months}m", grades=tuple(named))


def _worst(bands: Sequence[Sequence[float]], least: int) -> int | None:
    """The band to join with the next one, None where all are well: falling rates first, then too few defaults."""
    rates = [events / rows if rows else None for _, rows, events in bands]
    for place in range(len(bands) - 1):
        low, high = rates[place], rates[place + 1]
        if low is not None and high is not None and high <= low:
            return place
    poorest = min(range(len(bands)), key=lambda place: bands[place][2])
    if bands[poorest][2] >= least:
        return None
    # Joined with the poorer neighbour: it loses least.
    if poorest == len(bands) - 1 or (poorest > 0 and bands[poorest - 1][2] <= bands[poorest + 1][2]):
        return poorest - 1
    return poorest


@dataclass(frozen=True, slots=True)
class ScaleLine:
    """One grade: its band, what was observed, and what a loan in it would cost.

    Parameters
    ----------
    above, upto : the band of probabilities, [above, upto). stated : mean probability of its rows.
    low, high : Jeffreys' 95 % interval of the observed rate. light : see `training.grade_reliability`.
    expected_loss : share of the amount over the horizon. price : suggested annual rate. Both at the stated
        probability, or at the band's geometric middle where it has no rows; None with a note where not assessed.
    """

    grade: str
    above: float
    upto: float
    n: int
    share: float
    n_events: int
    stated: float | None
    observed: float | None
    low: float | None
    high: float | None
    jeffreys_p: float | None
    binomial_p: float | None
    light: Light
    expected_loss: float | None
    price: float | None
    note: str


@dataclass(frozen=True)
class GradeTable:
    """A master scale on labelled rows."""

    scale: MasterScale
    rows: str
    lines: tuple[ScaleLine, ...]

    @property
    def horizon_months(self) -> int:
        """Months within which a default counts."""
        return int(self.scale.horizon.removesuffix("m"))

    @property
    def rising(self) -> bool:
        """Whether observed rates rise from grade to grade, empty grades left out."""
        seen = [line.observed for line in self.lines if line.observed is not None]
        return all(a < b for a, b in pairwise(seen))

    def table(self) -> pd.DataFrame:
        """One row a grade."""
        return pd.DataFrame([asdict(line) for line in self.lines]).set_index("grade")

    def plot(self) -> Any:
        """A matplotlib figure: observed rates with intervals over the bands."""
        from training.money_plots import grades_figure

        return grades_figure(self)

    def policy_text(self) -> str:
        """The scale as it stands in ``configs/policy/loans.yaml``."""
        return yaml.safe_dump({"master_scale": self.scale.model_dump(mode="json")}, sort_keys=False)

    def to_json(self) -> str:
        """Everything, as JSON."""
        content = {
            "horizon": self.scale.horizon,
            "rows": self.rows,
            "rising": self.rising,
            "grades": [asdict(line) for line in self.lines],
            "policy": self.policy_text(),
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def grade_table(
    scale: MasterScale, y: np.ndarray, probability: np.ndarray, pricing: Pricing | None, rows: str
) -> GradeTable:
    """Table a scale on rows it was not fitted on.

    Parameters
    ----------
    y : int8[n]. probability : float64[n], calibrated. rows : what they are.
    """
    uppers = [grade.upto for grade in scale.grades]
    code = np.searchsorted(uppers[:-1], probability, side="right")
    lines = []
    above = 0.0
    for grade, line in zip(scale.grades, grade_lines([each.grade for each in scale.grades], code, y, probability),
                           strict=True):  # fmt: skip
        at = line.stated if line.stated is not None else float(np.sqrt(max(above, grade.upto / 4) * grade.upto))
        loss, price, note = _money(at, pricing)
        lines.append(
            ScaleLine(
                grade.grade, above, grade.upto, line.n, line.n / len(y), line.n_events, line.stated, line.observed,
                line.low, line.high, line.jeffreys_p, line.binomial_p, line.light, loss, price, note,
            )
        )  # fmt: skip
        above = grade.upto
    return GradeTable(scale, rows, tuple(lines))


def _money(probability: float, pricing: Pricing | None) -> tuple[float | None, float | None, str]:
    if pricing is None:
        return None, None, "not assessed: settings give no pricing"
    price = suggest_price(probability, pricing)
    return expected_loss_share(probability, pricing), price.offered, price.note


def gini(auc: Figure) -> Figure:
    """Gini coefficient, 2 · AUC - 1, with the interval of the AUC carried over.

    Examples
    --------
    >>> made = gini(Figure("auc", 0.75, 0.5, 1.0, 10, 5, "a note"))
    >>> made.name, made.value, made.low, made.high
    ('gini', 0.5, 0.0, 1.0)
    """
    value, low, high = (None if each is None else 2 * each - 1 for each in (auc.value, auc.low, auc.high))
    return Figure("gini", value, low, high, auc.n, auc.n_events, auc.note)
