"""Honest payments: habits, and everything honest that looks like fraud.

Travel, new phones, shopping sprees, pay days, large purchases, first payments to strangers, borrowed devices,
group collections and shop promotions are here so that no single fact about a payment gives a fraud away.
"""

from __future__ import annotations

import numpy as np

from data.simulator.calendar import Calendar
from data.simulator.complete import away
from data.simulator.merchants import CASH, LOG_PRICE, MONEY_TRANSFER, SPREAD
from data.simulator.people import (
    BANK_CARD,
    CASH_AGENT,
    DIGITAL,
    MOBILE,
    N_PAYEES,
    N_SELLERS,
    N_SHOPS,
    WALLET,
    People,
)
from data.simulator.rows import (
    AGENT,
    LOCAL,
    ONLINE,
    PAYMENT,
    TRANSFER,
    Array,
    Rows,
    pick,
    pick_by_row,
)
from data.simulator.world import World
from domain.time import HOUR, MINUTE

# Weights of (local, online, transfer, agent) by channel.
_PLACE_WEIGHT = {
    CASH_AGENT: (0, 0, 0, 1),
    BANK_CARD: (66, 34, 0, 0),
    WALLET: (66, 22, 12, 0),
    MOBILE: (0, 28, 72, 0),
    DIGITAL: (58, 20, 22, 0),
}
_BILLS = 0.3  # of what is bought in a bank's own app
_SPREE, _SPREE_STEP = 0.09, 22 * MINUTE
_FAVOURITE = 0.78
_STRANGER_PAID = 0.10
_BIG_TICKET, _BIG_STRANGER = 0.012, 0.07
_BORROWED_ONLINE, _BORROWED_TRANSFER = 0.035, 0.012
_SPLIT = 0.003
_WITHIN = 0.75


def genuine_payments(world: World) -> Rows:
    """Every payment of honest customers in the window."""
    random = world.settings.random("genuine")
    everyday = _everyday(world, random)
    parts = [everyday, _rents(world, random), _collections(world, random), _promotions(world, random)]
    return Rows.joined(parts)


def typical_amount(world: World, random: np.random.Generator, customer: Array, category: Array) -> Array:
    """Fen a customer would spend in a category: price, income, own taste, chance."""
    log_yuan = (
        LOG_PRICE[category]
        + 0.5 * np.log(world.people.income[customer])
        + world.people.taste[customer, category]
        + _WITHIN * SPREAD[category] * random.normal(0, 1, len(customer))
    )
    fen: Array = np.rint(100 * np.exp(np.clip(log_yuan, 0.3, 11.5))).astype(np.int64)
    return fen


def _everyday(world: World, random: np.random.Generator) -> Rows:
    people, calendar = world.people, world.calendar
    # 1. How many payments each customer makes each day.
    customer, day = _appetite(people, calendar, random)
    hour = calendar.hours(random, day, people.late_hours[customer])
    channel = pick_by_row(random, people.channel_weight[customer])
    place = _places(random, channel)
    time = calendar.at(day, hour)
    # 2. Sprees: some are followed by a few more, the same way, within the hour or so.
    spree = np.flatnonzero((random.random(len(customer)) < _SPREE) & (place != AGENT))
    more = random.geometric(0.5, len(spree))
    again = np.repeat(spree, more)
    nth = 1 + np.arange(len(again)) - np.repeat(np.cumsum(more) - more, more)
    gap = nth * random.exponential(_SPREE_STEP, len(again))
    # 3. Split tickets: two rows at one instant, as tills print them.
    split = np.flatnonzero((random.random(len(customer)) < _SPLIT) & (place == LOCAL))
    index = np.concatenate([np.arange(len(customer)), again])
    time = np.concatenate([time, time[again] + gap.astype(np.int64)])
    index, time = np.concatenate([index, split]), np.concatenate([time, time[split]])
    customer, day, channel, place = customer[index], day[index], channel[index], place[index]
    rows = Rows.of(PAYMENT, len(index), time=time, customer=customer, channel=channel, place=place)
    # 4. Whom they pay, how much, from where.
    _choose_merchants(world, rows, day, random)
    rows["merchant"][len(rows) - len(split) :] = rows["merchant"][split]
    _choose_payees(world, rows, random)
    rows["amount"] = _amounts(world, rows, random)
    rows["where"] = away(world, random, customer, day)
    chance = np.where(place == ONLINE, _BORROWED_ONLINE, np.where(place == TRANSFER, _BORROWED_TRANSFER, 0.0))
    borrowed = np.flatnonzero(random.random(len(rows)) < chance)
    rows["device"][borrowed] = world.registers.device.issue(len(borrowed))
    rows["fresh_device"][borrowed] = 1
    rows["ip"][borrowed] = np.where(
        random.random(len(borrowed)) < 0.3, world.registers.ip.issue(len(borrowed)), rows["ip"][borrowed]
    )
    return rows


