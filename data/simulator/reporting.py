"""How payment fraud becomes known: late, not always, at times the wrong way round, at times put right.

Everything here is an outcome with the time it became known. What was never reported stays silent, as in life.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.rows import NONE, ONLINE, Array, Rows
from data.simulator.stories.script import (
    ACCOUNT_TAKEOVER,
    MERCHANT_COLLUSION,
    MULE,
    PUSH_PAYMENT_SCAM,
    RESULTS,
    STOLEN_CARD,
)
from data.simulator.world import World
from domain.time import DAY, HOUR, SECOND

CODES = (
    "chargeback_fraud",
    "confirmed_fraud",
    "authorised_scam",
    "account_takeover",
    "correction_genuine",
    "correction_fraud",
    "chargeback_dispute",
    "first_party",
    "dispute_opened",
    "reviewed_genuine",
    "complaint_upheld",
    "step_up_passed",
    "step_up_failed",
    "declined",
)
SOURCES = ("issuer", "analyst", "customer")
ISSUER, ANALYST, CUSTOMER = range(len(SOURCES))

_SHORTEST, _LONGEST = 4 * HOUR, 75 * DAY
_ROW_MISSED = 0.03
_NOTICED = 0.4  # of stolen cards, by the holder, before any chargeback
_DISPUTED = 0.0012
_REVIEWED = 0.03
_UPHELD = 0.4  # of the incidents nobody believed at first


@dataclass(frozen=True)
class Reports:
    """Outcomes of payments: row of the payment, instant, code, source."""

    payment: Array
    time: Array
    code: Array
    source: Array


class _Desk:
    """Collects outcomes."""

    def __init__(self) -> None:
        self.parts: list[tuple[Array, Array, Array, Array]] = []

    def file(self, payment: Array, time: Array, code: str, source: int) -> None:
        n = len(payment)
        self.parts.append((payment, time, np.full(n, CODES.index(code)), np.full(n, source)))

    def filed(self) -> Reports:
        return Reports(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))


def report(world: World, payments: Rows, known_at: Array, step_ups: Rows) -> Reports:
    """All outcomes of payments that become known within the window; none before its payment is known."""
    random = world.settings.random("reporting")
    desk = _Desk()
    asked, result = step_ups["payment"], step_ups["result"]
    answered = step_ups["time"] + SECOND
    passed = result == RESULTS.index("passed")
    desk.file(asked[passed], answered[passed], "step_up_passed", ISSUER)
    desk.file(asked[~passed], answered[~passed], "step_up_failed", ISSUER)
    desk.file(asked[~passed], answered[~passed] + SECOND, "declined", ISSUER)
    stopped = np.zeros(len(payments), dtype=bool)
    stopped[asked[~passed]] = True
    _report_fraud(world, payments, stopped, random, desk)
    _doubt_the_honest(world, payments, stopped, random, desk)
    reports = desk.filed()
    # A late payment holds back what was said of it; a refusal still follows the failed proof.
    soonest = known_at[reports.payment] + np.where(reports.code == CODES.index("declined"), 2, 1) * SECOND
    time = np.maximum(reports.time, soonest)
    keep = time < world.calendar.end
    return Reports(reports.payment[keep], time[keep], reports.code[keep], reports.source[keep])


def _report_fraud(world: World, payments: Rows, stopped: Array, random: np.random.Generator, desk: _Desk) -> None:
    settings = world.settings
    story, incident, time = payments["story"], payments["incident"], payments["time"]
    n_incidents = int(incident.max(initial=NONE)) + 1
    missed = random.random(n_incidents) < settings.missed_share
    fraud = np.flatnonzero((story > 0) & ~stopped)
    mistaken = random.random(len(fraud)) < settings.mistaken_share
    silent = missed[incident[fraud]] | (random.random(len(fraud)) < _ROW_MISSED)
    # 1. An analyst believed the payment genuine; the truth came later as a correction.
    wrong = fraud[mistaken & ~silent]
    reviewed = time[wrong] + _delay(random, len(wrong), 1.5, 0.7)
    desk.file(wrong, reviewed, "reviewed_genuine", ANALYST)
    desk.file(wrong, reviewed + _delay(random, len(wrong), 12, 0.5), "correction_fraud", ANALYST)
    # 2. The rest, each story by its own road. A customer speaks once, of the whole incident.
    last = np.zeros(n_incidents, dtype=np.int64)
    np.maximum.at(last, incident[fraud], time[fraud])
    told = fraud[~mistaken & ~silent]
    road = random.random(n_incidents)
    for code, name, source, median, spread in (
        (ACCOUNT_TAKEOVER, "account_takeover", CUSTOMER, 2.5, 0.8),
        (PUSH_PAYMENT_SCAM, "authorised_scam", CUSTOMER, 6.0, 0.7),
    ):
        rows = told[story[told] == code]
        spoken = last + _delay(random, n_incidents, median, spread)
        desk.file(rows, spoken[incident[rows]], name, source)
    noticed = told[(story[told] == STOLEN_CARD) & (road[incident[told]] < _NOTICED)]
    spoken = last + _delay(random, n_incidents, 1.5, 0.9)
    desk.file(noticed, spoken[incident[noticed]], "confirmed_fraud", CUSTOMER)
    charged = told[(story[told] == STOLEN_CARD) & (road[incident[told]] >= _NOTICED)]
    back = time[charged] + _delay(random, len(charged), 10.0, 0.5)
    opened = random.random(len(charged)) < 0.4
    ahead = np.minimum(back[opened] - DAY, time[charged[opened]] + _delay(random, int(opened.sum()), 3.0, 0.5))
    desk.file(charged[opened], np.maximum(ahead, time[charged[opened]] + HOUR), "dispute_opened", CUSTOMER)
    desk.file(charged, back, "chargeback_fraud", ISSUER)
    # 3. Mules: victims of the false sales complain one by one; what is passed on waits for the investigation.
    mule = told[story[told] == MULE]
    fan_in = payments["passes_on"][mule] == 0
    reported = mule[fan_in & (random.random(len(mule)) < 0.85)]
    desk.file(reported, time[reported] + _delay(random, len(reported), 7.0, 0.6), "authorised_scam", CUSTOMER)
    investigated = last + _delay(random, n_incidents, 9.0, 0.5)
    passed_on = mule[~fan_in]
    desk.file(passed_on, investigated[incident[passed_on]], "confirmed_fraud", ANALYST)
    # 4. Collusion: chargebacks trickle in; the investigation of the shop finds most of the others.
    shop = told[story[told] == MERCHANT_COLLUSION]
    charged_back = random.random(len(shop)) < 0.65
    rows = shop[charged_back]
    desk.file(rows, time[rows] + _delay(random, len(rows), 10.0, 0.5), "chargeback_fraud", ISSUER)
    rows = shop[~charged_back & (random.random(len(shop)) < 0.85)]
    swept = last + _delay(random, n_incidents, 18.0, 0.3)
    desk.file(rows, swept[incident[rows]], "confirmed_fraud", ANALYST)
    # 5. Some of what was missed comes out when a complaint is upheld.
    rows = fraud[missed[incident[fraud]] & (road[incident[fraud]] < _UPHELD)]
    upheld = last + _delay(random, n_incidents, 35.0, 0.25)
    desk.file(rows, upheld[incident[rows]], "complaint_upheld", ANALYST)


def _doubt_the_honest(world: World, payments: Rows, stopped: Array, random: np.random.Generator, desk: _Desk) -> None:
    time = payments["time"]
    honest = np.flatnonzero((payments["story"] == 0) & ~stopped)
    strange = (payments["fresh_device"][honest] == 1) | (
        (payments["fresh_payee"][honest] == 1) & (payments["amount"][honest] > 100_000)
    )
    odd = honest[strange]
    # 1. Analysts look at what is strange and find it genuine.
    looked = odd[random.random(len(odd)) < _REVIEWED]
    desk.file(looked, time[looked] + _delay(random, len(looked), 0.8, 0.7), "reviewed_genuine", ANALYST)
    # 2. Some honest payments are called fraud; most of them are put right later.
    n_fraud = int((payments["story"] > 0).sum())
    n_wrong = min(len(odd), round(world.settings.mistaken_share * n_fraud))
    blamed = random.choice(odd, n_wrong, replace=False)
    called = time[blamed] + _delay(random, n_wrong, 6.0, 0.6)
    desk.file(blamed, called, "confirmed_fraud", ANALYST)
    corrected = random.random(n_wrong) < 0.75
    desk.file(blamed[corrected], called[corrected] + _delay(random, int(corrected.sum()), 9.0, 0.5),
              "correction_genuine", ANALYST)  # fmt: skip
    # 3. Disputes: goods that never came, and customers who did it themselves and deny it.
    chance = np.where(payments["place"][honest] == ONLINE, 2.0, 0.6) * _DISPUTED
    disputed = honest[random.random(len(honest)) < chance]
    opened = time[disputed] + _delay(random, len(disputed), 8.0, 0.6)
    desk.file(disputed, opened, "dispute_opened", CUSTOMER)
    fate = random.random(len(disputed))
    closed = opened + _delay(random, len(disputed), 9.0, 0.4)
    for low, high, code, source in ((0.0, 0.55, "chargeback_dispute", ISSUER), (0.55, 0.75, "first_party", ANALYST)):
        mask = (fate >= low) & (fate < high)
        desk.file(disputed[mask], closed[mask], code, source)


def _delay(random: np.random.Generator, n: int, median_days: float, spread: float) -> Array:
    """Log-normal delays in µs, never under four hours nor over 75 days."""
    drawn = np.exp(random.normal(np.log(median_days), spread, n)) * DAY
    delay: Array = np.clip(drawn, _SHORTEST, _LONGEST).astype(np.int64)
    return delay
