"""Whose the decided requests are: a number for each customer, so that rows of one are not taken as independent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import Product
from monitoring.traffic import Traffic
from stores.journal import Journal

_WHOSE = {Product.PAYMENT: ("transaction", ("customer_id", "card_id")), Product.LOAN: ("application", ("borrower_id",))}


def customers_of(journal: Journal, product: Product, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each request, int64[n]: equal where the customer is, or the card where nobody is named.

    Parameters
    ----------
    seqs : of the requests. Who names neither is somebody of his own.
    """
    found = -1 - np.arange(len(seqs), dtype=np.int64)
    if not len(seqs):
        return found
    kind, columns = _WHOSE[product]
    first, last = int(seqs.min()), int(seqs.max())
    events = journal.read(kind, after=first - 1, upto=last, columns=["seq", *columns])
    named = pc.coalesce(*(events[name].cast(pa.string()) for name in columns)).combine_chunks()
    codes = pc.fill_null(named.dictionary_encode().indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    held = events["seq"].to_numpy()
    order = np.argsort(held, kind="stable")
    place = order[np.searchsorted(held, seqs, sorter=order).clip(0, max(0, len(held) - 1))] if len(held) else None
    if place is None:
        return found
    mine = np.where(held[place] == seqs, codes[place], -1)
    return np.where(mine >= 0, mine, found)


def of_customers(rows: Traffic, journal: Journal, product: Product) -> Traffic:
    """Decided rows with ``whose`` each of them is."""
    whose = customers_of(journal, product, rows.frame["seq"].to_numpy(np.int64))
    return replace(rows, frame=rows.frame.assign(whose=whose))
