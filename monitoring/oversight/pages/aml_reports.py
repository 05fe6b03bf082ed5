"""Large values and structuring (restricted): what has to be filed by when, and sums that stay below a limit."""

from __future__ import annotations

from collections import Counter

from domain.money import Money
from domain.time import business_day
from monitoring.aml.large_value import FILED, LargeValue, day_of, large_values
from monitoring.aml.look import world_at
from monitoring.aml.structuring import structuring
from monitoring.aml.world import World
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Finding, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say, worded

_MOST = 200
_STATUS = {
    "open": Status.AMBER, "overdue": Status.RED, "filed": Status.PASS, "filed_late": Status.AMBER,
    "exempt": Status.PASS, "clock_not_assessed": Status.NOT_ASSESSED,
}  # fmt: skip


def build(look: Look) -> tuple[Section, ...]:
    """Two sections."""
    world = world_at(look)
    if not len(world.legs):
        none = not_assessed("large", say("aml_reports.large"), say("aml_reports.none"), n=0)
        return (Section("large", say("aml_reports.large"), (Statistics((none,)),)),)
    return _large(look, world), _below(look, world)


def _large(look: Look, world: World) -> Section:
    zone = look.platform.time_zone
    last = business_day(look.until - 1, zone)
    lines = large_values(
        world.legs, world.standings, world.of(FILED), world.settings.large_value, world.fx,
        since=business_day(look.since, zone), upto=last, today=last, zone=zone,
    )  # fmt: skip
    states = Counter(line.state for line in lines)
    overdue = Statistic(
        "overdue", say("aml_reports.overdue"), float(states["overdue"]), n=len(lines), form=",.0f", threshold="= 0",
        source=worded(world.settings.large_value.filing_source),
        status=Status.RED if states["overdue"] else Status.PASS,
    )  # fmt: skip
    names = ("day", "customer", "party", "direction", "rule", "total", "limit", "n", "file_by", "state")
    heads = [say("aml_diligence.customer") if name == "customer" else say(f"aml_pack.{name}") for name in names]
    shown = sorted(lines, key=lambda line: (line.state != "overdue", line.state != "open", line.day))[:_MOST]
    statuses = tuple(_STATUS[line.state] for line in shown)
    table = table_of("lines", say("aml_reports.lines"), heads, [_row(line) for line in shown], statuses=statuses)
    told: Block = table if shown else Prose(say("aml_reports.no_line"))
    notes: list[Block] = [Statistics((overdue,)), told, Prose(say("aml_reports.by_hand"), quiet=True)]
    return Section("large", say("aml_reports.large"), tuple(notes))


def _row(line: LargeValue) -> tuple[Cell, ...]:
    party = say(f"aml_pack.party_{line.party}")
    total, limit = (Money(each, line.currency).grouped() for each in (line.total, line.limit))
    return (
        str(line.day), line.customer, party if line.party_known else say("aml_reports.guessed", party=party),
        say(f"aml_pack.way_{line.direction}"), say(f"aml_pack.rule_{line.rule}"), total,
        limit, line.n_payments, str(line.due_on or "—"), say(f"aml_pack.state_{line.state}"),
    )  # fmt: skip


def _below(look: Look, world: World) -> Section:
    legs = world.legs[(world.legs["at"] >= look.since) & (world.legs["at"] < look.until)]
    settings = world.settings
    tested = structuring(legs, world.standings, settings.large_value, settings.structuring, world.fx)
    found = [each for each in tested if each.found]
    title = say("aml_reports.below")
    told = say("aml_reports.tested", n=len(tested), k=len(found), rate=f"{settings.structuring.rate:.0%}")
    blocks: list[Block] = [Prose(told, quiet=True)]
    blocks += [
        Finding(
            f"found_{place}", Status.AMBER,
            say("aml_reports.found", customer=each.customer, rule=say(f"aml_pack.rule_{each.rule}"), k=each.n_below,
                level=say(f"aml_pack.level_{each.level}"), n=each.n, expected=f"{each.expected:.0%}", p=f"{each.p:.1g}",
                first=str(day_of(each.first_day)), last=str(day_of(each.last_day))),
        )
        for place, each in enumerate(found[:_MOST], 1)
    ]  # fmt: skip
    return Section("below", title, tuple(blocks))


PAGE = PagePlan(920, "aml_reports", say("aml_reports.title"), build, restricted=True)
