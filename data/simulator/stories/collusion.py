"""Merchant collusion: a small shop runs stolen or lent cards through its own tills, in waves."""

from __future__ import annotations

import numpy as np

from data.simulator.people import BANK_CARD, WALLET
from data.simulator.rows import LOCAL
from data.simulator.stories.script import MERCHANT_COLLUSION, Script, within_days
from domain.time import DAY, HOUR, MINUTE

_MONTHLY = 0.85


def tell(script: Script) -> None:
    """Write the waves of colluding merchants."""
    world = script.world
    merchants, people = world.merchants, world.people
    random = world.settings.random("merchant_collusion")
    for begin in world.calendar.crook_instants(random, script.incidents(_MONTHLY)):
        city = int(random.choice(people.city))
        shops = np.arange(*merchants.shops[city])
        small = shops[np.argsort(merchants.weight[shops])[: max(3, len(shops) * 2 // 3)]]
        shop = int(random.choice(small))
        near = np.flatnonzero(people.city == city)
        usual = float(np.exp(random.normal(6.2, 0.4)))
        wave = begin
        for _ in range(int(random.integers(1, 4))):
            incident = script.incident()
            pool = near if random.random() < 0.6 else np.arange(people.n)
            for customer in random.choice(pool, size=min(len(pool), int(random.integers(5, 12))), replace=False):
                first = wave + int(random.random() * 0.9 * DAY)
                card = int(people.card_of(random, np.array([customer]))[0])
                channel = BANK_CARD if random.random() < 0.8 else WALLET
                after = 0
                for _ in range(int(random.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))):
                    yuan = usual * np.exp(random.normal(0, 0.45)) * people.income[customer] ** 0.3
                    rounded = 50 * max(1, round(yuan / 50)) if random.random() < 0.4 else yuan
                    script.pay(
                        time=first + after, customer=int(customer), card=card, channel=channel, place=LOCAL,
                        merchant=shop, amount=int(rounded * 100), story=MERCHANT_COLLUSION, incident=incident,
                    )  # fmt: skip
                    after += int(random.exponential(40 * MINUTE)) + 2 * MINUTE
            wave += within_days(random, 9, 24) + HOUR