def _appetite(people: People, calendar: Calendar, random: np.random.Generator) -> tuple[Array, Array]:
    all_days = np.arange(calendar.n_days)
    weekly = np.where(calendar.day_off(all_days), 1.15, 0.95)
    since_pay = (calendar.day_of_month[None, :] - people.pay_day[:, None]) % 30
    paid = np.where(since_pay <= 2, 1.5, np.where(since_pay >= 26, 0.85, 1.0))
    count = random.poisson(people.rate[:, None] * weekly[None, :] * paid)
    customer, day = np.nonzero(count)
    repeats = count[customer, day]
    return np.repeat(customer, repeats), np.repeat(day, repeats)


def _places(random: np.random.Generator, channel: Array) -> Array:
    place = np.empty(len(channel), dtype=np.int8)
    for code, weights in _PLACE_WEIGHT.items():
        mask = channel == code
        place[mask] = pick(random, weights, int(mask.sum()))
    return place


def _choose_merchants(world: World, rows: Rows, day: Array, random: np.random.Generator) -> None:
    people, merchants = world.people, world.merchants
    customer, place = rows["customer"], rows["place"]
    city = people.city_on[customer, day]
    local = np.flatnonzero(place == LOCAL)
    rank = np.minimum(random.geometric(0.22, len(local)) - 1, N_SHOPS - 1)
    usual = (city[local] == people.city[customer[local]]) & (random.random(len(local)) < _FAVOURITE)
    rows["merchant"][local] = np.where(
        usual, people.favourite_shops[customer[local], rank], merchants.shop_in(random, city[local])
    )
    online = np.flatnonzero(place == ONLINE)
    rank = np.minimum(random.geometric(0.3, len(online)) - 1, N_SELLERS - 1)
    rows["merchant"][online] = np.where(
        random.random(len(online)) < _FAVOURITE,
        people.favourite_sellers[customer[online], rank],
        merchants.seller(random, len(online)),
    )
    bills = online[(rows["channel"][online] == MOBILE) & (random.random(len(online)) < _BILLS)]
    rows["merchant"][bills] = merchants.biller(random, len(bills))
    agent = np.flatnonzero(place == AGENT)
    at_home = random.random(len(agent)) < _FAVOURITE
    rows["merchant"][agent] = np.where(
        at_home,
        merchants.agents[people.city[customer[agent]], 0] + customer[agent] % 2,
        merchants.agent_in(random, city[agent]),
    )


def _choose_payees(world: World, rows: Rows, random: np.random.Generator) -> None:
    people = world.people
    transfer = np.flatnonzero(rows["place"] == TRANSFER)
    rank = np.minimum(random.geometric(0.35, len(transfer)) - 1, N_PAYEES - 1)
    rows["payee"][transfer] = people.payees[rows["customer"][transfer], rank]
    fresh = transfer[random.random(len(transfer)) < _STRANGER_PAID]
    kind = pick(random, [0.3, 0.3, 0.4], len(fresh))
    stranger = people.account[random.integers(0, people.n, len(fresh))]
    stranger[kind == 1] = people.popular_payees[random.integers(0, len(people.popular_payees), int((kind == 1).sum()))]
    stranger[kind == 2] = world.registers.account.issue(int((kind == 2).sum()))
    rows["payee"][fresh] = stranger
    rows["fresh_payee"][fresh] = 1
    to_self = rows["payee"] == people.account[rows["customer"]]
    rows["payee"][to_self] = people.popular_payees[0]


