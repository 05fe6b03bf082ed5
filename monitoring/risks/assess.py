"""The register at an instant: inherent level, what open breaches move, residual level, breach history.

    inherent = likelihood × impact
    residual = (likelihood + steps) × impact × (1 − reduction of the control, some steps weaker)

The steps are those of the worst open breach of a risk's metrics, by the register's own rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from domain.bilingual import Owner, in_english
from domain.time import DAY, business_day, format_instant
from monitoring.risks.settings import Effect, Moves, Register, Risk, RiskLevel
from stores.breaches import Breach, Breaches

HISTORY = 365 * DAY

_LEVELS = ("attention", "warning", "high")
_LAST = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """A metric of a risk; ``level`` and ``value`` are those of its worst open breach, None where there is none.

    Parameters
    ----------
    read_at : end of the newest period that was read, None where the watch never read it.
    """

    indicator: str
    where: str
    level: str | None
    value: float | None
    read_at: int | None


@dataclass(frozen=True, slots=True)
class Assessed:
    """One risk at an instant.

    Parameters
    ----------
    likelihood, effect : as the register has them; ``_now``: as open breaches moved them.
    n_breaches : raised in the year before. history : the newest of them.
    unwatched : metrics that the watch never read: nothing would move the risk.
    """

    key: str
    kind: str
    title_zh: str
    title_en: str
    owner: Owner
    review: date
    overdue: bool
    likelihood: int
    likelihood_now: int
    impact: int
    inherent: RiskLevel
    inherent_score: int
    control_zh: str
    control_en: str
    effect: Effect
    effect_now: Effect
    residual: RiskLevel
    residual_score: float
    metrics: tuple[Standing, ...]
    unwatched: tuple[str, ...]
    n_breaches: int
    history: tuple[Breach, ...]

    @property
    def moved(self) -> bool:
        """Whether an open breach moved it."""
        return (self.likelihood, self.effect) != (self.likelihood_now, self.effect_now)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = asdict(self)
        told["history"] = [
            {"limit": each.limit, "where": each.place, "level": each.level, "value": each.value,
             "raised_at": format_instant(each.raised_at),
             "cleared_at": None if each.cleared_at is None else format_instant(each.cleared_at)}
            for each in self.history
        ]  # fmt: skip
        told["metrics"] = [
            {**asdict(each), "read_at": None if each.read_at is None else format_instant(each.read_at)}
            for each in self.metrics
        ]
        return {**told, "owner": in_english(self.owner), "review": str(self.review), "moved": self.moved}


def assess_risks(register: Register, store: Breaches, until: int, zone: str) -> tuple[Assessed, ...]:
    """Every risk as it stood at ``until`` (µs UTC), the worst residual first."""
    raised = store.breaches(until=until + 1)
    today = business_day(until, zone)
    found = [_assess(key, risk, register, store, raised, until, today) for key, risk in register.risks.items()]
    return tuple(sorted(found, key=lambda each: (-each.residual_score, each.key)))


def _assess(
    key: str, risk: Risk, register: Register, store: Breaches, raised: Sequence[Breach], until: int, today: date
) -> Assessed:
    mine = [b for b in raised if any(metric.holds_for(b.indicator, b.place) for metric in risk.metrics)]
    open_ = [each for each in mine if each.cleared_at is None]
    worst = max((each.level for each in open_), key=_LEVELS.index, default=None)
    moves = register.when.get(worst, Moves()) if worst is not None else Moves()
    likelihood = min(5, risk.likelihood + moves.likelihood)
    effects = list(Effect)
    effect = effects[min(len(effects) - 1, effects.index(risk.control.effect) + moves.control)]
    inherent, residual = risk.likelihood * risk.impact, likelihood * risk.impact * (1 - register.reduction[effect])
    standing = []
    for metric in risk.metrics:
        levels = [each for each in open_ if metric.holds_for(each.indicator, each.place)]
        top = max(levels, key=lambda each: _LEVELS.index(each.level), default=None)
        runs = store.runs_until(metric.indicator, until)
        standing.append(
            Standing(metric.indicator, metric.where, None if top is None else top.level,
                     None if top is None else top.value, runs)
        )  # fmt: skip
    lately = sorted((b for b in mine if b.raised_at > until - HISTORY), key=lambda b: -b.raised_at)
    return Assessed(
        key=key, kind=risk.kind.value, title_zh=risk.title.zh, title_en=risk.title.en, owner=risk.owner,
        review=risk.review, overdue=risk.review < today, likelihood=risk.likelihood, likelihood_now=likelihood,
        impact=risk.impact, inherent=register.level(inherent), inherent_score=inherent, control_zh=risk.control.zh,
        control_en=risk.control.en, effect=risk.control.effect, effect_now=effect, residual=register.level(residual),
        residual_score=residual, metrics=tuple(standing),
        unwatched=tuple(each.indicator for each in standing if each.read_at is None), n_breaches=len(lately),
        history=tuple(lately[:_LAST]),
    )  # fmt: skip
