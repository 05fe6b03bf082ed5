"""Risk register: every risk with its levels, what moved it, and its breaches."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.bilingual import Both
from domain.time import from_micros, zone_of
from monitoring.indicator import indicators
from monitoring.oversight.indicator_words import title_of, value_cell
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from monitoring.risks.assess import Assessed, Standing, assess_risks
from monitoring.risks.settings import Register, RiskLevel, read_register
from scoring.pages.drawing import CALM, FAINT, INK, RISK, canvas
from scoring.pages.page import Block, Cell, Facts, Finding, Picture, Prose, Section, Statistics, table_of
from scoring.pages.status import Status, not_assessed
from scoring.pages.values import place_named, value_named
from scoring.pages.words import Tongue, Words, joined, say, worded
from stores.breaches import Breaches

_STATUS = {
    RiskLevel.ACCEPTABLE: Status.PASS,
    RiskLevel.LOW: Status.PASS,
    RiskLevel.MEDIUM: Status.AMBER,
    RiskLevel.HIGH: Status.RED,
}
_STEPS = 5
_FOOT = 0.42


def build(look: Look) -> tuple[Section, ...]:
    """The register, and the history of breaches."""
    register = read_register(look.configs, indicators())
    found = assess_risks(register, Breaches(look.database), look.until, look.platform.time_zone)
    if all(len(each.unwatched) == len(each.metrics) for each in found):
        never = not_assessed("risks", say("risks.title"), say("risks.never"), n=0)
        return (Section("register", say("risks.register"), (Statistics((never,)), _plain(found))),)
    return _register(found, register), _history(found, look)


def _plain(found: tuple[Assessed, ...]) -> Block:
    rows: list[tuple[Cell, ...]] = [
        (Both(each.title_zh, each.title_en), say(f"risks.{each.kind}"), say(f"risks.{each.inherent.value}"),
         say(f"risks.{each.residual.value}"), worded(each.owner))
        for each in found
    ]  # fmt: skip
    heads = [say(f"risks.{name}") for name in ("risk", "kind", "inherent", "residual", "owner")]
    return table_of("register", say("risks.register"), heads, rows)


def _register(found: tuple[Assessed, ...], register: Register) -> Section:
    blocks: list[Block] = [Prose(say("risks.intro", source=worded(register.source)), quiet=True)]
    blocks += [
        Finding(f"moved_{each.key}", Status.AMBER,
                say("risks.moved", risk=Both(each.title_zh, each.title_en),
                    what=joined(
                        say("risks.at_level", metric=title_of(m.indicator),
                            level=value_named("level", m.level, coded=False))
                        for m in each.metrics if m.level
                    )))
        for each in found if each.moved
    ]  # fmt: skip
    blocks += [
        Finding(f"overdue_{each.key}", Status.AMBER,
                say("risks.overdue", risk=Both(each.title_zh, each.title_en), review=str(each.review)))
        for each in found if each.overdue
    ]  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            number, Both(each.title_zh, each.title_en), say(f"risks.{each.kind}"), f"{each.likelihood}×{each.impact}",
            say(f"risks.{each.inherent.value}"), Both(each.control_zh, each.control_en),
            say(f"risks.effect_{each.effect_now.value}"), f"{each.residual_score:.1f}",
            say(f"risks.{each.residual.value}"), worded(each.owner), str(each.review),
        )
        for number, each in enumerate(found, 1)
    ]  # fmt: skip
    heads = [say(f"risks.{name}") for name in ("number", "risk", "kind", "product", "inherent", "control", "effect",
                                               "left", "residual", "owner", "review")]  # fmt: skip
    table = table_of("register", say("risks.register"), heads, rows, statuses=tuple(_STATUS[e.residual] for e in found))
    blocks += [
        Picture("matrix", say("risks.matrix"), say("risks.matrix_said"), _draw(found, register), _metrics(found)),
        table,
        _scale("likelihood", register),
        _scale("impact", register),
    ]
    return Section("register", say("risks.register"), tuple(blocks))


def _metrics(found: tuple[Assessed, ...]) -> Any:
    rows: list[tuple[Cell, ...]] = [
        (Both(each.title_zh, each.title_en), title_of(metric.indicator, metric.indicator),
         say("risks.anywhere") if metric.where == "*" else place_named(metric.where), _state(metric),
         value_cell(metric.indicator, metric.value))
        for each in found
        for metric in each.metrics
    ]  # fmt: skip
    heads = [say(f"risks.{name}") for name in ("risk", "metric", "where", "state", "value")]
    return table_of("metrics", say("risks.metrics"), heads, rows)


def _state(metric: Standing) -> Words:
    if metric.read_at is None:
        return say("risks.unread")
    return say("risks.calm") if metric.level is None else value_named("level", metric.level, coded=False)


def _scale(name: str, register: Register) -> Facts:
    steps = getattr(register, name)
    rows = tuple((Both(f"{e.step} {e.name_zh}", f"{e.step} {e.name_en}"), Both(e.zh, e.en)) for e in steps)
    return Facts(name, rows, say(f"risks.{name}"))


def _draw(found: tuple[Assessed, ...], register: Register) -> Any:
    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(3.6)
        shade = {RiskLevel.ACCEPTABLE: "white", RiskLevel.LOW: "#eef2f5", RiskLevel.MEDIUM: "#dde3ea",
                 RiskLevel.HIGH: "#f0d9d4"}  # fmt: skip
        for likelihood in range(1, _STEPS + 1):
            for impact in range(1, _STEPS + 1):
                level = register.level(likelihood * impact)
                axes.add_patch(_square(likelihood, impact, shade[level]))
        places: dict[tuple[int, int], int] = {}
        for number, each in enumerate(found, 1):
            at = (each.likelihood_now, each.impact)
            places[at] = place = places.get(at, -1) + 1
            x, y = at[0] - 0.3 + 0.3 * (place % 3), at[1] + 0.22 - 0.3 * (place // 3)
            if each.likelihood_now != each.likelihood:
                _moved(axes, each, x, y)
            colour = RISK if each.residual is RiskLevel.HIGH else INK if each.residual is RiskLevel.MEDIUM else CALM
            axes.text(x, y, str(number), ha="center", va="center", fontsize=9, color=colour)
        axes.set(xlim=(0.5, _STEPS + 0.5), ylim=(0.5, _STEPS + 0.5), xlabel=tongue(say("risks.likelihood")),
                 ylabel=tongue(say("risks.impact")))  # fmt: skip
        axes.set_xticks(np.arange(1, _STEPS + 1), [f"{e.step} {tongue(e.name)}" for e in register.likelihood])
        axes.set_yticks(np.arange(1, _STEPS + 1), [f"{e.step} {tongue(e.name)}" for e in register.impact])
        axes.grid(visible=False)
        return figure

    return draw


def _moved(axes: Any, each: Assessed, x: float, y: float) -> None:
    """An arrow from where a risk was: along the foot of the squares, where no number stands, then up to its own."""
    style = {"arrowstyle": "->", "color": RISK, "connectionstyle": "angle,angleA=0,angleB=90,rad=3"}
    axes.annotate("", (x, y - 0.1), (each.likelihood, each.impact - _FOOT), arrowprops=style)


def _square(likelihood: int, impact: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((likelihood - 0.5, impact - 0.5), 1, 1, facecolor=colour, edgecolor=FAINT, linewidth=0.5, zorder=0)


def _history(found: tuple[Assessed, ...], look: Look) -> Section:
    zone = zone_of(look.platform.time_zone)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{from_micros(breach.raised_at).astimezone(zone):%Y-%m-%d}", Both(each.title_zh, each.title_en),
            title_of(breach.indicator, breach.limit),
            place_named(breach.place) if breach.place else say("early_warning.whole"),
            value_named("level", breach.level, coded=False), value_cell(breach.indicator, breach.value),
            say("risks.open") if breach.cleared_at is None
            else f"{from_micros(breach.cleared_at).astimezone(zone):%Y-%m-%d}",
        )
        for each in found
        for breach in each.history
    ]  # fmt: skip
    title = say("risks.history")
    if not rows:
        return Section("history", title, (Prose(say("risks.no_history"), quiet=True),))
    heads = [say(f"risks.{name}") for name in ("raised", "risk", "metric", "where", "state", "value", "cleared")]
    rows.sort(key=lambda row: str(row[0]), reverse=True)
    return Section("history", title, (table_of("history", title, heads, rows),))


PAGE = PagePlan(35, "risks", say("risks.title"), build)
