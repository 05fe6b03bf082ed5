"""What follows from where and how a payment is made: the same rules for honest and fraudulent payments.

Stories decide who pays whom, where, through what and how much. Everything else is filled in here, so that no
column is empty, round or precise only because a story forgot to be ordinary.
"""

from __future__ import annotations

import numpy as np

from data.simulator.geography import CITY_COUNTRY, CITY_LATITUDE, CITY_LONGITUDE
from data.simulator.people import BANK_CARD, CASH_AGENT, DIGITAL, MOBILE, WALLET
from data.simulator.rows import AGENT, LOCAL, NONE, ONLINE, TRANSFER, Array, Rows
from data.simulator.world import World
from domain.events import AUTH_METHODS
from domain.time import SECOND

_LARGE = 300_000  # fen; above it somebody asks for a proof
_HABIT = 0.7

# Weights of AUTH_METHODS:            none password otp mfa qr fingerprint face iris voice
_METHODS: dict[tuple[int, int], tuple[float, ...]] = {
    (BANK_CARD, LOCAL): (5, 5, 0, 0, 0, 0.4, 0, 0, 0),
    (BANK_CARD, ONLINE): (3.2, 1.2, 4.4, 1.2, 0, 0, 0, 0, 0),
    (WALLET, LOCAL): (0.8, 0.6, 0, 0, 6, 1.6, 1, 0, 0),
    (WALLET, ONLINE): (1.4, 2, 1.6, 0.4, 0.4, 2.6, 1.6, 0, 0),
    (WALLET, TRANSFER): (0.3, 2.4, 1.6, 0.4, 0.8, 2.6, 1.8, 0, 0.1),
    (MOBILE, ONLINE): (0.6, 2, 2, 1, 0, 2.6, 1.6, 0, 0.2),
    (MOBILE, TRANSFER): (0.2, 2, 2.2, 1.2, 0, 2.6, 1.6, 0.1, 0.4),
    (CASH_AGENT, AGENT): (0.8, 5.5, 1.2, 0, 0, 1.5, 0.2, 0.9, 0),
    (DIGITAL, LOCAL): (0.6, 0.8, 0, 0, 5, 2, 1, 0, 0),
    (DIGITAL, ONLINE): (0.6, 2, 1.4, 0.4, 1, 2.6, 1.4, 0, 0),
    (DIGITAL, TRANSFER): (0.2, 2.2, 1.4, 0.4, 1, 2.6, 1.6, 0, 0),
}
_NO_PROOF, _PASSWORD, _OTP = (AUTH_METHODS.index(name) for name in ("none", "password", "otp"))


