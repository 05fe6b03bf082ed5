"""Due diligence (restricted): grades, overdue reviews, documents that ended, who has no record."""

from __future__ import annotations

from collections import Counter

from domain.time import business_day
from monitoring.aml.diligence import Standing
from monitoring.aml.look import world_at
from monitoring.aml.settings import RiskGrade
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say

_GRADES: tuple[RiskGrade, ...] = ("high", "medium", "low")


def build(look: Look) -> tuple[Section, ...]:
    """One section: counts, then what waits for somebody."""
    world = world_at(look)
    standings = list(world.standings.values())
    title = say("aml_diligence.records")
    without = len(set(world.legs["customer"]) - set(world.standings))
    if not standings:
        none = not_assessed("records", title, say("aml_diligence.none"), n=without)
        return (Section("records", title, (Statistics((none,)),)),)
    late = [each for each in standings if each.overdue_days]
    ended = [each for each in standings if each.expired]
    unknown = sum(each.overdue_days is None and each.record.ended_on is None for each in standings)
    counted = [
        _counted("overdue", len(late), len(standings)),
        _counted("expired", len(ended), len(standings)),
        Statistic("unknown", say("aml_diligence.unknown"), float(unknown), n=len(standings), form=",.0f",
                  note=say("aml_diligence.unknown_why")),
        Statistic("without", say("aml_diligence.without"), float(without), form=",.0f",
                  note=say("aml_diligence.without_why")),
    ]  # fmt: skip
    grades = Counter(each.record.grade for each in standings)
    rows: list[tuple[Cell, ...]] = [(say(f"aml_pack.grade_{grade}"), grades[grade]) for grade in _GRADES]
    heads = [say("aml_pack.grade"), say("aml_diligence.customers")]
    blocks: list[Block] = [Statistics(tuple(counted)), table_of("grades", say("aml_diligence.grades"), heads, rows)]
    waiting = sorted({each.customer: each for each in (*late, *ended)}.values(), key=lambda e: -(e.overdue_days or 0))
    if waiting:
        names = ("customer", "grade", "review", "days_late", "ended", "judged")
        heads = [say("aml_pack.grade") if name == "grade" else say(f"aml_diligence.{name}") for name in names]
        zone = look.platform.time_zone
        told = [_row(each, zone) for each in waiting[:200]]
        statuses = tuple(Status.RED if each.overdue_days else Status.AMBER for each in waiting[:200])
        blocks.append(table_of("waiting", say("aml_diligence.waiting"), heads, told, statuses=statuses))
    return (Section("records", title, tuple(blocks)),)


def _counted(key: str, n: int, of: int) -> Statistic:
    status = Status.RED if n else Status.PASS
    name, note = say(f"aml_diligence.{key}"), say("aml_diligence.none_allowed")
    return Statistic(
        key, name, float(n), n=of, form=",.0f", status=status, threshold="= 0", source="aml.yaml", note=note
    )


def _row(each: Standing, zone: str) -> tuple[Cell, ...]:
    judged = f"{business_day(each.made_at, zone)}, {each.made_by}"
    papers = ", ".join(f"{paper.kind} {paper.expires_on}" for paper in each.expired) or "—"
    review = "—" if each.review_on is None else str(each.review_on)
    return (each.customer, say(f"aml_pack.grade_{each.record.grade}"), review, each.overdue_days, papers, judged)


PAGE = PagePlan(910, "aml_diligence", say("aml_diligence.title"), build, restricted=True)
