"""Stolen cards: a gang tries a card with small amounts, then empties it where goods turn into money.

Some thieves are in no hurry and hide in the holder's own range; some only found the card and tap it in shops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.genuine import typical_amount
from data.simulator.people import BANK_CARD
from data.simulator.rows import LOCAL, NONE, ONLINE, Array
from data.simulator.stories.script import STOLEN_CARD, Script, steps
from domain.events import AUTH_METHODS
from domain.time import DAY, MINUTE

_MONTHLY = 8.5
_BURST, _SLOW = 0.66, 0.14  # the rest found the card
_METHODS = {"none": 0.44, "otp": 0.30, "password": 0.16, "mfa": 0.10}
_CARDS_PER_GANG = 7


@dataclass(frozen=True)
class Gang:
    """What a gang uses again and again."""

    devices: Array
    ips: Array
    sellers: Array


def tell(script: Script) -> None:
    """Write the incidents of stolen cards."""
    random = script.world.settings.random("stolen_card")
    n = script.incidents(_MONTHLY)
    gangs = [_gang(script, random) for _ in range(max(2, n // _CARDS_PER_GANG))]
    for begin in script.world.calendar.crook_instants(random, n):
        customer = int(random.choice(script.world.people.n))
        draw = random.random()
        if draw < _BURST:
            _burst(script, random, gangs[int(random.integers(len(gangs)))], customer, begin)
        elif draw < _BURST + _SLOW:
            _slow(script, random, customer, begin)
        else:
            _found(script, random, customer, begin)


def _gang(script: Script, random: np.random.Generator) -> Gang:
    registers = script.world.registers
    return Gang(registers.device.issue(2), registers.ip.issue(3), script.world.merchants.cash_out(random, 6))


def _card(script: Script, random: np.random.Generator, customer: int) -> int:
    return int(script.world.people.card_of(random, np.array([customer]))[0])


def _price(script: Script, random: np.random.Generator, customer: int, merchant: int, lift: float) -> int:
    category = script.world.merchants.category[[merchant]]
    return int(typical_amount(script.world, random, np.array([customer]), category)[0] * np.exp(lift))


def _burst(script: Script, random: np.random.Generator, gang: Gang, customer: int, begin: int) -> None:
    world, incident, card = script.world, script.incident(), _card(script, random, customer)
    own = random.random() < 0.35  # a device bought for this card alone
    device = world.registers.device.one() if own else int(random.choice(gang.devices))
    ip = int(random.choice(gang.ips)) if random.random() < 0.6 else world.registers.ip.one()
    where = int(random.choice([int(world.people.city[customer]), NONE, int(random.integers(15))], p=[0.45, 0.15, 0.4]))
    n_trials = int(random.integers(0, 3))
    n = n_trials + int(random.integers(2, 8))
    seller = int(random.choice(gang.sellers))
    for step, after in enumerate(steps(random, n, 13 * MINUTE)):
        if random.random() < 0.5:
            seller = int(random.choice(gang.sellers))
        trial = step < n_trials
        merchant = int(world.merchants.seller(random, 1)[0]) if trial else seller
        amount = int(random.integers(100, 3000)) if trial else _price(script, random, customer, merchant, 0.35)
        script.pay(
            time=begin + after, customer=customer, card=card, channel=BANK_CARD, place=ONLINE, merchant=merchant,
            device=device, ip=ip, where=where, amount=amount, auth=_method(random), fresh_device=1, story=STOLEN_CARD,
            incident=incident,
        )  # fmt: skip


def _slow(script: Script, random: np.random.Generator, customer: int, begin: int) -> None:
    world, incident, card = script.world, script.incident(), _card(script, random, customer)
    device, ip = world.registers.device.one(), world.registers.ip.one()
    where = int(random.choice([int(world.people.city[customer]), NONE, int(random.integers(15))], p=[0.6, 0.15, 0.25]))
    for after in steps(random, int(random.integers(1, 5)), 1.2 * DAY):
        merchant = int(world.merchants.seller(random, 1)[0])
        script.pay(
            time=begin + after, customer=customer, card=card, channel=BANK_CARD, place=ONLINE, merchant=merchant,
            device=device, ip=ip, where=where, amount=_price(script, random, customer, merchant, 0.3),
            auth=_method(random), fresh_device=1, story=STOLEN_CARD, incident=incident,
        )  # fmt: skip


def _found(script: Script, random: np.random.Generator, customer: int, begin: int) -> None:
    world, incident, card = script.world, script.incident(), _card(script, random, customer)
    city = int(world.people.city_on[customer, int(world.calendar.day_of(begin))])
    n = int(random.integers(2, 7))
    for after in steps(random, n, 14 * MINUTE):
        merchant = int(world.merchants.shop_in(random, np.array([city]))[0])
        script.pay(
            time=begin + after, customer=customer, card=card, channel=BANK_CARD, place=LOCAL, merchant=merchant,
            amount=min(_price(script, random, customer, merchant, 0.2), 100_000), auth=AUTH_METHODS.index("none"),
            story=STOLEN_CARD, incident=incident,
        )  # fmt: skip


def _method(random: np.random.Generator) -> int:
    return AUTH_METHODS.index(str(random.choice(list(_METHODS), p=list(_METHODS.values()))))
