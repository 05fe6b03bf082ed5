"""Decisions beside the facts they were made on: one frame, read once, cut by chunk."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd

from domain.decision import Action, Product
from monitoring.sight import Sight

SUBJECTS = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
"""Kind of event that each product decides on."""

_FACTS = {Product.PAYMENT: ["channel", "region", "amount", "currency", "customer_id", "payee_id"],
          Product.LOAN: ["channel", "region", "product", "amount", "currency", "borrower_id"]}  # fmt: skip

_UNUSED = ["body", "timings", "vector", "n_link", "product", "decision_id"]


class _Body(msgspec.Struct):
    degraded: bool | str = False


def decided(sight: Sight, product: Product, *, since: int | None = None) -> pd.DataFrame:
    """Decisions of a product from ``since`` (by default the chunk's start) to the chunk's end, in order of time.

    Columns: decided_at (µs UTC), model, action, risk_grade, raw_score and score (NaN without a model), alert (anything
    but an approval), degraded, total_us (NaN where it was not timed), event_id, client, event_time, and what the event
    says of its channel, region, amount (minor units), for loans also product.
    """
    frame = sight.once(f"decided {product.value}", lambda: _all(sight, product))
    start = sight.since if since is None else since
    first, last = np.searchsorted(frame["decided_at"].to_numpy(), [start, sight.until], side="left")
    return frame.iloc[int(first) : int(last)]


def _all(sight: Sight, product: Product) -> pd.DataFrame:
    table = sight.look.ledger.read(product.value)
    body = msgspec.json.Decoder(_Body).decode
    times = msgspec.json.Decoder(dict[str, int]).decode
    frame: pd.DataFrame = table.drop_columns(
        ["body", "timings", "vector", "n_link", "product", "decision_id"]
    ).to_pandas()
    frame["raw_score"] = frame["raw_score"].astype(np.float64)
    frame["score"] = frame["score"].astype(np.float64)
    frame["alert"] = (frame["action"] != Action.APPROVE.value).to_numpy()
    frame["degraded"] = np.array([body(each).degraded is not False for each in table["body"].to_pylist()], dtype=bool)
    total = [times(each).get("total") for each in table["timings"].to_pylist()]
    frame["total_us"] = np.array(total, dtype=np.float64)
    facts = sight.look.journal.read(SUBJECTS[product], columns=["seq", "event_time", *_FACTS[product]]).to_pandas()
    joined = frame.merge(facts, on="seq", how="left")
    return joined.sort_values("decided_at", kind="stable").reset_index(drop=True)
