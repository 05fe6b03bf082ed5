"""What becomes known: events of fraud that are told a day, by when they are told; the rate itself has to mature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.labels import FRAUD_POLICY, Verdict
from monitoring.baseline import LEAST_PAST, within_counts
from monitoring.indicator import Indicator
from monitoring.indicators.decisions import independent
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

_PAST = 28
_CONFIDENCE = 0.9999
_POSITIVE = tuple(code for code, verdict in FRAUD_POLICY.verdicts.items() if verdict is Verdict.POSITIVE)


def _told(sight: Sight) -> Iterator[Reading]:
    """Frauds told today as a multiple of the past days' mean, whole and by the channel of the payment."""
    past = sight.chunks_before(_PAST)
    table = sight.events("outcome", since=past[0].since)
    table = table.filter(pc.is_in(table["code"], value_set=pa.array(_POSITIVE)))
    if not table.num_rows:
        yield not_assessed("no fraud was told in four weeks")
        return
    frame = table.select(["known_at", "subject_event_id", "subject_time"]).to_pandas()
    frame = frame.merge(_channels(sight), on=["subject_event_id", "subject_time"], how="left")
    edges = [chunk.since for chunk in past] + [sight.since]
    # Days before the first outcome of all say nothing: nobody reported yet.
    first = sight.once("first outcome", lambda: _first(sight))
    known = [place for place, chunk in enumerate(past) if chunk.until > first]
    for where, mine in [("", frame), *((f"channel={name}", rows) for name, rows in frame.groupby("channel"))]:
        day = np.searchsorted(edges, mine["known_at"].to_numpy(), side="right") - 1
        counts = np.array([round(independent(rows, pd.Series(1.0, rows.index)))
                           for rows in (mine[day == place] for place in range(len(edges)))])  # fmt: skip
        before, today = counts[:-1][known].astype(float), int(counts[-1])
        if len(before) < LEAST_PAST:
            yield not_assessed(f"fewer than {LEAST_PAST} days before it", today, where)
            continue
        usual = max(float(np.median(before)), float(before.mean()) / 2, 0.5 / len(before))
        within = within_counts(today, before, confidence=_CONFIDENCE)
        yield Reading(today / usual, today, where, within_chance=within, note=f"usually {usual:.3g}")


def _channels(sight: Sight) -> pd.DataFrame:
    def read() -> pd.DataFrame:
        rows: pd.DataFrame = sight.look.journal.read(
            "transaction", columns=["event_id", "event_time", "channel", "customer_id", "payee_id"]
        ).to_pandas()
        rows.columns = ["subject_event_id", "subject_time", "channel", "customer_id", "payee_id"]
        return rows.drop_duplicates(["subject_event_id", "subject_time"])

    return sight.once("channels of payments", read)


def _first(sight: Sight) -> int:
    table = sight.look.journal.read("outcome", columns=["known_at"])
    return int(pc.min(table["known_at"]).as_py()) if table.num_rows else 2**62


INDICATORS = (Indicator("fraud_reports", say("early_warning.fraud_reports"), _told, form=".2f"),)
