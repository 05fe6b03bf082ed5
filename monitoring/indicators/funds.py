"""Customers' money: breaks, what should not meet, coverage, and how much comes in and goes out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from domain.time import business_day
from monitoring.baseline import LEAST_PAST, against_past
from monitoring.funds.daily import PAST
from monitoring.funds.look import Funds, funds_of
from monitoring.indicator import Indicator
from monitoring.reading import Reading, not_assessed
from monitoring.sight import Sight
from scoring.pages.words import say

_NO_STATEMENT: Final = "no statement"


def _funds(sight: Sight) -> Funds | None:
    return sight.once(f"funds {sight.until}", lambda: funds_of(sight.look, os.environ))


def _breaks(sight: Sight) -> Iterator[Reading]:
    funds = _funds(sight)
    if funds is None or funds.found.first is None:
        yield not_assessed(_NO_STATEMENT)
    else:
        yield Reading(float(len(funds.found.breaks)), len(funds.found.matched) + len(funds.found.breaks))


def _flags(sight: Sight) -> Iterator[Reading]:
    funds = _funds(sight)
    if funds is None or funds.found.first is None:
        yield not_assessed(_NO_STATEMENT)
    else:
        yield Reading(float(len(funds.flags)), len(funds.lines))


def _coverage(sight: Sight) -> Iterator[Reading]:
    funds = _funds(sight)
    if funds is None or funds.coverage.ratio is None:
        yield not_assessed(_NO_STATEMENT if funds is None else funds.coverage.why)
    else:
        yield Reading(funds.coverage.ratio, funds.coverage.n_days, note=f"balance of {funds.coverage.day}")


def _of_day(sight: Sight, sign: int) -> Iterator[Reading]:
    funds = _funds(sight)
    if funds is None:
        yield not_assessed("no movement")
        return
    rows = funds.ledger[funds.ledger["minor"] * sign > 0]
    zone = sight.zone
    today = str(business_day(sight.since, zone))
    days = [str(business_day(each.since, zone)) for each in sight.chunks_before(PAST)]
    sums = rows.groupby("day")["minor"].sum().abs()
    n = int((rows["day"] == today).sum())
    if not n:
        yield not_assessed("no movement")
        return
    found = against_past(float(sums[today]), [float(sums.get(day, 0)) for day in days], noise=n**-0.5)
    if found is None:
        yield not_assessed(f"fewer than {LEAST_PAST} days before it", n)
    else:
        yield Reading(found.times, n, within_chance=found.within_chance, note=f"usually {found.usual:,.4g}")


def _into(sight: Sight) -> Iterator[Reading]:
    return _of_day(sight, 1)


def _out_of(sight: Sight) -> Iterator[Reading]:
    return _of_day(sight, -1)


INDICATORS = (
    Indicator("custody_breaks", say("funds.custody_breaks"), _breaks, form=",.0f"),
    Indicator("custody_flags", say("funds.custody_flags"), _flags, form=",.0f"),
    Indicator("withdrawal_coverage", say("funds.withdrawal_coverage"), _coverage, form=".2f"),
    Indicator("custody_in", say("funds.custody_in"), _into, form=".2f"),
    Indicator("custody_out", say("funds.custody_out"), _out_of, form=".2f"),
)
