"""Numbers as pages write them: whole ones with thousands separators, others to four significant digits."""

from __future__ import annotations

import math

from domain.bilingual import Both
from scoring.pages.page import Cell, Percent
from scoring.pages.status import Statistic
from scoring.pages.words import Say, Tongue, minus

NOTHING = "—"
_JOINED = "\u00a0"


def written(cell: Cell, tongue: Tongue) -> str:
    """A cell of a table.

    Examples
    --------
    >>> [written(cell, str) for cell in (12500, 0.1234567, -1234.5, 123456.7, 0.0, 0.0000123, None, float("nan"))]
    ['12,500', '0.1235', '−1,234', '123,457', '0', '1.23e−5', '—', '—']
    >>> [written(Percent(share), str) for share in (0.8265, 0.0145, 0.00031, 0.0, -0.25, float("nan"))]
    ['82.65%', '1.45%', '0.031%', '0%', '−25%', '—']
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, str | Say | Both):
        return tongue(cell)
    if isinstance(cell, bool):
        return tongue(Say("page.yes" if cell else "page.no"))
    if isinstance(cell, int):
        return f"{cell:,}".replace("-", "−")
    if isinstance(cell, Percent):
        return NOTHING if math.isnan(cell) else f"{_real(100 * cell)}%"
    return _real(float(cell))


def is_number(cell: Cell) -> bool:
    """Whether a cell stands at the right of its column."""
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def value_of(statistic: Statistic, tongue: Tongue) -> str:
    r"""A statistic's value with its unit.

    Examples
    --------
    >>> value_of(Statistic("loss", "loss", 1234.5, form=",.0f", unit="CNY"), str)
    '1,234\xa0CNY'
    """
    if statistic.value is None or not math.isfinite(statistic.value):
        return NOTHING
    unit = tongue(statistic.unit)
    return _formed(statistic.value, statistic.form) + (f"{_JOINED}{unit}" if unit else "")


def interval_of(statistic: Statistic) -> str:
    """A statistic's interval; nothing where it has none.

    Examples
    --------
    >>> interval_of(Statistic("auc", "AUC", 0.7, 0.65, 0.75)), interval_of(Statistic("auc", "AUC", 0.7))
    ('0.650 – 0.750', '—')
    """
    low, high = statistic.low, statistic.high
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{_formed(low, statistic.form)} – {_formed(high, statistic.form)}"


def _formed(value: float, form: str) -> str:
    return minus(f"{value:{form}}")


def _real(value: float) -> str:
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if 0 < size < 1e-4 or size >= 1e15:
        digits, power = f"{value:.2e}".split("e")
        return f"{digits}e{int(power)}".replace("-", "−")
    if size >= 1_000:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")
