"""Customers' money: reconciled day by day, what differs and since when, what should not meet, how far it reaches."""

from __future__ import annotations

import os
from typing import Any, Final

from domain.money import Money, exponent
from domain.time import business_day
from monitoring.funds.daily import unusual_days
from monitoring.funds.look import Funds, funds_of
from monitoring.funds.settings import FundsSettings
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.drawing import CALM, FAINT, RISK, sheet
from scoring.pages.page import Block, Cell, Finding, Picture, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Tongue, say
from stores.settings_files import load_settings

_MOST: Final = 60


def build(look: Look) -> tuple[Section, ...]:
    """Reconciliation, coverage, and unusual days."""
    settings = load_settings(look.configs / "funds.yaml", FundsSettings)
    funds = funds_of(look, os.environ)
    if funds is None:
        none = not_assessed("custody", say("funds.title"), say("funds.none"), n=0)
        return (Section("custody", say("funds.custody"), (Statistics((none,)),)),)
    return _custody(funds, settings), _covered(funds, settings), _unusual(look, funds, settings)


def _custody(funds: Funds, settings: FundsSettings) -> Section:
    found, title = funds.found, say("funds.custody")
    if found.first is None or found.last is None:
        none = not_assessed("reconciled", title, say("funds.no_statement"), n=len(funds.ledger))
        return Section("custody", title, (Statistics((none,)),))
    oldest = max((each.age_days for each in found.breaks), default=0)
    statistics = (
        Statistic("breaks", say("funds.n_breaks"), len(found.breaks), n=len(found.matched), form=",.0f",
                  note="" if found.breaks else say("funds.no_break"),
                  status=Status.AMBER if found.breaks else Status.PASS),
        Statistic("age", say("funds.age"), float(oldest), form=",.0f", unit=say("funds.days")).held(settings.break_age),
    )  # fmt: skip
    blocks: list[Block] = [
        Prose(say("funds.span", first=found.first, last=found.last, n=len(found.matched), k=len(found.in_transit))),
        Statistics(statistics),
    ]
    blocks += [
        Finding(
            f"flag_{place}", Status.RED,
            say(f"funds.{each.what}", day=each.day, ref=each.bank_ref, amount=_exact(each.minor, settings),
                event=each.event_id or "—"),
        )
        for place, each in enumerate(funds.flags[-_MOST:], 1)
    ]  # fmt: skip
    if found.out_of_currency:
        blocks.append(
            Finding(
                "currency",
                Status.AMBER,
                say("funds.out_of_currency", n=len(found.out_of_currency), c=settings.currency),
            )
        )
    rows: list[tuple[Cell, ...]] = [
        (say(f"funds.kind_{each.kind}"), each.day, each.event_id, each.bank_ref, _exact(each.ours, settings),
         _exact(each.theirs, settings), _exact(each.difference, settings), each.age_days)
        for each in found.breaks[-_MOST:]
    ]  # fmt: skip
    names = ("kind", "day", "event", "bank_ref", "ours", "theirs", "difference", "days_open")
    blocks.append(table_of("breaks", say("funds.breaks"), [say(f"funds.{name}") for name in names], rows))
    blocks.append(_picture(funds, settings))
    return Section("custody", title, tuple(blocks))


def _picture(funds: Funds, settings: FundsSettings) -> Picture:
    scale = 10 ** exponent(settings.currency)
    days = funds.found.days[-90:]

    def draw(tongue: Tongue) -> Any:
        figure, (balance, apart) = sheet(3.4, 2, 1, sharex=True)
        places = range(len(days))
        balance.step(places, [_units(each.closing, scale) or float("nan") for each in days], where="post", color=CALM)
        apart.bar(places, [each.apart / scale for each in days], color=RISK, width=0.8)
        balance.set_title(tongue(say("funds.closing", currency=settings.currency)), fontsize=9)
        apart.set_title(tongue(say("funds.apart", currency=settings.currency)), fontsize=9)
        for axes in (balance, apart):
            axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        step = max(1, len(days) // 6)
        apart.set_xticks(list(places)[::step], [each.day for each in days][::step])
        return figure

    rows: list[tuple[Cell, ...]] = [
        (each.day, each.ours / scale, each.theirs / scale, _units(each.closing, scale), each.apart / scale)
        for each in days
    ]
    names = ("day", "ours", "theirs", "bank_balance", "apart_short")
    table = table_of("days", say("funds.running"), [say(f"funds.{name}") for name in names], rows, folded=True)
    return Picture("running", say("funds.running"), say("funds.running_said"), draw, table)


def _covered(funds: Funds, settings: FundsSettings) -> Section:
    found, title = funds.coverage, say("funds.coverage")
    if found.ratio is None:
        missing = not_assessed("coverage", title, say("funds.no_coverage"), n=found.n_days)
        return Section("coverage", title, (Statistics((missing,)),))
    ratio = Statistic("coverage", title, found.ratio, n=found.n_days, form=".2f").held(settings.coverage.limit)
    balance, largest = (_exact(each, settings) for each in (found.balance, found.largest))
    facts = {"balance": balance, "largest": largest, "day": found.day, "worst": found.worst_day}
    told = say("funds.covered", **facts)
    return Section("coverage", title, (Prose(told), Statistics((ratio,))))


def _unusual(look: Look, funds: Funds, settings: FundsSettings) -> Section:
    zone, scale = look.platform.time_zone, 10 ** exponent(settings.currency)
    since, until = str(business_day(look.since, zone)), str(business_day(look.until - 1, zone))
    found = unusual_days(funds.ledger, settings.currency, since, until)
    rows: list[tuple[Cell, ...]] = [
        (each.day, say(f"funds.way_{each.direction}"), each.minor / scale, each.usual / scale, each.times, each.n)
        for each in found
    ]
    title = say("funds.unusual")
    if not rows:
        return Section("unusual", title, (Prose(say("funds.usual_all")),))
    names = ("day", "way", "amount", "usual", "times", "n")
    table = table_of("unusual", title, [say(f"funds.{name}") for name in names], rows)
    return Section("unusual", title, (Prose(say("funds.unusual_said"), quiet=True), table))


def _exact(minor: int | None, settings: FundsSettings) -> str:
    """Every cent of an amount: four significant digits would hide what a break is about."""
    return "—" if minor is None else Money(minor, settings.currency).grouped()


def _units(minor: int | None, scale: int) -> float | None:
    return None if minor is None else minor / scale


PAGE = PagePlan(65, "funds", say("funds.title"), build)
