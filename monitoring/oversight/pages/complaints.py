"""Complaints: overdue, first answer, resolution, satisfaction, repeats, how many were upheld."""

from __future__ import annotations

from monitoring.matters.figures import by_topic, closed_share, repeat_share, satisfaction, throughput
from monitoring.matters.intake import complaints_at
from monitoring.matters.limits import DeskLimits, unjudged
from monitoring.matters.promises import kept_share, late
from monitoring.oversight.late_table import late_table
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Section, Statistics, table_of
from scoring.pages.status import Statistic
from scoring.pages.words import say
from stores.matter_settings import ComplaintSettings
from stores.settings_files import load_settings


def build(look: Look) -> tuple[Section, ...]:
    """What is late at the end of the period, and how the promises of the period were kept."""
    settings = load_settings(look.configs / "complaints.yaml", ComplaintSettings)
    limits = DeskLimits.read(look.configs)
    complaints = complaints_at(look.journal, settings, look.until)
    period = {"since": look.since, "until": look.until}
    waiting = late(complaints, look.until - 1)
    n_late = len({each.matter.matter_id for each in waiting})
    scores = satisfaction(complaints, **period)
    content = limits.share("complaint_content", say("complaints.content"), scores.content)
    if scores.mean is not None:
        content = unjudged(content, say("complaints.mean", mean=f"{scores.mean:.2f}"))
    upheld = limits.share("complaint_upheld", say("complaints.upheld"), closed_share(complaints, "upheld", **period))
    statistics: tuple[Statistic, ...] = (
        limits.count("complaints_overdue", say("complaints.overdue"), n_late, len(complaints)),
        limits.share(
            "complaint_first_answer", say("complaints.first_answer"), kept_share(complaints, "first_answer", **period)
        ),
        limits.share(
            "complaint_resolution", say("complaints.resolution"), kept_share(complaints, "resolution", **period)
        ),
        content,
        limits.share(
            "complaint_repeat", say("complaints.repeat"), repeat_share(complaints, settings.repeat_within, **period)
        ),
        upheld,
    )
    blocks: list[Block] = [Statistics(statistics)]
    if waiting:
        blocks.append(late_table(waiting, look.platform.time_zone, "complaints"))
    topics = by_topic(complaints, **period)
    if topics:
        rows: list[tuple[Cell, ...]] = [(say(f"complaints.{topic}"), n) for topic, n in sorted(topics.items())]
        blocks.append(table_of("topics", say("complaints.topics"), [say("complaints.topic"), say("casework.n")], rows))
        days: list[tuple[Cell, ...]] = [
            (day, opened, closed)
            for day, (opened, closed) in throughput(complaints, look.platform.time_zone, **period).items()
        ]
        heads = [say("casework.day"), say("complaints.taken"), say("complaints.settled")]
        blocks.append(table_of("throughput", say("complaints.throughput"), heads, days, folded=True))
    return (Section("complaints", say("complaints.title"), tuple(blocks)),)


PAGE = PagePlan(62, "complaints", say("complaints.title"), build)
