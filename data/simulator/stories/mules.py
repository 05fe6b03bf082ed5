"""Mules: accounts that many pay in a few days, and that pass nearly all of it on within hours.

Some mules are customers of ours, so that the second half is seen too; takeovers and scams pay into the same rings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.genuine import typical_amount
from data.simulator.merchants import MONEY_TRANSFER
from data.simulator.people import DIGITAL, MOBILE, WALLET
from data.simulator.rows import NONE, TRANSFER, Array
from data.simulator.stories.script import MULE, Script, within_days
from domain.time import DAY, HOUR, MINUTE

_MONTHLY_RINGS = 1.0
_DROPS_PER_RING = 6
_PASSED_ON = 0.85
_OPENING = 0.9  # share of the window in which rings open, one after another


@dataclass(frozen=True)
class Ring:
    """Accounts of one ring and the time it works; ``customers`` holds NONE for accounts of other banks."""

    accounts: Array
    customers: Array
    opens: int
    closes: int
    collectors: Array


class Rings:
    """All rings, and single-use accounts for those that have none at hand."""

    def __init__(self, script: Script) -> None:
        world = script.world
        self.script = script
        self.random = world.settings.random("mule")
        n = script.incidents(_MONTHLY_RINGS)
        self.rings = [self._ring((number + self.random.random()) / n) for number in range(n)]
        self.drops = world.registers.account.issue(_DROPS_PER_RING * len(self.rings))

    def _ring(self, when: float) -> Ring:
        random, world = self.random, self.script.world
        n = int(random.integers(1, 4))
        recruited = random.choice(world.people.n, size=n, replace=False)
        ours = random.random(n) < 0.6
        ours[0] = True
        accounts = np.where(ours, world.people.account[recruited], world.registers.account.issue(n))
        calendar = world.calendar
        opens = calendar.start + int(_OPENING * when * (calendar.end - calendar.start))
        return Ring(
            accounts=accounts,
            customers=np.where(ours, recruited, NONE),
            opens=opens,
            closes=opens + within_days(random, 4, 16),
            collectors=world.registers.account.issue(2),
        )

    def receiver(self, random: np.random.Generator, time: int) -> int:
        """An account to send stolen money to: a mule of an open ring, a known drop, or an account never seen."""
        open_now = [ring for ring in self.rings if ring.opens <= time < ring.closes]
        draw = random.random()
        if open_now and draw < 0.6:
            return int(random.choice(open_now[int(random.integers(len(open_now)))].accounts))
        if draw < 0.8:
            return int(random.choice(self.drops))
        return self.script.world.registers.account.one()


def tell_fan_in(script: Script, rings: Rings) -> None:
    """Write what the victims of false sales pay into the mules: small, ordinary, from their own phones."""
    world, random = script.world, rings.random
    for ring in rings.rings:
        incident = script.incident()
        for victim in random.choice(world.people.n, size=int(random.integers(6, 15)), replace=False):
            category = np.array([MONEY_TRANSFER])
            amount = typical_amount(world, random, np.array([victim]), category)[0]
            script.pay(
                time=ring.opens + int(random.random() ** 1.3 * (ring.closes - ring.opens)), customer=int(victim),
                channel=int(random.choice([MOBILE, WALLET, DIGITAL], p=[0.45, 0.45, 0.1])), place=TRANSFER,
                payee=int(random.choice(ring.accounts)), amount=int(amount * np.exp(random.normal(0.2, 0.3))),
                fresh_payee=1, where=int(world.people.city[victim]), story=MULE, incident=incident,
            )  # fmt: skip


def tell_pass_through(script: Script, rings: Rings) -> None:
    """Write what our mules pass on: most of what came in, within hours, to the ring's collectors."""
    world, random = script.world, rings.random
    for ring in rings.rings:
        incident = script.incident()
        for account, customer in zip(ring.accounts.tolist(), ring.customers.tolist(), strict=True):
            if customer == NONE:
                continue
            device = world.registers.device.one() if random.random() < 0.5 else int(world.people.devices[customer, 0])
            pending = 0
            # Payments already written are the mule's receipts, whoever's story they belong to.
            receipts = sorted(
                (int(str(row["time"])), int(str(row["amount"])))
                for row in script.payments
                if row.get("payee") == account
            )
            for time, amount in receipts:
                pending += amount
                if random.random() > _PASSED_ON or time + HOUR > ring.closes + DAY:
                    continue
                script.pay(
                    time=time + 2 * MINUTE + int(random.exponential(2.5 * HOUR)), customer=customer,
                    channel=int(random.choice([MOBILE, DIGITAL, WALLET], p=[0.6, 0.25, 0.15])), place=TRANSFER,
                    payee=int(random.choice(ring.collectors)), amount=int(pending * random.uniform(0.82, 0.99)),
                    device=device, fresh_payee=1, passes_on=1, story=MULE, incident=incident,
                    where=int(world.people.city[customer]),
                )  # fmt: skip
                pending = 0
