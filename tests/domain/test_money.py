"""Money against Fraction arithmetic: exact, half to even once, refused where it does not fit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.errors import DataError, InputError
from domain.money import MAX_MINOR, FxTable, Money, exponent, to_minor
from domain.time import DAY

CURRENCIES = ("CNY", "USD", "JPY", "KWD")
minors = st.integers(-MAX_MINOR, MAX_MINOR)
currencies = st.sampled_from(CURRENCIES)


@given(minors, currencies)
def test_text_of_money_reads_back(minor: int, currency: str) -> None:
    assert Money.parse(str(Money(minor, currency))) == Money(minor, currency)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None) | st.decimals(-1000, 1000, places=2), currencies)
@example(Decimal("1E+999999"), "CNY")
@example(Decimal("1E-999999"), "CNY")
@example(Decimal("0E+999999"), "CNY")
@example(Decimal("1.0000000000000000000000000000000001"), "CNY")
@example(Decimal("1.50"), "JPY")
def test_minor_units_are_exact_or_refused(amount: Decimal, currency: str) -> None:
    # An exponent of a million is refused before it becomes a number of a million digits.
    huge = bool(amount) and not -400 < amount.adjusted() < 400
    exact = None if huge else Fraction(amount) * 10 ** exponent(currency)
    if exact is not None and exact.denominator == 1 and abs(exact) <= MAX_MINOR:
        assert to_minor(amount, currency) == exact
    else:
        with pytest.raises(InputError, match=r"expected (at most|an amount)"):
            to_minor(amount, currency)


@pytest.mark.parametrize("text", ["120 cny", "1,5 CNY", "CNY 5", "", "1.234 CNY", "nan CNY", "٣ CNY", "1e5 CNY"])
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="money: expected"):
        Money.parse(text)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_amounts_are_finite(amount: str) -> None:
    with pytest.raises(InputError, match="finite"):
        to_minor(Decimal(amount), "CNY")


rates = st.integers(1, 10**13).map(lambda units: Decimal(units) / 10**9)
days = st.integers(-3000, 40000)


@given(
    minors, currencies, currencies, st.dictionaries(days, rates, min_size=1, max_size=5), days, st.integers(0, DAY - 1)
)
def test_conversion_uses_the_newest_rate_known_and_rounds_once(
    minor: int, base: str, currency: str, dated: dict[int, Decimal], day: int, within: int
) -> None:
    assume(base != currency)
    epoch = date(1970, 1, 1)
    fx = FxTable.of(base, {currency: {(epoch + timedelta(d)).isoformat(): f"{r:f}" for d, r in dated.items()}})
    known = [d for d in dated if d <= day]
    if not known:
        with pytest.raises(DataError, match=r"expected a .* rate known by"):
            fx.to_base(minor, currency, day * DAY + within)
        return
    # Python rounds a Fraction half to even, which is the oracle.
    shift = Fraction(10) ** (exponent(base) - exponent(currency))
    wanted = round(Fraction(minor) * Fraction(dated[max(known)]) * shift)
    if abs(wanted) > MAX_MINOR:
        with pytest.raises(DataError, match="within"):
            fx.to_base(minor, currency, day * DAY + within)
    else:
        assert fx.to_base(minor, currency, day * DAY + within) == wanted


def test_a_rate_counts_from_its_day_on_and_not_before() -> None:
    fx = FxTable.of("CNY", {"USD": {"1970-01-03": "8", "1970-01-02": "7"}})
    assert fx.to_base(100, "USD", 2 * DAY - 1) == 700
    assert fx.to_base(100, "USD", 2 * DAY) == 800
    with pytest.raises(DataError, match="1970-01-01"):
        fx.to_base(100, "USD", DAY - 1)


@pytest.mark.parametrize(
    ("minor", "rate", "wanted"), [(1, "0.5", 0), (3, "0.5", 2), (5, "0.5", 2), (-1, "0.5", 0), (-3, "0.5", -2)]
)
def test_halves_go_to_the_even_neighbour(minor: int, rate: str, wanted: int) -> None:
    assert FxTable.of("CNY", {"USD": {"1970-01-01": rate}}).to_base(minor, "USD", 0) == wanted


@pytest.mark.parametrize(
    "table",
    [
        {"USD": {"soon": "7.1"}},
        {"USD": {"2026-01-01": "seven"}},
        {"USD": {"2026-01-01": "0"}},
        {"USD": {"2026-01-01": "-7"}},
        {"USD": {"2026-01-01": "NaN"}},
        {"USD": {"2026-01-01": "Infinity"}},
        {"USD": {"2026-01-01": "1e-12"}},
        {"usd": {"2026-01-01": "7.1"}},
    ],
)
def test_unreadable_rates_are_named(table: dict[str, dict[str, str]]) -> None:
    with pytest.raises(InputError, match="fx"):
        FxTable.of("CNY", table)
