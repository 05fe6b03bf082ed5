"""Pictures of the book: vintage curves, shares by month of disbursement, the reserve under stress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from domain.bilingual import Both
from monitoring.book.book import Book
from monitoring.book.vintages import Share, Vintage
from scoring.pages.drawing import CALM, FAINT, INK, RISK, canvas, percent, whiskers
from scoring.pages.page import Cell, Picture, Table, table_of
from scoring.pages.words import Tongue, Words, say

_SHOWN = 12


def vintage_picture(vintages: Sequence[Vintage], severities: tuple[int, int], months: int) -> Picture:
    """Curves of the newest vintages, older ones paler, for two severities side by side."""
    shown = [each for each in vintages if each.hits[severities[0]]][-_SHOWN:]

    def draw(tongue: Tongue) -> Any:
        from matplotlib.ticker import MaxNLocator

        figure, axes = canvas(2.9, 2)
        for each, severity in zip(axes, severities, strict=True):
            ends: list[tuple[float, float]] = []
            top = max((max(v.hits[severity]) / v.n for v in shown), default=0.0)
            for place, vintage in reversed(list(enumerate(shown))):
                curve = np.array(vintage.hits[severity]) / vintage.n
                if len(curve) <= severity // 30:
                    continue  # nobody can be so late so soon: a line along zero says nothing
                strength = 0.25 + 0.75 * (place + 1) / len(shown)
                each.plot(np.arange(len(curve)), curve, color=CALM, alpha=strength, linestyle="-", linewidth=1.2)
                end = (len(curve) - 1.0, float(curve[-1]))
                # A name that would lie over that of a newer line is left to the table.
                if all(abs(end[0] - x) >= 1.6 or abs(end[1] - y) >= 0.045 * top for x, y in ends):
                    ends.append(end)
                    each.annotate(vintage.month[2:], end, xytext=(3, 0), fontsize=6.5, textcoords="offset points",
                                  va="center", color=INK)  # fmt: skip
            each.set(title=tongue(say("book.ever", days=severity)), xlabel=tongue(say("book.months_on_book")))
            each.set_xlim(0, min(months, max((len(v.hits[severity]) for v in shown), default=1)) + 1.5)
            each.set_ylim(bottom=0)
            each.xaxis.set_major_locator(MaxNLocator(integer=True))
            percent(each.yaxis)
        return figure

    return Picture("vintages", say("book.vintages_picture"), say("book.vintages_said"), draw, vintage_table(vintages))


def vintage_table(vintages: Sequence[Vintage]) -> Table:
    """Shares at a few months on book; what is not known yet stays empty."""
    at = (1, 2, 3, 6, 9, 12, 18, 24)
    heads: list[Words] = [say("book.month"), say("book.n")]
    heads += [say("book.by_month", days=severity, k=k) for severity in (30, 90) for k in at if severity == 30 or k > 2]
    rows: list[list[Cell]] = [
        [vintage.month, vintage.n,
         *(vintage.share(severity, k) for severity in (30, 90) for k in at if severity == 30 or k > 2)]
        for vintage in vintages
    ]  # fmt: skip
    return table_of("vintages", say("book.vintages"), heads, rows, folded=True)


def share_picture(key: str, shares: Sequence[Share]) -> Picture:
    """A share by month of disbursement with intervals; months that are too young are left out."""
    known = [each for each in shares if each.value is not None][-24:]

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(2.2)
        x = np.arange(len(known), dtype=np.float64)
        low, high = (np.array([getattr(each, edge) for each in known], dtype=np.float64) for edge in ("low", "high"))
        whiskers(axes, x, low, high)
        axes.plot(x, [each.value for each in known], marker="o", linestyle="none", color=CALM)
        step = max(1, len(known) // 12)
        axes.set_xticks(x[::step], [each.name for each in known[::step]])
        axes.set_ylim(bottom=0)
        axes.set_xlabel(tongue(say("book.month")))
        percent(axes.yaxis)
        return figure

    heads = [say(f"book.{name}") for name in ("month", "n", "n_events", "value", "from", "to", "n_immature")]
    rows: list[tuple[Cell, ...]] = [
        (each.name, each.n, each.n_events, each.value, each.low, each.high, each.n_immature) for each in shares
    ]
    table = table_of(key, say(f"book.{key}"), heads, rows, folded=True)
    return Picture(key, say(f"book.{key}"), say(f"book.{key}_said"), draw, table)


def reserve_picture(book: Book) -> Picture:
    """What each scenario needs, what a bad year costs beyond it, and what is held."""
    lines = [each for each in (book.present, *book.scenarios) if each.needed is not None]
    held = None if book.held is None else book.held.amount.minor

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(0.9 + 0.36 * len(lines))
        place = np.arange(len(lines))[::-1]
        needed = np.array([each.needed for each in lines], dtype=np.float64) / book.unit / 1e6
        beyond = np.array([each.unexpected or 0.0 for each in lines], dtype=np.float64) / book.unit / 1e6
        axes.barh(place, needed, color=CALM, height=0.6, label=tongue(say("book.needed")))
        axes.barh(place, beyond, left=needed, color=FAINT, height=0.6, label=tongue(say("book.unexpected")))
        if held is not None:
            axes.axvline(held / book.unit / 1e6, color=RISK, linewidth=1.2, label=tongue(say("book.held")))
        axes.set_yticks(place, [tongue(Both(each.zh, each.en)) for each in lines])
        axes.set_xlabel(tongue(say("book.millions", currency=book.currency)))
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        return figure

    heads = [say(f"book.{name}") for name in ("scenario", "lgd", "needed", "unexpected", "cover", "note")]
    rows: list[tuple[Cell, ...]] = [
        (Both(each.zh, each.en), each.lgd, _whole(each.needed, book.unit), _whole(each.unexpected, book.unit),
         each.cover, each.note or None)
        for each in (book.present, *book.scenarios)
    ]  # fmt: skip
    title = say("book.reserve_table", currency=book.currency)
    return Picture("reserve", say("book.reserve_picture"), say("book.reserve_said"), draw,
                   table_of("reserve", title, heads, rows))  # fmt: skip


def _whole(minor: float | None, unit: int) -> int | None:
    return None if minor is None else round(minor / unit)
