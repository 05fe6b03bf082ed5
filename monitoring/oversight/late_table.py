"""The table of promises that are broken and still run, as several pages show it."""

from __future__ import annotations

from collections.abc import Sequence

from domain.time import HOUR, from_micros, zone_of
from monitoring.matters.intake import UNTAKEN
from monitoring.matters.promises import Late
from scoring.pages.page import Cell, Table, table_of
from scoring.pages.words import Words, say

SHOWN = 20


def late_table(waiting: Sequence[Late], zone: str, topic: str | None = None) -> Table:
    """The latest of them; ``topic`` is the catalogue's file that names their classes, where they are translated."""
    rows: list[tuple[Cell, ...]] = [
        (
            each.matter.matter_id,
            each.matter.topic if topic is None else say(f"{topic}.{each.matter.topic}"),
            say("complaints.untaken") if each.matter.entries[0].actor == UNTAKEN else each.matter.owner,
            say(f"casework.{each.clock}_clock"),
            local(each.matter.timers[each.clock].due_at, zone),
            round(each.by / HOUR, 1),
        )
        for each in waiting[:SHOWN]
    ]
    heads: list[Words] = [say(f"casework.{head}") for head in ("id", "owner", "clock", "due", "hours_late")]
    heads.insert(1, say("complaints.topic"))
    return table_of("late", say("casework.late_list", n=len(waiting)), heads, rows)


def local(at: int, zone: str) -> str:
    """A moment as people of a zone read it, to the minute.

    Examples
    --------
    >>> local(0, "Asia/Shanghai")
    '1970-01-01 08:00'
    """
    return f"{from_micros(at).astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
