"""Where the data come from, what is missing, constant or out of range, and how often the event happened when."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.decision import Product
from scoring.pages.meanings import group_named
from scoring.pages.page import Block, Cell, Facts, Picture, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.words import Tongue, Words, joined, minus, say
from training.intervals import bootstrap
from training.profile import (
    Prevalence,
    by_period,
    by_week,
    constants,
    missing_shares,
    outside,
    quantiles,
)
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.lighter import lighter
from training.report.plan import Plan
from training.report.settings import ReportSettings

_SHARES = (0.0, 0.01, 0.5, 0.99, 1.0)
_NAMED = 12

LIGHT_ROWS = 10_000
"""Of each part, where the report is to be light."""

MOVED, BEYOND = 0.20, 0.05
"""A missing share that moves further, or more test values out of range, puts a feature in doubt."""


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Lineage, missing values by group, ranges, prevalence over time."""
    if settings.light:
        evidence = lighter(evidence, LIGHT_ROWS)
    periods = _periods(evidence)
    blocks: list[Block] = [
        Facts("lineage", _lineage(evidence), say("data_quality.lineage")),
        Statistics(_statistics(evidence, settings), say("data_quality.statistics")),
        _groups(evidence),
        _picture(periods),
        _ranges(evidence),
    ]
    left_out = (say("data_quality.sampled", most=LIGHT_ROWS),) if settings.light else ()
    return Section("data_quality", say("data_quality.title"), tuple(blocks), left_out)


