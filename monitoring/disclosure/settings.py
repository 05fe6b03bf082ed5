"""Settings of the disclosure report (``configs/disclosure.yaml``): what each figure means and who asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.bilingual import Sourced, in_english
from domain.events import EXTENSION
from domain.settings import Settings


class Figure(StrEnum):
    """What is disclosed, in the order of the report."""

    LOANS_TOTAL_AMOUNT = "loans_total_amount"
    LOANS_TOTAL_N = "loans_total_n"
    LOANS_AMOUNT = "loans_amount"
    LOANS_N = "loans_n"
    AVERAGE_LOAN = "average_loan"
    BALANCE = "balance"
    BALANCE_N = "balance_n"
    BORROWERS_TOTAL = "borrowers_total"
    BORROWERS = "borrowers"
    LENDERS_TOTAL = "lenders_total"
    TOP_TEN_SHARE = "top_ten_share"
    TOP_SHARE = "top_share"
    RELATED_BALANCE = "related_balance"
    OVERDUE_AMOUNT = "overdue_amount"
    OVERDUE_N = "overdue_n"
    OVERDUE_1_29 = "overdue_1_29"
    OVERDUE_30_59 = "overdue_30_59"
    OVERDUE_60_89 = "overdue_60_89"
    OVERDUE_90 = "overdue_90"
    OVERDUE_90_N = "overdue_90_n"
    OVERDUE_RATE = "overdue_rate"
    BAD_DEBT_RATE = "bad_debt_rate"
    COVER = "cover"
    COMPENSATION_AMOUNT = "compensation_amount"
    COMPENSATION_N = "compensation_n"
    PAYMENTS_AMOUNT = "payments_amount"
    PAYMENTS_N = "payments_n"
    PAYERS = "payers"
    COMPLAINTS = "complaints"


class Definition(Settings):
    """What a figure is called, what it means, and who asks for it."""

    name_zh: str = Field(min_length=2)
    name_en: str = Field(min_length=2)
    zh: str = Field(min_length=4)
    en: str = Field(min_length=4)
    source: Sourced

    def as_dict(self) -> dict[str, str]:
        """As JSON; ``source`` is English where it is given in both languages, and ``source_zh`` says it in Chinese.

        Examples
        --------
        >>> text = {"name_zh": "余额", "name_en": "Owed", "zh": "未还的本金", "en": "Principal", "source": "ours"}
        >>> sorted(set(Definition(**text).as_dict()) - set(text))
        ['source_zh']
        """
        chinese = self.source if isinstance(self.source, str) else self.source.zh
        return {**self.model_dump(exclude={"source"}), "source": in_english(self.source), "source_zh": chinese}


class Compensation(Settings):
    """How a repayment made in a borrower's stead is told.

    Parameters
    ----------
    column : extension column of repayments. payers : its values that are not the borrower.
    """

    column: str = Field(pattern=EXTENSION.pattern)
    payers: tuple[str, ...] = Field(min_length=1)
    source: Sourced


class DisclosureSettings(Settings):
    """Every figure with its definition; ``compensation`` None says that nobody ever pays in a borrower's stead here."""

    compensation: Compensation | None = None
    definitions: Mapping[Figure, Definition]

    @model_validator(mode="after")
    def _all_defined(self) -> Self:
        absent = [each.value for each in Figure if each not in self.definitions]
        if absent:
            raise ValueError(f"definitions: expected every figure, got none of {', '.join(absent)}")
        return self
