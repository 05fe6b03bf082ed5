"""Whether the score keeps to the signs: declared ones firmly, expected ones that nobody declared as a warning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scoring.pages.drawing import CALM, FAINT, INK, RISK, compact
from scoring.pages.page import Block, Finding, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Tongue, Words, say
from training.effects import conditional_scores, grid_of
from training.families.constraints import expected_signs
from training.gates.monotone import declared_signs
from training.report.evidence import Evidence
from training.report.explanation_pictures import panels
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.sweeps import Violation, monotone_violations, thresholds

_SCORES = {False: 300_000, True: 50_000}
_MOST_ROWS, _FEWEST_ROWS = 200, 10
_PICTURED = {False: 6, True: 3}


@dataclass(frozen=True)
class _Signs:
    """Signs of features with an order: those the model was told to keep to, and those that were only expected."""

    declared: dict[str, int]
    open: dict[str, int]
    used: frozenset[str]
    n_features: int


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section."""
    bundle, test = evidence.bundle, evidence.test
    signs = _signs(evidence)
    cuts = thresholds(bundle.scorer.model_text)
    swept = [name for name in (*signs.declared, *signs.open) if name in cuts]
    n_values = sum(2 * len(cuts[name]) + 1 for name in swept)
    n_rows = int(np.clip(_SCORES[settings.light] // max(1, n_values), _FEWEST_ROWS, _MOST_ROWS))
    n_rows = min(n_rows, len(test.y))

    def raw(X: np.ndarray) -> np.ndarray:
        return bundle.scorer.raw_many(np.ascontiguousarray(X), threads=evidence.settings.threads)

    def violations(which: dict[str, int]) -> list[Violation]:
        asked = {name: sign for name, sign in which.items() if name in cuts}
        text, seed = bundle.scorer.model_text, evidence.settings.seed
        return monotone_violations(
            raw, test.X, bundle.encoder.names, asked, model_text=text, n_rows=n_rows, seed=seed
        )  # fmt: skip

    broken, against = violations(signs.declared), violations(signs.open)
    share = len(signs.declared) / max(1, signs.n_features)
    told = [
        _violations(signs, broken, n_rows),
        Statistic("signed_share", say("monotonicity.signed_share"), share, n=signs.n_features, form=".0%"),
        _against(signs, against, n_rows),
    ]
    held = [each.held(settings.limit(evidence.product, f"monotonicity.{each.key}")) for each in told]
    # Nobody told the model to keep to these: a warning at most.
    held = [
        replace(each, status=Status.AMBER) if each.key == "against" and each.status is Status.RED else each
        for each in held
    ]
    blocks: list[Block] = [
        Prose(say("monotonicity.intro", n=n_rows, n_values=n_values)), Statistics(tuple(held)),
        *_findings(broken, against), *_tables(broken, against),
        *_sweeps(evidence, signs, raw, _PICTURED[settings.light]), _signs_table(signs, broken, against),
    ]  # fmt: skip
    left_out: list[Words] = [say("monotonicity.no_missing")]
    if n_rows < _MOST_ROWS and n_rows < len(test.y):
        left_out.append(say("monotonicity.fewer_rows", n=n_rows, most=_MOST_ROWS))
    return Section("monotonicity", say("monotonicity.title"), tuple(blocks), tuple(left_out))


SECTION = Plan(140, "monotonicity", build)


def _signs(evidence: Evidence) -> _Signs:
    bundle = evidence.bundle
    categories = set(bundle.encoder.categories)
    declared = {name: sign for name, sign in declared_signs(bundle).items() if name not in categories}
    expected = {name: sign for name, sign in expected_signs(bundle.feature_set).items() if name not in categories}
    undeclared = {name: sign for name, sign in expected.items() if name not in declared}
    used = frozenset(thresholds(bundle.scorer.model_text))
    return _Signs(declared, undeclared, used, len(bundle.encoder.names))


def _violations(signs: _Signs, broken: list[Violation], n_rows: int) -> Statistic:
    name = say("monotonicity.violations")
    if not signs.declared:
        return not_assessed("violations", name, say("monotonicity.none_declared"))
    note = say("monotonicity.swept", n=len(signs.used & set(signs.declared)), declared=len(signs.declared))
    return Statistic("violations", name, float(len(broken)), n=n_rows, form=".0f", note=note)


def _against(signs: _Signs, against: list[Violation], n_rows: int) -> Statistic:
    name = say("monotonicity.against")
    if not signs.open:
        return not_assessed("against", name, say("monotonicity.none_open"))
    return Statistic("against", name, float(len(against)), n=n_rows, form=".0f")


def _findings(broken: list[Violation], against: list[Violation]) -> list[Block]:
    found: list[Block] = []
    if broken:
        worst = broken[0]
        words = say("monotonicity.breaks", n=len(broken), feature=worst.feature, worst=worst.worst)
        found.append(Finding("broken_sign", Status.RED, words))
    if against:
        words = say("monotonicity.goes_against", n=len(against), feature=against[0].feature, worst=against[0].worst)
        found.append(Finding("against_expectation", Status.AMBER, words))
    return found


def _tables(broken: list[Violation], against: list[Violation]) -> list[Table]:
    heads = ("feature", "sign", "worst", "from", "to")
    columns = [say(f"monotonicity.{head}") for head in heads]
    found = []
    for key, violations, status in (("violations", broken, Status.RED), ("against", against, Status.AMBER)):
        if violations:
            rows = [(each.feature, _sign(each.sign), each.worst, each.low, each.high) for each in violations]
            title = say(f"monotonicity.{key}_table")
            found.append(table_of(f"{key}_table", title, columns, rows, statuses=(status,) * len(rows)))
    return found


def _signs_table(signs: _Signs, broken: list[Violation], against: list[Violation]) -> Table:
    wrong = {each.feature for each in (*broken, *against)}
    rows = []
    for name, sign in sorted({**signs.declared, **signs.open}.items()):
        kind = "declared" if name in signs.declared else "expected"
        way = "unused" if name not in signs.used else "breaks_it" if name in wrong else "keeps"
        rows.append((name, _sign(sign), say(f"monotonicity.{kind}"), say(f"monotonicity.{way}")))
    columns = [say(f"monotonicity.{head}") for head in ("feature", "sign", "who", "found")]
    return table_of("signs", say("monotonicity.signs"), columns, rows, folded=True)


def _sweeps(evidence: Evidence, signs: _Signs, raw: Any, n: int) -> list[Picture]:
    """Mean sweep, and the middle 90 % of rows, of the features that move the score most and are numbers."""
    bundle, X = evidence.bundle, evidence.test.X
    rows = np.sort(np.random.default_rng(evidence.settings.seed).permutation(len(X))[:150])
    values = bundle.explainer.contributions_many(X[rows], threads=evidence.settings.threads)[:, :-1]
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable").tolist()
    names = bundle.encoder.names
    grids = {
        k: grid_of(X[:, k], 24) for k in order if names[k] in signs.used and names[k] not in bundle.encoder.categories
    }
    shown = [k for k, grid in grids.items() if len(grid) > 1][:n]
    if not shown:
        return []
    moved = {}
    for k in shown:
        lines = conditional_scores(raw, X[rows], k, grids[k])
        lines = lines - lines[:, :1]
        low, high = np.quantile(lines, [0.05, 0.95], axis=0)
        moved[k] = (lines.mean(axis=0), low, high)
    sign_of = {**signs.open, **signs.declared}

    def draw(tongue: Tongue) -> Any:
        figure, axes = panels(len(shown))
        for on, k in zip(axes, shown, strict=True):
            mean, low, high = moved[k]
            on.fill_between(grids[k], low, high, color=FAINT, linewidth=0)
            constrained = names[k] in signs.declared
            on.plot(
                grids[k],
                mean,
                color=CALM if constrained else RISK,
                linestyle="-" if constrained else "--",
                linewidth=1.4,
            )
            on.axhline(0, color=INK, linewidth=0.6)
            sign = f" ({'+' if sign_of[names[k]] > 0 else '−'})" if names[k] in sign_of else ""
            on.set_title(names[k] + sign, fontsize=7, loc="left")
            on.tick_params(labelsize=6)
            compact(on.xaxis)
        figure.supylabel(tongue(say("monotonicity.moved")), fontsize=8)
        return figure

    table = [(names[k], *map(float, each)) for k in shown for each in zip(grids[k], *moved[k], strict=True)]
    columns = [say(f"monotonicity.{head}") for head in ("feature", "value", "moved", "row_low", "row_high")]
    title = say("monotonicity.sweeps", n=len(rows))
    numbers = table_of("sweeps", title, columns, table, folded=True)
    return [Picture("sweeps", title, say("monotonicity.sweeps_say"), draw, numbers)]


def _sign(sign: int) -> Words:
    return say("monotonicity.rises" if sign > 0 else "monotonicity.falls")
