"""Authorised push-payment scam: the customer, deceived, pays a new payee from the own phone and passes every check."""

from __future__ import annotations

import numpy as np

from data.simulator.genuine import typical_amount
from data.simulator.merchants import MONEY_TRANSFER
from data.simulator.people import CASH_AGENT, DIGITAL, MOBILE, WALLET
from data.simulator.rows import TRANSFER
from data.simulator.stories.mules import Rings
from data.simulator.stories.script import PUSH_PAYMENT_SCAM, Script, steps
from domain.events import AUTH_METHODS
from domain.time import DAY, HOUR, MINUTE

_MONTHLY = 9.0
_METHODS = {"otp": 0.36, "mfa": 0.14, "face": 0.2, "fingerprint": 0.2, "password": 0.1}


def tell(script: Script, rings: Rings) -> None:
    """Write the incidents of authorised scams; the old are deceived more often."""
    world = script.world
    people = world.people
    random = world.settings.random("push_payment_scam")
    prone = (1.0 + np.maximum(people.age - 45, 0) / 15) * (people.channel_weight[:, CASH_AGENT] + 0.5)
    for begin in world.calendar.crook_instants(random, script.incidents(_MONTHLY)):
        customer, incident = int(random.choice(people.n, p=prone / prone.sum())), script.incident()
        long_con = random.random() < 0.35
        n_payments = int(random.integers(2, 5)) if long_con else int(random.choice([1, 2, 3], p=[0.45, 0.35, 0.2]))
        payee = rings.receiver(random, begin)
        channel = int(random.choice([MOBILE, WALLET, DIGITAL], p=[0.7, 0.2, 0.1]))
        where = int(people.city_on[customer, int(world.calendar.day_of(begin))])
        device = int(people.device_on(random, np.array([customer]), world.calendar.day_of(np.array([begin])))[0])
        ip = int(people.address_on(random, np.array([customer]), np.array([where]))[0])
        script.log_in(begin, customer, device, ip, channel, failures=0, method="fingerprint")
        if random.random() < 0.55:
            script.change(begin, customer, "payee", device, ip, payee)
        if random.random() < 0.25:
            script.change(begin + MINUTE, customer, "limit", device, ip)
        method = str(random.choice(list(_METHODS), p=list(_METHODS.values())))
        for step, after in enumerate(steps(random, n_payments, 2.5 * DAY if long_con else 1.5 * HOUR)):
            amount = typical_amount(world, random, np.array([customer]), np.array([MONEY_TRANSFER]))[0]
            lift = random.normal(1.05, 0.5) + 0.25 * step
            script.pay(
                time=begin + 3 * MINUTE + after, customer=customer, channel=channel, place=TRANSFER, payee=payee,
                device=device, ip=ip, where=where, amount=int(amount * np.exp(lift)),
                auth=AUTH_METHODS.index(method), fresh_payee=1 if step == 0 else 0,
                story=PUSH_PAYMENT_SCAM, incident=incident,
            )  # fmt: skip
