"""Settings of customers' money (``configs/funds.yaml``): the custody account, its statement, its limits."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.bilingual import Sourced
from domain.events import KINDS, ColumnType
from domain.settings import Settings
from domain.time import Duration
from scoring.pages.status import Limit


class StatementColumns(Settings):
    """Headings of the bank's file.

    Parameters
    ----------
    amount : signed, what came in above zero; or ``credit`` and ``debit``, each above zero or empty.
    bank_ref : the bank's own number of a movement. our_ref : the event id, where the bank passes it on.
    """

    booked_on: str
    bank_ref: str
    amount: str | None = None
    credit: str | None = None
    debit: str | None = None
    currency: str | None = None
    our_ref: str | None = None
    counterparty: str | None = None
    balance: str | None = None

    @model_validator(mode="after")
    def _one_way_to_say_amounts(self) -> Self:
        if (self.amount is None) == (self.credit is None or self.debit is None):
            raise ValueError("expected amount, or credit and debit")
        return self


class StatementSettings(Settings):
    """How the bank writes its file.

    Parameters
    ----------
    thousands : the sign between thousands, empty for none. ignore : headings that are left alone.
    arrives_after : a day's lines are taken as known so long after the day, whenever the file is read; None: when read.
    """

    encoding: Literal["utf-8", "gb18030"]
    delimiter: str = Field(min_length=1, max_length=1)
    date_format: str
    thousands: str = Field(max_length=1)
    columns: StatementColumns
    ignore: tuple[str, ...] = ()
    arrives_after: Duration | None = None


class MovementRule(Settings):
    """Events that move customers' money, and which way.

    Parameters
    ----------
    when : column → values, for events of the kind that count.
    withdrawal : the customer takes money out; withdrawals have to be covered.
    """

    kind: Literal["transaction", "repayment", "loan"]
    direction: Literal["in", "out"]
    when: dict[str, tuple[str, ...]] = {}
    withdrawal: bool = False

    @model_validator(mode="after")
    def _names_columns(self) -> Self:
        known = {name for name, column in KINDS[self.kind].items() if column.type is ColumnType.CATEGORY}
        unknown = sorted(name for name in self.when if name not in known and not name.startswith("x_"))
        if unknown:
            raise ValueError(f"expected categories of {self.kind}, got {', '.join(unknown)}")
        return self


class CoverageSettings(Settings):
    """The withdrawal-coverage ratio.

    Parameters
    ----------
    horizon : withdrawals of so long. look_back : the largest of so long is to be covered.
    limit : None: nobody has set one, the ratio is shown and not judged.
    """

    horizon: Duration
    look_back: Duration
    limit: Limit | None


class FundsSettings(Settings):
    """``configs/funds.yaml``.

    Parameters
    ----------
    account : name of the custody account. currency : of it.
    tolerance : the bank may book so much later or earlier. tolerance_source : who says so.
    own_accounts : account identifiers of the platform itself. related_accounts : of its owners and affiliates.
    fee_prefix : our references of fees, which may go from the custody account to an own one.
    break_age : a break may be open so long; None: not judged.
    """

    account: str = Field(min_length=1)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    statement: StatementSettings
    movements: tuple[MovementRule, ...] = Field(min_length=1)
    tolerance: Duration
    tolerance_source: Sourced
    own_accounts: tuple[str, ...]
    related_accounts: tuple[str, ...]
    fee_prefix: str = Field(min_length=1)
    break_age: Limit | None
    coverage: CoverageSettings