def complete(world: World, rows: Rows, random: np.random.Generator) -> Rows:
    """Fill instrument, terminal, place on earth, authentication and rounding."""
    people, merchants = world.people, world.merchants
    customer, merchant = rows["customer"], rows["merchant"]
    place, channel = rows["place"], rows["channel"]
    in_person = (place == LOCAL) | (place == AGENT)
    rows["amount"] = _priced(random, rows["amount"], place)

    on_card = (channel == BANK_CARD) | ((channel == WALLET) & people.wallet_on_card[customer])
    given = rows["card"]
    rows["card"] = np.where(on_card, np.where(given != NONE, given, people.card_of(random, customer)), NONE)
    rows["account"] = np.where(on_card, NONE, people.account[customer])
    remote = ~in_person | np.isin(channel, (WALLET, DIGITAL))
    day = world.calendar.day_of(rows["time"])
    usual = people.device_on(random, customer, day)
    rows["device"] = np.where(remote, np.where(rows["device"] != NONE, rows["device"], usual), NONE)
    somewhere = np.where(rows["where"] != NONE, rows["where"], people.city_on[customer, day])
    address = people.address_on(random, customer, somewhere)
    rows["ip"] = np.where(~in_person, np.where(rows["ip"] != NONE, rows["ip"], address), NONE)

    rows["terminal"] = np.where(in_person, _terminals(world, merchant, in_person, random), NONE)
    rows["country"] = np.where(merchant != NONE, merchants.country[merchant], 0)
    rows["where"] = np.where(in_person, merchants.city[merchant], rows["where"])
    latitude, longitude = _located(world, rows, in_person, random)
    rows["latitude"], rows["longitude"] = np.round(latitude, 4), np.round(longitude, 4)
    rows["present"] = in_person.astype(np.int8)
    rows["auth"] = np.where(rows["auth"] != NONE, rows["auth"], _authenticated(world, rows, random))
    # Tills write whole seconds.
    rows["time"] = np.where(in_person, rows["time"] // SECOND * SECOND, rows["time"])
    return rows


def foreign(rows: Rows) -> Array:
    """Country whose currency each price is in: cards pay a foreign merchant in the merchant's currency."""
    return np.where(rows["channel"] == BANK_CARD, rows["country"], 0)


def _terminals(world: World, merchant: Array, in_person: Array, random: np.random.Generator) -> Array:
    terminal = np.full(len(merchant), NONE)
    terminal[in_person] = world.merchants.terminal_of(random, merchant[in_person])
    return terminal


def _located(world: World, rows: Rows, in_person: Array, random: np.random.Generator) -> tuple[Array, Array]:
    people, merchants, customer, where = world.people, world.merchants, rows["customer"], rows["where"]
    at_home = where == people.city[customer]
    latitude = np.where(at_home, people.latitude[customer], CITY_LATITUDE[where]) + random.normal(0, 0.08, len(rows))
    longitude = np.where(at_home, people.longitude[customer], CITY_LONGITUDE[where]) + random.normal(0, 0.1, len(rows))
    latitude[where == NONE] = np.nan
    longitude[where == NONE] = np.nan
    return (
        np.where(in_person, merchants.latitude[rows["merchant"]], latitude),
        np.where(in_person, merchants.longitude[rows["merchant"]], longitude),
    )


def _authenticated(world: World, rows: Rows, random: np.random.Generator) -> Array:
    """By channel and place, and mostly by each customer's habit."""
    habits = world.people.habit
    draw = np.where(
        random.random(len(rows)) < _HABIT, habits[rows["customer"], rows["channel"]], random.random(len(rows))
    )
    method = np.zeros(len(rows), dtype=np.int8)
    for (channel, place), weights in _METHODS.items():
        mask = (rows["channel"] == channel) & (rows["place"] == place)
        cumulative = np.cumsum(weights) / np.sum(weights)
        method[mask] = np.searchsorted(cumulative[:-1], draw[mask], side="right")
    unproven = (method == _NO_PROOF) & (rows["amount"] > _LARGE)
    method[unproven] = np.where(rows["place"][unproven] == LOCAL, _PASSWORD, _OTP)
    return method


def _priced(random: np.random.Generator, amount: Array, place: Array) -> Array:
    """Prices as people meet them: cash in tens, transfers often round, shops often in whole yuan."""
    yuan = np.maximum(amount, 100) / 100.0
    magnitude = 10.0 ** np.floor(np.log10(yuan))
    step = np.full(len(amount), 0.01)
    draw = random.random(len(amount))
    step[(place == LOCAL) & (draw < 0.45)] = 1.0
    step[(place == ONLINE) & (draw < 0.30)] = 1.0
    step[(place == ONLINE) & (draw > 0.75)] = 0.1
    round_transfer = (place == TRANSFER) & (draw < 0.6)
    step[round_transfer] = (magnitude * np.where(draw < 0.3, 0.5, 0.1))[round_transfer]
    step[place == AGENT] = np.where(yuan < 100, 10.0, np.where(draw < 0.7, 100.0, 50.0))[place == AGENT]
    rounded = np.maximum(np.rint(yuan / step), 1.0) * step
    fen: Array = np.rint(rounded * 100).astype(np.int64)
    return fen


def away(world: World, random: np.random.Generator, customer: Array, day: Array) -> Array:
    """City an honest customer's network address shows: where they are, sometimes a proxy, sometimes unknown."""
    n = len(customer)
    draw = random.random(n)
    city = world.people.city_on[customer, day].astype(np.int64)
    proxied = random.integers(0, len(CITY_COUNTRY), n)
    return np.where(draw < 0.06, proxied, np.where(draw < 0.16, NONE, city))
