"""Merchants: few are popular, most are small; each sells in one category, in one city or online."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.geography import (
    CITY_COUNTRY,
    CITY_LATITUDE,
    CITY_LONGITUDE,
    COUNTRIES,
    HOME_WEIGHT,
    N_CITIES,
    VISIT_WEIGHT,
)
from data.simulator.names import Registers
from data.simulator.rows import NONE, Array, pick
from data.simulator.settings import SimulationSettings


@dataclass(frozen=True, slots=True)
class Category:
    """A merchant category: share of shops and of online sellers, log-normal price (yuan), appeal to thieves."""

    mcc: str
    local: float
    online: float
    log_price: float
    spread: float
    appeal: float


CATEGORIES = (
    Category("5411", 24, 4, 4.2, 0.8, 0.3),  # grocery
    Category("5812", 22, 5, 4.3, 0.7, 0.2),  # restaurants
    Category("4111", 7, 5, 2.6, 0.8, 0.1),  # local transport
    Category("5541", 6, 0, 5.5, 0.4, 0.3),  # fuel
    Category("5651", 9, 17, 5.6, 0.8, 1.2),  # clothing
    Category("5732", 5, 13, 6.7, 1.0, 2.5),  # electronics
    Category("4511", 1, 7, 6.9, 0.8, 1.5),  # travel
    Category("7994", 1, 12, 4.6, 1.0, 2.0),  # games
    Category("5947", 2, 7, 5.6, 0.8, 2.5),  # gift cards
    Category("5912", 7, 4, 4.4, 0.7, 0.3),  # pharmacy
    Category("4900", 0, 7, 5.0, 0.6, 0.1),  # utilities
    Category("5944", 2, 2, 7.2, 0.8, 1.8),  # jewellery
    Category("7832", 6, 5, 4.4, 0.5, 0.4),  # entertainment
    Category("5999", 7, 13, 5.0, 1.1, 1.5),  # market place
    Category("8220", 1, 3, 6.5, 0.9, 0.1),  # education
    Category("6051", 0, 3, 6.3, 1.0, 2.2),  # digital assets
    Category("6011", 0, 0, 6.4, 0.8, 0.8),  # cash agents
    Category("4829", 0, 0, 5.9, 1.0, 0.0),  # transfers between people
)
MCC = tuple(category.mcc for category in CATEGORIES)
CASH, MONEY_TRANSFER = MCC.index("6011"), MCC.index("4829")
UTILITIES = MCC.index("4900")
LOG_PRICE: Array = np.array([category.log_price for category in CATEGORIES])
SPREAD: Array = np.array([category.spread for category in CATEGORIES])
APPEAL: Array = np.array([category.appeal for category in CATEGORIES])

_ZIPF = 0.9
_ABROAD_ONLINE = 0.08


@dataclass(frozen=True)
class Merchants:
    """Merchants by code. Shops lie first, city after city; then cash agents, city after city; then online sellers."""

    category: Array
    city: Array
    country: Array
    latitude: Array
    longitude: Array
    weight: Array
    first_terminal: Array
    n_terminals: Array
    shops: Array  # [city, 2]: first code and the code after the last
    agents: Array
    online: tuple[int, int]

    @classmethod
    def of(cls, settings: SimulationSettings, registers: Registers) -> Merchants:
        """Open the merchants of a world."""
        random = settings.random("merchants")
        n_shops = np.maximum(8, (settings.n_customers / 5 * _share()).astype(int))
        n_agents = np.maximum(2, (settings.n_customers / 80 * _share()).astype(int))
        n_online = max(40, settings.n_customers // 20)
        city = np.concatenate(
            [np.repeat(np.arange(N_CITIES), n_shops), np.repeat(np.arange(N_CITIES), n_agents), np.full(n_online, NONE)]
        )
        n_local, n = int(n_shops.sum() + n_agents.sum()), len(city)
        category = np.full(n, CASH)
        category[: n_shops.sum()] = pick(random, [c.local for c in CATEGORIES], int(n_shops.sum()))
        category[n_local:] = pick(random, [c.online for c in CATEGORIES], n_online)
        category[n_local + random.integers(0, n_online, 2)] = UTILITIES  # bills need somebody to be paid to
        country = np.where(city >= 0, CITY_COUNTRY[city], 0)
        abroad = n_local + np.flatnonzero(random.random(n_online) < _ABROAD_ONLINE)
        country[abroad] = random.integers(1, len(COUNTRIES), len(abroad))
        weight = np.concatenate(
            [_popularity(random, int(size)) for size in (*n_shops, *n_agents)] + [_popularity(random, n_online)]
        )
        # A popular shop has a till for every few hundredths of its city's trade.
        n_terminals = np.where(city >= 0, 1 + np.minimum(5, (weight * 30).astype(int)), 0)
        registers.merchant.issue(n)
        registers.terminal.issue(int(n_terminals.sum()))
        return cls(
            category=category.astype(np.int16),
            city=city.astype(np.int16),
            country=country.astype(np.int8),
            latitude=np.where(city >= 0, CITY_LATITUDE[city] + random.normal(0, 0.07, n), np.nan),
            longitude=np.where(city >= 0, CITY_LONGITUDE[city] + random.normal(0, 0.08, n), np.nan),
            weight=weight,
            first_terminal=np.concatenate([[0], np.cumsum(n_terminals)[:-1]]).astype(np.int32),
            n_terminals=n_terminals,
            shops=_spans(n_shops, 0),
            agents=_spans(n_agents, int(n_shops.sum())),
            online=(n_local, n),
        )

    def shop_in(self, random: np.random.Generator, city: Array) -> Array:
        """A shop in each city, by popularity."""
        return self._draw(random, self.shops[city])

    def agent_in(self, random: np.random.Generator, city: Array) -> Array:
        """A cash agent in each city, by popularity."""
        return self._draw(random, self.agents[city])

    def seller(self, random: np.random.Generator, n: int) -> Array:
        """Online sellers, by popularity."""
        return self._draw(random, np.tile(self.online, (n, 1)))

    def biller(self, random: np.random.Generator, n: int) -> Array:
        """Online sellers of utilities."""
        codes = np.arange(*self.online)
        codes = codes[self.category[codes] == UTILITIES]
        picked: Array = codes[pick(random, self.weight[codes], n)]
        return picked

    def cash_out(self, random: np.random.Generator, n: int) -> Array:
        """Distinct online sellers a thief would choose: easy to turn into money, popular or not."""
        codes = np.arange(*self.online)
        weight = APPEAL[self.category[codes]] * np.sqrt(self.weight[codes])
        return random.choice(codes, size=min(n, len(codes)), replace=False, p=weight / weight.sum())

    def terminal_of(self, random: np.random.Generator, merchant: Array) -> Array:
        """A terminal of each merchant."""
        return (self.first_terminal[merchant] + random.random(len(merchant)) * self.n_terminals[merchant]).astype(int)

    def _draw(self, random: np.random.Generator, spans: Array) -> Array:
        edges = np.concatenate([[0.0], np.cumsum(self.weight)])
        low, high = edges[spans[:, 0]], edges[spans[:, 1]]
        codes = np.searchsorted(edges, low + random.random(len(spans)) * (high - low), side="right") - 1
        drawn: Array = np.clip(codes, spans[:, 0], spans[:, 1] - 1)
        return drawn


def _share() -> Array:
    weight = HOME_WEIGHT + 0.3 * VISIT_WEIGHT
    share: Array = weight / weight.sum()
    return share


def _popularity(random: np.random.Generator, n: int) -> Array:
    """Zipf weights in random order, with sum 1."""
    weight = random.permutation(1.0 / np.arange(1, n + 1) ** _ZIPF)
    share: Array = weight / weight.sum()
    return share


def _spans(sizes: Array, first: int) -> Array:
    ends = first + np.cumsum(sizes)
    return np.stack([ends - sizes, ends], axis=1)
