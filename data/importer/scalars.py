"""Single values of a mapping: constants, keys and results of value maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from domain.errors import expected_got
from domain.events import MAX_TEXT, ColumnType
from domain.money import MAX_MINOR

Scalar = str | int | float | bool


def canonical(value: object) -> str | None:
    """The text a value has in a file: whole floats lose their point, truth is ``true`` or ``false``.

    Examples
    --------
    >>> [canonical(value) for value in (1, 1.0, 0.5, True, "01", None)]
    ['1', '1', '0.5', 'true', '01', None]
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)


def check_constant(value: Scalar | None, kind: ColumnType, allowed: Sequence[str], where: str) -> None:
    """Refuse a constant that its column could not hold; None (null) always fits.

    Raises
    ------
    ValueError
        Saying what was expected; pydantic adds where.
    """
    if value is None:
        return
    text = canonical(value) or ""
    if allowed and text not in allowed:
        raise ValueError(expected_got(f"one of {', '.join(allowed)}", value, where))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    size = abs(float(value)) if number else math.inf
    if kind in (ColumnType.KEY, ColumnType.CATEGORY):
        fits = 0 < len(text) <= MAX_TEXT and text.isprintable()
    elif kind is ColumnType.FLAG:
        fits = isinstance(value, bool)
    else:
        # NaN fails the comparison too.
        fits = size <= MAX_MINOR and (kind is not ColumnType.INTEGER or size.is_integer())
    if not fits:
        raise ValueError(expected_got(f"a {kind.value}", value, where))
