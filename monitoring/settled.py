"""Payments that happened: authorised and not declined, less what was reversed; and what was refunded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from stores.journal import Journal

_ALWAYS: Final = ("event_id", "client", "seq", "event_time", "known_at", "amount", "currency", "stage", "links_to")


def settled(
    journal: Journal, declined: Iterable[int], columns: Sequence[str], *, until: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Payments and refunds known before a time, in the order of the journal.

    Parameters
    ----------
    declined : ``seq`` of payments that were asked for and refused.
    columns : of a transaction, besides event_id, client, seq, times, amount and currency. An extension that no payment
        has had so far is null throughout.

    Returns
    -------
    payments, with ``amount`` less what was reversed of it; refunds, with ``amount`` above zero.
    """
    names = list(dict.fromkeys([*_ALWAYS, *columns]))
    unseen = [name for name in names if name.startswith("x_") and name not in journal.extensions("transaction")]
    rows: pd.DataFrame = journal.read("transaction", columns=[each for each in names if each not in unseen]).to_pandas()
    rows = rows[(rows["known_at"] < until) & (rows["event_time"] < until)].assign(**dict.fromkeys(unseen))
    stage = rows["stage"].fillna("authorisation")
    paid = rows[(stage == "authorisation") & ~rows["seq"].isin(list(declined))]
    refunds = rows[stage == "refund"]
    return _less_reversed(paid, rows[stage == "reversal"]), refunds.assign(amount=refunds["amount"].abs())


def _less_reversed(paid: pd.DataFrame, reversals: pd.DataFrame) -> pd.DataFrame:
    """Those reversed in full did not happen."""
    if not len(reversals):
        return paid
    undone = reversals.assign(amount=reversals["amount"].abs()).groupby(["client", "links_to"])["amount"].sum()
    keys = pd.MultiIndex.from_frame(paid[["client", "event_id"]])
    left = paid["amount"].to_numpy() - undone.reindex(keys).fillna(0).to_numpy().astype(np.int64)
    return paid.assign(amount=left)[left > 0]
