"""Generated streams of events: ties, late arrivals, nulls, refunds, huge amounts, edges of windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from domain.events import Event, Value
from domain.settings import PlatformSettings
from domain.time import HOUR, MINUTE, SECOND
from stores.database import Database
from stores.journal import Journal

START = 1_772_000_000 * SECOND

PLATFORM = PlatformSettings(
    base_currency="CNY",
    time_zone="Asia/Shanghai",
    max_lateness="30m",
    future_tolerance="5m",
    fx={"USD": {"2026-01-01": "7.0515"}, "JPY": {"2026-01-01": "0.0466"}},
)


def memory_journal(events: Sequence[Event] = ()) -> Journal:
    """A journal in memory."""
    journal = Journal(Database(Path(":memory:")), Path("no-segments"))
    journal.append(list(events))
    return journal


def numbered(events: Sequence[Event]) -> list[Event]:
    """The events as a fresh journal would number them."""
    return [event.numbered(seq) for seq, event in enumerate(events, start=1)]


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Equal bit for bit, one NaN being as good as another."""
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    both = np.isnan(left) & np.isnan(right)
    return bool(np.all(both | (left.view(np.int64) == right.view(np.int64))))


def same_float(left: float, right: float) -> bool:
    return same_bits(np.array([left]), np.array([right])) and not (math.isnan(left) ^ math.isnan(right))


# Few instants make ties; their differences are the windows, the lateness and the retention, and single
# microseconds beside them find open and closed edges.
INSTANTS = [0, 10 * SECOND, MINUTE, MINUTE + 10 * SECOND, 30 * MINUTE, HOUR, HOUR + 10 * SECOND, 90 * MINUTE, 2 * HOUR,
            150 * MINUTE, 3 * HOUR]  # fmt: skip
TIMES = st.builds(
    lambda instant, nudge: START + instant + nudge, st.sampled_from(INSTANTS), st.sampled_from([0, 0, 0, 0, 0, -1, 1])
)
KEYS = st.sampled_from(["a", "a", "a", "a", "a", "b", None])
AMOUNTS = st.one_of(
    st.integers(-500, 500),
    st.integers(1, 100_000),
    st.sampled_from([100, 30_000, -500]),
    st.sampled_from([0, 2**53, -(2**53), 2**53 - 1, 10**15 + 1]),
)


def _body(**columns: Value | None) -> dict[str, Value]:
    return {name: value for name, value in columns.items() if value is not None}


@st.composite
def transactions(draw: st.DrawFn) -> Event:
    amount = draw(AMOUNTS)
    currency = draw(st.sampled_from(["CNY", "CNY", "USD", "JPY"])) if abs(amount) < 10**6 else "CNY"
    time = draw(TIMES)
    body = _body(
        card_id=draw(KEYS),
        customer_id=draw(KEYS),
        account_id=draw(KEYS),
        payee_id=draw(KEYS),
        merchant_id=draw(st.sampled_from(["m", "n", None])),
        device_id=draw(st.sampled_from(["d", "e", "f", None])),
        stage=draw(st.sampled_from([None, None, "authorisation", "refund", "capture"])),
        channel=draw(st.sampled_from(["mobile", "bank_card", None])),
        card_present=draw(st.sampled_from([True, False, None])),
        latitude=draw(st.sampled_from([31.2304, -0.5, 0.0, 1e-7, None])),
        longitude=draw(st.sampled_from([121.4737, -180.0, 0.0, None])),
        amount=amount,
        currency=currency,
    )
    return Event("transaction", "", time, time + draw(st.integers(0, 3)) * HOUR, body)


@st.composite
def outcomes(draw: st.DrawFn) -> Event:
    time = draw(TIMES)
    codes = ["confirmed_fraud", "labelled_genuine", "first_party", "step_up_failed", "chargeback_dispute"]
    body = _body(
        subject_event_id="s",
        subject_kind=draw(st.sampled_from(["transaction", "transaction", "application"])),
        subject_time=START,
        code=draw(st.sampled_from(codes)),
        card_id=draw(KEYS),
    )
    return Event("outcome", "", time, time, body)


@st.composite
def streams(draw: st.DrawFn, max_size: int = 24) -> list[Event]:
    """Numbered events in the order of their arrival: mostly that of their time, or any."""
    found = draw(st.lists(st.one_of(transactions(), transactions(), transactions(), outcomes()), max_size=max_size))
    if draw(st.booleans()):
        n_late = draw(st.integers(0, 3))
        found = sorted(found[n_late:], key=lambda event: event.event_time) + found[:n_late]
    return numbered([Event(e.kind, f"e{i}", e.event_time, e.known_at, e.body, e.client) for i, e in enumerate(found)])


def dense_stream(seed: int, size: int = 24) -> list[Event]:
    """A stream on few instants and nearly one entity: ties, late ties, full rings and exact edges in numbers."""
    rng = np.random.default_rng(seed)
    n_instants = int(rng.integers(2, len(INSTANTS) + 1))
    instants = rng.choice(len(INSTANTS), n_instants, replace=False)
    if rng.random() < 0.5:
        instants = np.sort(instants)
    events = []
    for index in range(size):
        # Time mostly moves forward through the instants; now and then an event is late.
        place = index * n_instants // size if rng.random() < 0.6 else int(rng.integers(n_instants))
        time = START + INSTANTS[instants[place]] + int(rng.choice([0, 0, 0, 0, -1, 1]))
        units = int(rng.choice([1, 1, 100]))
        body = _body(
            card_id=str(rng.choice(["a", "a", "a", "a", "a", "a", "b"])),
            customer_id="a" if rng.random() < 0.7 else None,
            account_id="a" if rng.random() < 0.7 else "b",
            payee_id=[None, "a", "b"][rng.integers(3)],
            merchant_id=[None, "m", "n", "o"][rng.integers(4)],
            device_id=[None, "d", "e"][rng.integers(3)],
            stage=[None, None, None, "refund"][rng.integers(4)],
            card_present=[None, True, False][rng.integers(3)],
            latitude=float(rng.normal()) if rng.random() < 0.8 else None,
            longitude=float(rng.normal() * 90) if rng.random() < 0.8 else None,
            channel=[None, "mobile", "bank_card"][rng.integers(3)],
            amount=int(rng.integers(-(10 ** rng.integers(1, 15)), 10 ** rng.integers(1, 15))) // units * units,
            currency="CNY",
        )
        if rng.random() < 0.15:
            body = _body(
                subject_event_id="s", subject_kind="transaction", subject_time=START, card_id="a",
                code=["confirmed_fraud", "labelled_genuine", "step_up_failed"][rng.integers(3)],
            )  # fmt: skip
        kind = "outcome" if "code" in body else "transaction"
        events.append(Event(kind, f"e{index}", time, time, body))
    return numbered(events)
