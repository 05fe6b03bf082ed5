"""Service desk: response clocks by class, resolution, satisfaction, repeats, follow-up and second review."""

from __future__ import annotations

from domain.matters import STOPS, Matter, MatterKind, MatterState
from monitoring.matters.figures import by_topic, closed_share, repeat_share, reviewed_share, satisfaction
from monitoring.matters.limits import DeskLimits, unjudged
from monitoring.matters.promises import kept_share, late
from monitoring.oversight.late_table import late_table
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Section, Statistics, table_of
from scoring.pages.values import value_named
from scoring.pages.words import say
from stores.matter_settings import DeskSettings
from stores.matters import Matters
from stores.settings_files import load_settings


def build(look: Look) -> tuple[Section, ...]:
    """How the promises of the period were kept, whole and by class."""
    settings = load_settings(look.configs / "desk.yaml", DeskSettings)
    limits = DeskLimits.read(look.configs)
    tickets = Matters(look.database).of(MatterKind.TICKET, until=look.until)
    period = {"since": look.since, "until": look.until}
    waiting = late(tickets, look.until - 1)
    n_late = len({each.matter.matter_id for each in waiting})
    scores = satisfaction(tickets, **period)
    content = limits.share("ticket_content", say("complaints.content"), scores.content)
    if scores.mean is not None:
        content = unjudged(content, say("complaints.mean", mean=f"{scores.mean:.2f}"))
    clocks = [
        limits.share(f"ticket_{clock}", say(f"desk.{clock}"), kept_share(tickets, clock, **period)) for clock in STOPS
    ]
    reviewed = reviewed_share(tickets, settings.second_review_at_most, **period)
    statistics = (
        limits.count("tickets_overdue", say("desk.overdue"), n_late, len(tickets)),
        *clocks,
        limits.share("ticket_resolved", say("desk.resolved"), closed_share(tickets, "resolved", **period)),
        content,
        limits.share("ticket_repeat", say("desk.repeat"), repeat_share(tickets, settings.repeat_within, **period)),
        limits.share("ticket_reviewed", say("desk.reviewed"), reviewed),
    )
    blocks: list[Block] = [Statistics(statistics)]
    if waiting:
        blocks.append(late_table(waiting, look.platform.time_zone))
    if tickets:
        blocks += [_by_class(tickets, look), _by_owner(tickets)]
    return (Section("desk", say("desk.title"), tuple(blocks)),)


def _by_class(tickets: list[Matter], look: Look) -> Block:
    period = {"since": look.since, "until": look.until}
    opened = by_topic(tickets, **period)
    rows: list[tuple[Cell, ...]] = []
    for topic in sorted({ticket.topic for ticket in tickets}):
        mine = [ticket for ticket in tickets if ticket.topic == topic]
        shares = [kept_share(mine, clock, **period) for clock in ("pick_up", "first_answer", "resolution")]
        told = [None if share.value is None else f"{share.value:.1%} ({share.n:,})" for share in shares]
        rows.append((value_named("ticket_class", topic), opened.get(topic, 0), *told))
    heads = [say("complaints.topic"), say("casework.opened"), say("desk.pick_up"), say("desk.first_answer")]
    return table_of("classes", say("desk.classes"), [*heads, say("desk.resolution")], rows)


def _by_owner(tickets: list[Matter]) -> Block:
    owners = sorted({ticket.owner for ticket in tickets if ticket.owner is not None})
    rows: list[tuple[Cell, ...]] = [
        (
            owner,
            sum(ticket.first_owner == owner for ticket in tickets),
            sum(ticket.owner == owner and ticket.state is not MatterState.CLOSED for ticket in tickets),
            sum(ticket.owner == owner and ticket.state is MatterState.CLOSED for ticket in tickets),
        )
        for owner in owners
    ]
    heads = [say("casework.owner"), say("desk.taken_first"), say("desk.running"), say("casework.closed_n")]
    return table_of("owners", say("desk.owners"), heads, rows)


PAGE = PagePlan(64, "desk", say("desk.title"), build)
