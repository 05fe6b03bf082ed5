"""Legs: every payment seen from each customer it touches, as money that went out or came in.

    transactions (authorised, not declined, less what was reversed)  --payer-->          out of the payer's account
                                                                     --payee is ours-->  into the payee's account
    refunds                                                          --------------->    into the payer's account

An account is a customer's where he was seen to pay from it, or where his due-diligence record says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from domain.money import FxTable
from domain.settings import PlatformSettings
from domain.time import DAY
from monitoring.aml.diligence import Standing
from monitoring.aml.settings import LargeValueSettings
from monitoring.settled import settled
from stores.journal import Journal

_READ: Final = (
    "customer_id", "account_id", "card_id", "payee_id", "channel", "country", "region", "terminal_id", "x_exemption",
)  # fmt: skip

COLUMNS: Final = (
    "customer", "account", "direction", "counterparty", "other", "cash", "cross", "minor", "currency", "at", "day",
    "event_id", "branch", "exemption",
)  # fmt: skip
"""``direction`` is in or out; ``counterparty`` the account at the other end, ``other`` its customer, None where it is
none of ours; ``minor`` minor units of ``currency``; ``at`` µs UTC; ``day`` local days since 1970; ``branch`` the
terminal, or the region where there is none."""


def legs_of(
    journal: Journal,
    declined: Iterable[int],
    platform: PlatformSettings,
    settings: LargeValueSettings,
    standings: Mapping[str, Standing],
    *,
    until: int,
) -> pd.DataFrame:
    """Every leg known before a time, with the columns of `COLUMNS`, in order of time."""
    paid, refunds = settled(journal, declined, _READ, until=until)
    seen = pd.concat([paid, refunds])[["account_id", "customer_id"]]
    owners = owners_of(seen, standings)
    by_account = owners.groupby("account")["customer"].first().to_dict() if len(owners) else {}

    out = paid.assign(
        customer=paid["customer_id"].where(paid["customer_id"].notna(), paid["account_id"].map(by_account)),
        account=paid["account_id"].where(paid["account_id"].notna(), paid["card_id"]),
        counterparty=paid["payee_id"], other=paid["payee_id"].map(by_account), direction="out",
    )  # fmt: skip
    back = refunds.assign(
        customer=refunds["customer_id"].where(refunds["customer_id"].notna(), refunds["account_id"].map(by_account)),
        account=refunds["account_id"].where(refunds["account_id"].notna(), refunds["card_id"]),
        counterparty=refunds["payee_id"], other=refunds["payee_id"].map(by_account), direction="in",
    )  # fmt: skip
    received = paid.merge(owners, left_on="payee_id", right_on="account")
    received = received.assign(counterparty=received["account_id"], other=received["customer_id"], direction="in")
    made = pd.concat([out, received, back], ignore_index=True)
    made = made[made["customer"].notna()]
    made = made.assign(
        cash=made["channel"].isin(list(settings.cash_channels)),
        # A payment that does not say its country is taken as one at home; the report counts them.
        cross=made["country"].fillna(settings.home_country) != settings.home_country,
        minor=made["amount"].abs().astype(np.int64), at=made["event_time"],
        day=local_days(made["event_time"], platform.time_zone),
        branch=made["terminal_id"].where(made["terminal_id"].notna(), made["region"]), exemption=made["x_exemption"],
    )  # fmt: skip
    return made[list(COLUMNS)].sort_values(["at", "event_id", "direction"], kind="stable", ignore_index=True)


def owners_of(rows: pd.DataFrame, standings: Mapping[str, Standing]) -> pd.DataFrame:
    """Pairs of account and customer, each once; an account of two customers is of both."""
    seen = rows.loc[rows["account_id"].notna() & rows["customer_id"].notna(), ["account_id", "customer_id"]]
    told = [(account, customer) for customer, each in standings.items() for account in each.record.accounts]
    pairs = [*seen.drop_duplicates().itertuples(index=False, name=None), *told]
    return pd.DataFrame(sorted(set(pairs)), columns=["account", "customer"], dtype=object)


def local_days(at: pd.Series[int], zone: str) -> pd.Series[int]:
    """Local calendar days since 1970 of times in µs UTC."""
    local = pd.to_datetime(at, unit="us", utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return local.astype("datetime64[us]").astype(np.int64) // DAY


def in_currency(legs: pd.DataFrame, currency: str, fx: FxTable) -> np.ndarray:
    """Minor units of each leg in one currency at the rates of its day, int64[n].

    Raises
    ------
    DataError
        When no rate was known by then.
    """
    minor = legs["minor"].to_numpy(np.int64, copy=True)
    foreign = np.flatnonzero((legs["currency"] != currency).to_numpy())
    parts = zip(legs["currency"].iloc[foreign], legs["at"].iloc[foreign], strict=True)
    for place, (own, at) in zip(foreign.tolist(), parts, strict=True):
        minor[place] = fx.convert(int(minor[place]), str(own), currency, int(at))
    return minor
