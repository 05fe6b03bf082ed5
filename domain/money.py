"""Money is an integer count of minor units and a currency; conversion uses dated rates."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from domain.errors import DataError, InputError, expected_got
from domain.time import DAY, from_micros

_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3}
_MONEY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")
_RATE_SCALE = 10**9

CURRENCY = re.compile(r"[A-Z]{3}")
"""An ISO 4217 code, by its shape."""

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

    def grouped(self) -> str:
        """For people: thousands separated.

        Examples
        --------
        >>> Money(1234550, "CNY").grouped()
        '12,345.50 CNY'
        """
        places = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):,.{places}f} {self.currency}"


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
    if not amount:
        return 0
    places = exponent(currency)
    # The size is judged before the digits are: an exponent of a million would make a number of a million digits.
    if amount.adjusted() + places > len(str(MAX_MINOR)):
        raise InputError(expected_got(f"an amount within ±{MAX_MINOR} minor units", str(amount), "money"))
    # Fractions are exact; the decimal context would round an amount of more than 28 digits in silence.
    if amount.adjusted() < -places or (Fraction(amount) * 10**places).denominator != 1:
        raise InputError(expected_got(f"at most {places} decimals for {currency}", str(amount), "money"))
    minor = int(Fraction(amount) * 10**places)
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
        """Build from ``{currency: {ISO day: decimal rate}}``; rates are kept to nine decimals.

        Raises
        ------
        InputError
            When a currency, a day or a rate cannot be read, or a rate is not positive.
        """
        table: dict[str, tuple[tuple[int, int], ...]] = {}
        for currency, dated in rates.items():
            if not CURRENCY.fullmatch(currency):
                raise InputError(expected_got("an ISO 4217 code such as USD", currency, "fx"))
            table[currency] = tuple(sorted(_rate(currency, day, rate) for day, rate in dated.items()))
        return cls(base, table)

    def to_base(self, minor: int, currency: str, at: int) -> int:
        """Minor units of base at the newest rate known by the day of ``at`` (µs UTC), half to even.

        Raises
        ------
        DataError
            When no rate of the currency was known by then, or the result is beyond ±2^53 minor units.
        """
        return self.convert(minor, currency, self.base, at)

    def convert(self, minor: int, currency: str, to: str, at: int) -> int:
        """Minor units of any currency of the table, through base, at the rates of that day; rounded once, half to even.

        Raises
        ------
        DataError
            As `to_base`.

        Examples
        --------
        >>> fx = FxTable.of("CNY", {"USD": {"2026-01-01": "7.05"}, "EUR": {"2026-01-01": "8.20"}})
        >>> fx.convert(100_00, "EUR", "USD", 1_770_000_000_000_000)
        11631
        """
        if currency == to:
            return minor
        # Whole numbers all the way: Decimal would round at 28 digits first and half to even afterwards.
        divisor: int = self._rate_at(to, at) * 10 ** exponent(currency)
        dividend: int = minor * self._rate_at(currency, at) * 10 ** exponent(to)
        value, left = divmod(dividend, divisor)
        value += 2 * left > divisor or (2 * left == divisor and value % 2 == 1)
        if abs(value) > MAX_MINOR:
            raise DataError(expected_got(f"an amount within ±{MAX_MINOR} minor units of {to}", value, "fx"))
        return value

    def _rate_at(self, currency: str, at: int) -> int:
        if currency == self.base:
            return _RATE_SCALE
        dated = self.rates.get(currency, ())
        index = bisect_right(dated, (at // DAY, 2**62)) - 1
        if index < 0:
            day = from_micros(at).date().isoformat()
            raise DataError(
                f"fx table: expected a {currency}/{self.base} rate known by {day}; add one to configs/fx.yaml"
            )
        return dated[index][1]


def _rate(currency: str, day: str, rate: str) -> tuple[int, int]:
    try:
        known = (date.fromisoformat(day) - date(1970, 1, 1)).days
        value = Decimal(rate)
        scaled = int((value * _RATE_SCALE).to_integral_value()) if value.is_finite() and value.adjusted() < 9 else 0
    except (ValueError, TypeError, InvalidOperation) as error:
        expected = 'a day and a rate such as "2026-01-01": "7.05"'
        raise InputError(expected_got(expected, {day: rate}, f"fx {currency}")) from error
    if scaled <= 0:
        raise InputError(expected_got("a positive rate below a thousand million", rate, f"fx {currency} {day}"))
    return known, scaled


def _as_money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    try:
        return Money.parse(value)  # type: ignore[arg-type]  # refuses non-text itself
    except InputError as error:
        raise ValueError(str(error)) from error


MoneyField = Annotated[Money, BeforeValidator(_as_money), PlainSerializer(str, when_used="json")]
"""A pydantic field that reads ``120.00 CNY``."""
