"""The payment half of a simulation: from the world to event tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data.simulator.around import (
    FollowUps,
    authentications_around,
    changes_around,
    follow_ups,
    step_ups,
)
from data.simulator.complete import complete, foreign
from data.simulator.delivery import arrival
from data.simulator.genuine import genuine_payments
from data.simulator.geography import CITIES, COUNTRIES, CURRENCIES, PRICE_RATES
from data.simulator.merchants import MCC, MONEY_TRANSFER
from data.simulator.people import BANK_CARD, BINS
from data.simulator.reporting import CODES, SOURCES, Reports, report
from data.simulator.rows import NONE, TRANSFER, Array, Rows, pick
from data.simulator.stories.script import CHANGES, PURPOSES, RESULTS, STORIES
from data.simulator.stories.tell import tell_stories
from data.simulator.tables import event_ids, event_table, flags, numbers, suffixed, words
from data.simulator.world import World
from domain.events import AUTH_METHODS, CHANNELS, COMPLAINT_CLASSES, STAGES
from domain.time import DAY, SECOND

REGIONS = tuple(city.region for city in CITIES)

_MILLISECOND = SECOND // 1000
_VICTIM_COMPLAINS = 0.3
_COMPLAINTS_A_DAY = 0.0004
_COMPLAINT_WEIGHTS = {"product": 3, "service": 5, "fraud_dispute": 0.5, "credit_refusal": 0, "other": 2}


@dataclass(frozen=True)
class Names:
    """Identifier of every code, per key column of a payment."""

    texts: dict[str, pa.Array]

    @classmethod
    def of(cls, world: World) -> Names:
        """Name everything the world has registered by now."""
        registers = world.registers
        account = registers.account.identifiers()
        return cls(
            {
                "customer_id": registers.person.identifiers(),
                "card_id": registers.card.identifiers(),
                "account_id": account,
                "payee_id": account,
                "device_id": registers.device.identifiers(),
                "ip_id": registers.ip.identifiers(),
                "merchant_id": registers.merchant.identifiers(),
                "terminal_id": registers.terminal.identifiers(),
            }
        )

    def keys(self, rows: Rows, *columns: str) -> dict[str, pa.Array]:
        """Key columns of rows as text."""
        return {name: words(self.texts[name], rows[name.removesuffix("_id")]) for name in columns}


def payment_events(world: World) -> tuple[dict[str, pa.Table], pa.Table]:
    """Event tables of payments and all around them, and the truth about each payment."""
    # 1. Honest payments and stories become one stream, in order of time.
    told, told_authentications, told_changes = tell_stories(world)
    everything = Rows.joined([genuine_payments(world), told])
    payments = _in_time_order(world, complete(world, everything, world.settings.random("complete")))
    payment_id = event_ids("pay", len(payments))
    known_at = arrival(world.settings, "transaction", payments["time"])
    # 2. What happens around them.
    asked = step_ups(world, payments)
    stopped = np.zeros(len(payments), dtype=bool)
    stopped[asked["payment"][asked["result"] != RESULTS.index("passed")]] = True
    logins = authentications_around(world, payments)
    authentications = _in_time_order(world, Rows.joined([logins, asked, told_authentications]))
    changes = _in_time_order(world, Rows.joined([changes_around(world, payments), told_changes]))
    continued = follow_ups(world, payments, stopped)
    # 3. What becomes known of them.
    reports = report(world, payments, known_at, asked)
    names = Names.of(world)
    tables = {
        "transaction": _transactions(world, payments, payment_id, known_at, continued, names),
        "authentication": _authentications(world, authentications, payment_id, names),
        "profile_change": _changes(world, changes, names),
        "outcome": _outcomes(payments, payment_id, reports, names),
        "complaint": _complaints(world, payments, payment_id, reports, names),
    }
    truth = pa.table(
        {
            "event_id": payment_id,
            "kind": pa.repeat(pa.scalar("transaction"), len(payments)),
            "story": words(STORIES, payments["story"]),
            "incident": pa.array(payments["incident"].astype(np.int64), mask=payments["incident"] == NONE),
            "positive": pa.array(payments["story"] > 0),
        }
    )
    return tables, truth


def _in_time_order(world: World, rows: Rows) -> Rows:
    """Rows within the window, at whole milliseconds as servers write them."""
    calendar = world.calendar
    rows["time"] = rows["time"] // _MILLISECOND * _MILLISECOND
    inside = np.flatnonzero((rows["time"] >= calendar.start) & (rows["time"] < calendar.end))
    return rows.take(inside[np.argsort(rows["time"][inside], kind="stable")])


def _transactions(
    world: World, payments: Rows, payment_id: pa.Array, known_at: Array, continued: FollowUps, names: Names
) -> pa.Table:
    n = len(payments)
    row = np.concatenate([np.arange(n), continued.payment])
    all_rows = payments.take(row)
    stage = np.concatenate([np.where(payments["channel"] == BANK_CARD, 0, NONE), continued.stage])
    event_id = pa.concat_arrays(
        [payment_id, suffixed(payment_id.take(continued.payment), words(STAGES, continued.stage))]
    )
    time = np.concatenate([payments["time"], continued.time])
    followed = arrival(world.settings, "follow-up", continued.time)
    amount = np.concatenate([payments["amount"], continued.amount])
    country = foreign(all_rows)
    merchant = all_rows["merchant"]
    category = np.where(all_rows["place"] == TRANSFER, MONEY_TRANSFER, world.merchants.category[merchant])
    card = all_rows["card"]
    return event_table(
        "transaction",
        event_id,
        time,
        np.concatenate([known_at, followed]),
        **names.keys(
            all_rows,
            "customer_id",
            "card_id",
            "account_id",
            "device_id",
            "ip_id",
            "merchant_id",
            "terminal_id",
            "payee_id",
        ),
        bin_id=words(BINS, np.where(card == NONE, NONE, world.people.bin_of_card[card])),
        amount=np.maximum(np.rint(amount / PRICE_RATES[country]), 1).astype(np.int64),
        currency=words(CURRENCIES, country),
        stage=words(STAGES, stage),
        links_to=words(payment_id, np.concatenate([np.full(n, NONE), continued.payment])),
        channel=words(CHANNELS, all_rows["channel"]),
        auth_method=words(AUTH_METHODS, all_rows["auth"]),
        mcc=words(MCC, category),
        country=words(COUNTRIES, all_rows["country"]),
        region=words(REGIONS, all_rows["where"]),
        card_present=flags(all_rows["present"]),
        latitude=numbers(all_rows["latitude"]),
        longitude=numbers(all_rows["longitude"]),
    )


def _authentications(world: World, rows: Rows, payment_id: pa.Array, names: Names) -> pa.Table:
    return event_table(
        "authentication",
        event_ids("auth", len(rows)),
        rows["time"],
        arrival(world.settings, "authentication", rows["time"]),
        **names.keys(rows, "customer_id", "card_id", "account_id", "device_id", "ip_id"),
        links_to=words(payment_id, rows["payment"]),
        channel=words(CHANNELS, rows["channel"]),
        method=words(AUTH_METHODS, rows["method"]),
        result=words(RESULTS, rows["result"]),
        purpose=words(PURPOSES, rows["purpose"]),
    )


def _changes(world: World, rows: Rows, names: Names) -> pa.Table:
    return event_table(
        "profile_change",
        event_ids("change", len(rows)),
        rows["time"],
        arrival(world.settings, "profile_change", rows["time"]),
        **names.keys(rows, "customer_id", "account_id", "device_id", "ip_id", "payee_id"),
        changed=words(CHANGES, rows["changed"]),
    )


def _outcomes(payments: Rows, payment_id: pa.Array, reports: Reports, names: Names) -> pa.Table:
    order = np.argsort(reports.time, kind="stable")
    row, time = reports.payment[order], reports.time[order]
    subject = payments.take(row)
    country = foreign(subject)
    return event_table(
        "outcome",
        event_ids("pay-outcome", len(row)),
        time,
        time,
        subject_event_id=payment_id.take(row),
        subject_kind=pa.repeat(pa.scalar("transaction"), len(row)),
        subject_time=subject["time"],
        code=words(CODES, reports.code[order]),
        source=words(SOURCES, reports.source[order]),
        **names.keys(
            subject,
            "customer_id",
            "card_id",
            "account_id",
            "device_id",
            "ip_id",
            "merchant_id",
            "terminal_id",
            "payee_id",
        ),
        amount=np.maximum(np.rint(subject["amount"] / PRICE_RATES[country]), 1).astype(np.int64),
        currency=words(CURRENCIES, country),
    )


def _complaints(world: World, payments: Rows, payment_id: pa.Array, reports: Reports, names: Names) -> pa.Table:
    """Victims complain about when they report; others complain of anything."""
    random = world.settings.random("complaints")
    calendar, people = world.calendar, world.people
    told = np.array([CODES.index(name) for name in ("authorised_scam", "account_takeover", "dispute_opened")])
    voiced = np.flatnonzero(np.isin(reports.code, told) & (random.random(len(reports.code)) < _VICTIM_COMPLAINS))
    subject = reports.payment[voiced]
    said = reports.time[voiced] + (random.exponential(0.5 * DAY, len(voiced))).astype(np.int64)
    n = random.poisson(_COMPLAINTS_A_DAY * people.n * calendar.n_days)
    day = random.integers(0, calendar.n_days, n)
    other = calendar.at(day, calendar.hours(random, day, np.zeros(n)))
    classes = [COMPLAINT_CLASSES.index(name) for name in _COMPLAINT_WEIGHTS]
    kind = np.array(classes)[pick(random, list(_COMPLAINT_WEIGHTS.values()), n)]
    time = np.concatenate([said, other])
    order = np.argsort(time, kind="stable")
    order = order[time[order] < calendar.end]
    about = np.concatenate([subject, np.full(n, NONE)])[order]
    who = np.concatenate([payments["customer"][subject], random.integers(0, people.n, n)])[order]
    what = np.concatenate([np.full(len(voiced), COMPLAINT_CLASSES.index("fraud_dispute")), kind])[order]
    channel = np.array([CHANNELS.index("mobile"), CHANNELS.index("bank_card"), CHANNELS.index("cash_agent")])
    return event_table(
        "complaint",
        event_ids("complaint", len(order)),
        time[order],
        arrival(world.settings, "complaint", time[order]),
        customer_id=words(names.texts["customer_id"], who),
        subject_event_id=words(payment_id, about),
        complaint_class=words(COMPLAINT_CLASSES, what),
        channel=words(CHANNELS, channel[pick(random, (6, 2, 1), len(order))]),
    )
