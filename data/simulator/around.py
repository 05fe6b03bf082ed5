"""What happens around payments: logins, proofs, step-ups, changed profiles, captures, reversals and refunds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.people import BANK_CARD, DIGITAL, MOBILE, WALLET
from data.simulator.rows import (
    AGENT,
    AUTHENTICATION,
    CHANGE,
    LOCAL,
    ONLINE,
    Array,
    Rows,
    pick,
)
from data.simulator.stories.script import (
    ACCOUNT_TAKEOVER,
    CHANGES,
    MERCHANT_COLLUSION,
    MULE,
    PURPOSES,
    PUSH_PAYMENT_SCAM,
    RESULTS,
    STOLEN_CARD,
)
from data.simulator.world import World
from domain.events import AUTH_METHODS, STAGES
from domain.time import DAY, HOUR, MINUTE, SECOND

_LOGIN = {WALLET: 0.10, MOBILE: 0.45, DIGITAL: 0.22}
_LOGIN_FAILS = 0.05
_PROOF = 0.22
_STEP_UP_ABOVE, _STEP_UP_NEW, _STEP_UP_PAYEE = 350_000, 40_000, 150_000  # fen
_STEP_UP, _STEP_UP_CARD = 0.5, 0.25
_STEP_UP_METHODS = {"otp": 0.55, "mfa": 0.15, "face": 0.2, "voice": 0.1}

# Who passes a step-up: deceived customers always do, and whoever holds the victim's phone number mostly does.
_PASSES = {
    0: 0.97,
    STOLEN_CARD: 0.5,
    ACCOUNT_TAKEOVER: 0.8,
    PUSH_PAYMENT_SCAM: 0.99,
    MULE: 0.98,
    MERCHANT_COLLUSION: 0.9,
}

_CHANGE_A_DAY = 0.004
_CHANGE_WEIGHTS = {"phone": 1, "email": 2, "address": 2, "password": 4, "limit": 2}


def authentications_around(world: World, payments: Rows) -> Rows:
    """Logins before payments from apps, and proofs with some of them."""
    random = world.settings.random("authentications")
    channel, auth, time = payments["channel"], payments["auth"], payments["time"]
    remote = (payments["place"] != LOCAL) & (payments["place"] != AGENT)
    # Stories write their own logins; a login here as well would be one too many.
    told = np.isin(payments["story"], (ACCOUNT_TAKEOVER, PUSH_PAYMENT_SCAM))
    chance = np.zeros(len(payments))
    for code, share in _LOGIN.items():
        chance[channel == code] = share
    login = np.flatnonzero(remote & ~told & (random.random(len(payments)) < chance))
    before = (random.uniform(15, 240, len(login)) * SECOND).astype(np.int64)
    failing = random.random(len(login)) < _LOGIN_FAILS
    method = np.where(auth[login] > 1, auth[login], AUTH_METHODS.index("password"))
    logins = _about(payments, login, time[login] - before, method, "passed", "login")
    failed = _about(payments, login[failing], time[login[failing]] - before[failing] - 9 * SECOND, method[failing],
                    "failed", "login")  # fmt: skip
    proof = np.flatnonzero(remote & (auth > 0) & (random.random(len(payments)) < _PROOF))
    proofs = _about(payments, proof, time[proof] - random.integers(1, 15, len(proof)) * SECOND, auth[proof], "passed",
                    "payment")  # fmt: skip
    proofs["payment"] = proof
    return Rows.joined([logins, failed, proofs])


def step_ups(world: World, payments: Rows) -> Rows:
    """The stronger proof asked for after large payments, new devices and new payees; a failed one stops the payment."""
    random = world.settings.random("step_ups")
    amount, remote = payments["amount"], np.isin(payments["channel"], (WALLET, MOBILE, DIGITAL))
    remote |= payments["place"] == ONLINE
    asked = (amount > _STEP_UP_ABOVE) | ((payments["fresh_device"] == 1) & (amount > _STEP_UP_NEW))
    asked |= (payments["fresh_payee"] == 1) & (amount > _STEP_UP_PAYEE)
    chance = np.where(payments["channel"] == BANK_CARD, _STEP_UP_CARD, _STEP_UP)
    index = np.flatnonzero(remote & asked & (random.random(len(payments)) < chance))
    passes = np.array([_PASSES[story] for story in range(len(_PASSES))])[payments["story"][index]]
    passed = random.random(len(index)) < passes
    names = [AUTH_METHODS.index(name) for name in _STEP_UP_METHODS]
    method = np.array(names)[pick(random, list(_STEP_UP_METHODS.values()), len(index))]
    time = payments["time"][index] + (random.uniform(6, 90, len(index)) * SECOND).astype(np.int64)
    rows = _about(payments, index, time, method, "passed", "step_up")
    rows["result"] = np.where(passed, RESULTS.index("passed"), RESULTS.index("failed"))
    rows["payment"] = index
    return rows


def _about(payments: Rows, index: Array, time: Array, method: Array, result: str, purpose: str) -> Rows:
    return Rows.of(
        AUTHENTICATION,
        len(index),
        time=time,
        **{name: payments[name][index] for name in ("customer", "card", "account", "device", "ip", "channel")},
        method=method,
        result=RESULTS.index(result),
        purpose=PURPOSES.index(purpose),
    )


def changes_around(world: World, payments: Rows) -> Rows:
    """Honest profile changes: new payees, new phones, and now and then anything else."""
    random = world.settings.random("changes")
    people, calendar = world.people, world.calendar
    fresh = np.flatnonzero(
        (payments["fresh_payee"] == 1) & (payments["story"] == 0) & (random.random(len(payments)) < 0.5)
    )
    payees = Rows.of(
        CHANGE,
        len(fresh),
        time=payments["time"][fresh] - (random.uniform(20, 900, len(fresh)) * SECOND).astype(np.int64),
        customer=payments["customer"][fresh],
        account=people.account[payments["customer"][fresh]],
        device=payments["device"][fresh],
        ip=payments["ip"][fresh],
        changed=CHANGES.index("payee"),
        payee=payments["payee"][fresh],
    )
    bought = np.flatnonzero((people.new_phone_day < calendar.n_days) & (random.random(people.n) < 0.85))
    at = calendar.at(people.new_phone_day[bought], random.uniform(0.2, 2.0, len(bought)))
    phones = _changed(world, bought, at, np.full(len(bought), CHANGES.index("device")), people.new_phone[bought])
    shaken = bought[random.random(len(bought)) < 0.3]
    at = calendar.at(people.new_phone_day[shaken], random.uniform(2.0, 4.0, len(shaken)))
    passwords = _changed(world, shaken, at, np.full(len(shaken), CHANGES.index("password")), people.new_phone[shaken])
    n = random.poisson(_CHANGE_A_DAY * people.n * calendar.n_days)
    who, day = random.integers(0, people.n, n), random.integers(0, calendar.n_days, n)
    codes = np.array([CHANGES.index(name) for name in _CHANGE_WEIGHTS])
    other = _changed(
        world,
        who,
        calendar.at(day, calendar.hours(random, day, people.late_hours[who])),
        codes[pick(random, list(_CHANGE_WEIGHTS.values()), n)],
        people.device_on(random, who, day),
    )
    return Rows.joined([payees, phones, passwords, other])


def _changed(world: World, customer: Array, time: Array, changed: Array, device: Array) -> Rows:
    people = world.people
    return Rows.of(
        CHANGE,
        len(customer),
        time=time,
        customer=customer,
        account=people.account[customer],
        device=device,
        ip=people.home_ip[customer],
        changed=changed,
    )


@dataclass(frozen=True)
class FollowUps:
    """Captures, reversals and refunds: row of the authorisation, stage, instant, amount in fen."""

    payment: Array
    stage: Array
    time: Array
    amount: Array


def follow_ups(world: World, payments: Rows, stopped: Array) -> FollowUps:
    """What some card payments lead to, the same for honest and fraudulent ones; ``stopped`` ones lead to nothing."""
    random = world.settings.random("follow_ups")
    time, amount = payments["time"], payments["amount"]
    on_card = (payments["channel"] == BANK_CARD) & ~stopped
    online = payments["place"] == ONLINE
    n = len(payments)
    captured = np.flatnonzero(on_card & online & (random.random(n) < 0.35))
    refunded = np.flatnonzero(on_card & (random.random(n) < np.where(online, 0.03, 0.006)))
    reversed_ = np.flatnonzero(on_card & (random.random(n) < 0.004))
    part = np.where(random.random(len(refunded)) < 0.3, random.uniform(0.2, 0.9, len(refunded)), 1.0)
    rows = [
        (captured, "capture", random.uniform(1, 40, len(captured)) * HOUR, amount[captured]),
        (refunded, "refund", random.gamma(2.0, 3.0 * DAY, len(refunded)) + HOUR, np.rint(amount[refunded] * part)),
        (reversed_, "reversal", random.uniform(0.5, 30, len(reversed_)) * MINUTE, amount[reversed_]),
    ]
    made = FollowUps(
        payment=np.concatenate([index for index, *_ in rows]),
        stage=np.concatenate([np.full(len(index), STAGES.index(stage)) for index, stage, *_ in rows]),
        time=np.concatenate([time[index] + after.astype(np.int64) for index, _, after, _ in rows]),
        amount=np.concatenate([fen for *_, fen in rows]).astype(np.int64),
    )
    keep = made.time < world.calendar.end
    return FollowUps(made.payment[keep], made.stage[keep], made.time[keep], made.amount[keep])
