"""Fields that settings of training share: an instant, and where a figure comes from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from domain.bilingual import Sourced
from domain.errors import InputError
from domain.time import parse_instant


def _as_instant(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_instant(str(value))
    except InputError as error:
        raise ValueError(str(error)) from error


Instant = Annotated[int, BeforeValidator(_as_instant)]
"""A pydantic field that reads ISO 8601 with a zone and holds µs UTC."""

Source = Sourced
"""Where the figure comes from: a contract, a policy, a person; one text, or ``{zh, en}``."""
