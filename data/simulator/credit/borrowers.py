"""Borrowers: what they are, what they say they are, and the strain they are under month by month.

Default comes from strain. The form shows the lasting part of it dimly; statements, inquiries and earlier
repayments show its course.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.credit.months import Months
from data.simulator.geography import HOME_WEIGHT
from data.simulator.rows import NONE, Array, pick, pick_by_row
from data.simulator.settings import SimulationSettings
from data.simulator.world import World

EMPLOYMENT = ("salaried", "civil_servant", "self_employed", "gig", "retired", "unemployed")
EDUCATION = ("secondary", "vocational", "bachelor", "postgraduate")
HOUSING = ("owner", "mortgage", "rent", "family")
SEX = ("female", "male")
MARITAL = ("single", "married", "divorced", "widowed")

_ALSO_CUSTOMER = 0.4
_HAS_CARD = 0.78
_TRAIT, _KEPT, _DRIFT = 0.75, 0.88, 0.38
_MISFORTUNE, _MISFORTUNE_SIZE = 0.02, 1.8
_FIRST_PARTY = 0.012
_CREW = 3
_RETIRES_FROM = 50


@dataclass(frozen=True)
class Borrowers:
    """Borrowers by code; [, month] marks what changes."""

    person: Array
    customer: Array  # code of the payment customer, NONE for others
    city: Array
    income: Array  # yuan a month
    employment: Array
    employed_months: Array  # at the first month
    education: Array
    housing: Array
    dependants: Array
    age: Array  # at the first month
    sex: Array
    marital: Array
    device: Array
    ip: Array
    strain: Array  # [, month]
    card: Array  # loan code of a card account elsewhere, NONE without
    card_limit: Array  # yuan
    utilisation: Array  # [, month]
    past_due: Array  # [, month] months past due on that card
    inquiries: Array  # [, month] by lenders other than us
    crook_month: Array  # month of a first-party fraud, NONE for honest borrowers

    @property
    def n(self) -> int:
        """Number of borrowers."""
        return len(self.income)

    @classmethod
    def of(cls, world: World, months: Months) -> Borrowers:
        """Settle the borrowers of a world; some are its payment customers."""
        settings = world.settings
        random = settings.random("borrowers")
        n = settings.n_borrowers
        trait = random.normal(0, 1, n)
        strain = _strain(random, trait, months.n)
        customer = np.full(n, NONE)
        n_known = min(int(_ALSO_CUSTOMER * n), settings.n_customers)
        customer[random.choice(n, n_known, replace=False)] = random.choice(settings.n_customers, n_known, replace=False)
        strangers = customer == NONE
        person = customer.copy()
        person[strangers] = world.registers.person.issue(int(strangers.sum()))
        device, ip = _contacts(world, customer)
        crook_month = _crews(settings, random, months, strangers, device, ip)
        honest = crook_month == NONE
        card = np.full(n, NONE)
        has_card = honest & (random.random(n) < _HAS_CARD)
        card[has_card] = world.registers.loan.issue(int(has_card.sum()))
        shown = np.where(honest, trait, -0.6)  # crooks fill in the form they would like to be judged by
        income = np.exp(random.normal(8.95, 0.42, n) - 0.15 * shown)
        utilisation = _utilisation(random, strain)
        age = np.clip(random.gamma(12, 3.0, n) - 0.8 * trait, 19, 68).astype(int)
        employment = _leaning(random, shown, (5, 1.3, 1.4, 1.2, 0.4, 0.3), (-0.15, -0.5, 0.25, 0.45, 0, 0.8))
        employment[(employment == EMPLOYMENT.index("retired")) & (age < _RETIRES_FROM)] = 0
        return cls(
            person=person,
            customer=customer,
            city=np.where(strangers, pick(random, HOME_WEIGHT, n), world.people.city[customer]),
            income=income,
            employment=employment,
            employed_months=random.gamma(1.4, 32 * np.exp(-0.35 * shown)).astype(int),
            education=_leaning(random, shown, (2.2, 2.5, 3.6, 0.8), (0.3, 0.15, -0.2, -0.5)),
            housing=_leaning(random, shown, (2, 2.6, 3, 1.6), (-0.35, -0.2, 0.3, 0.1)),
            dependants=random.poisson(0.8, n),
            age=age,
            sex=_leaning(random, shown, (1, 1.1), (-0.06, 0.06)),
            marital=_leaning(random, shown, (3, 5, 1, 0.2), (0.06, -0.06, 0.12, 0)),
            device=device,
            ip=ip,
            strain=strain,
            card=card,
            card_limit=np.rint(income * np.exp(random.normal(0.9, 0.35, n)) / 1000) * 1000 + 2000,
            utilisation=utilisation,
            past_due=_past_due(random, strain),
            inquiries=random.poisson(np.minimum(0.11 * np.exp(0.42 * strain + 0.9 * (utilisation - 0.5)), 3.0)),
            crook_month=crook_month,
        )


def sigmoid(x: Array) -> Array:
    """Logistic function."""
    return 1.0 / (1.0 + np.exp(-x))


def _strain(random: np.random.Generator, trait: Array, n_months: int) -> Array:
    """A lasting trait plus misfortunes and drift that fade."""
    course = np.empty((len(trait), n_months))
    passing = random.normal(0, 0.7, len(trait))
    for month in range(n_months):
        struck = random.random(len(trait)) < _MISFORTUNE * np.exp(0.3 * trait)
        passing = _KEPT * passing + random.normal(0, _DRIFT, len(trait)) + _MISFORTUNE_SIZE * struck
        course[:, month] = _TRAIT * trait + passing
    return course


def _utilisation(random: np.random.Generator, strain: Array) -> Array:
    level = random.normal(-0.5, 0.6, len(strain))
    return sigmoid(level[:, None] + 0.55 * strain + random.normal(0, 0.5, strain.shape))


def _past_due(random: np.random.Generator, strain: Array) -> Array:
    overdue = np.zeros(strain.shape, dtype=np.int64)
    now = np.zeros(len(strain), dtype=np.int64)
    for month in range(strain.shape[1]):
        slips = random.random(len(strain)) < sigmoid(1.0 * strain[:, month] - 4.2 + 1.5 * (now > 0))
        cures = random.random(len(strain)) < sigmoid(0.8 - 0.7 * strain[:, month])
        now = np.where(slips, now + 1, np.where(cures, 0, now))
        overdue[:, month] = np.minimum(now, 8)
    return overdue


def _leaning(random: np.random.Generator, trait: Array, weights: tuple[float, ...], slopes: tuple[float, ...]) -> Array:
    """A category per borrower, its odds leaning a little with the trait."""
    return pick_by_row(random, np.array(weights) * np.exp(np.outer(trait, slopes)))


def _contacts(world: World, customer: Array) -> tuple[Array, Array]:
    known = customer != NONE
    device, ip = np.full(len(customer), NONE), np.full(len(customer), NONE)
    device[known] = world.people.devices[customer[known], 0]
    ip[known] = world.people.home_ip[customer[known]]
    device[~known] = world.registers.device.issue(int((~known).sum()))
    ip[~known] = world.registers.ip.issue(int((~known).sum()))
    return device, ip


def _crews(
    settings: SimulationSettings,
    random: np.random.Generator,
    months: Months,
    strangers: Array,
    device: Array,
    ip: Array,
) -> Array:
    """First-party fraudsters work in crews that share a device and an address and apply in the same weeks."""
    crook_month = np.full(len(strangers), NONE)
    n = max(_CREW, round(_FIRST_PARTY * settings.fraud_intensity * len(strangers)))
    crooks = random.choice(np.flatnonzero(strangers), n, replace=False)
    first = months.n - settings.loan_months
    n_crews = max(1, n // _CREW)
    # The first crew works early, so that even a short window sees what becomes of it.
    working = first + np.sort(random.integers(0, settings.loan_months - 1, n_crews))
    working[0] = first + 1
    for number, crook in enumerate(crooks):
        leader = crooks[number % n_crews]
        crook_month[crook] = working[number % n_crews]
        if random.random() < 0.7:
            device[crook], ip[crook] = device[leader], ip[leader]
    return crook_month
