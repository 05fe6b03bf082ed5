"""One look back: the decisions of a product against the reference of the bundle that made them.

1. ledger                    -> decisions of the period; those of this bundle
2. bundle                    -> reference population (features, raw scores, probabilities)
3. score, each feature       -> stability index against what chance gives
4. each feature              -> change of the missing share
5. actions, grades           -> rates against what the reference makes expected
6. degraded decisions        -> share against its limits
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow.compute as pc

from domain.decision import Action, RiskGrade
from monitoring.population import Population, decided_population, grade_counts
from monitoring.report import NOT_ASSESSED, Line, MonitorReport, too_few
from monitoring.settings import MonitoringSettings
from scoring.drift import Psi, psi
from scoring.interval import difference, wilson

if TYPE_CHECKING:
    from scoring.bundle import Bundle
    from scoring.policy_settings import PolicySettings
    from stores.ledger import Ledger


class _Body(msgspec.Struct):
    """The one part of a decision's body that has no column."""

    degraded: bool | str


def monitor(
    product: str,
    ledger: Ledger,
    bundle: Bundle,
    policy: PolicySettings,
    settings: MonitoringSettings,
    *,
    since: int | None = None,
    until: int | None = None,
) -> MonitorReport:
    """Compare the decisions of a period with the reference of the deployed bundle.

    Parameters
    ----------
    policy : the one in force: its cut-offs and actions say what the reference makes expected.
    since, until : µs UTC; open when None.
    """
    decisions = ledger.read(product, since=since, until=until)
    mine = decisions.filter(pc.equal(decisions["model"], bundle.hash))
    names = bundle.encoder.names
    table = bundle.reference()
    reference = Population(names, bundle.encoder.matrix(table), _numbers(table, "raw_score"), _numbers(table, "score"))
    current = decided_population(mine, names)
    decode = msgspec.json.Decoder(_Body).decode
    degraded = sum(decode(body).degraded is not False for body in decisions["body"].to_pylist())
    graded = grade_counts(reference.score, policy.cutoffs_or(bundle.cutoffs)).tolist()
    lines = [
        *drift_lines(reference, current, bundle.encoder.categories, settings),
        *missing_lines(reference, current, settings),
        *rate_lines(
            dict(zip(RiskGrade, graded, strict=True)),
            policy.actions,
            Counter(decisions["risk_grade"].to_pylist()),
            Counter(decisions["action"].to_pylist()),
            settings,
        ),
        degraded_line(degraded, decisions.num_rows, settings),
    ]
    return MonitorReport(product, bundle.hash, since, until, decisions.num_rows, mine.num_rows, tuple(lines))


def drift_lines(
    reference: Population, current: Population, categorical: Collection[str], settings: MonitoringSettings
) -> Iterator[Line]:
    """Stability of the raw score, then of each feature; the features share one chance of a false alarm."""
    yield _drift_line("score", "raw score", reference.raw, current.raw, settings, settings.confidence)
    one_of_many = 1 - (1 - settings.confidence) / max(1, len(reference.names))
    for place, name in enumerate(reference.names):
        then, now = reference.vectors[:, place], current.vectors[:, place]
        yield _drift_line("feature", name, then, now, settings, one_of_many, categorical=name in categorical)


def _drift_line(
    group: str,
    name: str,
    then: np.ndarray[Any, np.dtype[np.float64]],
    now: np.ndarray[Any, np.dtype[np.float64]],
    settings: MonitoringSettings,
    confidence: float,
    *,
    categorical: bool = False,
) -> Line:
    if not len(then) or not len(now):
        return too_few(Line(group, name, NOT_ASSESSED, None, len(then), len(now)), settings.least_rows)
    found = psi(then, now, n_bins=settings.bins, categorical=categorical, confidence=confidence)
    chance = found.value <= found.by_chance
    status = RiskGrade.NORMAL if chance else settings.psi.grade(found.value)
    line = Line(
        group,
        name,
        status.value,
        found.value,
        found.n_reference,
        found.n_current,
        expected=found.expected,
        threshold=max(found.by_chance, settings.psi.next_above(found.value)),
        source=_drift_source(found, settings),
        note="within chance" if chance else "",
    )
    return too_few(line, settings.least_rows)


