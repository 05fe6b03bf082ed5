"""Settings of the credit book (``configs/book.yaml``): conventions, unexpected loss, reserve, stress, limits."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from domain.bilingual import Sourced
from domain.errors import DefinitionError, expected_got
from domain.money import MoneyField
from domain.settings import Settings
from scoring.pricing_settings import Figure, Pricing
from stores.settings_files import read_yaml, settings_error


class Conventions(Settings):
    """How arrears are counted.

    Parameters
    ----------
    tolerance : share of an instalment that may be missing from it, and it still counts as paid.
    write_off_days : past due beyond this many days a loan is no exposure any more.
    default_days, default_months : default is so many days past due within so many months of disbursement.
    first_payment_days : a first instalment unpaid this long after its day is a first-payment default.
    """

    tolerance: float = Field(ge=0, lt=1)
    write_off_days: int = Field(ge=90)
    default_days: int = Field(ge=30)
    default_months: int = Field(ge=3, le=60)
    first_payment_days: int = Field(ge=1)
    source: Sourced


class Unexpected(Settings):
    """One-factor model: quantile and correlation, and who says so."""

    confidence: float = Field(gt=0.5, lt=1)
    correlation: Figure


class Held(Settings):
    """A reserve as it stood from a day on."""

    since: date
    amount: MoneyField
    source: Sourced


class Scenario(Settings):
    """A stress: PD times a factor, LGD plus some points, recoveries so many months later."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1, max_length=60)
    en: str = Field(min_length=1, max_length=60)
    pd_times: float = Field(default=1.0, ge=0, le=20)
    lgd_plus: float = Field(default=0.0, ge=-1, le=1)
    recovery_delay_months: int = Field(default=0, ge=0, le=120)
    source: Sourced


class GradeLimit(Settings):
    """The largest share of the exposure that may lie in one grade."""

    grade: str
    most: float = Field(gt=0, le=1)
    source: Sourced


class BookLimit(Settings):
    """A limit on one figure of the book and who set it; ``amber_`` is the stricter one."""

    least: float | None = None
    most: float | None = None
    amber_least: float | None = None
    amber_most: float | None = None
    source: Sourced


class BookSettings(Settings):
    """What the credit book is judged by.

    Parameters
    ----------
    least_rows : with fewer loans a rate is not assessed.
    confidence : of intervals.
    months_on_book : how far vintage curves run. roll_months : months that a roll-rate matrix is made of.
    unexpected : None, and unexpected loss is not assessed.
    reserve : as it stood from day to day; without one its cover is not assessed.
    grade_limits : of exposure by credit grade; grades without one are shown without.
    limits : figure → limit: ``cover``, ``bad_debt_rate``, ``hhi_region``, ``hhi_product``, ``top_borrower``.
    """

    least_rows: int = Field(ge=5)
    confidence: float = Field(gt=0.5, lt=1)
    months_on_book: int = Field(ge=3, le=60)
    roll_months: int = Field(ge=1, le=24)
    conventions: Conventions
    unexpected: Unexpected | None = None
    reserve: tuple[Held, ...] = ()
    scenarios: tuple[Scenario, ...]
    grade_limits: tuple[GradeLimit, ...] = ()
    limits: dict[str, BookLimit] = {}

    @model_validator(mode="after")
    def _once(self) -> Self:
        for what, values in (
            ("scenario", [each.name for each in self.scenarios]),
            ("grade", [each.grade for each in self.grade_limits]),
            ("day of reserve", [str(each.since) for each in self.reserve]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"expected each {what} once, got {', '.join(twice)} again")
        return self

    def reserve_on(self, day: date, base: str) -> Held | None:
        """The reserve as it stood on a day; None where none was.

        Raises
        ------
        DefinitionError
            When it is not in the base currency, in which losses are counted.
        """
        standing = [each for each in self.reserve if each.since <= day]
        held = max(standing, key=lambda each: each.since, default=None)
        if held is not None and held.amount.currency != base:
            where = f"configs/book.yaml: reserve since {held.since}"
            raise DefinitionError(expected_got(f"an amount in {base}, the base currency", str(held.amount), where))
        return held


def pricing_of(path: Path) -> Pricing | None:
    """The ``pricing`` section of a credit config, where LGD, EAD and funding stand with their sources.

    Raises
    ------
    DefinitionError
        When the file or the section cannot be read.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DefinitionError(expected_got("a mapping of settings", type(content).__name__, str(path)))
    if content.get("pricing") is None:
        return None
    try:
        return Pricing.model_validate(content["pricing"])
    except ValidationError as error:
        raise settings_error(f"{path}: pricing", error) from error
