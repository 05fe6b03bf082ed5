"""Columns, values and places as pages say them: in Chinese with the code in brackets, in English the code itself.

The words are in ``values.yaml``. What nobody has translated, such as a merchant category or a token, stays a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from domain.bilingual import Both
from domain.settings import Settings
from stores.settings_files import read_yaml

FILE: Final = Path(__file__).with_name("values.yaml")


class ColumnWords(Settings):
    """A column in Chinese, and its values."""

    zh: str
    values: Mapping[str, str] = {}


def column_named(column: str, *, coded: bool = True) -> Both | str:
    """A column; with its code in brackets unless that stands beside it anyway.

    Examples
    --------
    >>> column_named("channel"), column_named("channel", coded=False), column_named("card_count_1d")
    (Both(zh='渠道（channel）', en='channel'), Both(zh='渠道', en='channel'), 'card_count_1d')
    """
    known = _columns().get(column)
    return column if known is None else Both(f"{known.zh}（{column}）" if coded else known.zh, column)


def value_named(column: str, value: str, *, coded: bool = True) -> Both | str:
    """A value of a column; with its code in brackets unless that stands beside it anyway.

    Examples
    --------
    >>> value_named("channel", "mobile"), value_named("mcc", "5999")
    (Both(zh='移动支付（mobile）', en='mobile'), '5999')
    """
    known = _columns().get(column)
    said = None if known is None else known.values.get(value)
    return value if said is None else Both(f"{said}（{value}）" if coded else said, value)


def place_named(place: str, *, coded: bool = True) -> Both | str:
    """A place that a reading speaks of, written ``column=value`` once or several times.

    Examples
    --------
    >>> place_named("product=payment,channel=bank_card")
    Both(zh='产品：支付，渠道：银行卡（bank_card）', en='product=payment,channel=bank_card')
    >>> place_named("by=merchant", coded=False), place_named("payee 7")
    (Both(zh='维度：商户', en='by=merchant'), 'payee 7')
    """
    parts = [part.partition("=") for part in place.split(",")]
    if not all(column in _columns() for column, _, _ in parts):
        return place
    # A product is named in so many places that its code tells nothing new.
    said = [(column, value_named(column, value, coded=coded and column != "product")) for column, _, value in parts]
    told = (f"{_columns()[column].zh}：{each.zh if isinstance(each, Both) else each}" for column, each in said)
    return Both("，".join(told), place)


@lru_cache(maxsize=1)
def _columns() -> Mapping[str, ColumnWords]:
    return TypeAdapter(Mapping[str, ColumnWords]).validate_python(read_yaml(FILE))
