"""Early warning: open breaches, what happened to breaches in the period, and the readings behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.time import from_micros, zone_of
from monitoring.heartbeat import read_heartbeat
from monitoring.indicator import indicators
from monitoring.limits import LimitSettings
from monitoring.oversight.indicator_words import title_of, value_cell
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.drawing import CALM, FAINT, RISK, sheet
from scoring.pages.page import Block, Cell, Finding, Picture, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.values import place_named
from scoring.pages.words import Tongue, Words, say, worded
from stores.breaches import Breach, Breaches, KeptReading
from stores.settings_files import load_settings

_STATUS = {"attention": Status.AMBER, "warning": Status.RED, "high": Status.RED}
_MOST_SHOWN = 6
_MOST_ROWS = 25


def build(look: Look) -> tuple[Section, ...]:
    """What is open, what happened, and how the watch itself fares."""
    limits = load_settings(look.configs / "limits.yaml", LimitSettings)
    store = Breaches(look.database)
    return _open(look, store, limits), _history(look, store, limits), _watch(look, store, limits)


def _open(look: Look, store: Breaches, limits: LimitSettings) -> Section:
    title, opened = say("early_warning.open"), store.open(until=look.until + 1)
    rows: list[tuple[Cell, ...]] = []
    statuses: list[Status] = []
    for each in sorted(opened, key=lambda one: (-list(_STATUS).index(one.level), one.raised_at)):
        limit = limits.limits.get(each.limit)
        rows.append(
            (
                say(f"early_warning.{each.level}"),
                title_of(each.indicator),
                _where(each.place),
                value_cell(each.indicator, each.value),
                _day(look, each.raised_at),
                each.acknowledged_by or say("early_warning.nobody"),
                "" if limit is None else worded(limit.owner),
                "" if limit is None else limit.action.words,
            )
        )
        statuses.append(_STATUS[each.level])
    if not rows:
        return Section("open", title, (Prose(say("early_warning.none_open")),))
    names = ("level", "indicator", "where", "value", "since", "taken_by", "owner", "action")
    heads = [say(f"early_warning.{name}") for name in names]
    shown = table_of("breaches", title, heads, rows, statuses=tuple(statuses))
    blocks: list[Block] = [shown]
    picture = _course(look, store, opened)
    return Section("open", title, (*blocks, *([picture] if picture else [])))


def _history(look: Look, store: Breaches, limits: LimitSettings) -> Section:
    del limits
    title = say("early_warning.history")
    notes = [note for note in store.notes(since=look.since, until=look.until + 1) if note.at > look.since]
    rows: list[tuple[Cell, ...]] = [
        (
            _day(look, note.at), say(f"early_warning.{note.turn}"), say(f"early_warning.{note.level}"),
            title_of(note.indicator), _where(note.place),
            value_cell(note.indicator, note.value), note.by,
        )
        for note in notes
    ]  # fmt: skip
    if not rows:
        return Section("history", title, (Prose(say("early_warning.no_history")),))
    names = ("when", "what", "level", "indicator", "where", "value", "by")
    heads = [say(f"early_warning.{name}") for name in names]
    return Section("history", title, (table_of("notes", title, heads, rows, folded=len(rows) > _MOST_ROWS),))


def _watch(look: Look, store: Breaches, limits: LimitSettings) -> Section:
    """Whether the watch ran: judged from the chunks it read, so that a past look says what was so then."""
    title, name = say("early_warning.watch"), say("early_warning.last_read")
    known = [at for each in indicators() if (at := _last_run(store, each.key, look.until)) is not None]
    if not known:
        never = not_assessed("last_read", name, say("early_warning.never"))
        return Section("watch", title, (Statistics((never,)),))
    hours = (look.until - max(known)) / 3_600_000_000
    most = limits.heartbeat / 3_600_000_000
    stopped = hours > most
    said = Statistic(
        "last_read", name, hours, n=len(known), threshold=say("early_warning.at_most", hours=most),
        source="configs/limits.yaml", status=Status.RED if stopped else Status.PASS, form=".1f",
        unit=say("early_warning.hours"),
    )  # fmt: skip
    blocks: list[Block] = [Statistics((said,))]
    if stopped:
        blocks.append(Finding("stopped", Status.RED, say("early_warning.stopped", hours=f"{hours:,.0f}")))
    beat = read_heartbeat(look.home.heartbeat)
    if beat is not None and beat.as_of <= look.until:
        blocks.append(Prose(say("early_warning.beat", at=_day(look, beat.as_of)), quiet=True))
    return Section("watch", title, tuple(blocks))


def _last_run(store: Breaches, indicator: str, until: int) -> int | None:
    row = store.database.one("SELECT max(until) FROM watch_run WHERE indicator = ? AND until <= ?", (indicator, until))
    found: int | None = row[0]
    return found


def _course(look: Look, store: Breaches, opened: Sequence[Breach]) -> Picture | None:
    """The readings of the worst open breaches over the period, small multiples."""
    chosen = sorted(opened, key=lambda one: (-list(_STATUS).index(one.level), one.raised_at))[:_MOST_SHOWN]
    series = [
        (each, store.readings(each.indicator, place=each.place, since=look.since, until=look.until)) for each in chosen
    ]
    series = [(each, [one for one in read if one.value is not None]) for each, read in series]
    series = [(each, read) for each, read in series if len(read) > 1]
    if not series:
        return None

    def draw(tongue: Tongue) -> Any:
        columns = min(2, len(series))
        rows = -(-len(series) // columns)
        figure, axes = sheet(0.5 + 1.5 * rows, rows, columns, squeeze=False)
        for axis in axes.ravel()[len(series) :]:
            axis.set_axis_off()
        for axis, (each, read) in zip(axes.ravel(), series, strict=False):
            axis.plot(range(len(read)), [one.value for one in read], color=CALM, linewidth=1.2)
            since = [place for place, one in enumerate(read) if one.until >= each.raised_at]
            axis.plot(since, [read[place].value for place in since], "o", color=RISK, markersize=3.5)
            where = tongue(_where(each.place, coded=False))
            axis.set_title(f"{tongue(title_of(each.indicator))}\n{where}", fontsize=7)
            step = max(1, len(read) // 4)
            axis.set_xticks(range(0, len(read), step), [_day(look, one.since)[5:10] for one in read[::step]])
            axis.tick_params(labelsize=7)
            axis.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
        return figure

    rows = [_row(look, each, one) for each, read in series for one in read]
    names = ("indicator", "where", "when", "value", "n")
    table = table_of("readings", say("early_warning.readings"), [say(f"early_warning.{n}") for n in names], rows,
                     folded=True)  # fmt: skip
    return Picture("course", say("early_warning.readings"), say("early_warning.readings_said"), draw, table)


def _row(look: Look, breach: Breach, one: KeptReading) -> tuple[Cell, ...]:
    return (
        title_of(breach.indicator, breach.limit),
        _where(one.place),
        _day(look, one.since)[:10],
        value_cell(breach.indicator, one.value),
        one.n,
    )


def _where(place: str, *, coded: bool = True) -> Words:
    return place_named(place, coded=coded) if place else say("early_warning.whole")


def _day(look: Look, at: int) -> str:
    return f"{from_micros(at).astimezone(zone_of(look.platform.time_zone)):%Y-%m-%d %H:%M}"


PAGE = PagePlan(15, "early_warning", say("early_warning.title"), build)
