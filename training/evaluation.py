"""Evaluation on rows the model never saw: every figure with an interval, n and events beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from domain.decision import Product, RiskGrade
from domain.errors import DefinitionError, expected_got
from domain.money import exponent
from scoring.metrics import Ranking, brier, calibration_intervals, calibration_line, log_loss
from training.alerts import CardPrecision, card_precision, daily_alerts
from training.cards import card
from training.cutoffs import grade_codes
from training.intervals import bootstrap
from training.propensity import SUFFIX, effective_size, inverse_weights
from training.settings import TrainingSettings

CARDS_A_DAY = 100
"""The k of card precision: what the published lines use."""

_TOP_SHARE = 0.01
_MONEY = ("cost", "cost_without_model")


@dataclass(frozen=True)
class Scored:
    """Labelled rows with their scores.

    Parameters
    ----------
    y : int8[n]. raw : float64[n], log-odds margins. probability : float64[n], calibrated.
    day : int64[n], business days. amount : int64[n], minor units of base currency, or None.
    card : object[n], key of the card or account, or None.
    propensity : float64[n], probability with which the row's label was to be seen, NaN for rows that are not of the
        sample; None where no column says it.
    """

    y: np.ndarray
    raw: np.ndarray
    probability: np.ndarray
    day: np.ndarray
    amount: np.ndarray | None = None
    card: np.ndarray | None = None
    propensity: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic; ``value`` is None where it is not assessed, and ``note`` says why."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    n_events: int = 0
    note: str = ""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on one set of rows.

    Parameters
    ----------
    rows : what was evaluated: period and split.
    figures : in the order they are read.
    grades : per risk grade: rows, share, events, rate, mean probability.
    warning : says so where the split proves nothing about the future.
    """

    rows: str
    figures: tuple[Figure, ...]
    grades: tuple[Mapping[str, float | int | str], ...]
    warning: str | None = None

    def __getitem__(self, name: str) -> Figure:
        """One figure by name."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def table(self) -> pd.DataFrame:
        """Figures as rows; a warning stands in the column of notes of every one."""
        figures = self.figures
        if self.warning:
            figures = tuple(
                replace(each, note="; ".join(part for part in (self.warning, each.note) if part)) for each in figures
            )
        return pd.DataFrame([asdict(figure) for figure in figures]).set_index("name")

    def brief(self) -> pd.DataFrame:
        """Figures as people read them: the interval in one column."""
        rows = [
            (
                each.name, each.value,
                "" if each.low is None or each.high is None else f"{each.low:.4g} … {each.high:.4g}",
                each.n, each.n_events, each.note,
            )
            for each in self.figures
        ]  # fmt: skip
        columns = ["figure", "value", "95 % interval", "rows", "events", "note"]
        return pd.DataFrame(rows, columns=columns).astype({"value": float}).set_index("figure")

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return card(self.rows, self.brief(), warning=self.warning)

    def grade_table(self) -> pd.DataFrame:
        """Grades as rows; with a warning in a column of its own."""
        table = pd.DataFrame(list(self.grades)).set_index("grade")
        return table if self.warning is None else table.assign(warning=self.warning)

    def metrics(self) -> dict[str, float]:
        """Assessed figures and their limits by flat names, for a tracking store."""
        flat = {}
        for figure in self.figures:
            for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
                if value is not None and np.isfinite(value):
                    flat[f"test_{figure.name}{suffix}"] = float(value)
        return flat

    def to_json(self) -> str:
        """Everything, as JSON."""
        return json.dumps(
            {
                "rows": self.rows,
                "warning": self.warning,
                "figures": [_finite(asdict(figure)) for figure in self.figures],
                "grades": list(self.grades),
            },
            indent=2,
            ensure_ascii=False,
        )


def evaluate(
    scored: Scored,
    settings: TrainingSettings,
    cutoffs: Mapping[str, float],
    *,
    rows: str,
    base_currency: str,
    warning: str | None = None,
) -> Evaluation:
    """Measure with 95 % bootstrap intervals: over whole days for payments, over rows for loans.

    Raises
    ------
    DefinitionError
        When costs are not in the base currency.
    """
    by_day = settings.product is Product.PAYMENT and len(np.unique(scored.day)) > 1
    ranking = Ranking.of(scored.y, scored.raw)
    sums = _Sums.of(scored, settings, base_currency)
    cards = None
    if scored.card is not None:
        cards = card_precision(scored.y, scored.raw, scored.day, scored.card, CARDS_A_DAY)

    def statistic(counts: np.ndarray) -> dict[str, float]:
        weight = counts.astype(np.float64)
        summed = sums.figures(weight)
        # The prevalence stands before the average precision that it has to be read with.
        values = {"prevalence": summed["prevalence"], **ranking.figures(weight), **summed}
        return values if cards is None else {**values, **_cards(cards, scored.day, weight)}

    whole = statistic(np.ones(len(scored.y), np.int64))
    spread = bootstrap(statistic, len(scored.y), scored.day if by_day else None, settings.resamples, settings.seed)
    n, n_events = len(scored.y), int(scored.y.sum())
    how = f"bootstrap over {len(np.unique(scored.day))} days" if by_day else "bootstrap over rows"

    def note(name: str) -> str:
        return f"{base_currency}; {how}" if name in _MONEY else how

    figures = [
        Figure(name, value, spread[name].low, spread[name].high, n, n_events, note(name))
        for name, value in whole.items()
    ]
    line = calibration_line(scored.y, scored.probability)
    limits = calibration_intervals(scored.y, scored.probability, line, scored.day if by_day else None)
    for name, value, (low, high) in zip(("calibration_slope", "calibration_intercept"), line, limits, strict=True):
        figures.append(Figure(name, value, low, high, n, n_events, "cluster-robust Wald"))
    figures += _not_assessed(scored, settings)
    figures += _weighted(scored, settings, ranking, scored.day if by_day else None, how)
    return Evaluation(rows, tuple(figures), _grades(scored, cutoffs), warning)


@dataclass(frozen=True)
class _Sums:
    """Figures that are ratios of weighted sums over rows: one matrix product gives all sums of a resample.

    Parameters
    ----------
    columns : float64[n, k], one column a sum. names : of the columns. unit : minor units in one of the currency.
    """

    columns: np.ndarray
    names: tuple[str, ...]
    unit: int

    @classmethod
    def of(cls, scored: Scored, settings: TrainingSettings, base_currency: str) -> _Sums:
        prices = _prices(settings, base_currency)
        y = scored.y.astype(np.float64)
        p = np.clip(scored.probability, 1e-15, 1 - 1e-15)
        made = {
            "rows": np.ones(len(y)),
            "events": y,
            "squared": (scored.probability - y) ** 2,
            "surprise": -np.where(y == 1, np.log(p), np.log1p(-p)),
        }
        top = np.zeros(len(y))
        top[np.argsort(-scored.raw, kind="stable")[: max(1, round(_TOP_SHARE * len(top)))]] = 1.0
        made |= {"alerts_at_1pct": top, "hits_at_1pct": y * top}
        if settings.alert_budget is not None and settings.product is Product.PAYMENT:
            # A resample takes days as wholes, so the alerts of a day stay what they are.
            alert = daily_alerts(scored.raw, scored.day, settings.alert_budget.per_day).astype(np.float64)
            made |= {"alerts_at_budget": alert, "hits_at_budget": y * alert}
            if scored.amount is not None:
                lost = y * scored.amount
                made |= {"lost": lost, "saved": lost * alert}
                if prices is not None:
                    made["spent"] = prices[0] * alert + prices[1] * alert * (1 - y)
        return cls(np.column_stack(list(made.values())), tuple(made), 10 ** exponent(base_currency))

    def figures(self, weight: np.ndarray) -> dict[str, float]:
        total = dict(zip(self.names, (weight @ self.columns).tolist(), strict=True))
        n, events = total["rows"], total["events"]
        values = {
            "prevalence": events / n,
            "brier": total["squared"] / n,
            "log_loss": total["surprise"] / n,
        }
        for where in ("at_1pct", "at_budget"):
            if f"alerts_{where}" in total:
                hits = total[f"hits_{where}"]
                values[f"precision_{where}"] = hits / max(1.0, total[f"alerts_{where}"])
                values[f"recall_{where}"] = hits / max(1.0, events)
        if "lost" in total:
            lost = total["lost"]
            values["value_detection_rate"] = total["saved"] / lost if lost else float("nan")
            if "spent" in total:
                cost = lost - total["saved"] + total["spent"]
                values |= {"cost": cost / self.unit, "cost_without_model": lost / self.unit}
        return values


def _weighted(
    scored: Scored, settings: TrainingSettings, ranking: Ranking, cluster: np.ndarray | None, how: str
) -> list[Figure]:
    """The same for all traffic, declined requests too, where a let-through sample knows its propensity."""
    column = settings.propensity
    if column is None or scored.propensity is None:
        why = "settings name no propensity column" if column is None else f"no request carries {column}"
        return [Figure(settings.objective + SUFFIX, None, note=f"not assessed: {why}")]
    weight = inverse_weights(scored.propensity, column)
    sample = weight > 0
    n, n_events = int(sample.sum()), int(scored.y[sample].sum())
    if n_events == 0 or n_events == n:
        why = f"not assessed: {n:,} rows carry {column}, {n_events} of them positive"
        return [Figure(settings.objective + SUFFIX, None, n=n, n_events=n_events, note=why)]

    def statistic(counts: np.ndarray) -> dict[str, float]:
        each = counts * weight
        if not (each @ scored.y):
            return {}
        return {
            "events": float(each @ scored.y),
            "prevalence": float(np.average(scored.y, weights=each)),
            **ranking.figures(each),
            "brier": brier(scored.y, scored.probability, each),
            "log_loss": log_loss(scored.y, scored.probability, each),
        }

    whole = statistic(np.ones(len(scored.y), np.int64))
    spread = bootstrap(statistic, len(scored.y), cluster, settings.resamples, settings.seed)
    stands = (
        f"{n:,} rows stand for {weight.sum():,.0f} requests, as much as {effective_size(weight):,.0f} of equal weight"
    )
    return [
        Figure(
            name + SUFFIX, value, spread[name].low, spread[name].high, n, n_events,
            f"{'Horvitz-Thompson' if name == 'events' else 'Hájek'}, by 1/{column}: {stands}; {how}",
        )
        for name, value in whole.items()
    ]  # fmt: skip


def _cards(cards: CardPrecision, day: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    # A resample takes days as wholes; what was removed from a day stays as it happened.
    _, first = np.unique(day, return_index=True)
    times = weight[first][np.searchsorted(day[first], cards.days)]
    if not times.sum():
        return {"card_precision_100": float("nan"), "card_precision_100_ceiling": float("nan")}
    ceiling = np.minimum(cards.compromised / cards.k, 1.0)
    return {
        "card_precision_100": float(np.average(cards.precision, weights=times)),
        "card_precision_100_ceiling": float(np.average(ceiling, weights=times)),
    }


def _prices(settings: TrainingSettings, base_currency: str) -> tuple[int, int] | None:
    if settings.costs is None:
        return None
    for name, money in (("review", settings.costs.review), ("friction", settings.costs.friction)):
        if money.currency != base_currency:
            raise DefinitionError(expected_got(f"money in {base_currency}", str(money), f"costs.{name}"))
    return settings.costs.review.minor, settings.costs.friction.minor


def _not_assessed(scored: Scored, settings: TrainingSettings) -> list[Figure]:
    if settings.product is not Product.PAYMENT:
        return []
    missing = []
    if settings.alert_budget is None:
        why = "not assessed: settings give no alert_budget with a source"
        missing += [Figure(name, None, note=why) for name in ("recall_at_budget", "value_detection_rate")]
    if settings.costs is None or settings.alert_budget is None:
        missing.append(Figure("cost", None, note="not assessed: settings give no costs and alert_budget with a source"))
    if scored.card is None:
        missing.append(Figure("card_precision_100", None, note="not assessed: settings name no card column"))
    return missing


def _grades(scored: Scored, cutoffs: Mapping[str, float]) -> tuple[Mapping[str, float | int | str], ...]:
    codes = grade_codes(scored.probability, cutoffs)
    lines = []
    for code, grade in enumerate(RiskGrade):
        mine = codes == code
        n, n_events = int(mine.sum()), int(scored.y[mine].sum())
        lines.append(
            {
                "grade": grade.value,
                "n": n,
                "share": n / len(codes),
                "n_events": n_events,
                "rate": n_events / n if n else 0.0,
                "mean_probability": float(scored.probability[mine].mean()) if n else 0.0,
            }
        )
    return tuple(lines)


def _finite(values: dict[str, object]) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in values.items()
    }
