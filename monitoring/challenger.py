"""Champion and challenger on the same decisions: what the shadow has scored against what was decided.

1. ledger, shadow.db  -> decisions of the champion that the challenger has scored
2. released outcomes  -> mature labels of what was not stopped
3. ranking            -> AUC and average precision of both, and their difference over the same resamples of days
4. actions            -> alerts, value caught, cost of both, and their difference

Both are measured on what the champion let through: of what it stopped nobody knows the label, and a challenger that
would have let it through can be neither praised nor blamed for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import ACTIONS, Action, Product
from domain.errors import DataError
from domain.labels import LabelPolicy
from domain.money import exponent
from domain.settings import PlatformSettings
from domain.time import format_instant
from monitoring.by_day import Days, Estimate, Floats, as_json
from monitoring.chunk import Chunker
from monitoring.what_if.rejudge import SUBJECT_KIND
from monitoring.what_if.sides import Prices, TwoSides, action_matrix, labelled
from scoring.labels import NEGATIVE, POSITIVE, count_statuses
from scoring.metrics import Ranking
from scoring.released import Outcomes
from stores.journal import Journal

LEAST_EVENTS = 5
"""Fewer labelled frauds, or fewer good ones, and no ranking is assessed."""


@dataclass(frozen=True)
class Contest:
    """How a challenger compares.

    Parameters
    ----------
    champions : bundle that decided → decisions. n : decisions that both scored.
    n_decided : decisions of the period by a model. skipped : reason → decisions the shadow ever left out.
    figures : ``champion_…``, ``challenger_…`` and their paired ``change_…``; money in whole units.
    matrix : champion's action → challenger's → decisions.
    labels : status → decisions among those that were not stopped. labels_held : outcomes that were held back.
    labels_as_of : no label known later counts.
    blocked : how many were stopped, and their share.
    took_us : median and 99th percentile of a shadow score.
    """

    product: str
    challenger: str
    champions: Mapping[str, int]
    n: int
    n_decided: int
    n_days: int
    currency: str
    figures: Mapping[str, Estimate]
    matrix: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, int]
    labels_held: int
    labels_as_of: str
    blocked: Mapping[str, Any]
    skipped: Mapping[str, int]
    took_us: Mapping[str, float]
    not_assessed: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return as_json(self)


def contest(
    product: Product,
    decisions: pa.Table,
    shadow: pa.Table,
    journal: Journal,
    outcomes: Outcomes,
    *,
    skipped: Mapping[str, int],
    labels: LabelPolicy,
    maturity: int,
    as_of: int,
    since: int,
    until: int,
    platform: PlatformSettings,
    prices: Prices | None,
    n_draws: int = 400,
    seed: int = 7,
) -> Contest:
    """Compare on the decisions that both have scored.

    Parameters
    ----------
    decisions, shadow : of the period ``[since, until)``. maturity : µs. as_of : labels known by then count.

    Raises
    ------
    DataError
        When there is no such decision.
    """
    scored = decisions.filter(pc.is_valid(decisions["score"]))
    pairs = scored.select(["decision_id", "seq", "decided_at", "model", "action", "raw_score"]).join(
        shadow.select(["decision_id", "model", "action", "raw_score", "took_us"]), "decision_id",
        right_suffix="_shadow", join_type="inner",
    ).sort_by("seq")  # fmt: skip
    if not pairs.num_rows:
        raise DataError("challenger: expected decisions in the period that the shadow has scored, found none")
    subjects, amount = subjects_of(product, pairs["seq"], journal, platform)
    chunker = Chunker("day", platform.time_zone)
    chunks = list(chunker.between(chunker.around(since).since, chunker.around(until - 1).until))
    starts = np.array([chunk.since for chunk in chunks])
    day = (np.searchsorted(starts, pairs["decided_at"].to_numpy(), side="right") - 1).astype(np.int64)
    days = Days.of(len(chunks), n_draws, seed)
    order = {action: place for place, action in enumerate(ACTIONS[product])}
    old, new = (
        np.array([order[Action(name)] for name in pairs[column].to_pylist()]) for column in ("action", "action_shadow")
    )
    status, stopped = labelled(subjects, outcomes.table, labels, maturity, as_of, old == order[Action.DECLINE])
    known = ~stopped & np.isin(status, (POSITIVE, NEGATIVE))
    fraud = known & (status == POSITIVE)
    sides = TwoSides(days, day, old, new, amount, known, fraud, order, ("champion", "challenger"))
    figures, not_assessed = _figures(sides, pairs, prices, 10.0 ** exponent(platform.base_currency))
    if stopped.any():
        not_assessed["blocked_traffic"] = "what the champion stopped has no label: no estimate counts it"
    took = pairs["took_us"].to_numpy()
    return Contest(
        product=product.value,
        challenger=str(pairs["model_shadow"][0]),
        champions=dict(Counter(pairs["model"].to_pylist())),
        n=pairs.num_rows,
        n_decided=scored.num_rows,
        n_days=len(chunks),
        currency=platform.base_currency,
        figures=figures,
        matrix=action_matrix(order, old, new, np.ones(len(old), np.int64)),
        labels=dict(count_statuses(status[~stopped])),
        labels_held=len(outcomes.held_seqs),
        labels_as_of=format_instant(as_of),
        blocked={"n": int(stopped.sum()), "share": float(stopped.mean())},
        skipped=dict(skipped),
        took_us={"p50": float(np.quantile(took, 0.5)), "p99": float(np.quantile(took, 0.99))},
        not_assessed=not_assessed,
    )


def _figures(
    sides: TwoSides, pairs: pa.Table, prices: Prices | None, unit: float
) -> tuple[dict[str, Estimate], dict[str, str]]:
    figures = dict(sides.alerts())
    not_assessed: dict[str, str] = {}
    n_fraud, n_good = int(sides.fraud.sum()), int((sides.known & ~sides.fraud).sum())
    if min(n_fraud, n_good) < LEAST_EVENTS:
        not_assessed["ranking"] = f"{n_fraud} frauds and {n_good} good ones among mature labels"
    else:
        raws = [pairs[name].to_numpy()[sides.known] for name in ("raw_score", "raw_score_shadow")]
        figures |= ranking(
            sides.days, sides.day[sides.known], sides.fraud[sides.known].astype(np.int8), raws[0], raws[1]
        )
    if n_fraud:
        figures |= sides.value()
    else:
        not_assessed["value_caught"] = "no fraud among mature labels of what was not stopped"
    if prices is None:
        not_assessed["cost"] = "no costs of actions with a source in the training config"
    elif sides.known.any():
        figures |= sides.costs(prices, unit)
    else:
        not_assessed["cost"] = "no mature label"
    return figures, not_assessed


def ranking(
    days: Days, day: NDArray[np.int64], y: NDArray[np.int8], champion: Floats, challenger: Floats
) -> dict[str, Estimate]:
    """AUC and average precision of both raw scores and their paired differences; whole days are drawn.

    Parameters
    ----------
    day : int64[n], of each row. y : int8[n], 1 fraud.
    """
    both = {"champion": Ranking.of(y, champion), "challenger": Ranking.of(y, challenger)}
    whole = {side: ranked.figures() for side, ranked in both.items()}
    drawn = [{side: ranked.figures(counts[day]) for side, ranked in both.items()} for counts in days.counts]
    found: dict[str, Estimate] = {}
    for name in ("auc", "average_precision"):
        for side in both:
            found[f"{side}_{name}"] = days.estimate(whole[side][name], np.array([each[side][name] for each in drawn]))
        apart = np.array([each["challenger"][name] - each["champion"][name] for each in drawn])
        found[f"change_{name}"] = days.estimate(whole["challenger"][name] - whole["champion"][name], apart)
    return found


def subjects_of(
    product: Product, seqs: pa.ChunkedArray, journal: Journal, platform: PlatformSettings, more: Sequence[str] = ()
) -> tuple[pa.Table, Floats]:
    """Heads of the decided events in the order of ``seqs``, and their amounts in whole units of the base currency.

    Parameters
    ----------
    more : columns that are wanted beside.
    """
    wanted = seqs.combine_chunks()
    first, last = pc.min(wanted).as_py(), pc.max(wanted).as_py()
    columns = ["client", "event_id", "event_time", "seq", "amount", "currency", *more]
    found = journal.read(SUBJECT_KIND[product], after=first - 1, upto=last, columns=columns)
    found = found.filter(pc.is_in(found["seq"], value_set=wanted)).sort_by("seq")
    if found.num_rows != len(wanted):
        raise DataError(f"challenger: expected the event of every decision in the journal, {found.num_rows} are there")
    fx, unit = platform.fx_table(), 10.0 ** exponent(platform.base_currency)
    rows = zip(*(found[name].to_pylist() for name in ("amount", "currency", "event_time")), strict=True)
    return found, np.array([fx.to_base(*row) for row in rows], np.float64) / unit
