"""Account takeover: a login from a new device, a changed phone or password, a new payee, the account emptied."""

from __future__ import annotations

import numpy as np

from data.simulator.genuine import typical_amount
from data.simulator.merchants import MONEY_TRANSFER
from data.simulator.people import DIGITAL, MOBILE, WALLET
from data.simulator.rows import NONE, ONLINE, TRANSFER
from data.simulator.stories.mules import Rings
from data.simulator.stories.script import ACCOUNT_TAKEOVER, Script, steps
from domain.events import AUTH_METHODS
from domain.time import HOUR, MINUTE

_MONTHLY = 8.5
_METHODS = {"otp": 0.4, "password": 0.3, "mfa": 0.12, "face": 0.08, "fingerprint": 0.1}
_VICTIMS_PER_DEVICE = 3


def tell(script: Script, rings: Rings) -> None:
    """Write the incidents of account takeover."""
    world = script.world
    random = world.settings.random("account_takeover")
    n = script.incidents(_MONTHLY)
    shared = [world.registers.device.one() for _ in range(max(1, n // (2 * _VICTIMS_PER_DEVICE)))]
    addresses = [world.registers.ip.one() for _ in range(max(2, n // _VICTIMS_PER_DEVICE))]
    for begin in world.calendar.crook_instants(random, n):
        customer, incident = int(random.choice(world.people.n)), script.incident()
        device = int(random.choice(shared)) if random.random() < 0.5 else world.registers.device.one()
        ip = int(random.choice(addresses)) if random.random() < 0.6 else world.registers.ip.one()
        home = int(world.people.city[customer])
        where = int(random.choice([home, NONE, int(random.integers(15))], p=[0.5, 0.15, 0.35]))
        channel = int(random.choice([MOBILE, WALLET, DIGITAL], p=[0.62, 0.28, 0.10]))
        method = str(random.choice(list(_METHODS), p=list(_METHODS.values())))
        failures = int(random.choice([0, 1, 2, 4], p=[0.4, 0.3, 0.2, 0.1]))
        script.log_in(begin, customer, device, ip, channel, failures=failures, method="password")
        lead = int(random.exponential(25 * MINUTE))
        for changed, chance in (("password", 0.35), ("phone", 0.4), ("device", 0.6), ("limit", 0.25)):
            if random.random() < chance:
                script.change(begin + int(random.random() * lead), customer, changed, device, ip)
        payee = rings.receiver(random, begin)
        if random.random() < 0.75:
            script.change(begin + lead, customer, "payee", device, ip, payee)
        n_payments = int(random.choice([1, 2, 3, 4, 5], p=[0.25, 0.27, 0.23, 0.15, 0.10]))
        gap = 20 * MINUTE if random.random() < 0.75 else 9 * HOUR
        for after in steps(random, n_payments, gap):
            shopping = random.random() < 0.2
            merchant = int(world.merchants.cash_out(random, 1)[0]) if shopping else NONE
            category = world.merchants.category[merchant] if shopping else MONEY_TRANSFER
            amount = typical_amount(world, random, np.array([customer]), np.array([category]))[0]
            script.pay(
                time=begin + lead + MINUTE + after, customer=customer, channel=channel,
                place=ONLINE if shopping else TRANSFER, merchant=merchant, payee=NONE if shopping else payee,
                device=device, ip=ip, where=where, amount=int(amount * np.exp(random.normal(0.75, 0.5))),
                auth=AUTH_METHODS.index(method), fresh_payee=0 if shopping else 1, fresh_device=1,
                story=ACCOUNT_TAKEOVER, incident=incident,
            )  # fmt: skip
