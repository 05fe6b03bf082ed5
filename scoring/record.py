"""A decision as the ledger keeps it: the same for what a service answered and for what was rehearsed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.decision import Product
from domain.events import Event
from scoring.canonical import canonical_bytes
from scoring.decide import Decided
from stores.ledger import Entry


def entry_of(
    decided: Decided, event: Event, product: Product, row: NDArray[np.float64] | None, timings: Mapping[str, int]
) -> Entry:
    """The ledger's entry of a decision on a numbered event.

    Parameters
    ----------
    row : encoded features, float64[m]; None where they were not read. timings : stage → µs.
    """
    decision = decided.decision
    return Entry(
        decision_id=decision.decision_id,
        seq=event.seq,
        product=product.value,
        client=event.client,
        event_id=event.event_id,
        decided_at=decision.decided_at,
        model=decision.versions.model,
        action=decision.action.value,
        risk_grade=decision.risk_grade.value,
        raw_score=decided.raw_score,
        score=decision.score,
        body=canonical_bytes(decision),
        timings=msgspec.json.encode(timings),
        vector=None if row is None else row.astype("<f8").tobytes(),
    )
