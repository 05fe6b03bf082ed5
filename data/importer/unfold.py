"""``for_each``: one template written once for several columns or months becomes several templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\{([a-z_]+)\}")


def unfolded(templates: Any) -> Any:
    """Templates with their ``for_each`` written out; anything malformed is left for pydantic to name.

    Raises
    ------
    ValueError
        When the rows of a ``for_each`` name other variables than the template uses.

    Examples
    --------
    >>> unfolded([{"for_each": [{"bill": "BILL1"}, {"bill": "BILL2"}], "columns": {"balance": "{bill}"}}])
    [{'columns': {'balance': 'BILL1'}}, {'columns': {'balance': 'BILL2'}}]
    """
    if not isinstance(templates, list | tuple):
        return templates
    written: list[Any] = []
    for place, template in enumerate(templates):
        if not isinstance(template, Mapping) or "for_each" not in template:
            written.append(template)
            continue
        rows = template["for_each"]
        body = {key: value for key, value in template.items() if key != "for_each"}
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) and row for row in rows):
            raise ValueError(f"events.{place}.for_each: expected a list of variables, such as - {{month: 2005-09}}")
        names = set(rows[0])
        if any(set(row) != names for row in rows):
            raise ValueError(f"events.{place}.for_each: expected the same variables in every row")
        unused = sorted(names - _used(body))
        if unused:
            raise ValueError(f"events.{place}.for_each: expected {{{unused[0]}}} somewhere in the template, found none")
        written += [_filled(body, row) for row in rows]
    return written


def _used(part: Any) -> set[str]:
    if isinstance(part, str):
        return set(_VARIABLE.findall(part))
    if isinstance(part, Mapping):
        return set().union(*(_used(key) | _used(value) for key, value in part.items()))
    return set().union(*map(_used, part)) if isinstance(part, list | tuple) else set()


def _filled(part: Any, row: Mapping[str, Any]) -> Any:
    if isinstance(part, str):
        whole = _VARIABLE.fullmatch(part)
        if whole is not None and whole[1] in row:
            # A variable that stands alone keeps its type: a number stays a number.
            return row[whole[1]]
        return _VARIABLE.sub(lambda match: str(row[match[1]]) if match[1] in row else match[0], part)
    if isinstance(part, Mapping):
        return {_filled(key, row): _filled(value, row) for key, value in part.items()}
    return [_filled(value, row) for value in part] if isinstance(part, list | tuple) else part
