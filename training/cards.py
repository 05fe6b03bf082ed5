"""Results as small pieces of HTML for notebooks: every text escaped, no script, no style outside the piece."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

import pandas as pd

_ROWS = 40
_CELL = "padding:2px 10px 2px 0;border-bottom:1px solid #e4e7eb;text-align:"
_QUIET = "color:#616e7c;font-size:90%"


def card(
    title: str, table: pd.DataFrame, *, facts: Mapping[str, object] | None = None, warning: str | None = None
) -> str:
    """A title, a line of facts, a warning if there is one, and a table of at most 40 rows.

    Examples
    --------
    >>> made = card("fraud <1>", pd.DataFrame({"value": [0.5]}, index=["auc"]), warning="random split")
    >>> "fraud &lt;1&gt;" in made, "random split" in made, "<script" in made
    (True, True, False)
    """
    parts = [f"<div><strong>{escape(title)}</strong>"]
    if facts:
        line = " · ".join(f"{escape(name)} {escape(str(value))}" for name, value in facts.items())
        parts.append(f'<div style="{_QUIET}">{line}</div>')
    if warning:
        parts.append(f'<div style="color:#b4442f">{escape(warning)}</div>')
    index = [str(name or "") for name in table.index.names]
    shown = table.head(_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    sides = ["left"] * len(index) + ["right" if number else "left" for number in numeric]
    heads = [*index, *map(str, table.columns)]
    parts.append('<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">')
    parts.append(_row("th", heads, sides))
    for place, values in zip(shown.index, shown.itertuples(index=False), strict=True):
        keys = place if isinstance(place, tuple) else (place,)
        parts.append(_row("td", [_text(value) for value in (*keys, *values)], sides))
    parts.append("</table>")
    if len(table) > _ROWS:
        parts.append(f'<div style="{_QUIET}">{len(table) - _ROWS:,} more rows: see .table()</div>')
    return "".join([*parts, "</div>"])


def _row(tag: str, cells: list[str], sides: list[str]) -> str:
    made = (f'<{tag} style="{_CELL}{side}">{escape(cell)}</{tag}>' for cell, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(made)}</tr>"


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