def _drift_source(found: Psi, settings: MonitoringSettings) -> str:
    chance = f"chance alone stays below {found.by_chance:.3f} ({found.n_bins} bins, {found.confidence:.4g})"
    return f"{chance}; {settings.psi.source}"


def missing_lines(reference: Population, current: Population, settings: MonitoringSettings) -> Iterator[Line]:
    """Change of the missing share of each feature; a category the bundle has never seen counts as missing."""
    n, m = len(current.vectors), len(reference.vectors)
    one_of_many = 1 - (1 - settings.confidence) / max(1, len(reference.names))
    then = np.isnan(reference.vectors).sum(axis=0)
    now = np.isnan(current.vectors).sum(axis=0)
    for name, n_then, n_now in zip(reference.names, then.tolist(), now.tolist(), strict=True):
        low, high = difference(n_now, n, n_then, m, one_of_many)
        change = n_now / n - n_then / m if n and m else None
        within = change is None or low <= 0 <= high
        status = RiskGrade.NORMAL if within else settings.missing.grade(abs(change or 0.0))
        line = Line(
            "missing",
            name,
            status.value,
            change,
            m,
            n,
            low=low,
            high=high,
            expected=0.0,
            threshold=settings.missing.next_above(abs(change or 0.0)),
            source=settings.missing.source,
            note="within chance" if within else "",
        )
        yield too_few(line, settings.least_rows)


def rate_lines(
    graded: Mapping[RiskGrade, int],
    policy: Mapping[RiskGrade, Action],
    grades: Counter[str],
    actions: Counter[str],
    settings: MonitoringSettings,
) -> Iterator[Line]:
    """Alert rate, grade mix and action mix against what the model alone would give the reference.

    An alert is a decision that does not approve. Rules add to it: a rule that starts to hit shows here.

    Parameters
    ----------
    graded : rows of the reference per grade, by score.
    policy : grade → action in force.
    grades, actions : how often each was decided.
    """
    n, m = actions.total(), sum(graded.values())
    expected: Counter[Action] = Counter()
    for grade, count in graded.items():
        expected[policy[grade]] += count
    possible = sorted(set(policy.values()) | {Action(name) for name in actions}, key=list(Action).index)
    one_of_many = 1 - (1 - settings.confidence) / (1 + len(graded) + len(possible))
    wanted = [("rate", "alert rate", n - actions[Action.APPROVE.value], m - expected[Action.APPROVE])]
    wanted += [("grade", grade.value, grades[grade.value], graded[grade]) for grade in graded]
    wanted += [("action", action.value, actions[action.value], expected[action]) for action in possible]
    for group, name, hits, hits_then in wanted:
        yield _rate_line(group, name, hits, n, hits_then, m, settings, one_of_many)


def _rate_line(
    group: str, name: str, hits: int, n: int, hits_then: int, m: int, settings: MonitoringSettings, confidence: float
) -> Line:
    low, high = wilson(hits, n, settings.confidence)
    away_low, away_high = difference(hits, n, hits_then, m, confidence)
    within = away_low <= 0 <= away_high
    # Half a row stands for none, so that a rate can be compared with an absent one.
    share, then = max(hits, 0.5) / max(n, 1), max(hits_then, 0.5) / max(m, 1)
    times = max(share / then, then / share)
    status = RiskGrade.NORMAL if within else settings.rate.grade(times)
    line = Line(
        group,
        name,
        status.value,
        hits / n if n else None,
        m,
        n,
        low=low,
        high=high,
        expected=hits_then / m if m else None,
        threshold=settings.rate.next_above(times),
        source=f"times away from expected; {settings.rate.source}",
        note="within chance" if within else f"{times:.2g} times away",
    )
    return too_few(line, settings.least_rows)


def degraded_line(n_degraded: int, n: int, settings: MonitoringSettings) -> Line:
    """Share of decisions that had to drop something."""
    low, high = wilson(n_degraded, n, settings.confidence)
    share = n_degraded / n if n else 0.0
    line = Line(
        "service",
        "degraded",
        settings.degraded.grade(share).value,
        share if n else None,
        n,
        n,
        low=low,
        high=high,
        expected=0.0,
        threshold=settings.degraded.next_above(share),
        source=settings.degraded.source,
    )
    return too_few(line, settings.least_rows)


def _numbers(table: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)
