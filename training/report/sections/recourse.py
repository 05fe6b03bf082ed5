"""Whether those who were not approved could do something about it: credit only, immutable features held."""

from __future__ import annotations

import numpy as np

from domain.decision import Product
from scoring.interval import wilson
from scoring.pages.meanings import group_named, meaning
from scoring.pages.page import Block, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.values import column_named
from scoring.pages.words import Words, joined, minus, say
from scoring.recourse import Recourse, Recourses, actionable
from training.cutoffs import GRADES
from training.intervals import LEVEL, bootstrap
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings

_ROWS = {False: 120, True: 12}
_DRAWS = {False: 300, True: 60}
_WAYS = 3


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section."""
    bundle, test = evidence.bundle, evidence.test
    cutoff = bundle.cutoffs[GRADES[0]]
    refused = np.flatnonzero(test.probability >= cutoff)
    chosen = np.sort(np.random.default_rng(evidence.settings.seed).permutation(refused)[: _ROWS[settings.light]])
    search = Recourses(bundle)
    found = [search.of(test.X[row], cutoff, at_most=_WAYS) for row in chosen]
    told = [*_shares(found, cutoff), *_sizes([ways[0] for ways in found if ways], _DRAWS[settings.light], evidence)]
    held = tuple(each.held(settings.limit(evidence.product, f"recourse.{each.key}")) for each in told)
    free = actionable(bundle)
    fixed = [name for name in bundle.encoder.names if name not in free]
    blocks: list[Block] = [
        Prose(say("recourse.intro", n=len(chosen), whole=len(refused), cutoff=cutoff)),
        Statistics(held), _changes(found),
        Prose(say("recourse.free", names=joined(map(column_named, free)) or "—"), quiet=True),
        _fixed(evidence, fixed),
    ]  # fmt: skip
    left_out: list[Words] = [say("recourse.no_cost")]
    if len(chosen) < len(refused):
        left_out.append(say("recourse.sampled", n=len(chosen), whole=len(refused)))
    return Section("recourse", say("recourse.title"), tuple(blocks), tuple(left_out))


SECTION = Plan(160, "recourse", build, (Product.LOAN,))


def _shares(found: list[tuple[Recourse, ...]], cutoff: float) -> list[Statistic]:
    names = {key: say(f"recourse.{key}") for key in ("with_way", "verified")}
    if not found:
        return [not_assessed(key, name, say("recourse.nobody")) for key, name in names.items()]
    n = sum(bool(ways) for ways in found)
    low, high = wilson(n, len(found), LEVEL)
    shares = [Statistic("with_way", names["with_way"], n / len(found), low, high, len(found), form=".0%")]
    ways = [way for ways in found for way in ways]
    if not ways:
        return [*shares, not_assessed("verified", names["verified"], say("recourse.no_way"), n=len(found))]
    verified = float(np.mean([way.probability < cutoff for way in ways]))
    return [*shares, Statistic("verified", names["verified"], verified, n=len(ways), form=".0%")]


def _sizes(first: list[Recourse], n_draws: int, evidence: Evidence) -> list[Statistic]:
    """Of the easiest way of each who has one."""
    names = {key: say(f"recourse.{key}") for key in ("n_changes", "effort")}
    if not first:
        return [not_assessed(key, name, say("recourse.no_way")) for key, name in names.items()]
    measured = {
        "n_changes": np.array([len(way.changes) for way in first], np.float64),
        "effort": np.array([way.effort for way in first]),
    }

    def means(weight: np.ndarray) -> dict[str, float]:
        return {key: float(np.average(values, weights=weight)) for key, values in measured.items()}

    spread = bootstrap(means, len(first), None, n_draws, evidence.settings.seed)
    whole = means(np.ones(len(first)))
    return [
        Statistic(key, name, whole[key], spread[key].low, spread[key].high, len(first), form=".2f")
        for key, name in names.items()
    ]


def _changes(found: list[tuple[Recourse, ...]]) -> Table:
    """How often each number would have to change in the easiest way, and by how much."""
    moved: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for ways in found:
        for change in ways[0].changes if ways else ():
            moved.setdefault(change.feature, []).append((change.after - change.before) / max(abs(change.before), 1e-9))
            units[change.feature] = change.unit
    rows = [
        (
            name,
            meaning(units[name]),
            len(shares),
            minus(f"{np.median(shares):+.0%}"),
            minus(f"{max(shares, key=abs):+.0%}"),
        )
        for name, shares in sorted(moved.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    columns = [say(f"recourse.{head}") for head in ("feature", "unit", "times", "median", "largest")]
    return table_of("changes", say("recourse.changes"), columns, rows)


def _fixed(evidence: Evidence, names: list[str]) -> Table:
    group = {feature.name: feature.group for feature in evidence.bundle.feature_set.features}
    columns = [say("recourse.feature"), say("recourse.group")]
    return table_of(
        "fixed",
        say("recourse.fixed", n=len(names)),
        columns,
        [(name, group_named(group[name])) for name in names],
        folded=True,
    )
