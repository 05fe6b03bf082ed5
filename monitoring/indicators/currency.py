"""Currencies: the share of the money paid today that is not in the base currency."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from monitoring.indicator import Indicator
from monitoring.payments import payments
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

_LEAST = 20


def _foreign(sight: Sight) -> Iterator[Reading]:
    frame = payments(sight)
    if len(frame) < _LEAST:
        yield not_assessed(f"{len(frame)} payments, fewer than {_LEAST}", len(frame))
        return
    table = sight.events("transaction")
    table = table.filter(pc.fill_null(pc.equal(table["stage"], "authorisation"), True))
    # Same rows as the frame, which is in order of time.
    times = table["event_time"].to_numpy()
    foreign = pc.not_equal(table["currency"], sight.look.platform.base_currency).to_numpy(zero_copy_only=False)
    amount = frame["amount"].to_numpy(np.float64)
    mine = foreign[np.argsort(times, kind="stable")]
    yield Reading(float(amount[mine].sum() / amount.sum()) if amount.sum() > 0 else 0.0, len(frame))


INDICATORS = (Indicator("foreign_share", say("risks.foreign_share"), _foreign, form=".1%"),)