def _lineage(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    span = evidence.about.get("snapshot") or {}
    features = evidence.bundle.feature_set
    groups: dict[str, int] = {}
    for each in features.features:
        groups[each.group] = groups.get(each.group, 0) + 1
    told: list[tuple[Words, Cell]] = [
        (say("data_quality.after_seq"), span.get("after_seq")),
        (say("data_quality.upto_seq"), span.get("upto_seq")),
        (say("data_quality.n_rows"), span.get("n_rows")),
        (say("data_quality.journal"), span.get("data")),
        (say("data_quality.data_hash"), evidence.about.get("data_hash")),
        (say("data_quality.as_of"), evidence.about.get("labels_as_of")),
        (say("data_quality.views"), ", ".join(view.name for view in features.views)),
        (
            say("data_quality.groups"),
            joined(say("data_quality.of", name=group_named(g), n=n) for g, n in sorted(groups.items())),
        ),
        (say("data_quality.n_features"), len(features.names)),
        (say("data_quality.categorical"), ", ".join(features.categorical) or say("data_quality.none")),
    ]
    return tuple((name, value) for name, value in told if value is not None)


def _statistics(evidence: Evidence, settings: ReportSettings) -> tuple[Statistic, ...]:
    made = (
        _missing_moved(evidence),
        _constant(evidence),
        _out_of_range(evidence),
        _prevalence(evidence, settings),
    )
    return tuple(each.held(settings.limit(evidence.product, f"data_quality.{each.key}")) for each in made)


def _missing_moved(evidence: Evidence) -> Statistic:
    """What features whose missing share moved from training to test bear of the model's contributions."""
    then, now = missing_shares(evidence.train.X), missing_shares(evidence.test.X)
    return _borne(evidence, "missing_moved", np.abs(now - then), MOVED)


def _constant(evidence: Evidence) -> Statistic:
    name = say("data_quality.constant")
    if not len(evidence.train.X):
        return not_assessed("constant", name, say("data_quality.no_rows"))
    same = constants(evidence.train.X)
    names = [each for each, flag in zip(evidence.bundle.feature_set.names, same, strict=True) if flag]
    more = f" … (+{len(names) - _NAMED})" if len(names) > _NAMED else ""
    note: Words = ", ".join(names[:_NAMED]) + more
    return Statistic("constant", name, float(same.mean()), n=len(evidence.train.X), note=note, form=".1%")


def _out_of_range(evidence: Evidence) -> Statistic:
    """What numbers that often lie beyond all that was seen in training bear of the model's contributions."""
    places = _numbers(evidence)
    low, high = quantiles(evidence.train.X[:, places], (0.0, 1.0))
    beyond = np.zeros(len(evidence.bundle.feature_set.names))
    beyond[places] = np.nan_to_num(outside(evidence.test.X[:, places], low, high))
    return _borne(evidence, "out_of_range", beyond, BEYOND)


def _borne(evidence: Evidence, key: str, extent: np.ndarray, limit: float) -> Statistic:
    """Share of the mean absolute contributions that features beyond a limit bear; the furthest one is named."""
    name, names = say(f"data_quality.{key}", limit=limit), evidence.bundle.feature_set.names
    told = evidence.frame("shap.csv")
    if not len(evidence.train.X) or not len(evidence.test.X):
        return not_assessed(key, name, say("data_quality.no_rows"))
    if told is None:
        return not_assessed(key, name, say("data_quality.no_contributions"))
    shares = dict(zip(told["feature"].astype(str), told["share"].astype(float), strict=True))
    beyond = extent > limit
    value = float(sum(shares.get(each, 0.0) for each, flag in zip(names, beyond, strict=True) if flag))
    furthest = int(np.argmax(extent))
    note = say("data_quality.furthest_is", n=int(beyond.sum()), feature=names[furthest], extent=float(extent[furthest]))
    return Statistic(key, name, value, n=len(evidence.test.X), note=note, form=".1%")


def _numbers(evidence: Evidence) -> list[int]:
    features = evidence.bundle.feature_set
    return [place for place, name in enumerate(features.names) if name not in features.categorical]


def _prevalence(evidence: Evidence, settings: ReportSettings) -> Statistic:
    """Rate of positives on the test over that of training."""
    name = say("data_quality.prevalence_ratio")
    then, now = (rows.only(rows.labelled) for rows in (evidence.train, evidence.test))
    n, k = len(now.y), int((now.y == 1).sum())
    if not (then.y == 1).any() or not n:
        return not_assessed("prevalence_ratio", name, say("data_quality.no_events"), n=n, n_events=k)
    y = np.concatenate([then.y, now.y]).astype(np.float64)
    late = np.repeat([False, True], [len(then.y), n])
    day = np.concatenate([then.day, now.day])

    def ratio(weight: np.ndarray) -> dict[str, float]:
        if not (weight * y)[~late].sum() or not weight[late].sum():
            return {}
        first, second = (float(np.average(y[mine], weights=weight[mine])) for mine in (~late, late))
        return {"ratio": second / first}

    value = ratio(np.ones(len(y)))["ratio"]
    by_day = evidence.product is Product.PAYMENT and len(np.unique(day)) > 1
    draws = 60 if settings.light else 300
    spread = bootstrap(ratio, len(y), day if by_day else None, draws, evidence.settings.seed)["ratio"]
    note = say("data_quality.rates", then=float(then.y.mean()), now=k / n)
    return Statistic("prevalence_ratio", name, value, spread.low, spread.high, n=n, n_events=k, note=note, form=".2f")


def _groups(evidence: Evidence) -> Table:
    """Missing share of each group of features, training beside test."""
    features = evidence.bundle.feature_set
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(features.names):
        groups.setdefault(features.feature(name).group, []).append(place)
    then, now = missing_shares(evidence.train.X), missing_shares(evidence.test.X)
    rows: list[list[Cell]] = []
    for group, places in sorted(groups.items()):
        apart = now[places] - then[places]
        furthest = places[int(np.argmax(np.abs(np.nan_to_num(apart))))]
        shares = [_percent(float(part[places].mean())) for part in (then, now)]
        rows.append(
            [
                group_named(group),
                len(places),
                *shares,
                features.names[furthest],
                _percent(float(now[furthest] - then[furthest])),
            ]
        )
    heads = [say(f"data_quality.{name}") for name in ("group", "n_features", TRAIN, TEST, "furthest", "change")]
    return table_of("missing", say("data_quality.missing"), heads, rows)


def _percent(share: float) -> str | None:
    return None if np.isnan(share) else minus(f"{share:.1%}")


def _ranges(evidence: Evidence) -> Table:
    features = evidence.bundle.feature_set
    places = _numbers(evidence)
    found = quantiles(evidence.train.X[:, places], _SHARES)
    then, now = (missing_shares(part.X[:, places]) for part in (evidence.train, evidence.test))
    beyond = outside(evidence.test.X[:, places], found[0], found[-1])
    rows: list[list[Cell]] = [
        [
            features.names[place],
            *(None if np.isnan(value) else float(value) for value in found[:, row]),
            _percent(float(then[row])), _percent(float(now[row])), _percent(float(beyond[row])),
        ]
        for row, place in enumerate(places)
    ]  # fmt: skip
    heads: list[Words] = [say("data_quality.feature"), say("data_quality.least"), "1 %", "50 %", "99 %"]
    heads += [say(f"data_quality.{name}") for name in ("most", "missing_train", "missing_test", "beyond")]
    return table_of("ranges", say("data_quality.ranges"), heads, rows, folded=True)


def _periods(evidence: Evidence) -> dict[str, tuple[Prevalence, ...]]:
    """Of each part, by the same unit of time."""
    rows = {part: getattr(evidence, part) for part in (TRAIN, CALIBRATION, TEST)}
    labelled = {part: each.only(each.labelled) for part, each in rows.items()}
    weekly = by_week(np.concatenate([each.day for each in labelled.values()]))
    return {part: by_period(each.day, each.y, weekly=weekly) for part, each in labelled.items()}


def _picture(periods: dict[str, tuple[Prevalence, ...]]) -> Picture:
    rows: list[list[Cell]] = [
        [
            say(f"data_quality.{part}"),
            each.label,
            each.n,
            each.n_events,
            f"{each.rate:.2%}",
            f"{each.low:.2%}",
            f"{each.high:.2%}",
        ]
        for part, found in periods.items()
        for each in found
    ]
    names = ("part", "from", "n", "n_events", "rate", "low", "high")
    heads = [say(f"data_quality.{name}") for name in names]
    table = table_of("prevalence", say("data_quality.prevalence"), heads, rows, folded=True)

    def draw(tongue: Tongue) -> Any:
        return draw_prevalence(periods, tongue)

    return Picture("prevalence", say("data_quality.prevalence"), say("data_quality.prevalence_described"), draw, table)


def draw_prevalence(periods: dict[str, tuple[Prevalence, ...]], tongue: Tongue) -> Any:
    """Rate of positives with its interval, week by week, the parts told apart by marker and line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = figure.subplots()
    looks = {TRAIN: ("#6b7280", "o", "-"), CALIBRATION: ("#2f6690", "s", "--"), TEST: ("#b4442f", "^", "-.")}
    place, ticks = 0, []
    for part, found in periods.items():
        if not found:
            continue
        colour, marker, line = looks[part]
        x = np.arange(place, place + len(found))
        rate = np.array([each.rate for each in found]) * 100
        reach = np.array([[each.rate - each.low, each.high - each.rate] for each in found]).T * 100
        axes.errorbar(
            x, rate, np.maximum(reach, 0.0), color=colour, marker=marker, linestyle=line, markersize=4, linewidth=1,
            elinewidth=0.8, label=tongue(say(f"data_quality.{part}")),
        )  # fmt: skip
        ticks += [(int(at), each.label) for at, each in zip(x, found, strict=True)]
        place += len(found)
    every = max(1, len(ticks) // 8)
    axes.set_xticks([at for at, _ in ticks[::every]], [label for _, label in ticks[::every]], rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel(tongue(say("data_quality.rate_percent")))
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return figure


SECTION = Plan(50, "data_quality", build)
