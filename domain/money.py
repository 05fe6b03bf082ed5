"""Money is an integer count of minor units and a currency; conversion uses dated rates."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from domain.errors import DataError, InputError, expected_got
from domain.time import DAY, from_micros

_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3}
_MONEY = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
_RATE_SCALE = 10**9

MAX_MINOR = 2**53
"""Amounts beyond ±2^53 minor units are refused at every door: no payment is that large."""


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217; 2 unless listed).

    Examples
    --------
    >>> exponent("CNY"), exponent("JPY")
    (2, 0)
    """
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency.

    Examples
    --------
    >>> Money.parse("120.00 CNY")
    Money(minor=12000, currency='CNY')
    >>> str(Money(12000, "CNY"))
    '120.00 CNY'
    """

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read ``120.00 CNY``; raises InputError where digits or currency do not fit."""
        match = _MONEY.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise InputError(expected_got("money such as 120.00 CNY", text, "money"))
        return cls(to_minor(Decimal(match[1]), match[2]), match[2])

    def __str__(self) -> str:
        places = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f} {self.currency}"


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of a decimal amount, exactly.

    Raises
    ------
    InputError
        When the amount has more decimals than the currency, is not finite or is out of range.

    Examples
    --------
    >>> to_minor(Decimal("57.16"), "CNY")
    5716
    """
    if not amount.is_finite():
        raise InputError(expected_got("a finite amount", str(amount), "money"))
    scaled = amount.scaleb(exponent(currency))
    minor = int(scaled)
    if scaled != minor:
        raise InputError(expected_got(f"at most {exponent(currency)} decimals for {currency}", str(amount), "money"))
    if abs(minor) > MAX_MINOR:
        raise InputError(expected_got(f"an amount within ±{MAX_MINOR} minor units", minor, "money"))
    return minor


@dataclass(frozen=True, slots=True)
class FxTable:
    """Dated rates to a base currency: units of base per one unit of the currency.

    Parameters
    ----------
    base : the currency amounts are aggregated in.
    rates : currency → rates sorted by the UTC day they became known, as (day, rate × 10^9).

    Examples
    --------
    >>> fx = FxTable.of("CNY", {"USD": {"2026-01-01": "7.05"}})
    >>> fx.to_base(100, "USD", 1_770_000_000_000_000), fx.to_base(100, "CNY", 0)
    (705, 100)
    """

    base: str
    rates: dict[str, tuple[tuple[int, int], ...]]

    @classmethod
    def of(cls, base: str, rates: dict[str, dict[str, str]]) -> FxTable:
        """Build from ``{currency: {ISO day: decimal rate}}``."""
        epoch = date(1970, 1, 1)
        table: dict[str, tuple[tuple[int, int], ...]] = {}
        for currency, dated in rates.items():
            rows = sorted(((date.fromisoformat(day) - epoch).days, Decimal(rate)) for day, rate in dated.items())
            if any(rate <= 0 for _, rate in rows):
                raise InputError(expected_got("positive rates", dated, f"fx {currency}"))
            table[currency] = tuple((day, int((rate * _RATE_SCALE).to_integral_value())) for day, rate in rows)
        return cls(base, table)

    def to_base(self, minor: int, currency: str, at: int) -> int:
        """Minor units of base at the newest rate known by the day of ``at`` (µs UTC), half to even.

        Raises
        ------
        DataError
            When no rate of the currency was known by then.
        """
        if currency == self.base:
            return minor
        dated = self.rates.get(currency, ())
        index = bisect_right(dated, (at // DAY, 2**62)) - 1
        if index < 0:
            day = from_micros(at).date().isoformat()
            raise DataError(
                f"fx table: expected a {currency}/{self.base} rate known by {day}; add one to configs/fx.yaml"
            )
        shift = exponent(self.base) - exponent(currency)
        value = Decimal(minor) * dated[index][1] / _RATE_SCALE
        return int(value.scaleb(shift).to_integral_value(rounding=ROUND_HALF_EVEN))


def _as_money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    try:
        return Money.parse(value)  # type: ignore[arg-type]  # refuses non-text itself
    except InputError as error:
        raise ValueError(str(error)) from error


MoneyField = Annotated[Money, BeforeValidator(_as_money), PlainSerializer(str, when_used="json")]
"""A pydantic field that reads ``120.00 CNY``."""
