"""Customers: where they live, what they earn, what they own, whom they pay, when they travel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.calendar import Calendar
from data.simulator.geography import CITY_LATITUDE, CITY_LONGITUDE, HOME_WEIGHT, N_CITIES, VISIT_WEIGHT
from data.simulator.merchants import CATEGORIES, Merchants
from data.simulator.names import Registers
from data.simulator.rows import NONE, Array, pick
from data.simulator.settings import SimulationSettings
from domain.events import CHANNELS

CASH_AGENT, BANK_CARD, WALLET, MOBILE, DIGITAL = (
    CHANNELS.index(name) for name in ("cash_agent", "bank_card", "third_party_wallet", "mobile", "digital_currency")
)

PAYMENTS_A_DAY = 0.45
N_SHOPS, N_SELLERS, N_PAYEES = 14, 8, 7
BINS = ("622202", "622848", "621700", "625965", "436742", "524031", "356890", "622588", "621483", "628888")

_POPULAR_PAYEES = 120  # customers per payee that many pay: landlords, small shops paid by transfer
_SECOND_CARD, _SECOND_DEVICE, _NEW_PHONE = 0.4, 0.35, 0.16
_TASTE = 0.45
_TRIPS = 0.005  # a day


@dataclass(frozen=True)
class People:
    """Customers by code; ``_`` of a matrix is noted as [customer, …]."""

    city: Array
    latitude: Array
    longitude: Array
    income: Array  # multiple of the typical income
    rate: Array  # payments a day
    late_hours: Array  # shift of the daily rhythm, hours
    age: Array
    channel_weight: Array  # [, channel]
    taste: Array  # [, category] log of what the customer spends against others of the same income
    habit: Array  # [, channel] where in the range of authentication methods the customer mostly lands
    cards: Array  # [, 2]; NONE where there is no second
    bin_of_card: Array  # by card code
    account: Array
    wallet_on_card: Array  # the wallet debits the card, else the account
    devices: Array  # [, 2]
    new_phone: Array
    new_phone_day: Array  # day from which the new phone is used; after the window when there is none
    home_ip: Array
    carrier_ips: Array  # [city, 24] addresses that many share
    favourite_shops: Array  # [, N_SHOPS]
    favourite_sellers: Array  # [, N_SELLERS]
    payees: Array  # [, N_PAYEES] account codes
    popular_payees: Array
    pay_day: Array  # day of month
    city_on: Array  # [, day] where the customer is

    @property
    def n(self) -> int:
        """Number of customers."""
        return len(self.city)

    @classmethod
    def of(cls, settings: SimulationSettings, calendar: Calendar, merchants: Merchants, registers: Registers) -> People:
        """Settle the customers of a world."""
        random = settings.random("people")
        n = settings.n_customers
        registers.person.issue(n)
        city = pick(random, HOME_WEIGHT, n)
        digital = random.beta(2.2, 1.6, n)
        cards = registers.card.issue(n)
        second = np.full(n, NONE, dtype=np.int32)
        has_second = random.random(n) < _SECOND_CARD
        second[has_second] = registers.card.issue(int(has_second.sum()))
        account = registers.account.issue(n)
        popular = registers.account.issue(max(20, n // _POPULAR_PAYEES))
        main, other, new_phone, new_day = _devices(random, registers, n, calendar.n_days)
        return cls(
            city=city,
            latitude=CITY_LATITUDE[city] + random.normal(0, 0.06, n),
            longitude=CITY_LONGITUDE[city] + random.normal(0, 0.07, n),
            income=np.exp(random.normal(0, 0.45, n)),
            rate=random.gamma(1.7, PAYMENTS_A_DAY / 1.7, n) + 0.02,
            late_hours=random.normal(0, 1.4, n),
            age=np.clip(random.gamma(9, 4.6, n), 18, 85).astype(int),
            channel_weight=random.gamma(1.2, _channel_means(digital)) + 1e-3,
            taste=random.normal(0, _TASTE, (n, len(CATEGORIES))),
            habit=random.random((n, len(CHANNELS))),
            cards=np.stack([cards, second], axis=1),
            bin_of_card=pick(random, 1.0 / np.arange(1, len(BINS) + 1), registers.card.n),
            account=account,
            wallet_on_card=random.random(n) < 0.55,
            devices=np.stack([main, other], axis=1),
            new_phone=new_phone,
            new_phone_day=new_day,
            home_ip=_home_addresses(random, registers, n),
            carrier_ips=registers.ip.issue(N_CITIES * 24).reshape(N_CITIES, 24),
            favourite_shops=merchants.shop_in(random, np.repeat(city, N_SHOPS)).reshape(n, N_SHOPS),
            favourite_sellers=merchants.seller(random, n * N_SELLERS).reshape(n, N_SELLERS),
            payees=_payees(random, registers, account, popular),
            popular_payees=popular,
            pay_day=random.choice([5, 10, 15, 25, 28], n),
            city_on=_travels(random, city, calendar.n_days),
        )

    def device_on(self, random: np.random.Generator, customer: Array, day: Array) -> Array:
        """The device each customer would use on a day: mostly the phone of that day."""
        phone = np.where(day >= self.new_phone_day[customer], self.new_phone[customer], self.devices[customer, 0])
        other = self.devices[customer, 1]
        return np.where((other != NONE) & (random.random(len(customer)) < 0.2), other, phone)

    def address_on(self, random: np.random.Generator, customer: Array, city: Array) -> Array:
        """The network address each customer would come from: home when at home, else one that many share."""
        shared = self.carrier_ips[city, (24 * random.random(len(customer)) ** 1.5).astype(int)]
        at_home = (city == self.city[customer]) & (random.random(len(customer)) < 0.55)
        return np.where(at_home, self.home_ip[customer], shared)

    def card_of(self, random: np.random.Generator, customer: Array) -> Array:
        """A card of each customer, mostly the first."""
        second = self.cards[customer, 1]
        use_second = (second != NONE) & (random.random(len(customer)) < 0.3)
        card: Array = np.where(use_second, second, self.cards[customer, 0])
        return card


def _channel_means(digital: Array) -> Array:
    means = np.empty((len(digital), len(CHANNELS)))
    means[:, CASH_AGENT] = 0.9 * (1 - digital) ** 2
    means[:, BANK_CARD] = 1.9 - digital
    means[:, WALLET] = 0.4 + 1.6 * digital
    means[:, MOBILE] = 0.5 + 0.6 * digital
    means[:, DIGITAL] = 0.35 * digital
    return means


def _devices(random: np.random.Generator, registers: Registers, n: int, n_days: int) -> tuple[Array, ...]:
    main = registers.device.issue(n)
    other = np.full(n, NONE, dtype=np.int32)
    has_other = random.random(n) < _SECOND_DEVICE
    other[has_other] = registers.device.issue(int(has_other.sum()))
    new = main.copy()
    new_day = np.full(n, n_days + 1)
    changes = random.random(n) < _NEW_PHONE * n_days / 120
    new[changes] = registers.device.issue(int(changes.sum()))
    new_day[changes] = random.integers(0, n_days, int(changes.sum()))
    return main, other, new, new_day


def _home_addresses(random: np.random.Generator, registers: Registers, n: int) -> Array:
    """Households of one to three neighbours share an address."""
    household = np.cumsum(random.random(n) < 0.62)
    return registers.ip.issue(int(household[-1]) + 1)[household]


def _payees(random: np.random.Generator, registers: Registers, account: Array, popular: Array) -> Array:
    """Other customers, payees that many pay, and strangers to us."""
    n = len(account)
    kind = pick(random, [0.4, 0.25, 0.35], n * N_PAYEES).reshape(n, N_PAYEES)
    payees = random.permutation(account)[random.integers(0, n, (n, N_PAYEES))]
    payees[kind == 1] = popular[pick(random, 1.0 / np.arange(1, len(popular) + 1), int((kind == 1).sum()))]
    payees[kind == 2] = registers.account.issue(int((kind == 2).sum()))
    return np.where(payees == account[:, None], popular[0], payees)


def _travels(random: np.random.Generator, home: Array, n_days: int) -> Array:
    city_on = np.repeat(home[:, None], n_days, axis=1).astype(np.int16)
    traveller = np.repeat(np.arange(len(home)), random.poisson(_TRIPS * n_days, len(home)))
    first = random.integers(0, n_days, len(traveller))
    length = 1 + random.poisson(3.0, len(traveller))
    goal = pick(random, VISIT_WEIGHT, len(traveller))
    for who, start, stay, where in zip(traveller, first, length, goal, strict=True):
        city_on[who, start : start + stay] = where
    return city_on