def _amounts(world: World, rows: Rows, random: np.random.Generator) -> Array:
    merchant, place = rows["merchant"], rows["place"]
    category = np.where(place == TRANSFER, MONEY_TRANSFER, world.merchants.category[merchant])
    category = np.where(place == AGENT, CASH, category)
    amount = typical_amount(world, random, rows["customer"], category)
    big = random.random(len(rows)) < np.where(rows["fresh_payee"] == 1, _BIG_STRANGER, _BIG_TICKET)
    large = amount * np.exp(random.uniform(0.8, 2.4, len(rows)))
    return np.where(big, np.rint(large).astype(np.int64), amount)


def _rents(world: World, random: np.random.Generator) -> Rows:
    """A monthly payment of the same amount to the same payee, on the customer's own day."""
    people, calendar = world.people, world.calendar
    tenants = np.flatnonzero(random.random(people.n) < 0.3)
    rent = np.exp(random.normal(7.6, 0.4, len(tenants))) * people.income[tenants] ** 0.5
    due = random.integers(1, 29, len(tenants))
    tenant, day = np.nonzero(due[:, None] == calendar.day_of_month[None, :])
    customer = tenants[tenant]
    return Rows.of(
        PAYMENT,
        len(customer),
        time=calendar.at(day, calendar.hours(random, day, people.late_hours[customer])),
        customer=customer,
        place=TRANSFER,
        channel=np.where(random.random(len(customer)) < 0.8, MOBILE, WALLET),
        payee=people.payees[customer, 0],
        amount=(np.rint(rent[tenant] / 10) * 1000).astype(np.int64),
        where=away(world, random, customer, day),
    )


def _collections(world: World, random: np.random.Generator) -> Rows:
    """Class fees and group buys: many pay one person about the same within two days, and it is honest."""
    people, calendar = world.people, world.calendar
    n_groups = max(2, round(people.n * calendar.n_days / 14_000))
    parts = []
    for _ in range(n_groups):
        members = random.choice(people.n, size=int(random.integers(8, 26)), replace=False)
        organiser, members = int(people.account[members[0]]), members[1:]
        begin = int(calendar.at(int(random.integers(0, max(1, calendar.n_days - 2))), 8.0 + 10 * random.random()))
        fee = float(np.exp(random.normal(5.6, 0.8)))
        time = begin + (random.exponential(9 * HOUR, len(members))).astype(np.int64)
        parts.append(
            Rows.of(
                PAYMENT,
                len(members),
                time=time,
                customer=members,
                place=TRANSFER,
                channel=np.where(random.random(len(members)) < 0.6, WALLET, MOBILE),
                payee=organiser,
                amount=np.rint(100 * fee * np.exp(random.normal(0, 0.15, len(members)))).astype(np.int64),
                where=away(world, random, members, calendar.day_of(time)),
                fresh_payee=1,
            )
        )
    return Rows.joined(parts)


def _promotions(world: World, random: np.random.Generator) -> Rows:
    """A small shop draws a crowd for a day or two, and it is honest."""
    people, merchants, calendar = world.people, world.merchants, world.calendar
    n_promotions = max(2, round(people.n * calendar.n_days / 25_000))
    parts = []
    for _ in range(n_promotions):
        city = int(random.choice(people.city))
        neighbours = np.flatnonzero(people.city == city)
        guests = random.choice(neighbours, size=min(len(neighbours), int(random.integers(12, 36))), replace=False)
        shop = int(random.integers(*merchants.shops[city]))
        day = np.minimum(random.integers(0, calendar.n_days) + random.integers(0, 2, len(guests)), calendar.n_days - 1)
        category = np.full(len(guests), merchants.category[shop])
        parts.append(
            Rows.of(
                PAYMENT,
                len(guests),
                time=calendar.at(day, calendar.hours(random, day, people.late_hours[guests])),
                customer=guests,
                place=LOCAL,
                channel=np.where(random.random(len(guests)) < 0.5, BANK_CARD, WALLET),
                merchant=shop,
                amount=typical_amount(world, random, guests, category),
            )
        )
    return Rows.joined(parts)
