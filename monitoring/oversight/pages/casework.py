"""Cases: the queue of alerts by expected loss, promises, throughput."""

from __future__ import annotations

from collections import Counter

from domain.matters import MatterKind, MatterState
from domain.money import exponent
from domain.time import HOUR
from monitoring.alert_queue import Queued, alert_queue
from monitoring.matters.figures import throughput
from monitoring.matters.limits import DeskLimits
from monitoring.matters.promises import kept_share, late
from monitoring.oversight.late_table import late_table
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Cell, Facts, Prose, Section, Statistics, Table, table_of
from scoring.pages.words import say
from stores.matter_settings import CaseSettings
from stores.matters import Matters
from stores.settings_files import load_settings
from stores.waiting_alerts import waiting_alerts

_SHOWN = 15


def build(look: Look) -> tuple[Section, ...]:
    """The queue as it waited at the end of the period; cases and their promises within it."""
    settings = load_settings(look.configs / "cases.yaml", CaseSettings)
    limits = DeskLimits.read(look.configs)
    queued = alert_queue(waiting_alerts(look.database, look.until), look.journal, settings, look.platform.fx_table())
    return _queue(look, queued, limits), _cases(look, limits)


def _queue(look: Look, queued: list[Queued], limits: DeskLimits) -> Section:
    unit = 10 ** exponent(look.platform.base_currency)
    title = say("casework.queue")
    overdue = limits.count(
        "alerts_overdue", say("casework.alerts_overdue"), sum(each.overdue(look.until) for each in queued), len(queued)
    )
    if not queued:
        return Section("queue", title, (Statistics((overdue,)),))
    loss = sum(each.expected_loss or 0.0 for each in queued) / unit
    rows: list[tuple[Cell, ...]] = [
        (
            each.alert.decision_id[:12], say(f"decisions.{each.alert.action}"), each.alert.score,
            None if each.amount is None else each.amount / unit,
            None if each.expected_loss is None else each.expected_loss / unit,
            round((look.until - each.alert.opened_at) / HOUR),
            say("casework.yes") if each.overdue(look.until) else say("casework.no"),
        )
        for each in queued[:_SHOWN]
    ]  # fmt: skip
    heads = ("decision", "action", "score", "amount", "loss", "hours", "late")
    facts = Facts(
        "waiting",
        ((say("casework.waiting"), len(queued)), (say("casework.expected", unit=look.platform.base_currency), loss)),
    )
    table = table_of("first", say("casework.first", n=len(rows)), [say(f"casework.{head}") for head in heads], rows)
    return Section("queue", title, (Prose(say("casework.order"), quiet=True), facts, Statistics((overdue,)), table))


def _cases(look: Look, limits: DeskLimits) -> Section:
    matters = Matters(look.database).of(MatterKind.CASE, until=look.until)
    period = {"since": look.since, "until": look.until}
    statistics = (
        limits.share("case_pick_up", say("casework.pick_up"), kept_share(matters, "pick_up", **period)),
        limits.share("case_resolution", say("casework.resolution"), kept_share(matters, "resolution", **period)),
    )
    blocks: list[Statistics | Table] = [Statistics(statistics)]
    waiting = late(matters, look.until - 1)
    if waiting:
        blocks.append(late_table(waiting, look.platform.time_zone, "decisions"))
    if matters:
        states = Counter(matter.state for matter in matters)
        rows: list[tuple[Cell, ...]] = [(say(f"casework.{state.value}"), states[state]) for state in MatterState]
        blocks.append(table_of("states", say("casework.states"), [say("casework.state"), say("casework.n")], rows))
        days: list[tuple[Cell, ...]] = [
            (day, opened, closed)
            for day, (opened, closed) in throughput(matters, look.platform.time_zone, **period).items()
        ]
        heads = [say("casework.day"), say("casework.opened"), say("casework.closed_n")]
        blocks.append(table_of("throughput", say("casework.throughput"), heads, days, folded=True))
    return Section("cases", say("casework.cases"), tuple(blocks))


PAGE = PagePlan(60, "casework", say("casework.title"), build)
